// What is remembered of results for the next turn: which token drew them, and the upstream's mark on them.

export type Origin = { tokenId: number; signature?: string };

export type Affinity = {
  remember(mediaId: string, origin: Origin): void;
  /** Which token made a signature that came with text. */
  rememberSignature(signature: string, tokenId: number): void;
  /** Null when it was never known or is long ago. */
  of(mediaId: string): Origin | null;
  /** The token that made what bears this mark, for clients that hand back pictures rather than their ids. */
  tokenOf(signature: string): number | null;
};

/** Marks longer than this are not worth the memory: without one an upstream loses context, not the conversation. */
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
