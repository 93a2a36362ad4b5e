// The simulated Files API: resumable upload, PROCESSING until ACTIVE, downloads of generated files only. Source: Gemini API reference, files, 2026-11-23.
import { createHash } from "node:crypto";
import { type Exchange, type Fields, fieldsOf, type Incoming, jsonReply, type Reply, type Route } from "../exchange.ts";
import { googleError, invalidArgument, refusalOf } from "../google-errors.ts";
import { type ClipAspect, clipBytes } from "../media/clips.ts";
import { hashBytes, type InputMedia, sniff } from "../media/input-media.ts";
import { signedPath } from "../signed-links.ts";
import type { World } from "../world.ts";
import { gemini, keyOf, pageToken, projectOf, readPageToken } from "./access.ts";
import { noSuchFile } from "./request.ts";

export type GeminiFile = {
  id: string;
  project: string;
  mime: string;
  displayName: string;
  bytes: number;
  sha256: string;
  hash: number;
  created: number;
  /** Epoch ms from which it is ACTIVE, or FAILED. */
  readyAt: number;
  broken: boolean;
  /** What a generated file holds; uploads are not stored, only their hashes. */
  clip?: { aspect: ClipAspect; pick: number };
};

type Upload = { key: string; mime: string; displayName: string; size: number | null; pieces: Uint8Array[]; received: number };

const LIFE_MS = 48 * 60 * 60 * 1000;
const DEFAULT_PAGE = 10;
const MOST_PER_PAGE = 100;

const files = (world: World) => world.shelf<GeminiFile>("files");
const uploads = (world: World) => world.shelf<Upload>("uploads");

/** The route of a Files request, or null. */
export function routeFiles(incoming: Incoming, world: World): Route | null {
  const { method, path } = incoming;
  const call = path.replace(/^\/gemini\/(upload\/)?(v1|v1beta)\//, "$1");
  if (call === "upload/files" && method === "POST") return routeUpload(incoming, world);
  if (call === "files" && method === "GET") return gemini(incoming, "gemini.file-list", listFiles);
  const [, id = "", verb = ""] = /^files\/([^/:]+)(?::(\w+))?$/.exec(call) ?? [];
  if (id === "") return null;
  if (method === "GET" && verb === "download") return gemini(incoming, "gemini.file-download", (exchange) => downloadFile(exchange, id));
  if (verb !== "") return null;
  if (method === "GET")
    return gemini(incoming, "gemini.file-get", (exchange) =>
      jsonReply(resource(exchange.world, own(exchange, id), exchange.incoming.origin)),
    );
  if (method === "DELETE") return gemini(incoming, "gemini.file-delete", (exchange) => removeFile(exchange, id));
  return null;
}

/** The second request needs no key: its URL is the credential. */
function routeUpload(incoming: Incoming, world: World): Route {
  const id = incoming.query.get("upload_id");
  if (!id) return gemini(incoming, "gemini.file-start", startUpload);
  const upload = uploads(world).get(id);
  const denied = upload ? null : googleError(404, "Upload not found or already finalized.");
  return { operation: "gemini.file-upload", secret: upload?.key ?? "", denied, run: (exchange) => receive(exchange, id, upload!) };
}

function startUpload({ incoming, world }: Exchange): Reply {
  const { headers } = incoming;
  if (headers.get("x-goog-upload-protocol") !== "resumable" || headers.get("x-goog-upload-command") !== "start") {
    throw invalidArgument("X-Goog-Upload-Protocol: resumable and X-Goog-Upload-Command: start are expected.");
  }
  const file = fieldsOf(incoming.json()?.file);
  const mime = headers.get("x-goog-upload-header-content-type") ?? file.mimeType ?? file.mime_type;
  if (typeof mime !== "string" || mime === "") throw invalidArgument("Unsupported MIME type: ");
  const declared = headers.get("x-goog-upload-header-content-length");
  const id = world.id(40);
  uploads(world).set(id, {
    key: keyOf(incoming),
    mime,
    displayName: String(file.displayName ?? file.display_name ?? ""),
    size: declared === null ? null : Number(declared),
    pieces: [],
    received: 0,
  });
  const url = `${incoming.origin}${incoming.path}?upload_id=${id}&upload_protocol=resumable`;
  return {
    status: 200,
    headers: { "x-goog-upload-url": url, "x-goog-upload-status": "active", "x-goog-upload-control-url": url },
    body: "",
  };
}

function receive(exchange: Exchange, id: string, upload: Upload): Reply {
  const { incoming, world } = exchange;
  const commands = (incoming.headers.get("x-goog-upload-command") ?? "").split(",").map((command) => command.trim());
  if (commands.includes("query")) {
    return { status: 200, headers: { "x-goog-upload-status": "active", "x-goog-upload-size-received": String(upload.received) }, body: "" };
  }
  if (!commands.includes("upload") && !commands.includes("finalize")) throw invalidArgument("Unknown X-Goog-Upload-Command.");
  const offset = Number(incoming.headers.get("x-goog-upload-offset") ?? upload.received);
  if (offset !== upload.received) throw invalidArgument(`Upload offset is ${upload.received}, not ${offset}.`);
  upload.pieces.push(incoming.bytes);
  upload.received += incoming.bytes.length;
  if (!commands.includes("finalize")) return { status: 200, headers: { "x-goog-upload-status": "active" }, body: "" };
  if (upload.size !== null && upload.size !== upload.received)
    throw invalidArgument(`Expected ${upload.size} bytes, received ${upload.received}.`);
  uploads(world).delete(id);
  const file = keepUpload(world, upload, exchange.content?.fault === "file-failed");
  return jsonReply({ file: resource(world, file, incoming.origin) }, 200, { "x-goog-upload-status": "final" });
}

function keepUpload(world: World, upload: Upload, broken: boolean): GeminiFile {
  const bytes = Buffer.concat(upload.pieces);
  const unreadable = /^(image|video)\//.test(upload.mime) && sniff(bytes) === null;
  return keep(world, {
    id: world.id(12),
    project: projectOf(upload.key),
    mime: upload.mime,
    displayName: upload.displayName,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    hash: hashBytes(bytes),
    created: world.now(),
    readyAt: world.now() + world.options.fileMs,
    broken: broken || unreadable,
  });
}

/** Stores a generated video as a file that is ready some time after the video is. */
export function storeClip(
  world: World,
  clip: { project: string; aspect: ClipAspect; pick: number; doneAt: number; broken: boolean },
): GeminiFile {
  const id = world.id(12);
  const bytes = clipBytes(clip.aspect, clip.pick, id);
  return keep(world, {
    id,
    project: clip.project,
    mime: "video/mp4",
    displayName: "",
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    hash: hashBytes(bytes),
    created: world.now(),
    readyAt: clip.doneAt + world.options.fileMs,
    broken: clip.broken,
    clip: { aspect: clip.aspect, pick: clip.pick },
  });
}

function keep(world: World, file: GeminiFile): GeminiFile {
  files(world).set(file.id, file);
  return file;
}

function stateOf(world: World, file: GeminiFile): "PROCESSING" | "ACTIVE" | "FAILED" {
  if (world.now() < file.readyAt) return "PROCESSING";
  return file.broken ? "FAILED" : "ACTIVE";
}

function resource(world: World, file: GeminiFile, origin: string): Fields {
  const state = stateOf(world, file);
  const date = (ms: number) => new Date(ms).toISOString();
  return {
    name: `files/${file.id}`,
    ...(file.displayName ? { displayName: file.displayName } : {}),
    mimeType: file.mime,
    sizeBytes: String(file.bytes),
    createTime: date(file.created),
    updateTime: date(file.created),
    expirationTime: date(file.created + LIFE_MS),
    sha256Hash: Buffer.from(file.sha256).toString("base64"),
    uri: `${origin}/gemini/v1beta/files/${file.id}`,
    ...(file.clip ? { downloadUri: downloadUri(file, origin) } : {}),
    state,
    source: file.clip ? "GENERATED" : "UPLOADED",
    ...(state === "FAILED" ? { error: { code: 13, message: "The file failed to be processed." } } : {}),
  };
}

/** The address that a reply names for a generated file. */
export function downloadUri(file: GeminiFile, origin: string): string {
  return `${origin}/gemini/v1beta/files/${file.id}:download?alt=media`;
}

function own({ incoming, world }: Exchange, id: string): GeminiFile {
  const file = files(world).get(id);
  if (!file || file.project !== projectOf(keyOf(incoming))) throw noSuchFile(id);
  return file;
}

function listFiles({ incoming, world }: Exchange): Reply {
  const project = projectOf(keyOf(incoming));
  const all = files(world)
    .entries()
    .map(([, file]) => file)
    .filter((file) => file.project === project);
  const start = readPageToken(incoming.query.get("pageToken"));
  const end = start + Math.min(MOST_PER_PAGE, Number(incoming.query.get("pageSize") ?? DEFAULT_PAGE) || DEFAULT_PAGE);
  const page = all.slice(start, end).map((file) => resource(world, file, incoming.origin));
  return jsonReply({ ...(page.length > 0 ? { files: page } : {}), ...(end < all.length ? { nextPageToken: pageToken(end) } : {}) });
}

function removeFile(exchange: Exchange, id: string): Reply {
  own(exchange, id);
  files(exchange.world).delete(id);
  return jsonReply({});
}

function downloadFile(exchange: Exchange, id: string): Reply {
  const file = own(exchange, id);
  if (!file.clip) throw invalidArgument("Only generated files can be downloaded.");
  if (stateOf(exchange.world, file) !== "ACTIVE") {
    throw refusalOf(
      googleError(400, `The File ${id} is not in an ACTIVE state and usage is not allowed.`, undefined, "FAILED_PRECONDITION"),
    );
  }
  if (exchange.content?.fault === "redirect") {
    return {
      status: 302,
      headers: { location: signedPath(exchange.world, exchange.incoming.origin, `/cdn/generated/file/${id}`) },
      body: "",
    };
  }
  return fileReply(file);
}

/** A generated file's bytes, or null when there is none of this id. */
export function generatedFile(world: World, id: string): Reply | null {
  const file = files(world).get(id);
  return file?.clip ? fileReply(file) : null;
}

function fileReply(file: GeminiFile): Reply {
  const { aspect, pick } = file.clip!;
  return { status: 200, headers: { "content-type": file.mime }, body: clipBytes(aspect, pick, file.id) };
}

/**
 * The file behind an address in a request of this project.
 * @throws {Refusal} 403 when it is not there or not theirs, 400 when it is not ACTIVE
 */
export function findFile(world: World, incoming: Incoming, uri: string): InputMedia & { clip?: GeminiFile["clip"] } {
  const id = /\/files\/([a-z0-9]+)(?:[:?]|$)/.exec(uri)?.[1] ?? "";
  const file = files(world).get(id);
  if (!file || file.project !== projectOf(keyOf(incoming))) throw noSuchFile(id || uri);
  if (stateOf(world, file) !== "ACTIVE") {
    throw refusalOf(
      googleError(400, `The File ${id} is not in an ACTIVE state and usage is not allowed.`, undefined, "FAILED_PRECONDITION"),
    );
  }
  return { mime: file.mime, bytes: file.bytes, hash: file.hash, ...(file.clip ? { clip: file.clip } : {}) };
}
