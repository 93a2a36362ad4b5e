// Test helpers of the pool: token rows, a pool on a virtual clock, requests and outcomes.

import type { Settings } from "../src/config/settings-schema.ts";
import type { TokenRow } from "../src/domain/token.ts";
import type { ErrorKind, FailureDetail } from "../src/errors.ts";
import type { Lease, LeaseOptions, LeaseRequest, Outcome } from "../src/gateway/pool/lease-contract.ts";
import { Pool, type PoolDependencies } from "../src/gateway/pool/pool.ts";
import { silentLog } from "../src/log.ts";
import { seededRandom, type VirtualClock, virtualClock } from "../src/testing.ts";

export const FAMILY = "image-model";

/** A healthy token of provider `alpha` that has learned nothing and bears one call of each kind. */
export function tokenRow(id: number, change: Partial<TokenRow> = {}): TokenRow {
  return {
    id,
    provider: "alpha",
    label: `token ${id}`,
    group: null,
    enabled: true,
    imageEnabled: true,
    videoEnabled: true,
    imageConcurrency: 1,
    videoConcurrency: 1,
    weight: 1,
    priority: 0,
    allowFamilies: [],
    denyFamilies: [],
    proxy: null,
    location: null,
    note: "",
    tags: [],
    identity: null,
    tier: null,
    credits: null,
    families: null,
    checkedAt: null,
    renewBefore: null,
    hint: "0000",
    createdAt: 0,
    deletedAt: null,
    health: null,
    caps: null,
    ...change,
  };
}

export const request = (change: Partial<LeaseRequest> = {}): LeaseRequest => ({
  kind: "image",
  family: FAMILY,
  providers: ["alpha", "beta"],
  keyId: 1,
  exclude: new Set(),
  estimate: { images: 1, videoSeconds: 0, usd: 0.04 },
  ...change,
});

export const success = (change: Partial<Extract<Outcome, { ok: true }>> = {}): Outcome => ({
  ok: true,
  usage: null,
  images: 1,
  videoSeconds: 0,
  usd: 0.04,
  ...change,
});

export type Failure = Extract<Outcome, { ok: false }>;

export const failure = (kind: ErrorKind, detail?: FailureDetail, change: Partial<Failure> = {}): Failure => ({
  ok: false,
  kind,
  detail,
  charged: false,
  ...change,
});

export const limited = (reason: FailureDetail["reason"], change: Partial<Failure> = {}): Failure =>
  failure("upstream_rate_limited", { scope: "group_model", reason }, change);

export type TestPool = {
  pool: Pool;
  clock: VirtualClock;
  settings: Settings["pool"];
  /** Health as last saved, by token. */
  saved: Map<number, unknown>;
  /** Leases with the signal of a client that stays, and fails the test's promise as the pool does. */
  lease(change?: Partial<LeaseRequest>, options?: Partial<LeaseOptions>): Promise<Lease>;
};

/** A pool with these tokens at the clock's default time; `saved` may be carried over a restart. */
export function testPool(
  rows: TokenRow[],
  options: {
    settings?: Partial<Settings["pool"]>;
    seed?: number;
    clock?: VirtualClock;
    saved?: Map<number, unknown>;
    awaitsCheck?: boolean;
    familiesOf?: PoolDependencies["familiesOf"];
    arbiter?: PoolDependencies["arbiter"];
  } = {},
): TestPool {
  const clock = options.clock ?? virtualClock();
  const saved = options.saved ?? new Map<number, unknown>();
  const settings: Settings["pool"] = {
    strategy: "least_busy",
    prefer_cheaper: true,
    wait_ms: 30_000,
    queue_limit: 1000,
    proxy: "",
    paused_providers: [],
    image_concurrency: 4,
    video_concurrency: 2,
    ...options.settings,
  };
  const pool = new Pool({
    clock,
    random: seededRandom(options.seed ?? 1),
    settings: () => settings,
    log: silentLog,
    awaitsCheck: () => options.awaitsCheck ?? false,
    familiesOf: options.familiesOf,
    arbiter: options.arbiter,
    async saveHealth(changes) {
      for (const { id, health } of changes) saved.set(id, JSON.parse(JSON.stringify(health)));
    },
  });
  pool.load(rows.map((row) => (saved.has(row.id) ? { ...row, health: saved.get(row.id) } : row)));
  const stays = new AbortController().signal;
  return {
    pool,
    clock,
    settings,
    saved,
    lease: (change, leaseOptions) => pool.lease(request(change), { signal: stays, ...leaseOptions }),
  };
}

/** Leases, reports and ends one call; resolves with the id of the token. */
export async function call(test: TestPool, outcome: Outcome | null, change: Partial<LeaseRequest> = {}): Promise<number> {
  await using lease = await test.lease(change, { waitMs: 0 });
  if (outcome) lease.report(outcome);
  return lease.tokenId;
}
