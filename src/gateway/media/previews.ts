// Previews: stored images as WebP within a number of bytes, made on request, a few at a time.
import { KeyedSemaphore } from "../../keyed-semaphore.ts";
import type { Log } from "../../log.ts";

/** Longest side and quality, tried until the bytes are few enough. */
const STEPS = [
  { pixels: 1024, quality: 80 },
  { pixels: 1024, quality: 60 },
  { pixels: 768, quality: 60 },
  { pixels: 512, quality: 55 },
  { pixels: 320, quality: 50 },
  { pixels: 160, quality: 40 },
] as const;
/** An image of 4096 x 4096 takes 64 MiB while it is resized. */
const AT_ONCE = 2;

export class Previews {
  readonly #semaphore = new KeyedSemaphore(AT_ONCE);

  constructor(private readonly log: Log) {}

  /** WebP of at most `maxBytes`; null when the image cannot be decoded, or made so small. @throws the signal's reason */
  async webp(image: Blob, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | null> {
    const leave = await this.#semaphore.enter("", signal);
    try {
      const bytes = await image.bytes();
      for (const { pixels, quality } of STEPS) {
        const size = { fit: "inside", withoutEnlargement: true } as const;
        const preview = await new Bun.Image(bytes).resize(pixels, pixels, size).webp({ quality }).bytes();
        if (preview.byteLength <= maxBytes) return preview;
      }
      return null;
    } catch (error) {
      this.log.warn("A preview could not be made", { error });
      return null;
    } finally {
      leave();
    }
  }
}
