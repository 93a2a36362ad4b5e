// Pictures and videos as Google's clients name them: bytes inside, the name of a file, our own links, any https URL.
import { AppError } from "../../errors.ts";
import { fileIdOf, type InputReference, ownMediaId } from "../../gateway/inputs.ts";
import { type Fields, textOf } from "./proto-json.ts";

/** A file of ours by its name or by any address that ends with it, whatever the host: ids cannot be guessed. */
const FILE_NAME = /(?:^|\/)files\/([a-z2-7]{26})(?::download)?$/;

/** The id in `files/{id}` or an address of it; null for anything else. */
export function fileIdIn(uri: string): string | null {
  const end = uri.search(/[?#]/);
  return FILE_NAME.exec(end < 0 ? uri : uri.slice(0, end))?.[1] ?? null;
}

/** Base64 in a body, as a URL that the gateway reads. The claimed type is not believed later on. */
export function dataReference(data: string, mimeType: unknown, param: string): InputReference {
  const url = data.startsWith("data:") ? data : `data:${textOf(mimeType) ?? ""};base64,${data}`;
  return { type: "reference", url, param, trusted: true };
}

/**
 * What a URI names. Of what a model said (`trusted` false) only our own files and media count; anything else is passed over.
 * @throws {AppError} `invalid_request` for what cannot be read here
 */
export function uriReference(uri: string, param: string, trusted = true): InputReference | null {
  const id = fileIdIn(uri);
  if (id) return { type: "reference", url: `file:${fileIdOf(id)}`, param, trusted };
  if (ownMediaId(uri) || (trusted && /^(https?:\/\/|data:)/i.test(uri))) return { type: "reference", url: uri, param, trusted };
  if (!trusted) return null;
  throw new AppError("invalid_request", `${param}: expected files/{id}, an http(s) URL or a data URL.`, { param });
}

/**
 * A picture or video of `:predict` and `:predictLongRunning`: bytes under one of their names, or a URI.
 * @throws {AppError} `invalid_request` when it is neither
 */
export function mediaReference(value: Fields, param: string): InputReference {
  const bytes = ["bytesBase64Encoded", "encodedVideo", "imageBytes", "videoBytes", "data"].map((name) => textOf(value[name])).find(Boolean);
  if (bytes) return dataReference(bytes, value.mimeType ?? value.encoding, param);
  const uri = ["uri", "fileUri", "gcsUri", "url"].map((name) => textOf(value[name])).find(Boolean);
  if (uri) return uriReference(uri, param)!;
  throw new AppError("invalid_request", `${param}: expected bytesBase64Encoded with mimeType, or uri.`, { param });
}
