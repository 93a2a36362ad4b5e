// JSON with blobs as base64, streamed slice by slice: a response with images is never whole in memory.
import type { Base64 } from "../domain/generation.ts";
import { newId } from "../ids.ts";

/** Bytes read at a time; a multiple of 3, so that base64 pieces join without padding. */
const SLICE = 3 * 128 * 1024;
const TEXT_SLICE = 512 * 1024;
/** Base64 up to this length is written with the rest of its body. */
const AT_ONCE = 64 * 1024;

/** Base64 that is at hand already. */
export class Base64Text {
  constructor(readonly text: Base64) {}

  /** A long one stays what it is, and is split from its JSON. */
  toJSON(): string | this {
    return this.text.length <= AT_ONCE ? asText(this.text) : this;
  }
}

/** Base64 up to this length is a text of its body like any other: those of all images of a request are no more than is written at once. */
const SHORT = 4 * 1024;

/** Base64 that is at hand, for a body. */
export const bodyBase64 = (text: Base64): Base64Text | string =>
  typeof text === "string" && text.length <= SHORT ? text : new Base64Text(text);

/** Bytes of a body: they are written as base64. */
export type BodyBytes = Blob | Base64Text;

/** Placeholders in strings where base64 belongs. */
export class Base64Placeholders {
  /** Unguessable: text of a client cannot contain it. */
  #marker = "";
  #embedded: BodyBytes[] | null = null;

  /** The placeholder of one value. */
  embed(bytes: BodyBytes): string {
    this.#marker ||= newId();
    this.#embedded ??= [];
    return `${this.#marker}${this.#embedded.push(bytes) - 1};`;
  }

  get isEmpty(): boolean {
    return this.#embedded === null;
  }

  /** Splits a text at its placeholders: strings, and the bytes between them. */
  split(text: string): (string | BodyBytes)[] {
    const embedded = this.#embedded;
    if (embedded === null) return [text];
    const [first = "", ...rest] = text.split(this.#marker);
    const parts = rest.map((part) => ({ number: part.slice(0, part.indexOf(";")), text: part.slice(part.indexOf(";") + 1) }));
    return [first, ...parts.flatMap((part) => [embedded[Number(part.number)]!, part.text])];
  }
}

const isBytes = (value: unknown): value is BodyBytes => value instanceof Blob || value instanceof Base64Text;

/** Length of the base64 at hand in a body itself, infinite where bytes have to be read; those behind placeholders do not count. */
function base64Length(value: object): number {
  if (value instanceof Base64Text) return value.text.length;
  if (value instanceof Blob) return Number.POSITIVE_INFINITY;
  let length = 0;
  for (const name in value) {
    const field: unknown = value[name as keyof typeof value];
    if (typeof field === "object" && field !== null) length += base64Length(field);
  }
  return length;
}

/** The JSON of a body where its bytes are at hand and no more than a socket takes at once; else null. */
export const shortJson = (body: object): string | null => (base64Length(body) <= AT_ONCE ? JSON.stringify(body) : null);

/** The JSON of `body`, split where base64 belongs: at each value of bytes in it and at each placeholder. */
const jsonParts = (body: object, placeholders: Base64Placeholders): (string | BodyBytes)[] =>
  placeholders.split(base64Length(body) > 0 ? embedAll(body, placeholders) : JSON.stringify(body));

const embedAll = (body: object, placeholders: Base64Placeholders): string =>
  JSON.stringify(body, (_name, value: unknown) => (isBytes(value) ? placeholders.embed(value) : value));

/** The JSON of `body` in pieces, with base64 in place of bytes. */
export async function* jsonPieces(body: object, placeholders = new Base64Placeholders()): AsyncGenerator<string> {
  for await (const piece of piecesOf(jsonParts(body, placeholders))) yield asText(piece);
}

/** Text that is at hand as bytes is not copied. */
async function* piecesOf(parts: readonly (string | BodyBytes)[]): AsyncGenerator<string | Uint8Array> {
  for (const part of parts) {
    if (typeof part === "string") yield part;
    else if (part instanceof Base64Text) {
      const { text } = part;
      for (let at = 0; at < text.length; at += TEXT_SLICE)
        yield typeof text === "string" ? text.slice(at, at + TEXT_SLICE) : text.subarray(at, at + TEXT_SLICE);
    } else for (let byte = 0; byte < part.size; byte += SLICE) yield (await part.slice(byte, byte + SLICE).bytes()).toBase64();
  }
}

/** Base64 as text. */
export const asText = (ascii: Base64): string =>
  typeof ascii === "string" ? ascii : Buffer.from(ascii.buffer, ascii.byteOffset, ascii.byteLength).toString("latin1");

/** One frame of an event stream with the JSON of `body`, in pieces. */
export async function* framePieces(body: object, placeholders: Base64Placeholders): AsyncGenerator<string> {
  yield "data: ";
  yield* jsonPieces(body, placeholders);
  yield "\n\n";
}

/** The parts as one text, where all are at hand and no more than a socket takes at once; else null. */
function textOf(parts: readonly (string | BodyBytes)[]): string | null {
  let length = 0;
  for (const part of parts) {
    if (part instanceof Blob) return null;
    if (typeof part !== "string") length += part.text.length;
  }
  if (length > AT_ONCE) return null;
  if (parts.length === 1 && typeof parts[0] === "string") return parts[0];
  return parts.map((part) => (part instanceof Base64Text ? asText(part.text) : part)).join("");
}

/** What is told that all of a response was handed over. */
export type Sent = { delivered?(): void };

/** A body without bytes as a response, written at once: it is delivered. */
export const jsonAtOnce = (body: object, headers: Readonly<Record<string, string>>, sent: Sent): Response =>
  textResponse(JSON.stringify(body), headers, sent);

function textResponse(text: string, headers: Readonly<Record<string, string>> | undefined, sent: Sent | undefined): Response {
  sent?.delivered?.();
  return new Response(text, initOf(headers));
}

function initOf(headers: Readonly<Record<string, string>> | undefined): ResponseInit {
  for (const name in headers) if (name !== "") return { headers: { "content-type": JSON_TYPE, ...headers } };
  return JSON_INIT;
}

const JSON_TYPE = "application/json; charset=utf-8";
const JSON_INIT = { headers: { "content-type": JSON_TYPE } };

/** As a response; one that is short is written at once. `sent` is told when all of it is handed over, unless the reader has left. */
export function jsonWithBytes(
  body: object,
  headers?: Readonly<Record<string, string>>,
  sent?: Sent,
  placeholders: Base64Placeholders | null = null,
): Response {
  const short = placeholders === null ? shortJson(body) : null;
  if (short !== null) return textResponse(short, headers, sent);
  const parts = jsonParts(body, placeholders ?? new Base64Placeholders());
  const text = textOf(parts);
  if (text !== null) return textResponse(text, headers, sent);
  return new Response(streamOf(piecesOf(parts), sent), initOf(headers));
}

function streamOf(pieces: AsyncGenerator<string | Uint8Array>, sent?: Sent): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) {
        controller.close();
        sent?.delivered?.();
      } else controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
    },
    cancel: () => void pieces.return(undefined),
  });
}
