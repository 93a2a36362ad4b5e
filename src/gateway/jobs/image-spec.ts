// Image job spec: the stored request of an image job; its images are media ids.

import type { Json, Part, Turn } from "../../domain/generation.ts";
import type { ImageSpec } from "../generation/contract.ts";
import { openInput, uriInput } from "../generation/inputs/inputs.ts";
import { readOptions, type StoredOptions, storeOptions } from "../generation/stored-options.ts";
import type { MediaStore } from "../media/contract.ts";

type StoredPart =
  | { type: "text"; text: string; signature?: string }
  | { type: "image"; mediaId: string; signature?: string }
  | { type: "uri"; uri: string; mime: string };

export type ImageJobSpec = Omit<ImageSpec, "turns"> & { turns: { role: Turn["role"]; parts: StoredPart[] }[] };

/** Column `plan` of an image job. */
type StoredSpec = Omit<ImageJobSpec, "options" | "imagesParam"> & StoredOptions & { picturesParam?: string };

export function readImageSpec(plan: Json): ImageJobSpec {
  const { choice, turns, n, shapeParams, picturesParam, ...options } = plan as unknown as StoredSpec;
  return { choice, turns, n, shapeParams, imagesParam: picturesParam, options: readOptions(options) };
}

export function writeImageSpec({ options, imagesParam, ...spec }: ImageJobSpec): Json {
  return { ...spec, ...storeOptions(options), picturesParam: imagesParam } satisfies StoredSpec as unknown as Json;
}

/** Turns with media ids instead of bytes. Every image of a job is in the media store. */
export function storeTurns(turns: readonly Turn[]): ImageJobSpec["turns"] {
  const store = (part: Part): StoredPart => {
    if (part.type === "text") return part;
    const { mediaId, signature, uri, mime } = part.image;
    if (uri !== undefined) return { type: "uri", uri, mime };
    if (!mediaId) throw new Error("An image of an image job is not in the store.");
    return { type: "image", mediaId, ...(signature ? { signature } : {}) };
  };
  return turns.map(({ role, parts }) => ({ role, parts: parts.map(store) }));
}

/** Message about an input of a stored job that was deleted. */
export const INPUT_GONE = "An input of this job was deleted before it could be used.";

/** Stored turns with the bytes of their images. @throws {AppError} `invalid_request` when one was deleted */
export async function openTurns(media: Pick<MediaStore, "open">, turns: ImageJobSpec["turns"]): Promise<Turn[]> {
  const open = async (part: StoredPart): Promise<Part> => {
    if (part.type === "text") return part;
    if (part.type === "uri") return { type: "image", image: uriInput(part.uri, part.mime) };
    return { type: "image", image: { ...(await openInput(media, part.mediaId, INPUT_GONE)), signature: part.signature } };
  };
  return Promise.all(turns.map(async ({ role, parts }) => ({ role, parts: await Promise.all(parts.map(open)) })));
}
