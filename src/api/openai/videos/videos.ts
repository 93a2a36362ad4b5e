// Handlers of /v1/videos: create, edit, extend, remix, get, list, delete and content.

import type { VideoMode } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import { AppError } from "../../../errors.ts";
import { fileIdOf } from "../../../gateway/generation/inputs/inputs.ts";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { isSettled } from "../../../gateway/jobs/job-state.ts";
import { mediaResponse } from "../../../gateway/media/media-response.ts";
import { type Form, validator } from "../../body/body.ts";
import { fieldName, formObject } from "../../body/form-object.ts";
import { mustBe, wholeNumber } from "../../body/invalid.ts";
import { isMultipart } from "../../body/multipart.ts";
import { jobHeaders } from "../../generation-headers.ts";
import type { Api, Call } from "../call.ts";
import { fileReference } from "../references.ts";
import { VideoBody } from "../schema.ts";
import { type DecodedVideo, decodeVideo, IMAGE_FIELDS, VIDEO_FORM_FIELDS, type VideoUploads } from "./decode.ts";
import { encodeVideo, forOpenRouter } from "./encode.ts";
import { jobsOf, noVideo, startVideo, videoOf } from "./start.ts";

const validate = validator(VideoBody);

/** Poll interval for clients, in ms. */
const POLL_HEADERS = { "openai-poll-after-ms": "3000" };
const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

/** @throws {AppError} everything that is known before an upstream is called */
export function createVideo(api: Api, call: Call): Promise<Response> {
  return start(api, call, "POST /v1/videos", (decoded) => ({ ...decoded, source: null }));
}

/** POST /v1/videos/edits: the video that the body names or holds, changed. */
export function editVideo(api: Api, call: Call): Promise<Response> {
  return start(api, call, "POST /v1/videos/edits", (decoded) => fromSource(decoded));
}

/** POST /v1/videos/extensions: continues the video that the body names or holds. */
export function extendVideo(api: Api, call: Call): Promise<Response> {
  return start(api, call, "POST /v1/videos/extensions", (decoded) => fromSource(decoded, "extend"));
}

/** POST /v1/videos/{id}/remix: an edit of a video of ours. */
export async function remixVideo(api: Api, call: Call, id: string): Promise<Response> {
  await videoOf(api, call, id);
  return start(api, call, "POST /v1/videos/{id}/remix", (decoded) => ({ ...decoded, mode: undefined, source: { jobId: id } }));
}

export async function getVideo(api: Api, call: Call, id: string): Promise<Response> {
  const job = await videoOf(api, call, id);
  return Response.json(await show(api, call, job), { headers: { ...jobHeaders(api.catalogue(), job), ...POLL_HEADERS } });
}

/** Newest first unless `order=asc`; pages by `after` and `limit`. */
export async function listVideos(api: Api, call: Call): Promise<Response> {
  const query = new URL(call.request.url).searchParams;
  const { jobs, hasMore } = await jobsOf(api).list(call.key.id, {
    kind: "video",
    limit: limitOf(query.get("limit")),
    after: query.get("after") || undefined,
    order: query.get("order") === "asc" ? "asc" : "desc",
  });
  const data = await Promise.all(jobs.map((job) => show(api, call, job)));
  return Response.json({ object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: hasMore });
}

/** Cancels a running job where its upstream can, and deletes it in any case. */
export async function deleteVideo(api: Api, call: Call, id: string): Promise<Response> {
  await videoOf(api, call, id);
  if (!(await jobsOf(api).remove(id, call.key.id))) throw noVideo();
  return Response.json({ id, object: "video.deleted", deleted: true });
}

/**
 * GET /v1/videos/{id}/content: the bytes, with ranges; `variant=thumbnail`: the image that the video begins with.
 * @throws {AppError} `conflict` until it is completed, `not_found` where there is nothing
 */
export async function videoContent(api: Api, call: Call, id: string): Promise<Response> {
  const job = await videoOf(api, call, id);
  const variant = new URL(call.request.url).searchParams.get("variant") || "video";
  if (variant !== "video" && variant !== "thumbnail" && variant !== "spritesheet") {
    throw mustBe("variant", '"video", "thumbnail" or "spritesheet"', variant);
  }
  if (!isSettled(job.state)) throw new AppError("conflict", NOT_READY, { param: "id", reason: "video_not_ready" });
  if (job.state === "unknown") throw nothing("Whether this video was made is not known: there is no content.");
  if (job.state !== "completed") throw nothing("This video was not made: there is no content.");
  if (variant === "spritesheet") throw nothing("No spritesheets are made of videos here.");
  const mediaId = variant === "thumbnail" ? job.thumbnailId : job.mediaIds[0];
  if (!mediaId) throw nothing("There is no thumbnail of this video: it does not begin with a given image.");
  const found = await api.media.read(mediaId);
  if (!found) throw nothing("The content of this video is past its age.");
  // The URL is the job's; its content may be deleted later.
  return mediaResponse(found, call.request, {
    "cache-control": "private, no-cache",
    ...jobHeaders(api.catalogue(), job),
  });
}

/** /v1/videos/characters. */
export function noCharacters(): Promise<Response> {
  return Promise.reject(
    new AppError("not_found", "There are no characters here: send images as input_references.", { reason: "unknown_url" }),
  );
}

const NOT_READY = "This video is not completed yet: ask GET /v1/videos/{id} for its status.";
const nothing = (message: string) => new AppError("not_found", message, { param: "id" });

function fromSource(decoded: DecodedVideo, mode?: VideoMode): DecodedVideo {
  if (decoded.source) return { ...decoded, mode };
  throw new AppError("invalid_request", "Missing required parameter: 'video'.", { param: "video", reason: "missing_required_parameter" });
}

/** The body's bytes count until the job is created, when its inputs are stored. */
async function start(api: Api, call: Call, route: string, complete: (decoded: DecodedVideo) => DecodedVideo): Promise<Response> {
  const { job, headers, client } = await withBody(api, call, (decoded) => startVideo(api, call, { route, video: complete(decoded) }));
  const shown = await show(api, call, job);
  client.delivered();
  return Response.json(shown, { headers: { ...headers, ...POLL_HEADERS } });
}

async function withBody<T>(api: Api, call: Call, act: (decoded: DecodedVideo) => Promise<T>): Promise<T> {
  const { request } = call;
  if (!isMultipart(request)) {
    using body = await api.bodies.json(request, validate);
    return await act(decodeVideo(body.value));
  }
  await using form = await api.bodies.form(request, api.media, api.settings.current().server.body_limit_mb);
  const body = validate(formObject(form, VIDEO_FORM_FIELDS));
  return await act(decodeVideo(body, await storeUploads(api, call, form)));
}

/** Stores images and the video of a form as inputs. Files in other fields are ignored. */
async function storeUploads(api: Api, { key, requestId }: Call, { files }: Form): Promise<VideoUploads> {
  const limit = api.settings.current().media.fetch_limit_mb;
  const uploads = new Map<string, InputReference[]>();
  for (const { field, draft } of files) {
    const name = fieldName(field);
    const kind = name === "video" ? "video" : (IMAGE_FIELDS as readonly string[]).includes(name) ? "image" : null;
    if (kind === null) continue;
    if (kind === "image" && draft.bytes > limit * 1024 * 1024)
      throw new AppError("invalid_request", `${field}: the file is larger than ${limit} MiB.`, { param: field });
    const accept = { kinds: [kind] as const, param: field };
    const { id } = await api.media.store(draft, { origin: "input", keyId: key.id, requestId, accept });
    uploads.set(name, [...(uploads.get(name) ?? []), fileReference(fileIdOf(id), field)]);
  }
  return uploads;
}

/** The AI SDK puts its own name over that of OpenRouter's provider; of its providers that one alone speaks to this route. */
const OPENROUTER_CLIENT = /\bai-sdk\//i;

async function show(api: Api, { calledOrigin: origin, request }: Call, job: Job) {
  const mediaId = job.state === "completed" ? job.mediaIds[0] : undefined;
  const video = encodeVideo(job, mediaId === undefined ? null : await api.media.get(mediaId), origin);
  return OPENROUTER_CLIENT.test(request.headers.get("user-agent") ?? "") ? forOpenRouter(video) : video;
}

/** A larger limit is the maximum. */
const limitOf = (text: string | null): number =>
  text === null ? DEFAULT_PAGE : Math.min(wholeNumber(text, "limit", { min: 1, max: 1_000_000 }), MAX_PAGE);
