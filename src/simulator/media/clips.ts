// The simulator's videos: real playable MP4, one of a few by prompt, each result with bytes of its own.
import { CLIPS } from "./clip-data.ts";

export type ClipAspect = "16:9" | "9:16";

const CLIP_PIXELS: Record<ClipAspect, [number, number]> = { "16:9": [320, 180], "9:16": [180, 320] };

export function clipPixels(aspect: ClipAspect): [number, number] {
  return CLIP_PIXELS[aspect];
}

/**
 * MP4 bytes. `pick` chooses the clip; `mark` is appended in a `free` box, which players skip, so that no two results are the same file
 * and a test can tell them apart.
 */
export function clipBytes(aspect: ClipAspect, pick: number, mark: string): Uint8Array<ArrayBuffer> {
  const clips = CLIPS[aspect];
  const clip = Buffer.from(clips[pick % clips.length]!.mp4, "base64");
  const text = Buffer.from(mark);
  const whole = new Uint8Array(clip.length + 8 + text.length);
  whole.set(clip);
  const box = Buffer.from(whole.buffer, clip.length);
  box.writeUInt32BE(8 + text.length, 0);
  box.write("free", 4, "latin1");
  box.set(text, 8);
  return whole;
}

/** The clip's first frame as JPEG. */
export function clipPoster(aspect: ClipAspect, pick: number): Uint8Array<ArrayBuffer> {
  const clips = CLIPS[aspect];
  return new Uint8Array(Buffer.from(clips[pick % clips.length]!.poster, "base64"));
}
