// Google's resumable upload: one request begins it and gets an address, those that follow go to the address, which is their credential.
// Source: Gemini API documentation, Files API; SDKs and n8n as captured in wire.md A.5 (read 2026-11-23).
import { AppError } from "../../errors.ts";
import { refusalOf } from "../../gateway/keys.ts";
import type { Api, Call } from "./call.ts";
import { encodeFile } from "./files.ts";
import { camelKeys, fieldsOf, numberOf, textOf } from "./proto-json.ts";
import type { Upload, Uploads } from "./uploads.ts";

const MAX_NAME = 255;
const NAMELESS = "upload";

type Room = Api & { uploads: Uploads };

/** Begins an upload; without `X-Goog-Upload-Command: start` the body is the file. */
export async function startUpload(api: Room, call: Call): Promise<Response> {
  const { request, key, requestId, origin } = call;
  const { headers } = request;
  const commands = commandsOf(request);
  if (/^multipart\//i.test(headers.get("content-type") ?? "")) {
    throw new AppError("invalid_request", "Send the file by the resumable protocol (X-Goog-Upload-Protocol: resumable), not as multipart.");
  }
  const isWhole = !commands.has("start");
  const described = isWhole || request.body === null ? {} : await describedFile(api, request);
  const upload = api.uploads.begin({
    keyId: key.id,
    requestId,
    origin,
    name: (textOf(described.displayName) ?? textOf(headers.get("x-goog-upload-file-name")) ?? NAMELESS).slice(0, MAX_NAME),
    declaredBytes: isWhole ? null : (numberOf(headers.get("x-goog-upload-header-content-length")) ?? numberOf(described.sizeBytes) ?? null),
  });
  if (isWhole) return receive(api, upload, request, true);
  const { pathname } = new URL(request.url);
  return new Response(null, {
    headers: { "x-goog-upload-url": `${origin}${pathname.replace(/\/$/, "")}/${upload.id}`, ...statusHeaders("active", upload) },
  });
}

async function describedFile(api: Api, request: Request) {
  using body = await api.bodies.json(request, (value) => value);
  return fieldsOf(fieldsOf(camelKeys(body.value)).file);
}

/**
 * What goes to an upload's address. Nobody is asked for a key; the key that began it must still be valid.
 * @throws {AppError} `not_found` when the upload is over
 */
export async function continueUpload(api: Room, request: Request, id: string): Promise<Response> {
  const upload = api.uploads.find(id);
  if (!upload) throw new AppError("not_found", "There is no such upload: it is finished, cancelled or past its time.");
  const key = api.keys.get(upload.keyId);
  if (!key || refusalOf(key, api.clock.now(), "", () => true))
    throw new AppError("forbidden", "The key that began this upload is no longer valid.");
  const commands = commandsOf(request);
  if (commands.has("query")) return new Response(null, { headers: statusHeaders("active", upload) });
  if (commands.has("cancel")) {
    await api.uploads.drop(upload);
    return new Response(null, { headers: statusHeaders("cancelled", upload) });
  }
  const offset = numberOf(request.headers.get("x-goog-upload-offset"));
  if (offset !== undefined && offset !== upload.received) {
    throw new AppError("invalid_request", `X-Goog-Upload-Offset: expected ${upload.received}, got ${offset}.`);
  }
  return receive(api, upload, request, commands.has("finalize") || commands.size === 0);
}

async function receive({ uploads }: Room, upload: Upload, request: Request, isLast: boolean): Promise<Response> {
  const media = await uploads.receive(upload, request.body as AsyncIterable<Uint8Array> | null, isLast);
  if (!media) return new Response(null, { headers: statusHeaders("active", upload) });
  return Response.json({ file: encodeFile(media, media.id, upload.origin) }, { headers: statusHeaders("final", upload) });
}

/** `upload, finalize` is two commands. */
function commandsOf({ headers }: Request): ReadonlySet<string> {
  const words = (headers.get("x-goog-upload-command") ?? "").toLowerCase().split(",");
  return new Set(words.map((word) => word.trim()).filter(Boolean));
}

const statusHeaders = (status: "active" | "final" | "cancelled", { received }: Upload): Record<string, string> => ({
  "x-goog-upload-status": status,
  "x-goog-upload-size-received": String(received),
});
