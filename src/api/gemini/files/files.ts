// files.get, list, delete and download: a key's uploads and finished videos.
// Source: Gemini API reference, files (read 2026-11-23).

import { isExpired, type Media } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import { mediaResponse } from "../../../gateway/media/media-response.ts";
import type { Api, Call } from "../call.ts";
import { videoJobId } from "../job-names.ts";
import { pageOf, pageToken } from "../page.ts";
import { noSuchFile } from "../references.ts";

const USUAL_PAGE = 10;
const LARGEST_PAGE = 100;

/** Uploaded files, newest first. */
export async function listFiles({ store, clock }: Pick<Api, "store" | "clock">, { request, key, calledOrigin }: Call): Promise<Response> {
  const { size, after } = pageOf(request.url, { usual: USUAL_PAGE, largest: LARGEST_PAGE });
  const files = await store.listFiles({ keyId: key.id, now: clock.now(), order: "desc", limit: size + 1, after: after ?? undefined });
  const page = files.slice(0, size);
  const more = files.length > size ? { nextPageToken: pageToken(page.at(-1)!.id) } : {};
  const named = await store.listFileNames(page.map(({ id }) => id));
  const nameOf = ({ id }: Media) => named.find(({ mediaId }) => mediaId === id)?.name ?? id;
  return Response.json({ files: page.map((media) => encodeFile(media, nameOf(media), calledOrigin)), ...more });
}

/**
 * `files/{id}`: what is known of it; `files/{id}:download`: its bytes, or the range of them that was asked for. The Python client puts a
 * whole `http:` address in the place of the id (it knows `https:` alone): its last part counts.
 */
export async function oneFile(api: Api, call: Call, name: string): Promise<Response> {
  const [id = "", verb] = name.slice(name.lastIndexOf("/") + 1).split(":");
  const media = await fileOf(api, call, id);
  if (verb === undefined) return Response.json(encodeFile(media, id, call.calledOrigin));
  if (verb !== "download") throw new AppError("not_found", "Expected files/{id} or files/{id}:download.");
  const found = await api.media.read(media.id);
  if (!found) throw noSuchFile(id);
  return mediaResponse({ ...found, media }, call.request);
}

export async function deleteFile(api: Api, call: Call, id: string): Promise<Response> {
  const media = await fileOf(api, call, id);
  await api.media.remove(media.id);
  return Response.json({});
}

/**
 * A media item by its own id or by the name that the key gave it, or a finished video by its job's id.
 * @throws {AppError} `forbidden`, also for another key's: existence is not revealed
 */
async function fileOf(api: Api, { key }: Call, id: string): Promise<Media> {
  const named = await api.store.fileNamed(key.id, id);
  const media = (await api.media.get(named ?? id)) ?? (await videoOf(api, key.id, id));
  if (!media || media.keyId !== key.id || isExpired(media, api.clock.now())) throw noSuchFile(id);
  if (media.origin === "input" && media.name === null) throw noSuchFile(id);
  return media;
}

async function videoOf({ jobs, media }: Api, keyId: number, id: string): Promise<Media | null> {
  const job = await jobs?.get(videoJobId(id), keyId);
  const [mediaId] = job?.mediaIds ?? [];
  return mediaId === undefined ? null : media.get(mediaId);
}

/** `File`. Its bytes are checked when they arrive, so that every file is active. */
export function encodeFile(media: Media, id: string, origin: string) {
  const uri = `${origin}/v1beta/files/${id}`;
  const isResult = media.origin === "result";
  return {
    name: `files/${id}`,
    ...(media.name === null ? {} : { displayName: media.name }),
    mimeType: media.mime,
    sizeBytes: String(media.bytes),
    createTime: new Date(media.createdAt).toISOString(),
    updateTime: new Date(media.createdAt).toISOString(),
    ...(media.expiresAt === null ? {} : { expirationTime: new Date(media.expiresAt).toISOString() }),
    uri,
    ...(isResult ? { downloadUri: `${uri}:download?alt=media` } : {}),
    state: "ACTIVE" as const,
    source: isResult ? ("GENERATED" as const) : ("UPLOADED" as const),
  };
}
