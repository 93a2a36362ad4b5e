// Media shares: storage per key and origin, and what is deleted first when space is short. Pure.

import type { Media } from "../../domain/generation.ts";
import { above } from "../level.ts";

/** Bytes that one owner holds of one origin. `keyId` null: the operator's. */
export type MediaSum = Pick<Media, "keyId" | "origin"> & { bytes: number };

const sumOf = (sums: readonly MediaSum[]) => sums.reduce((total, { bytes }) => total + bytes, 0);

/**
 * What has to go so that everything fits into `maxBytes`: inputs before results, and never a result because of inputs. Within either, those
 * who hold the most give way until they hold as much as the next: whoever has less than an equal part of the capacity loses nothing.
 */
export function findSurplus(sums: readonly MediaSum[], maxBytes: number): MediaSum[] {
  const results = sums.filter(({ origin }) => origin === "result");
  const inputs = sums.filter(({ origin }) => origin === "input");
  const roomForInputs = Math.max(0, maxBytes - sumOf(results));
  return [...above(inputs, roomForInputs), ...above(results, maxBytes)];
}

/** Running sums of the media, by owner and origin. */
export class MediaUsage {
  #sums = new Map<number | string, MediaSum>();

  load(sums: readonly MediaSum[]): void {
    this.#sums = new Map(sums.map((sum) => [nameOf(sum), { ...sum }]));
  }

  add(media: MediaSum, sign: 1 | -1 = 1): void {
    const name = nameOf(media);
    const { keyId, origin } = media;
    const sum = this.#sums.get(name) ?? { keyId, origin, bytes: 0 };
    sum.bytes += sign * media.bytes;
    if (sum.bytes === 0) this.#sums.delete(name);
    else this.#sums.set(name, sum);
  }

  sums(): MediaSum[] {
    return [...this.#sums.values()];
  }

  bytesOf(owner: Pick<Media, "keyId" | "origin">): number {
    return this.#sums.get(nameOf(owner))?.bytes ?? 0;
  }

  total(): number {
    let total = 0;
    for (const { bytes } of this.#sums.values()) total += bytes;
    return total;
  }
}

/** Results of a key are named by its id: they are by far the most. */
const nameOf = ({ keyId, origin }: Pick<Media, "keyId" | "origin">): number | string =>
  origin === "result" && keyId !== null ? keyId : `${origin} ${keyId}`;
