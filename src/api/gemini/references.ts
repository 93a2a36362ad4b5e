// Media references of Google's clients: inline bytes, file names, our own links, any https URL.

import type { InputMedia, Kind, Turn } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import {
  fileIdOf,
  holdsReferences,
  type LeftOut,
  namedFileUrl,
  ownMediaId,
  plainTurns,
  readInput,
  resolveTurns,
} from "../../gateway/generation/inputs/inputs.ts";
import type { InputReference, UnresolvedTurn } from "../../gateway/generation/inputs/unresolved-turn.ts";
import { admitInputs } from "../admission.ts";
import { mustBe } from "../body/invalid.ts";
import type { Api, Call } from "./call.ts";
import { type Fields, textOf } from "./proto-json.ts";

/** A file of ours by its name or by any address that ends with it, whatever the host: ids cannot be guessed. */
const FILE_NAME = /(?:^|\/)files\/([a-z2-7]{26})(?::download)?$/;

/** A file by the name that its client asked for, bare or in an address of this API. */
const NAMED_FILE = /^(?:https?:\/\/[^/?#]+\/(?:v1|v1alpha|v1beta|v1beta1)\/)?files\/([^/?#:]{1,80})(?::download)?(?:[?#].*)?$/;

/** A name that a client may ask for: up to 40 small letters, digits and dashes, none of these at either end. */
export const isFileName = (name: string): boolean => /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(name);

/** The id in `files/{id}` or an address of it; null for anything else. */
export function fileIdIn(uri: string): string | null {
  const end = uri.search(/[?#]/);
  return FILE_NAME.exec(end < 0 ? uri : uri.slice(0, end))?.[1] ?? null;
}

/** URLs of videos that upstreams fetch themselves. */
const YOUTUBE = /^https:\/\/(?:(?:www|m)\.)?(?:youtube\.com\/(?:watch\?|shorts\/|live\/)|youtu\.be\/)/i;

/** Base64 of a body as a data URL. The claimed media type is checked later. */
export function dataReference(data: string, mimeType: unknown, param: string): InputReference {
  const url = data.startsWith("data:") ? data : `data:${textOf(mimeType) ?? ""};base64,${data}`;
  return { type: "reference", url, param, trusted: true };
}

/**
 * What a URI names. Of what a model said (`trusted` false) only our own files and media count; anything else is passed over.
 * @throws {AppError} `invalid_request` for what cannot be read here
 */
export function uriReference(uri: string, param: string, trusted = true): InputReference | null {
  if (trusted && YOUTUBE.test(uri)) return { type: "reference", url: uri, param, trusted, forUpstream: { mime: "" } };
  const id = fileIdIn(uri);
  if (id) return { type: "reference", url: `file:${fileIdOf(id)}`, param, trusted };
  const name = NAMED_FILE.exec(uri)?.[1];
  if (name !== undefined) return { type: "reference", url: namedFileUrl(name), param, trusted };
  if (ownMediaId(uri) || (trusted && /^(https?:\/\/|data:)/i.test(uri))) return { type: "reference", url: uri, param, trusted };
  if (!trusted) return null;
  throw mustBe(param, "files/{id}, an http(s) URL or a data URL", uri);
}

/**
 * An image or video of `:predict` and `:predictLongRunning`: bytes under one of their names, or a URI.
 * @throws {AppError} `invalid_request` when it is neither
 */
export function mediaReference(value: Fields, param: string): InputReference {
  const bytes = ["bytesBase64Encoded", "encodedVideo", "imageBytes", "videoBytes", "data"].map((name) => textOf(value[name])).find(Boolean);
  if (bytes) return dataReference(bytes, value.mimeType ?? value.encoding, param);
  const uri = ["uri", "fileUri", "gcsUri", "url"].map((name) => textOf(value[name])).find(Boolean);
  if (uri) return uriReference(uri, param)!;
  throw mustBe(param, "bytesBase64Encoded with mimeType, or uri", value);
}

/** Google's message for a file that does not exist or is another key's. */
export const noSuchFile = (name: string, param?: string) =>
  new AppError("forbidden", `You do not have permission to access the File ${name.slice(0, 80)} or it may not exist.`, {
    param,
    reason: "file_not_found",
  });

const ownerOf = ({ key, requestId, request }: Call) => ({ keyId: key.id, requestId, signal: request.signal });

/**
 * A conversation with bytes in place of what it names, at once where it names nothing; what history names and cannot be read goes to `leftOut`.
 * @throws {AppError} `forbidden` for an unknown file, else as `resolveTurns`
 */
export function readTurns(
  { inputs, limits }: Pick<Api, "inputs" | "limits">,
  call: Call,
  turns: UnresolvedTurn[],
  leftOut: LeftOut[] = [],
): Turn[] | Promise<Turn[]> {
  if (!holdsReferences(turns)) return plainTurns(turns);
  admitInputs({ limits }, call.request, call.key.id);
  const references = turns.flatMap(({ parts }) => parts.filter((part) => part.type === "reference"));
  return asGoogleSays(references, () => resolveTurns(inputs, turns, { ...ownerOf(call), leftOut }));
}

/** One thing that a request names. @throws {AppError} as {@link readTurns} */
export async function readReference(
  { inputs, limits }: Pick<Api, "inputs" | "limits">,
  call: Call,
  reference: InputReference,
  kind?: Kind,
): Promise<InputMedia> {
  admitInputs({ limits }, call.request, call.key.id);
  return asGoogleSays([reference], async () => (await readInput(inputs, reference, ownerOf(call), kind))!);
}

async function asGoogleSays<T>(references: InputReference[], read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== "file_not_found") throw error;
    const { url = "" } = references.find(({ param, url }) => param === error.param && url.startsWith("file:")) ?? {};
    throw noSuchFile(url.replace(/^file:(name\/|file-)/, ""), error.param);
  }
}
