// Message decoder: one chat message as a turn of text and image references, in every form that clients send.

import { isRecord } from "../../../domain/is-record.ts";
import { AppError } from "../../../errors.ts";
import { emptyReference, ownMediaId } from "../../../gateway/generation/inputs/inputs.ts";
import type { InputReference, UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { mustBe } from "../../body/invalid.ts";
import { fileReference } from "../references.ts";
import type { ChatBody } from "../schema.ts";
import { isReadableUrl, mayNameMedia, textMedia } from "./text-media.ts";

export type Message = ChatBody["messages"][number];
type UnresolvedPart = UnresolvedTurn["parts"][number];
type Loose = Record<string, unknown>;

/** `name`: where the message stands in the body. `exact`: what is attached has to be readable; else it is left out with a note. */
export type MessageContext = { name: string; exact: boolean };

const isText = (value: unknown): value is string => typeof value === "string";
const textPart = (text: string): UnresolvedPart => ({ type: "text", text });

/** The turn of a message that is a text which names no media; undefined: it has to be decoded. */
export function plainTurn({ role, content, images }: Message): UnresolvedTurn | null | undefined {
  if (role !== "user" && role !== "assistant") return null;
  if (!isText(content) || images?.length || mayNameMedia(content)) return undefined;
  return content.trim() === "" ? null : { role: role === "user" ? "user" : "model", parts: [textPart(content)] };
}

/** The turn of a user's or assistant's message; null where it says and shows nothing. @throws {AppError} `invalid_request` where it is exact */
export function decodeMessage(message: Message, { name, exact }: MessageContext): UnresolvedTurn | null {
  if (message.role !== "user" && message.role !== "assistant") return null;
  const role = message.role === "user" ? "user" : "model";
  const reader = { trusted: role === "user", exact };
  const where = `${name}.content`;
  const content = message.content ?? [];
  const parts = isText(content) ? decodeText(content, where) : content.flatMap((part, at) => decodePart(part, `${where}[${at}]`, reader));
  const [only] = parts;
  if (parts.length === 1 && only?.type === "text" && !message.images?.length) return only.text.trim() === "" ? null : { role, parts };
  const images = (message.images ?? []).flatMap((part, at) => decodePart(part, `${name}.images[${at}]`, reader));
  const all = withoutDoubles([...parts, ...images], role).filter((part) => part.type === "reference" || part.text.trim() !== "");
  return all.length === 0 ? null : { role, parts: all };
}

/** A text that does not decode as an image stays text up to this length. */
const MAX_STAND_IN = 500;

/** Text with its images taken out. One that cannot be read is text, whoever wrote it and wherever it stands. */
export function decodeText(text: string, where: string): UnresolvedPart[] {
  const found = textMedia(text);
  if (found.length === 0) return [textPart(text)];
  const parts: UnresolvedPart[] = [];
  let from = 0;
  for (const { url, start, end, label } of found) {
    const standIn = end - start <= MAX_STAND_IN ? text.slice(start, end) : "";
    const said = textPart(text.slice(from, start) + label);
    parts.push(said, { type: "reference", url, param: where, trusted: false, lenient: { text: standIn.trim() } });
    from = end;
  }
  return [...parts, textPart(text.slice(from))];
}

type Reader = { trusted: boolean; exact: boolean };

/** One content part in any form that clients send; parts other than text and images are skipped. */
function decodePart(part: unknown, where: string, reader: Reader): UnresolvedPart[] {
  if (isText(part)) return decodeText(part, where);
  if (!isRecord(part)) {
    if (!reader.exact) return [];
    throw new AppError("invalid_request", `${where} must be an object with "type", got ${JSON.stringify(part)}.`, {
      param: where,
      reason: "invalid_value",
    });
  }
  if (isText(part.text)) return decodeText(part.text, `${where}.text`);
  if (reader.exact && part.text !== undefined && part.text !== null) throw mustBe(`${where}.text`, "a text", part.text);
  const fileId = fileIdIn(part);
  if (isText(fileId)) return reader.trusted ? [attached(fileReference(fileId, `${where}.file_id`), reader)] : [];
  const url = imageUrlOf(part);
  if (url === null) return [];
  const param = `${where}.image_url`;
  const named = isText(url) ? url.trim() : "";
  if (named === "" && reader.exact) throw emptyReference(where, param);
  if (!reader.trusted && !isReadableUrl(named)) return [];
  return [attached({ type: "reference", url: named, param, trusted: reader.trusted }, reader)];
}

const attached = (reference: InputReference, { exact }: Reader): InputReference =>
  exact && reference.trusted ? reference : { ...reference, lenient: { text: "" } };

/** The id of an uploaded file in a `file`, `input_file`, `input_image` or `image_url` part. */
function fileIdIn(part: Loose): unknown {
  const holder = [part, part.file, part.image_url].find((one) => isRecord(one) && isText(one.file_id));
  return isRecord(holder) ? holder.file_id : null;
}

function imageUrlOf(part: Loose): unknown {
  if (part.type === "file" && isRecord(part.file)) return part.file.file_data ?? null;
  if (part.type === "input_file") return part.file_data ?? part.file_url ?? null;
  if (part.type !== "image_url" && part.type !== "input_image") return null;
  return (isRecord(part.image_url) ? part.image_url.url : part.image_url) ?? "";
}

/**
 * Each of our own media items once. Some clients return an image twice, as bytes and as the reference in the text: the stored one is read,
 * which has the upstream's thought signature, and the bytes where it is no longer stored.
 */
function withoutDoubles(parts: readonly UnresolvedPart[], role: UnresolvedTurn["role"]): UnresolvedPart[] {
  const seen = new Set<string>();
  const single = parts.filter((part) => {
    const id = part.type === "reference" ? ownMediaId(part.url) : null;
    if (id === null) return true;
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
  if (role === "user" || seen.size === 0) return single;
  const bytes = single.flatMap((part) => (part.type === "reference" && part.url.startsWith("data:") ? [part.url] : []));
  if (bytes.length === 0) return single;
  let index = 0;
  return single.flatMap((part): UnresolvedPart[] => {
    if (part.type !== "reference") return [part];
    if (ownMediaId(part.url) !== null) return [{ ...part, otherwise: bytes[index++] }];
    return part.url.startsWith("data:") ? [] : [part];
  });
}
