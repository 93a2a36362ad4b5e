// Affinity: the token that made a result, and the thought signature of it, for the next turn.

export type Origin = { tokenId: number; signature?: string };

export type Affinity = {
  remember(mediaId: string, origin: Origin): void;
  /** Remembers the token that made a signature of a text part. */
  rememberSignature(signature: string, tokenId: number): void;
  /** Null when it is unknown or dropped as too old. */
  of(mediaId: string): Origin | null;
  /** The token that made a thought signature, for clients that return images rather than their ids. */
  tokenOf(signature: string): number | null;
};

/** Longer signatures are not stored: without one an upstream loses context, not the conversation. */
export const MAX_SIGNATURE = 16_384;

/** In memory, the newest `capacity` results: losing it costs a preference, nothing else. */
export function createAffinity(capacity = 10_000): Affinity {
  const origins = new Map<string, Origin>();
  const tokens = new Map<number | bigint, number>();
  const keepNewest = (map: Map<unknown, unknown>) => {
    if (map.size > capacity) map.delete(map.keys().next().value);
  };
  const rememberSignature = (signature: string, tokenId: number) => {
    tokens.set(Bun.hash(signature), tokenId);
    keepNewest(tokens);
  };
  return {
    remember(mediaId, { tokenId, signature }) {
      origins.set(mediaId, signature && signature.length <= MAX_SIGNATURE ? { tokenId, signature } : { tokenId });
      keepNewest(origins);
      if (signature) rememberSignature(signature, tokenId);
    },
    rememberSignature,
    of: (mediaId) => origins.get(mediaId) ?? null,
    tokenOf: (signature) => tokens.get(Bun.hash(signature)) ?? null,
  };
}
