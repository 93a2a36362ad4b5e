// How long it takes to pick and lease a token, by size of the pool and strategy: part of `bun run bench`, or `bun bench/pool.ts` alone.

import { systemClock } from "../src/clock.ts";
import type { Settings } from "../src/config/settings-schema.ts";
import type { TokenRow } from "../src/domain/token.ts";
import type { Lease, LeaseRequest, Outcome } from "../src/gateway/pool/lease-contract.ts";
import { Pool } from "../src/gateway/pool/pool.ts";
import type { Strategy } from "../src/gateway/pool/strategies.ts";
import { silentLog } from "../src/log.ts";
import { seededRandom } from "../src/testing.ts";

const SIZES = [10, 1_000, 10_000];
const STRATEGIES: Strategy[] = ["least_busy", "round_robin", "random", "weighted", "fill_first", "most_credits"];
const FAMILIES = ["model-a", "model-b", "model-c", "model-d"];
const PROVIDERS = ["alpha", "beta"];
const ROUNDS = 20_000;
const WARM_UP = 5_000;

/** One token in five is cooling, one in ten blocked, one in ten switched off; half are known to have two models only. */
function tokenRow(id: number, now: number): TokenRow {
  const condition = (state: string, reason: string, until: number | null) => ({
    token: { condition: { state, reason, since: now, until } },
  });
  return {
    id,
    provider: PROVIDERS[id % 2]!,
    label: `token ${id}`,
    group: id % 3 === 0 ? `group ${Math.floor(id / 30)}` : null,
    enabled: id % 10 !== 7,
    imageEnabled: true,
    videoEnabled: true,
    imageConcurrency: 4,
    videoConcurrency: 2,
    weight: 1 + (id % 5),
    priority: id % 2,
    allowFamilies: [],
    denyFamilies: id % 11 === 0 ? ["model-d"] : [],
    proxy: null,
    location: null,
    note: "",
    tags: [],
    identity: null,
    tier: (id % 3) as 0 | 1 | 2,
    credits: 1000 - (id % 900),
    families: id % 4 < 2 ? ["model-a", "model-b"] : null,
    checkedAt: null,
    renewBefore: null,
    hint: "0000",
    createdAt: 0,
    health:
      id % 5 === 3 ? condition("cooling", "throttled", now + 3_600_000) : id % 10 === 5 ? condition("blocked", "verification", null) : null,
    caps: null,
    deletedAt: null,
  };
}

const ok: Outcome = { ok: true, usage: null, images: 1, videoSeconds: 0, usd: 0.04 };
const limited: Outcome = {
  ok: false,
  kind: "upstream_rate_limited",
  detail: { scope: "group_model", reason: "per_minute", until: 0 },
  charged: false,
};

/** Microseconds of every lease; ten calls run at once, one in 200 is rate limited. */
async function measure(size: number, strategy: Strategy): Promise<{ lease: number[]; end: number[] }> {
  const settings: Settings["pool"] = {
    strategy,
    prefer_cheaper: true,
    wait_ms: 0,
    queue_limit: 1000,
    proxy: "",
    paused_providers: [],
    image_concurrency: 4,
    video_concurrency: 2,
  };
  const random = seededRandom(size);
  const pool = new Pool({ clock: systemClock, random, settings: () => settings, log: silentLog, saveHealth: async () => {} });
  const now = Date.now();
  pool.load(Array.from({ length: size }, (_, i) => tokenRow(i + 1, now)));
  const { signal } = new AbortController();
  const open: Lease[] = [];
  const times = { lease: [] as number[], end: [] as number[] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const kind = round % 10 === 9 ? "video" : "image";
    const request: LeaseRequest = {
      kind,
      family: FAMILIES[round % FAMILIES.length]!,
      providers: PROVIDERS,
      minTier: kind === "video" ? { beta: 1 } : undefined,
      keyId: 1 + (round % 7),
      exclude: round % 50 === 0 ? new Set(open.map((lease) => lease.tokenId)) : new Set(),
      estimate: { images: 1, videoSeconds: 0, usd: 0.04 },
    };
    const begun = Bun.nanoseconds();
    const leasing = pool.lease(request, { signal });
    const leased = Bun.nanoseconds();
    open.push(await leasing);
    let ended = 0;
    if (open.length >= Math.min(10, size / 2)) {
      const lease = open.shift()!;
      const from = Bun.nanoseconds();
      lease.report(size > 10 && round % 200 === 0 ? limited : ok);
      void lease[Symbol.asyncDispose]();
      ended = Bun.nanoseconds() - from;
    }
    if (round < WARM_UP) continue;
    times.lease.push((leased - begun) / 1000);
    if (ended > 0) times.end.push(ended / 1000);
  }
  for (const lease of open) await lease[Symbol.asyncDispose]();
  await pool.close();
  return times;
}

const quantile = (sorted: number[], share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

function summary(times: number[]): string[] {
  const sorted = times.toSorted((a, b) => a - b);
  return [0.5, 0.99, 0.999].map((share) => quantile(sorted, share).toFixed(1));
}

const columns = ["tokens", "strategy", "lease p50 µs", "p99", "p99.9", "end p50 µs", "p99", "p99.9"];

/** Prints one row for each size and strategy. */
export async function printPool(): Promise<void> {
  console.log(`Pick and lease: ${ROUNDS} rounds each, 4 models and 2 kinds, one token in three not to be had. Aim: lease p99 <= 50 µs.\n`);
  console.log(`| ${columns.join(" | ")} |\n|${columns.map(() => "---").join("|")}|`);
  for (const size of SIZES) {
    for (const strategy of STRATEGIES) {
      const { lease, end } = await measure(size, strategy);
      console.log(`| ${[size, strategy, ...summary(lease), ...summary(end)].join(" | ")} |`);
    }
  }
}

if (import.meta.main) await printPool();
