// Flow's video endpoints: submit in six modes, status, concatenation; replies in the form since May 2026 and the one before.

import { type Exchange, type Fields, fieldsOf, jsonReply, listOf, type Reply, textOf } from "../exchange.ts";
import { googleError, invalidArgument, refusalOf } from "../google-errors.ts";
import { type ClipAspect, clipPixels } from "../media/clips.ts";
import { checkProject, creditsOf, flowBody, spendCredits, tierOf } from "./accounts.ts";
import { checkSession, promptOf, tierTooLow, workflowOf } from "./images.ts";
import { type FlowMedia, type FlowVideo, findMedia, isDone, mediaBytes, signedLink, storeMedia } from "./media.ts";

/** What the end of a submit URL says, and which model keys go with it. */
const MODES: Record<string, { keys: RegExp; read: (request: Fields, place: string) => string[] }> = {
  Text: { keys: /(^|_)t2v(_|$)/, read: () => [] },
  StartImage: { keys: /_(i2v|interpolation)(_|$)/, read: (request, place) => [mediaId(request.startImage, `${place}.start_image`)] },
  StartAndEndImage: { keys: /_(i2v|interpolation)(_|$)/, read: readFrames },
  ReferenceImages: { keys: /(^|_)r2v(_|$)/, read: readReferences },
  ExtendVideo: { keys: /_extend_/, read: readExtension },
  UpsampleVideo: { keys: /_upsampler_/, read: readUpscale },
};

const ASPECTS: Record<string, ClipAspect> = { VIDEO_ASPECT_RATIO_LANDSCAPE: "16:9", VIDEO_ASPECT_RATIO_PORTRAIT: "9:16" };
const MOST_REQUESTS = 4;
const MOST_REFERENCES = 3;

const wrong = (field: string) => invalidArgument("Request contains an invalid argument.", field);

function mediaId(value: unknown, place: string): string {
  const id = textOf(fieldsOf(value).mediaId);
  if (id === "") throw wrong(`${place}.media_id`);
  return id;
}

function readFrames(request: Fields, place: string): string[] {
  const first = mediaId(request.startImage, `${place}.start_image`);
  return request.endImage === undefined ? [first] : [first, mediaId(request.endImage, `${place}.end_image`)];
}

function readReferences(request: Fields, place: string): string[] {
  const references = listOf(request.referenceImages).map(fieldsOf);
  if (references.length === 0 || references.length > MOST_REFERENCES) throw wrong(`${place}.reference_images`);
  return references.map((reference) => {
    if (reference.imageUsageType !== "IMAGE_USAGE_TYPE_ASSET") throw wrong(`${place}.reference_images.image_usage_type`);
    return mediaId(reference, `${place}.reference_images`);
  });
}

function readExtension(request: Fields, place: string): string[] {
  if (textOf(fieldsOf(request.metadata).workflowId) === "") throw wrong(`${place}.metadata.workflow_id`);
  return [mediaId(request.videoInput, `${place}.video_input`)];
}

function readUpscale(request: Fields, place: string): string[] {
  if (request.resolution !== "VIDEO_RESOLUTION_4K" && request.resolution !== "VIDEO_RESOLUTION_1080P") throw wrong(`${place}.resolution`);
  return [mediaId(request.videoInput, `${place}.video_input`)];
}

/** Whether the end of a submit URL is a mode. */
export function isVideoMode(mode: string): boolean {
  return Object.hasOwn(MODES, mode);
}

/** `video:batchAsyncGenerateVideo{mode}` */
export function submitVideos(exchange: Exchange, account: string, mode: string): Reply {
  const { incoming, world } = exchange;
  const body = flowBody(incoming);
  const context = fieldsOf(body.clientContext);
  checkSession(context);
  const projectId = textOf(context.projectId);
  checkProject(world, account, projectId);
  const requests = listOf(body.requests).map(fieldsOf);
  if (requests.length === 0 || requests.length > MOST_REQUESTS) throw wrong("requests");
  const made = requests.map((request, index) => readVideo(exchange, { account, projectId, mode }, request, `requests[${index}]`));
  const cost = made.reduce((sum, { video }) => sum + costOf(video!.model), 0);
  if (creditsOf(world, account) < cost) throw outOfCredits();
  const charged = made.every(({ video }) => video!.failure === null);
  exchange.accept(made.length, charged);
  const remainingCredits = charged ? spendCredits(world, account, cost) : creditsOf(world, account);
  for (const entry of made) storeMedia(world, entry);
  if (world.options.flowVideoReply === "operations") {
    return jsonReply({ operations: made.map((entry, index) => operationOf(exchange, entry, sceneOf(requests[index]!))), remainingCredits });
  }
  return jsonReply({ remainingCredits, workflows: made.map(workflowOf), media: made.map((entry) => statusOf(exchange, entry)) });
}

type Submission = { account: string; projectId: string; mode: string };

function readVideo(exchange: Exchange, { account, projectId, mode }: Submission, request: Fields, place: string): FlowMedia {
  const { world } = exchange;
  const { keys, read } = MODES[mode]!;
  const model = textOf(request.videoModelKey);
  if (!/^(veo|abra)_/.test(model) || !keys.test(model)) throw wrong(`${place}.video_model_key`);
  const flowAspect = textOf(request.aspectRatio);
  const aspect = ASPECTS[flowAspect];
  if (!aspect || (model.includes("portrait") && aspect !== "9:16")) throw wrong(`${place}.aspect_ratio`);
  if (!Number.isInteger(request.seed) || Number(request.seed) < 1 || Number(request.seed) > 99_999) throw wrong(`${place}.seed`);
  const prompt = promptOf(fieldsOf(request.textInput));
  if (mode !== "UpsampleVideo" && prompt.trim() === "") throw wrong(`${place}.text_input`);
  const sources = read(request, place).map((name) => findMedia(world, account, name));
  const needsVideo = mode === "ExtendVideo" || mode === "UpsampleVideo";
  if (sources.some((source) => needsVideo !== (source.video !== undefined && isDone(exchange.world, source.video))))
    throw wrong(`${place}.media_id`);
  checkPlan(account, model);
  const video = plannedVideo(exchange, {
    model,
    prompt,
    seed: Number(request.seed),
    aspect: sources[0]?.video?.aspect ?? aspect,
    flowAspect,
  });
  return { name: world.uuid(), account, projectId, video };
}

function checkPlan(account: string, model: string): void {
  if ((model.includes("ultra") || model.endsWith("_4k")) && tierOf(account) !== "PAYGATE_TIER_TWO") throw tierTooLow();
  if (model.endsWith("_1080p") && tierOf(account) === "PAYGATE_TIER_NOT_PAID") throw tierTooLow();
}

type Planned = Pick<FlowVideo, "model" | "prompt" | "seed" | "aspect" | "flowAspect">;

function plannedVideo({ world, content }: Exchange, planned: Planned): FlowVideo {
  const now = world.now();
  const failure = FAILURES[content?.fault ?? ""] ?? null;
  const doneAt = content?.fault === "stuck" ? Number.POSITIVE_INFINITY : now + world.options.videoMs;
  return { ...planned, pick: Number(Bun.hash(planned.prompt) % 997n) + planned.seed, submittedAt: now, doneAt, failure };
}

const FAILED = "MEDIA_GENERATION_STATUS_FAILED";
const FAILURES: Record<string, FlowVideo["failure"]> = {
  fail: { status: FAILED, code: 13, message: "Internal error encountered." },
  "job-unsafe": { status: FAILED, code: 3, message: "PUBLIC_ERROR_UNSAFE_GENERATION" },
  "job-audio": { status: FAILED, code: 3, message: "PUBLIC_ERROR_AUDIO_FILTERED" },
  "job-timeout": { status: FAILED, code: 4, message: "PUBLIC_ERROR_VIDEO_GENERATION_TIMED_OUT" },
  "job-error": { status: "MEDIA_GENERATION_STATUS_ERROR_UNKNOWN", code: 13, message: "Internal error encountered." },
};

function costOf(model: string): number {
  if (model.includes("upsampler")) return model.endsWith("_4k") ? 50 : 0;
  if (model.includes("relaxed")) return 0;
  if (model.includes("lite")) return 10;
  return model.includes("fast") || model.includes("extend") || model.startsWith("abra") ? 20 : 100;
}

function outOfCredits() {
  const details = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "PUBLIC_ERROR_USER_QUOTA_REACHED" }];
  return refusalOf(googleError(429, "Resource has been exhausted (e.g. check quota).", details));
}

function sceneOf(request: Fields): string {
  return textOf(fieldsOf(request.metadata).sceneId);
}

/** The status word at this moment. A job is pending for the first quarter of its time. */
function statusWord({ content, world }: Exchange, video: FlowVideo): string {
  if (content?.fault === "strange-status") return "MEDIA_GENERATION_STATUS_PONDERING";
  const now = world.now();
  if (now >= video.doneAt) return video.failure?.status ?? "MEDIA_GENERATION_STATUS_SUCCESSFUL";
  const pendingUntil = Number.isFinite(video.doneAt) ? video.submittedAt + (video.doneAt - video.submittedAt) / 4 : video.submittedAt + 50;
  return now < pendingUntil ? "MEDIA_GENERATION_STATUS_PENDING" : "MEDIA_GENERATION_STATUS_ACTIVE";
}

function errorOf({ world }: Exchange, video: FlowVideo): Fields {
  return video.failure && world.now() >= video.doneAt ? { error: { code: video.failure.code, message: video.failure.message } } : {};
}

/** An entry of `media[]`: without any link, as since June 2026. */
function statusOf(exchange: Exchange, entry: FlowMedia): Fields {
  const video = entry.video!;
  const word = statusWord(exchange, video);
  const [width, height] = clipPixels(video.aspect);
  const { seed, prompt, model, flowAspect } = video;
  const made = { generatedVideo: { seed, prompt, model, aspectRatio: flowAspect }, dimensions: { width, height } };
  return {
    name: entry.name,
    projectId: entry.projectId,
    workflowId: entry.name,
    ...(word.endsWith("_SUCCESSFUL") ? { video: made } : {}),
    mediaMetadata: {
      mediaStatus: { mediaGenerationStatus: word, ...errorOf(exchange, video) },
      requestData: { videoGenerationRequestData: { videoModelControlInput: { videoModelName: model, videoAspectRatio: flowAspect } } },
    },
  };
}

/** An entry of `operations[]`, which carries the link. */
function operationOf(exchange: Exchange, entry: FlowMedia, sceneId: string): Fields {
  const video = entry.video!;
  const status = statusWord(exchange, video);
  const { seed, prompt, model, flowAspect } = video;
  const link = {
    seed,
    prompt,
    model,
    aspectRatio: flowAspect,
    fifeUrl: signedLink(exchange.world, exchange.incoming.origin, entry),
    mediaGenerationId: entry.name,
  };
  const metadata = status.endsWith("_SUCCESSFUL")
    ? { metadata: { "@type": "type.googleapis.com/google.internal.labs.aisandbox.v1.Media", name: entry.name, video: link } }
    : {};
  return {
    operation: { name: entry.name, ...metadata, ...errorOf(exchange, video) },
    sceneId,
    status,
    ...(status.endsWith("_SUCCESSFUL") ? { mediaGenerationId: entry.name } : {}),
  };
}

/** `video:batchCheckAsyncVideoGenerationStatus`: answers in the form it is asked in. */
export function videoStatus(exchange: Exchange, account: string): Reply {
  const body = flowBody(exchange.incoming);
  const find = (name: unknown) => {
    const entry = findMedia(exchange.world, account, name);
    if (!entry.video) throw wrong("media.name");
    return entry;
  };
  const operations = listOf(body.operations).map(fieldsOf);
  if (operations.length > 0) {
    const entries = operations.map((one) => operationOf(exchange, find(fieldsOf(one.operation).name), textOf(one.sceneId)));
    return jsonReply({ operations: entries, remainingCredits: creditsOf(exchange.world, account) });
  }
  const media = listOf(body.media).map(fieldsOf);
  if (media.length === 0) throw wrong("media");
  return jsonReply({ media: media.map((one) => statusOf(exchange, find(one.name))), remainingCredits: creditsOf(exchange.world, account) });
}

const OFFSET = /^\d+(\.\d+)?s$/;

/** `:runVideoFxConcatenation`: joins finished videos of the account; nothing is charged in credits. */
export function concatenate(exchange: Exchange, account: string): Reply {
  const { world } = exchange;
  const inputs = listOf(flowBody(exchange.incoming).inputVideos).map(fieldsOf);
  if (inputs.length < 2) throw wrong("input_videos");
  const sources = inputs.map((input, index) => {
    const offsets = [input.startTimeOffset, input.endTimeOffset].map(textOf);
    if (!offsets.every((offset) => OFFSET.test(offset))) throw wrong(`input_videos[${index}].start_time_offset`);
    const entry = findMedia(world, account, input.mediaGenerationId);
    if (!entry.video || !isDone(exchange.world, entry.video)) throw wrong(`input_videos[${index}].media_generation_id`);
    return entry.video;
  });
  const { aspect, flowAspect, seed, prompt } = sources[0]!;
  const video = plannedVideo(exchange, { model: "concatenation", prompt, seed, aspect, flowAspect });
  exchange.accept(1, video.failure === null);
  const entry = storeMedia(world, { name: world.uuid(), account, projectId: "", video });
  return jsonReply({ operation: { operation: { name: entry.name } }, status: statusWord(exchange, video) });
}

/** `:runVideoFxCheckConcatenationStatus`: the link, and the bytes as well. */
export async function concatenationStatus(exchange: Exchange, account: string): Promise<Reply> {
  const operation = fieldsOf(fieldsOf(flowBody(exchange.incoming).operation).operation);
  const entry = findMedia(exchange.world, account, operation.name);
  if (entry.video?.model !== "concatenation") throw wrong("operation.name");
  const status = statusWord(exchange, entry.video);
  if (!status.endsWith("_SUCCESSFUL")) return jsonReply({ status, ...errorOf(exchange, entry.video) });
  const { base64 } = await mediaBytes(entry);
  return jsonReply({ status, outputUri: signedLink(exchange.world, exchange.incoming.origin, entry), encodedVideo: base64 });
}
