// /v1/files: images and videos that a key uploads once and uses by id; they expire with the age of inputs.

import type { Store } from "../../db/store.ts";
import { isExpired, type Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { fileIdOf, fileMediaId } from "../../gateway/generation/inputs/inputs.ts";
import type { AdmissionControl } from "../../gateway/limits/contract.ts";
import { fieldName } from "../body/form-object.ts";
import { wholeNumber } from "../body/invalid.ts";
import { isMultipart } from "../body/multipart.ts";
import type { Api, Call } from "./call.ts";

export type FilesApi = Api & { store: Pick<Store, "listFiles">; limits: Pick<AdmissionControl, "admitUpload"> };

const MAX_NAME = 255;
const MAX_PAGE = 10_000;

/** @throws {AppError} `invalid_request` when there is no file, or it is no image and no video */
export async function uploadFile(api: FilesApi, { request, key, requestId }: Call): Promise<Response> {
  if (!isMultipart(request)) throw new AppError("invalid_request", "Send the file as multipart/form-data.", { param: "file" });
  api.limits.admitUpload(key.id, declaredBytes(request));
  await using form = await api.bodies.form(request, api.media, api.settings.current().server.body_limit_mb);
  const file = form.files.find(({ field }) => fieldName(field) === "file");
  if (!file)
    throw new AppError("invalid_request", "Missing required parameter: 'file'.", { param: "file", reason: "missing_required_parameter" });
  const purpose = form.fields.find(([name]) => name === "purpose")?.[1] ?? "user_data";
  const name = file.name.slice(0, MAX_NAME) || "upload";
  const media = await api.media.store(file.draft, {
    ...{ origin: "input", keyId: key.id, requestId, name },
    purpose: purpose.slice(0, MAX_NAME),
    accept: { kinds: ["image", "video"], param: "file" },
  });
  return Response.json(encodeFile(media));
}

/** Null without a content-length: the size counts once the file is stored. */
const declaredBytes = ({ headers }: Request): number | null => Number(headers.get("content-length") ?? 0) || null;

/** Newest first unless `order=asc`; pages by `after` and `limit`. */
export async function listFiles(api: FilesApi, { request, key }: Call): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const after = query.get("after");
  const limit = limitOf(query.get("limit"));
  const files = await api.store.listFiles({
    keyId: key.id,
    now: api.clock.now(),
    order: query.get("order") === "asc" ? "asc" : "desc",
    limit: limit + 1,
    after: after === null ? undefined : (fileMediaId(after) ?? ""),
    purpose: query.get("purpose") ?? undefined,
  });
  const data = files.slice(0, limit).map(encodeFile);
  return Response.json({
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: files.length > limit,
  });
}

export async function getFile(api: FilesApi, call: Call, id: string): Promise<Response> {
  return Response.json(encodeFile(await fileOf(api, call, id)));
}

export async function fileContent(api: FilesApi, call: Call, id: string): Promise<Response> {
  const found = await api.media.open((await fileOf(api, call, id)).id);
  if (!found) throw noFile();
  return new Response(found.blob, {
    headers: {
      "content-type": found.media.mime,
      "content-length": String(found.media.bytes),
      "content-disposition": "attachment",
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "cache-control": "private",
    },
  });
}

export async function deleteFile(api: FilesApi, call: Call, id: string): Promise<Response> {
  const media = await fileOf(api, call, id);
  await api.media.remove(media.id);
  return Response.json({ id: fileIdOf(media.id), object: "file", deleted: true });
}

/** @throws {AppError} `not_found`, also for another key's media and for media that is not a file: existence is not revealed */
async function fileOf({ media: store, clock }: FilesApi, { key }: Call, id: string): Promise<Media> {
  const mediaId = fileMediaId(id);
  const media = mediaId === null ? null : await store.get(mediaId);
  if (!media || media.name === null || media.keyId !== key.id || isExpired(media, clock.now())) throw noFile();
  return media;
}

const noFile = () => new AppError("not_found", "There is no such file.", { param: "id" });

const limitOf = (text: string | null): number => (text === null ? MAX_PAGE : wholeNumber(text, "limit", { min: 1, max: MAX_PAGE }));

/** `FileObject` (OpenAI API reference, files; SDK types of openai 7.57; read 2026-11-23). */
function encodeFile(media: Media) {
  const expires = media.expiresAt === null ? {} : { expires_at: Math.floor(media.expiresAt / 1000) };
  return {
    id: fileIdOf(media.id),
    object: "file" as const,
    bytes: media.bytes,
    created_at: Math.floor(media.createdAt / 1000),
    ...expires,
    filename: media.name!,
    purpose: media.purpose ?? "user_data",
    status: "processed" as const,
  };
}
