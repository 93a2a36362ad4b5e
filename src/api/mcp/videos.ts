// Tool generate_video: makes a job and returns its id at once, since a video takes longer than clients wait.

import { type InputMedia, VIDEO_ASPECTS, type VideoMode, type VideoOptions } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { ownMediaId, readInput } from "../../gateway/generation/inputs/inputs.ts";
import { JobClient } from "../../gateway/generation/undelivered/job-client.ts";
import type { CreateVideoJob, Jobs } from "../../gateway/jobs/contract.ts";
import { usualVideoMs } from "../../gateway/jobs/job-state.ts";
import { countOr, mustBe } from "../body/invalid.ts";
import { foldSeed } from "../seed.ts";
import { type Api, admitInputs, type Call, jobMeta, modelOf, referenceOf, repetitionOf, type ToolResult } from "./call.ts";
import { VIDEO_SECONDS, type VideoArguments } from "./schema.ts";

/** @throws {AppError} what the arguments lack, and as `Jobs.createVideo` */
export async function generateVideo(api: Api, call: Call, given: VideoArguments): Promise<ToolResult> {
  const { key, requestId, startedAt } = call;
  const jobs = jobsOf(api);
  const choice = modelOf(api, given.model, "video");
  const { references, mode } = imagesOf(given);
  if (references.length > 0 || given.video) admitInputs(api, call, "video", given);
  const source = given.video ? await sourceOf(api, call, given.video.trim()) : undefined;
  const owner = { keyId: key.id, requestId, signal: call.signal };
  const images = (await Promise.all(references.map((image) => readInput(api.inputs, image, owner)))).filter((image) => image !== null);
  const { idempotencyKey, insist } = repetitionOf(call, given);
  const client = new JobClient(call.signal, insist);
  const options: VideoOptions = {
    aspect: aspectOf(given.aspect_ratio),
    resolution: given.resolution ?? undefined,
    seconds: countOr(undefined, given.seconds, "seconds", VIDEO_SECONDS),
    seed: foldSeed(given.seed),
    // A model id that fixes where a video begins decides what its images are.
    mode: source && given.extend ? "extend" : mode === "references" && choice.params.modes ? undefined : mode,
  };
  const job = await jobs.createVideo({
    ...{ requestId, choice, prompt: given.prompt, options, images, source, idempotencyKey, client, startedAt },
    dialect: "mcp",
    route: "POST /mcp generate_video",
    keyId: key.id,
  });
  call.onSent(client.delivered);
  const seconds = Math.ceil(usualVideoMs(job.seconds) / 1000);
  const text = `Job ${job.id} makes the video with ${job.family}, usually within ${seconds} s. Call get_job with this id and wait_seconds 45, again until it is done.`;
  return { content: [{ type: "text", text }], _meta: jobMeta(job) };
}

export function jobsOf({ jobs }: Api): Jobs {
  if (jobs) return jobs;
  throw new AppError("not_found", "This server makes no videos.", { reason: "no_jobs" });
}

/** First and last image, or images to go by. Mode undefined: the inputs decide. */
function imagesOf({ first_frame, last_frame, reference_images }: VideoArguments) {
  const texts = typeof reference_images === "string" ? [reference_images] : (reference_images ?? []);
  const references = texts.map((url, index) => referenceOf(url, `reference_images[${index}]`));
  if (!first_frame && !last_frame) return { references, mode: references.length > 0 ? ("references" as VideoMode) : undefined };
  if (references.length > 0) throw invalid("reference_images", "a video begins and ends with images or goes by references, not both");
  if (!first_frame) throw invalid("last_frame", "a last image needs a first one");
  const first = referenceOf(first_frame, "first_frame");
  return last_frame
    ? { references: [first, referenceOf(last_frame, "last_frame")], mode: "frames" as VideoMode }
    : { references: [first], mode: "first_frame" as VideoMode };
}

const invalid = (param: string, words: string) => new AppError("invalid_request", `${param}: ${words}.`, { param });

/** The job that made the video goes before its bytes: its token may go on from it upstream. */
async function sourceOf(api: Api, call: Call, video: string): Promise<NonNullable<CreateVideoJob["source"]>> {
  const { key, requestId, signal } = call;
  const mediaId = ownMediaId(video);
  const job = /^video_\w+$/.test(video) ? await jobsOf(api).get(video, key.id) : mediaId && (await jobsOf(api).makerOf(mediaId, key.id));
  if (job) return { jobId: job.id };
  const media: InputMedia | null = /^video_\w+$/.test(video)
    ? null
    : await readInput(api.inputs, referenceOf(video, "video"), { keyId: key.id, requestId, signal }, "video");
  if (media) return { media };
  throw new AppError("not_found", "video: there is no such video of this key.", { param: "video", reason: "video_not_found" });
}

const NAMED_ASPECTS: Readonly<Record<string, VideoOptions["aspect"]>> = { landscape: "16:9", portrait: "9:16" };

function aspectOf(text: string | null | undefined): VideoOptions["aspect"] {
  const word = text?.trim().toLowerCase();
  if (!word || word === "auto") return undefined;
  const found = VIDEO_ASPECTS.find((aspect) => aspect === word) ?? NAMED_ASPECTS[word];
  if (!found) throw mustBe("aspect_ratio", VIDEO_ASPECTS.map((aspect) => JSON.stringify(aspect)).join(" or "), text);
  return found;
}
