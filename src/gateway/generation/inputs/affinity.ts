// Affinity: the token that made a result, and the thought signature of it, for the next turn. A cache of the media rows.

import type { MediaRows } from "../../../db/media.ts";
import { RecentMap } from "../../../recent-map.ts";

export type Origin = { tokenId: number; signature?: string };

export type Affinity = {
  remember(mediaId: string, tokenId: number, signature?: string): void;
  /** Remembers the token that made a signature of a text part. */
  rememberSignature(signature: string, tokenId: number): void;
  /** Null when it is unknown or dropped as too old. */
  of(mediaId: string): Origin | null;
  /** As {@link of}, and of its row when it is not in memory: another process made it, or it is old. */
  recall(mediaId: string): Promise<Origin | null>;
  /** The token that made a thought signature, for clients that return images rather than their ids. */
  tokenOf(signature: string): number | null;
};

/** Longer signatures are not stored: without one an upstream loses context, not the conversation. */
export const MAX_SIGNATURE = 16_384;

/** Of all signatures together, in characters: the oldest results lose theirs first. */
const MAX_SIGNATURES = 4 * 1024 * 1024;

/** What an entry takes besides its signature, as characters: short ones are many. */
const ENTRY = 256;

/** The most that is held; at least the newer half of it is. */
type Capacity = { results: number; signatures: number };

/**
 * In memory, the newest results. Of a bounded size: what fills for hours looks like a leak. Without `rows`, losing one costs a preference.
 * Signatures of text parts are in memory only.
 */
export function createAffinity(
  { results, signatures }: Capacity = { results: 10_000, signatures: MAX_SIGNATURES },
  rows?: Pick<MediaRows, "readMediaSources">,
): Affinity {
  const tokenIds = new RecentMap<string, number>(results);
  const stored = new RecentMap<string, string>(signatures, ({ length }) => length + ENTRY);
  /** By hash: 53 bits as a plain number, which takes no memory of its own. */
  const bySignature = new RecentMap<number, number>(results);

  const rememberSignature = (signature: string, tokenId: number) => bySignature.set(hashOf(signature), tokenId);
  const remember = (mediaId: string, tokenId: number, signature?: string) => {
    tokenIds.set(mediaId, tokenId);
    if (signature && signature.length <= MAX_SIGNATURE) stored.set(mediaId, signature);
    else stored.delete(mediaId);
    if (signature) rememberSignature(signature, tokenId);
  };
  const of = (mediaId: string): Origin | null => {
    const tokenId = tokenIds.get(mediaId);
    if (tokenId === undefined) return null;
    const signature = stored.get(mediaId);
    return signature === undefined ? { tokenId } : { tokenId, signature };
  };
  return {
    remember,
    rememberSignature,
    of,
    async recall(mediaId) {
      const known = of(mediaId);
      if (known?.signature || !rows) return known;
      const row = (await rows.readMediaSources([mediaId])).get(mediaId);
      if (row) remember(mediaId, row.tokenId, row.signature ?? undefined);
      return of(mediaId);
    },
    tokenOf: (signature) => bySignature.get(hashOf(signature)) ?? null,
  };
}

const hashOf = (text: string): number => Number(BigInt.asUintN(53, Bun.hash(text) as bigint));
