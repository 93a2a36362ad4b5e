// Inputs: resolves media references (data URLs, own links, guarded fetches) to stored media.

import { type InputMedia, isExpired, type Kind, type Media, type Turn } from "../../../domain/generation.ts";
import { AppError, type ErrorKind } from "../../../errors.ts";
import type { MediaStore } from "../../media/contract.ts";
import { type DataUrlLimits, decodeDataUrl } from "../../media/data-url.ts";
import type { MediaFetch } from "../../media/fetch-media.ts";
import { firstFrame, isGif, isTakenBySome } from "../../still-image.ts";
import type { Affinity } from "./affinity.ts";
import { readableTurns } from "./read-references.ts";
import { type InputReference, joinTurns, type UnresolvedTurn } from "./unresolved-turn.ts";

/** An input that was left out: the field that named it, and why. */
export type LeftOut = { param: string; reason: string };

const FILE_ID = /^file-([a-z2-7]{26})$/;
const OWN_MEDIA = /^(?:https?:\/\/[^?#]+)?\/media\/([a-z2-7]{26})\.[a-z0-9]{1,5}(?:[?#].*)?$/;

/** The id in a link to our media, whatever host it was made for: ids cannot be guessed. Null for any other URL. */
export function ownMediaId(url: string): string | null {
  return OWN_MEDIA.exec(url)?.[1] ?? null;
}

/** Public id of an uploaded file. */
export const fileIdOf = (mediaId: string) => `file-${mediaId}`;

/** Media id behind a file id; null for anything else. */
export function fileMediaId(fileId: string): string | null {
  return FILE_ID.exec(fileId)?.[1] ?? null;
}

/** URL of a file by the name that the key gave it. */
export const namedFileUrl = (name: string) => `file:name/${name}`;

export type InputDependencies = {
  media: Pick<MediaStore, "open" | "storeBytes">;
  fetchMedia: MediaFetch;
  affinity: Affinity;
  /** Media id of the file that a key named so, or null. */
  fileNamed(keyId: number, name: string): Promise<string | null>;
  limits: () => DataUrlLimits;
  /** Epoch ms. */
  now: () => number;
};

type Owner = {
  keyId: number;
  requestId: string;
  signal: AbortSignal;
  /** Takes what was left out; absent: not reported. */
  leftOut?: LeftOut[];
};

/**
 * Reads the references that can matter, stores what is new, and gives the conversation with bytes in place of URLs. Turns that
 * end up empty are dropped.
 * @throws {AppError} `invalid_request` naming the field whose image cannot be read
 */
export async function resolveTurns(deps: InputDependencies, turns: UnresolvedTurn[], owner: Owner): Promise<Turn[]> {
  if (!holdsReferences(turns)) return plainTurns(turns);
  const readable = readableTurns(turns);
  const resolved = await Promise.all(
    readable.map(async ({ role, parts }) => {
      const read = await Promise.all(
        parts.map(async (part) => {
          if (part.type === "text") return part;
          const image = await readLenient(deps, part, owner);
          if (!image) return part.lenient?.text ? { type: "text" as const, text: part.lenient.text } : null;
          return { type: "image" as const, image: part.signature ? { ...image, signature: part.signature } : image };
        }),
      );
      return { role, parts: read.filter((part) => part !== null) };
    }),
  );
  // Roles alternate also where a turn between two others was left out.
  return owner.leftOut?.length || readable !== turns ? joinTurns(resolved) : resolved.filter(({ parts }) => parts.length > 0);
}

/** Whether anything has to be read. */
export function holdsReferences(turns: readonly UnresolvedTurn[]): boolean {
  for (const { parts } of turns) for (const { type } of parts) if (type === "reference") return true;
  return false;
}

/** A conversation of texts alone, without empty turns. */
export function plainTurns(turns: UnresolvedTurn[]): Turn[] {
  for (const { parts } of turns) if (parts.length === 0) return withoutEmpty(turns);
  return turns as Turn[];
}

const withoutEmpty = (turns: UnresolvedTurn[]) => turns.filter(({ parts }) => parts.length > 0) as Turn[];

/** Failures that are the reference's own, not those of the server or of a client that left. */
const UNREADABLE: ReadonlySet<ErrorKind> = new Set(["invalid_request", "not_found", "payload_too_large", "network"]);

/**
 * Reads a reference; null for one that is left out.
 * @throws {AppError} as {@link readInput} for one that has to be read
 */
export async function readLenient(deps: InputDependencies, reference: InputReference, owner: Owner, kind?: Kind) {
  if (!reference.lenient) return readInput(deps, reference, owner, kind);
  const { param } = reference;
  try {
    const image = await readInput(deps, reference, owner, kind);
    if (!image) owner.leftOut?.push({ param, reason: "these media are not stored any more" });
    if (!image || !isTakenBySome(image.mime)) return image;
    owner.leftOut?.push({ param, reason: `${image.mime} is not taken by every upstream` });
    return null;
  } catch (error) {
    if (!(error instanceof AppError) || !UNREADABLE.has(error.kind)) throw error;
    owner.leftOut?.push({ param, reason: error.message });
    return null;
  }
}

const IMAGES: readonly Kind[] = ["image"];

/**
 * Reads one reference and stores what is new. Null only for one that is not trusted.
 * @throws {AppError} `invalid_request` or `not_found`, naming the field
 */
export async function readInput(deps: InputDependencies, reference: InputReference, owner: Owner, kind?: Kind): Promise<InputMedia | null> {
  if (reference.url === "") throw emptyReference(reference.param);
  const kinds = kind ? [kind] : (reference.kinds ?? IMAGES);
  if (reference.forUpstream) return uriInput(reference.url, reference.forUpstream.mime);
  const read = await readStored(deps, reference, owner, kinds);
  return read && isGif(read.mime) ? { ...read, mime: "image/png", data: await firstFrame(read.data, reference.param) } : read;
}

async function readStored(
  deps: InputDependencies,
  reference: InputReference,
  owner: Owner,
  kinds: readonly Kind[],
): Promise<InputMedia | null> {
  if (reference.url.startsWith("file:")) return readFile(deps, reference, owner.keyId, kinds);
  const own = ownMediaId(reference.url);
  if (own) {
    const found = await readOwn(deps, own, owner.keyId, kinds);
    if (found) return found;
    if (reference.otherwise) return readStored(deps, { ...reference, url: reference.otherwise, otherwise: undefined }, owner, kinds);
    if (!reference.trusted) return null;
    if (reference.url.startsWith("/") || reference.lenient)
      throw new AppError("invalid_request", `${reference.param}: there is no such media.`, { param: reference.param });
  }
  const { bytes } = reference.url.startsWith("data:")
    ? decodeDataUrl(reference.url, { ...deps.limits(), kinds }, reference.param)
    : await deps.fetchMedia(reference.url, { signal: owner.signal, param: reference.param, kinds });
  const { keyId, requestId } = owner;
  const stored = await deps.media.storeBytes(bytes, { origin: "input", keyId, requestId });
  // Read back from disk when the call is written, so that waiting requests do not hold images in memory.
  return (await readOwn(deps, stored.id, keyId, kinds))!;
}

const NAMED_FILE = namedFileUrl("");

/** `where`: what the message names, the part that holds the field. */
export const emptyReference = (where: string, param = where) =>
  new AppError("invalid_request", `${where} must be a URL or data URL of an image, got an empty text.`, {
    param,
    reason: "invalid_value",
  });

/** @throws {AppError} `not_found` also for another key's file, and an expired one: existence is not revealed */
async function readFile(
  deps: InputDependencies,
  { url, param }: InputReference,
  keyId: number,
  kinds: readonly Kind[],
): Promise<InputMedia> {
  const named = url.startsWith(NAMED_FILE) ? deps.fileNamed(keyId, url.slice(NAMED_FILE.length)) : null;
  const id = named ? await named : fileMediaId(url.slice("file:".length));
  const found = id === null ? null : await deps.media.open(id);
  const isUsable = found?.media.keyId === keyId && !isExpired(found.media, deps.now());
  const input = isUsable ? await ownInput(deps, found, keyId, kinds) : null;
  const noun = kinds.includes("image") ? "image" : "video";
  if (!input) throw new AppError("not_found", `${param}: there is no such ${noun} among your files.`, { param, reason: "file_not_found" });
  return input;
}

async function readOwn(deps: InputDependencies, id: string, keyId: number, kinds: readonly Kind[]): Promise<InputMedia | null> {
  const found = await deps.media.open(id);
  return found && ownInput(deps, found, keyId, kinds);
}

type Stored = { media: Media; blob: Blob };

/** Null for another kind, and for another key's input. */
async function ownInput({ affinity }: InputDependencies, found: Stored, keyId: number, kinds: readonly Kind[]): Promise<InputMedia | null> {
  const { id, kind, origin, keyId: owner } = found.media;
  if (!kinds.some((one) => one === kind) || (origin === "input" && owner !== keyId)) return null;
  return { ...inputOf(found), signature: origin === "result" ? (await affinity.recall(id))?.signature : undefined };
}

/** An input that the upstream itself reads. */
export const uriInput = (uri: string, mime: string): InputMedia => ({ mime, uri, data: new Blob([uri]) });

/**
 * A stored media item as an input, whoever owns it.
 * @param gone message where it was deleted
 * @throws {AppError} `invalid_request`
 */
export async function openInput(media: Pick<MediaStore, "open">, id: string, gone: string, reason?: string): Promise<InputMedia> {
  const found = await media.open(id);
  if (!found) throw new AppError("invalid_request", gone, { reason });
  return inputOf(found);
}

function inputOf({ media, blob }: Stored): InputMedia {
  const { id, mime, width, height } = media;
  return { mime, data: blob, mediaId: id, pixels: width === null || height === null ? undefined : { width, height } };
}

/** Number of images in the turns. Videos are counted apart. */
export const countImages = (turns: readonly Turn[]): number => countInputs(turns, (input) => !isVideo(input));
export const countVideos = (turns: readonly Turn[]): number => countInputs(turns, isVideo);

/** An address that only the upstream reads is a video: images are read here. */
const isVideo = ({ mime, uri }: InputMedia) => uri !== undefined || mime.startsWith("video/");

const countInputs = (turns: readonly Turn[], counts: (input: InputMedia) => boolean): number =>
  turns.reduce((sum, turn) => sum + turn.parts.filter((part) => part.type === "image" && counts(part.image)).length, 0);

/**
 * Drops the oldest images of earlier turns until at most `max` are left; the last turn stays whole.
 * @throws {AppError} `invalid_request` when the last turn alone has more
 */
export function fitImages(turns: readonly Turn[], max: number, param = "messages"): Turn[] {
  const last = turns.at(-1)!;
  const asked = countImages([last]);
  if (asked > max) throw new AppError("invalid_request", `The model takes at most ${max} images, got ${asked}.`, { param });
  let room = max - asked;
  const fitted = [last];
  for (const turn of turns.slice(0, -1).reverse()) {
    const parts = turn.parts.toReversed().filter((part) => part.type === "text" || isVideo(part.image) || room-- > 0);
    if (parts.length > 0) fitted.unshift({ role: turn.role, parts: parts.reverse() });
  }
  return fitted;
}
