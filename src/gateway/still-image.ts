// Input images in a form that every upstream takes: a GIF as a PNG of its first frame.
import { AppError } from "../errors.ts";

/** Not among the input types of Gemini's image models (ai.google.dev/gemini-api/docs/image-understanding, read 2026-11-29). */
export const isGif = (mime: string): boolean => mime === "image/gif";
/** Taken by some upstreams only, and not decoded here. */
export const isTakenBySome = (mime: string): boolean => mime === "image/avif";

/** @throws {AppError} `invalid_request` for a GIF that cannot be decoded */
export async function firstFrame(gif: Blob, param: string): Promise<Blob> {
  try {
    const png = (await new Bun.Image(await gif.bytes()).png().bytes()) as Uint8Array<ArrayBuffer>;
    return new Blob([png], { type: "image/png" });
  } catch {
    throw new AppError("invalid_request", `${param}: this GIF cannot be read; send a PNG or JPEG.`, { param, reason: "invalid_value" });
  }
}
