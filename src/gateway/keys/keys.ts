// Key lookup in memory, by the SHA-256 of the key a client sends.

import type { KeyHash, KeyRow } from "../../domain/key.ts";

export type Keys = {
  /** Replaces the table. */
  load(rows: readonly KeyRow[], hashes: readonly KeyHash[]): void;
  /** The row of a presented key, whatever its state; null when we never issued it. One that a rotation replaced expires when it does. */
  find(presented: string): KeyRow | null;
  get(id: number): KeyRow | null;
  /** Keys that were not revoked. */
  count(): number;
  /** Those, in the order in which they were made. */
  rows(): KeyRow[];
  /** The last ones that were made, revoked ones among them, newest first. */
  latest(limit: number): KeyRow[];
};

/** SHA-256 of a key, the only form in which it is stored. */
export function hashKey(key: string): Uint8Array {
  return Bun.SHA256.hash(key) as Uint8Array;
}

/** Why a known key may not be used now, or null. `address` is the client's. */
export function refusalOf(
  key: KeyRow,
  now: number,
  address: string | null,
  allows: (cidrs: string[], address: string) => boolean,
): string | null {
  if (key.revokedAt !== null) return "This API key was deleted.";
  if (!key.enabled) return "This API key is disabled.";
  if (key.expiresAt !== null && key.expiresAt <= now) return "This API key has expired.";
  if (key.addresses.length > 0 && (address === null || !allows(key.addresses, address))) {
    return "This API key may not be used from this address.";
  }
  return null;
}

const expiringAt = (row: KeyRow, until: number): KeyRow => ({ ...row, expiresAt: Math.min(row.expiresAt ?? until, until) });

export function createKeys(): Keys {
  let byHash = new Map<string, { row: KeyRow; hash: Uint8Array }>();
  let byId = new Map<number, KeyRow>();
  return {
    load(rows, hashes) {
      byId = new Map(rows.map((row) => [row.id, row]));
      byHash = new Map();
      for (const { id, hash, until } of hashes) {
        const row = byId.get(id);
        if (row) byHash.set(Buffer.from(hash).toString("latin1"), { row: until === null ? row : expiringAt(row, until), hash });
      }
    },
    find(presented) {
      const hash = hashKey(presented);
      const entry = byHash.get(Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("latin1"));
      return entry && crypto.timingSafeEqual(entry.hash, hash) ? entry.row : null;
    },
    get: (id) => byId.get(id) ?? null,
    latest: (limit) =>
      [...byId.keys()]
        .sort((a, b) => b - a)
        .slice(0, limit)
        .map((id) => byId.get(id)!),
    rows: () => [...byId.values()].filter(({ revokedAt }) => revokedAt === null),
    count: () => byId.values().reduce((sum, { revokedAt }) => sum + (revokedAt === null ? 1 : 0), 0),
  };
}
