// What a row of the token list shows besides health: calls of today by kind, own cap of the day, and the heartbeat.

import type { LedgerStore } from "../../db/ledger.ts";
import type { Store } from "../../db/store.ts";
import type { Kind } from "../../domain/generation.ts";
import { groupSubject, tokenSubject } from "../pool/health/health-tracker.ts";
import { parseCaps } from "../pool/token-quota.ts";
import { firstBeat, type Heartbeat, heartbeatOf, wordOf } from "./heartbeat.ts";
import type { TokenItem } from "./list-tokens.ts";

export type TokenRowFacts = {
  /** Calls of the running UTC day. */
  today: Record<Kind, number>;
  failed: number;
  /** Calls of the day that its own cap allows; null: it has none. */
  cap: number | null;
  beats: Heartbeat;
  /** What the strip says, for who cannot see it. */
  word: ReturnType<typeof wordOf>;
};

type Dependencies = {
  store: Pick<LedgerStore, "readUsage" | "readBeats"> & Pick<Store, "listCooldowns">;
  /** Ids of the families of videos. */
  videoFamilies: () => readonly string[];
  now: () => number;
};

const DAY_MS = 86_400_000;
/** Of all rows together; the latest 50 of each token are stored. */
const MAX_COOLDOWNS = 2_000;

export async function readRowFacts(deps: Dependencies, items: readonly TokenItem[]): Promise<Map<number, TokenRowFacts>> {
  if (items.length === 0) return new Map();
  const { store, videoFamilies } = deps;
  const now = deps.now();
  const ids = items.map(({ row }) => row.id);
  const day = { from: now - (now % DAY_MS), to: now - (now % DAY_MS) + DAY_MS, by: "token", ids } as const;
  const subjects = new Set(
    items.flatMap(({ row }) => [tokenSubject(row.id), ...(row.group === null ? [] : [groupSubject(row.provider, row.group)])]),
  );
  const [all, videos, beats, cooldowns] = await Promise.all([
    store.readUsage(day),
    store.readUsage({ ...day, models: videoFamilies() }),
    store.readBeats(ids, firstBeat(now)),
    store.listCooldowns([...subjects], MAX_COOLDOWNS),
  ]);
  const sums = new Map(all.map((row) => [Number(row.group), row]));
  const ofVideos = new Map(videos.map((row) => [Number(row.group), row.requests]));
  const beatsOf = Map.groupBy(beats, ({ tokenId }) => tokenId);
  const cooldownsOf = Map.groupBy(cooldowns, ({ subject }) => subject);
  return new Map(
    items.map(({ row, view }) => {
      const { requests = 0, errors = 0 } = sums.get(row.id) ?? {};
      const video = ofVideos.get(row.id) ?? 0;
      const held = [tokenSubject(row.id), ...(row.group === null ? [] : [groupSubject(row.provider, row.group)])];
      const known = { beats: beatsOf.get(row.id) ?? [], cooldowns: held.flatMap((subject) => cooldownsOf.get(subject) ?? []), view };
      const beats = heartbeatOf(known, now);
      const cap = parseCaps(row.caps)?.token?.requestsPerDay ?? null;
      return [row.id, { today: { image: requests - video, video }, failed: errors, cap, beats, word: wordOf(beats) }];
    }),
  );
}
