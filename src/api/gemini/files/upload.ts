// Upload routes: resumable (the upload's address is the credential), whole, or multipart/related.
// Source: docs/wire/gemini.md.

import { isExpired } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import { refusalOf } from "../../../gateway/keys/keys.ts";
import type { AdmissionControl } from "../../../gateway/limits/contract.ts";
import type { NodeHop } from "../../../gateway/nodes/node-hop.ts";
import type { Api, Call } from "../call.ts";
import { camelKeys, type Fields, fieldsOf, numberOf, textOf } from "../proto-json.ts";
import { isFileName } from "../references.ts";
import { encodeFile } from "./files.ts";
import { openRelated, relatedBoundary } from "./multipart-related.ts";
import { nameTaken, type Upload, type Uploads } from "./resumable.ts";

const MAX_NAME = 255;
const NAMELESS = "upload";

type UploadApi = Api & { uploads: Uploads; limits: Pick<AdmissionControl, "admitUpload">; hop: Pick<NodeHop, "id" | "forward"> };

/** What an upload is called in its address: where there are several nodes it names the one that holds it. */
const NAME = /^([a-z2-7]{26})(?:-(\d{1,15}))?$/;
const nameOf = ({ id }: Upload, node: number | null): string => (node === null ? id : `${id}-${node}`);

/** Begins an upload; without `X-Goog-Upload-Command: start` the body is the file, or a description and the file in two parts. */
export async function startUpload(api: UploadApi, call: Call): Promise<Response> {
  const { request } = call;
  const { headers } = request;
  const type = headers.get("content-type");
  const isWhole = !commandsOf(request).has("start");
  const length = numberOf(headers.get(isWhole ? "content-length" : "x-goog-upload-header-content-length")) ?? null;
  api.limits.admitUpload(call.key.id, length);
  if (isWhole) return wholeUpload(api, call, { type, length });
  const described = request.body === null ? {} : await describedFile(api, request);
  const declaredBytes = length ?? numberOf(described.sizeBytes) ?? null;
  await makeRoom(api, call, declaredBytes);
  const upload = api.uploads.begin({ ...(await factsOf(api, call, described)), declaredBytes });
  const { pathname } = new URL(request.url);
  return new Response(null, {
    headers: {
      "x-goog-upload-url": `${call.calledOrigin}${pathname.replace(/\/$/, "")}/${nameOf(upload, api.hop.id)}`,
      ...statusHeaders("active", upload),
    },
  });
}

/** An upload that cannot fit into its key's share is refused before its bytes. */
const makeRoom = ({ media, uploads }: UploadApi, { key }: Call, declaredBytes: number | null): Promise<void> =>
  media.makeInputRoom(key.id, uploads.expectedBytes({ keyId: key.id, declaredBytes }));

async function wholeUpload(
  api: UploadApi,
  call: Call,
  { type, length }: { type: string | null; length: number | null },
): Promise<Response> {
  const body = api.bodies.stream(call.request);
  const boundary = relatedBoundary(type);
  if (boundary === null && /^multipart\//i.test(type ?? "")) {
    throw new AppError(
      "invalid_request",
      "Send the file as multipart/related with a boundary (a part of JSON, then the file), or resumable.",
    );
  }
  await makeRoom(api, call, length);
  try {
    const parts = boundary === null || call.request.body === null ? null : await openRelated(body, boundary);
    const described = fieldsOf(fieldsOf(camelKeys(parts?.description)).file);
    const upload = api.uploads.begin({ ...(await factsOf(api, call, described)), declaredBytes: null });
    return await receive(api, upload, parts?.content ?? body, true);
  } finally {
    // What follows the file, or what was wrong, is not read.
    await body.return(undefined);
  }
}

/** @throws {AppError} `invalid_request` for a name that no file may have, `conflict` for one that the key has used */
async function factsOf({ store, media, clock }: UploadApi, { key, requestId, calledOrigin: origin, request }: Call, described: Fields) {
  const asked = textOf(described.name)?.replace(/^files\//, "") ?? null;
  if (asked !== null && !isFileName(asked)) {
    const message = "file.name: expected files/ and up to 40 small letters, digits and dashes, with no dash at either end.";
    throw new AppError("invalid_request", message, { param: "file.name" });
  }
  const taken = asked === null ? null : await store.fileNamed(key.id, asked);
  const found = taken === null ? null : await media.get(taken);
  if (asked !== null && found && !isExpired(found, clock.now())) throw nameTaken(asked);
  const name = (textOf(described.displayName) ?? textOf(request.headers.get("x-goog-upload-file-name")) ?? NAMELESS).slice(0, MAX_NAME);
  return { keyId: key.id, requestId, origin, name, fileName: asked };
}

async function describedFile(api: Api, request: Request) {
  using body = await api.bodies.json(request, (value) => value);
  return fieldsOf(fieldsOf(camelKeys(body.value)).file);
}

/**
 * What goes to an upload's address. Nobody is asked for a key; the key that began it must still be valid. An upload of another node is
 * continued there.
 * @throws {AppError} `not_found` when the upload is over
 */
export async function continueUpload(api: UploadApi, request: Request, name: string): Promise<Response> {
  const [, id = "", node] = NAME.exec(name) ?? [];
  const isElsewhere = node !== undefined && api.hop.id !== null && Number(node) !== api.hop.id;
  if (isElsewhere) return api.hop.forward(request, Number(node), api.bodies.stream(request));
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
  const body = api.bodies.stream(request, upload.keyId);
  return receive(api, upload, body, commands.has("finalize") || commands.size === 0);
}

async function receive({ uploads }: UploadApi, upload: Upload, body: AsyncIterable<Uint8Array>, isLast: boolean): Promise<Response> {
  const media = await uploads.receive(upload, body, isLast);
  if (!media) return new Response(null, { headers: statusHeaders("active", upload) });
  return Response.json(
    { file: encodeFile(media, upload.fileName ?? media.id, upload.origin) },
    { headers: statusHeaders("final", upload) },
  );
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
