// Interactions: images and videos as jobs, returned at once, when done, or as events.

import type { OutputPart } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import { AppError } from "../../../errors.ts";
import type { InputReference, UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { partsOf } from "../../../gateway/generation/undelivered/image-output.ts";
import { JobClient } from "../../../gateway/generation/undelivered/job-client.ts";
import { failureOf } from "../../../gateway/jobs/job-state.ts";
import { readImageOptions } from "../../../gateway/models/image-options.ts";
import { ignoredHeader, pickModelOptions } from "../../../gateway/models/model-options.ts";
import { admitBody } from "../../admission.ts";
import { splitUrl } from "../../dialect.ts";
import { sendEarly } from "../../early-bytes.ts";
import { idempotencyKeyOf, insists } from "../../generation-headers.ts";
import { renderImage } from "../../image-output.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import { frame, stoppable, streamFrames } from "../../sse.ts";
import { type Api, type Call, jobsOf, modelOf } from "../call.ts";
import { errorBody } from "../errors.ts";
import { eventPieces } from "../generate/stream.ts";
import { interactionId, interactionJobId, videoUri } from "../job-names.ts";
import { mediaReference, readTurns } from "../references.ts";
import { leftByJob } from "../run.ts";
import { InteractionBody, tolerant } from "../schema.ts";
import { exactAspect } from "../video-options.ts";
import { readImages, readSource } from "../videos.ts";
import { type DecodedInteraction, decodeInteraction } from "./decode.ts";
import { encodeFailure, encodeInteraction, type OutputBlock, readEcho, statusOf, wordsOf, writeEcho } from "./encode.ts";

const validate = tolerant(InteractionBody);
const ROUTE = "POST /v1beta/interactions";
const VIDEO = ["video"] as const;
const HINT_NAMES = { aspectRatio: "response_format.aspect_ratio", imageSize: "response_format.image_size" } as const;

/** @throws {AppError} everything that is known before the job is safe; a job goes on when its client leaves */
export async function createInteraction(api: Api, call: Call): Promise<Response> {
  const { signal, stop } = stoppable(call.request);
  const client = new JobClient(signal, insists(call.request));
  const { job, stream, background } = await begin(api, call, client);
  if (stream) return streamed(api, call, job, { signal, stop, client });
  if (background) return answer(api, call, job, client);
  const whole = async () => answer(api, call, await ended(api, call, job), client);
  return sendEarly({ api, startedAt: call.startedAt, headers: () => client.headers, errorBody, whole });
}

export async function getInteraction(api: Api, call: Call, id: string): Promise<Response> {
  const job = await jobOf(api, call, id);
  const isStream = new URLSearchParams(splitUrl(call.request.url).query).get("stream") === "true";
  return isStream ? streamed(api, call, job, stoppable(call.request)) : answer(api, call, job);
}

export async function cancelInteraction(api: Api, call: Call, id: string): Promise<Response> {
  const { id: jobId } = await jobOf(api, call, id);
  return answer(api, call, (await jobsOf(api).cancel(jobId, call.key.id))!);
}

export async function deleteInteraction(api: Api, call: Call, id: string): Promise<Response> {
  const { id: jobId } = await jobOf(api, call, id);
  await jobsOf(api).remove(jobId, call.key.id);
  return Response.json({});
}

async function begin(api: Api, call: Call, client: JobClient) {
  admitBody(api, call.request, call.key.id, null);
  // The body's bytes count until its images are stored.
  using body = await api.bodies.json(call.request, validate);
  const decoded = decodeInteraction(body.value);
  const previous = decoded.previous === undefined ? null : await jobOf(api, call, decoded.previous);
  const make = modelOf(api.catalogue(), decoded.model).kind === "video" ? makeVideo : makeImage;
  const { stream, background } = decoded;
  return { job: await make(api, call, { client, decoded, previous }), stream, background };
}

const ignoredOf = (api: Api, { model, options, ignored }: DecodedInteraction) => [
  ...ignored,
  ...leftByJob(api, modelOf(api.catalogue(), model), pickModelOptions(options)),
];

/** What orders of both kinds share. */
const orderOf = (
  api: Api,
  { requestId, startedAt, key, request }: Call,
  { model, webhookUrl, delivery, previous, output }: DecodedInteraction,
  ignored: string[],
) => ({
  ...{ requestId, startedAt, webhookUrl },
  dialect: "gemini" as const,
  route: ROUTE,
  keyId: key.id,
  choice: modelOf(api.catalogue(), model),
  echo: writeEcho({
    delivery,
    previous: previous ?? null,
    ...(ignored.length > 0 ? { ignored } : {}),
    ...(output?.format ? { format: output.format } : {}),
  }),
  idempotencyKey: idempotencyKeyOf(request),
});

/** A video of an earlier interaction is what this one changes; its image is the first of those given. */
/** What an interaction makes: its body, the job that it continues, and the client that waits for it. */
type Work = { client: JobClient; decoded: DecodedInteraction; previous: Job | null };

async function makeVideo(api: Api, call: Call, { client, decoded, previous }: Work): Promise<Job> {
  const [named, ...others] = decoded.videos;
  if (others.length > 0) throw new AppError("invalid_request", "input: one video can be changed at a time.", { param: "input" });
  const source = previous?.kind === "video" ? { jobId: previous.id } : named && (await readSource(api, call, named.fields, named.param));
  const earlier = previous?.kind === "image" ? await resultsOf(api, previous) : [];
  return jobsOf(api).createVideo({
    ...orderOf(api, call, decoded, ignoredOf(api, decoded)),
    client,
    options: { ...decoded.video, seed: decoded.options.seed },
    prompt: decoded.prompt,
    images: await readImages(api, call, [...earlier, ...decoded.images]),
    source,
  });
}

/** An earlier interaction is the conversation that this one goes on with. */
async function makeImage(api: Api, call: Call, { client, decoded, previous }: Work): Promise<Job> {
  if (previous?.kind === "video") throw new AppError("invalid_request", "An image model goes on with no video.", { param: "input" });
  exactAspect(decoded.hints.aspectRatio, HINT_NAMES.aspectRatio);
  const earlier: UnresolvedTurn[] = previous
    ? [
        { role: "user", parts: [{ type: "text", text: previous.prompt }] },
        { role: "model", parts: [...wordsIn(previous), ...(await resultsOf(api, previous))] },
      ]
    : [];
  const videos = decoded.videos.map(({ fields, param }) => ({ ...mediaReference(fields, param), kinds: VIDEO }));
  const [last = { role: "user" as const, parts: [] }, ...before] = decoded.turns.toReversed();
  const turns = [...earlier, ...before.reverse(), { ...last, parts: [...videos, ...last.parts] }].filter(({ parts }) => parts.length > 0);
  return jobsOf(api).createImages({
    ...orderOf(api, call, decoded, ignoredOf(api, decoded)),
    client,
    options: { ...decoded.options, ...readImageOptions(decoded.hints, HINT_NAMES) },
    shapeParams: { aspect: HINT_NAMES.aspectRatio, size: HINT_NAMES.imageSize },
    imagesParam: "input",
    turns: await readTurns(api, call, turns),
    n: 1,
  });
}

const isWords = (part: OutputPart): part is Extract<OutputPart, { text: string }> => part.type === "text";
/** What was said with an image. Marks are left out: they belong to where it stood. */
const wordsIn = (job: Job) => partsOf(job).flatMap((part) => (isWords(part) ? [{ type: "text" as const, text: part.text }] : []));

/** What a job made, as images of a conversation; what is gone is passed over. */
async function resultsOf({ media }: Api, { mediaIds }: Job): Promise<InputReference[]> {
  const made = await Promise.all(mediaIds.map((id) => media.get(id)));
  return made.flatMap((one) =>
    one ? [{ type: "reference" as const, url: `/media/${one.id}.${one.ext}`, param: "previous_interaction_id", trusted: true }] : [],
  );
}

/** @throws {AppError} `invalid_request`, as Google words it, also for another key's: existence is not revealed */
async function jobOf(api: Api, { key }: Call, id: string): Promise<Job> {
  const jobId = interactionJobId(id);
  const job = jobId === null ? null : await jobsOf(api).get(jobId, key.id);
  if (job) return job;
  throw new AppError("invalid_request", `Invalid interaction name: ${id.slice(0, 120)}`, { param: "interaction" });
}

async function ended(api: Api, { key, request }: Call, job: Job): Promise<Job> {
  let last = job;
  for await (const next of (await jobsOf(api).watch(job.id, key.id, request.signal)) ?? []) last = next;
  return last;
}

async function answer(api: Api, call: Call, job: Job, client?: JobClient): Promise<Response> {
  const body = encodeInteraction(job, await contentOf(api, call, job));
  return jsonWithBytes(body, headersOf(job, client), client);
}

const headersOf = (job: Job, client?: JobClient) => ({ ...client?.headers, ...ignoredHeader(readEcho(job).ignored ?? []) });

/** What there is to give of a job; empty while it goes on. */
async function contentOf(api: Api, { calledOrigin: origin }: Call, job: Job): Promise<OutputBlock[]> {
  const words = wordsOf(job);
  if (words !== null) return [{ type: "text", text: words }];
  if (statusOf(job) !== "completed") return [];
  const { delivery, format = null } = readEcho(job);
  const blockOf = async (part: OutputPart): Promise<OutputBlock | null> => {
    if (isWords(part)) return { type: "text", text: part.text };
    const found = "mediaId" in part ? await api.media.open(part.mediaId) : null;
    if (!found) return null;
    const facts = { type: job.kind, mime_type: found.media.mime };
    if (delivery === "inline" && format && job.kind === "image") {
      const { blob, format: made } = await renderImage(api.media, api.log, found.media, { format, compression: null });
      return { type: "image", mime_type: `image/${made}`, data: blob };
    }
    if (delivery === "inline") return { ...facts, data: found.blob };
    const uri = job.kind === "video" ? videoUri(origin, job) : `${origin}/v1beta/files/${found.media.id}:download?alt=media`;
    return { ...facts, uri };
  };
  return (await Promise.all(partsOf(job).map(blockOf))).filter((block) => block !== null);
}

/** Silence is filled with an event that says what is known already: comments and blank lines alone break clients. */
function streamed(api: Api, call: Call, job: Job, reader: { signal: AbortSignal; stop(): void; client?: JobClient }): Response {
  const { signal, stop, client } = reader;
  const heartbeat = () => frame({ event_type: STATUS, interaction_id: interactionId(job), status: "in_progress" }, STATUS);
  return streamFrames(events(api, call, job, signal), {
    clock: api.clock,
    heartbeat,
    headers: headersOf(job, client),
    onCancel: stop,
    onEnd: client?.delivered,
  });
}

const STATUS = "interaction.status_update";

/** Created, then one step when it has ended. The last interaction comes without steps: they were sent. */
async function* events(api: Api, call: Call, job: Job, signal: AbortSignal): AsyncGenerator<string> {
  let sequence = 0;
  const event = (type: string, fields: object) => eventPieces({ event_type: type, event_id: String(++sequence), ...fields }, type);
  yield* event("interaction.created", { interaction: { ...encodeInteraction(job, null), status: "in_progress" } });
  try {
    yield* event(STATUS, { interaction_id: interactionId(job), status: "in_progress" });
    let last = job;
    for await (const next of (await jobsOf(api).watch(job.id, call.key.id, signal)) ?? []) last = next;
    if (statusOf(last) === "failed") throw failureOf(last);
    const content = await contentOf(api, call, last);
    if (content.length > 0) {
      yield* event("step.start", { index: 0, step: { type: "model_output" } });
      for (const delta of content) yield* event("step.delta", { index: 0, delta });
      yield* event("step.stop", { index: 0 });
    }
    yield* event("interaction.completed", { interaction: encodeInteraction(last, null) });
  } catch (error) {
    if (!(error instanceof AppError)) api.log.error("Streamed interaction failed", { error });
    yield* event("error", { error: encodeFailure(error) });
  }
  yield "event: done\ndata: [DONE]\n\n";
}
