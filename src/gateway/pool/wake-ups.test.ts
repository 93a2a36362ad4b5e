// Wake-ups: whatever makes a token able to serve gives it to the request that waits, at that moment.
import { describe, expect, test } from "bun:test";
import { FAMILY, failure, limited, type TestPool, testPool, tokenRow } from "../../../test/pool.ts";
import type { TokenRow } from "../../domain/token.ts";
import { settled } from "../../testing.ts";
import type { Lease, LeaseRequest, Outcome } from "./lease-contract.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Another token, whose only slot never comes back: as long as it lives, waiting has a point. */
const BUSY = tokenRow(9);
const row = (change: Partial<TokenRow> = {}) => tokenRow(1, change);

type Scene = TestPool & {
  /** Loads these tokens, and the busy one. */
  load(...rows: TokenRow[]): void;
  /** Leases this token. */
  take(id: number, change?: Partial<LeaseRequest>): Promise<Lease>;
};

function sceneOf(rows: TokenRow[], options: Parameters<typeof testPool>[1] = {}): Scene {
  const pool = testPool([...rows, BUSY], options);
  return {
    ...pool,
    load: (...next) => pool.pool.load([...next, BUSY]),
    take: (id, change) => pool.lease({ pinned: id, ...change }, { waitMs: 0 }),
  };
}

/** A request that waits; `tokenId` is null until it is served. */
function wait(scene: Scene, change: Partial<LeaseRequest>) {
  const state: { tokenId: number | null; error: unknown } = { tokenId: null, error: null };
  scene.lease(change, { waitMs: 2 * HOUR }).then(
    (lease) => Object.assign(state, { tokenId: lease.tokenId }),
    (error) => Object.assign(state, { error }),
  );
  return state;
}

async function end(lease: Lease, outcome: Outcome): Promise<void> {
  lease.report(outcome);
  await lease[Symbol.asyncDispose]();
}

async function failedOnce(scene: Scene, outcome: Outcome, id = 1): Promise<void> {
  await end(await scene.take(id), outcome);
}

type Case = {
  rows?: TokenRow[];
  options?: Parameters<typeof testPool>[1];
  /** Makes token 1 unable to serve; what is returned makes it able again. */
  hinder(scene: Scene): Promise<() => unknown> | (() => unknown);
};

const broke = failure("upstream_quota", { scope: "group", reason: "billing" }, { upstreamStatus: 400 });
const invalid = failure("upstream_unauthorized", { scope: "token", reason: "key_invalid" }, { upstreamStatus: 401 });
const broken = failure("upstream_unavailable", { scope: "token", reason: "internal" }, { upstreamStatus: 500 });
const cancelled = failure("cancelled");

const CASES: Record<string, Case> = {
  "its cooldown ends": {
    async hinder(scene) {
      await failedOnce(scene, limited("throttled", { retryAfterMs: 20 * SECOND }));
      return () => scene.clock.advance(20 * SECOND);
    },
  },
  "its cooldown ends by a clock that was set on": {
    async hinder(scene) {
      await failedOnce(scene, limited("throttled", { retryAfterMs: 90 * SECOND }));
      return async () => {
        await scene.clock.advance(3 * SECOND);
        scene.clock.jump(MINUTE);
        // 27 s are left by the clock on the wall, and nothing but the pool looks at it.
        await scene.clock.advance(28 * SECOND);
      };
    },
  },
  "its cooldown ends while the machine sleeps": {
    async hinder(scene) {
      await failedOnce(scene, limited("throttled", { retryAfterMs: HOUR }));
      return async () => {
        scene.clock.jump(HOUR);
        await scene.clock.advance(SECOND);
      };
    },
  },
  "the quota of its group returns": {
    rows: [row({ group: "g" }), tokenRow(2, { group: "g", enabled: false })],
    async hinder(scene) {
      await failedOnce(scene, limited("per_minute", { retryAfterMs: 40 * SECOND }));
      return () => scene.clock.advance(40 * SECOND);
    },
  },
  "the minute of its cap is over": {
    rows: [row({ caps: { requestsPerMinute: 1 } })],
    async hinder(scene) {
      await end(await scene.take(1), { ok: true, usage: null, images: 1, videoSeconds: 0, usd: 0.04 });
      return () => scene.clock.advance(MINUTE);
    },
  },
  "the day of its cap is over": {
    rows: [row({ caps: { requestsPerDay: 1 } })],
    async hinder(scene) {
      // 2026-11-23T12:00Z is 4 h after midnight in Los Angeles.
      await scene.clock.advance(19 * HOUR);
      await end(await scene.take(1), { ok: true, usage: null, images: 1, videoSeconds: 0, usd: 0.04 });
      return () => scene.clock.advance(HOUR);
    },
  },
  "a call that was counted under its cap was not made": {
    rows: [row({ caps: { requestsPerMinute: 1 }, imageConcurrency: 2 })],
    async hinder(scene) {
      const lease = await scene.take(1);
      return () => lease.report(cancelled);
    },
  },
  "a call of another token was not made under the cap of their group": {
    rows: [row({ group: "g", caps: { group: { requestsPerDay: 1 } } }), tokenRow(2, { group: "g" })],
    async hinder(scene) {
      const lease = await scene.take(2);
      return () => lease.report(cancelled);
    },
  },
  "a call was not made under the cap of a group that its token has left": {
    rows: [row({ group: "g", caps: { group: { requestsPerDay: 1 } } }), tokenRow(2, { group: "g" })],
    async hinder(scene) {
      const lease = await scene.take(2);
      scene.load(row({ group: "g", caps: { group: { requestsPerDay: 1 } } }), tokenRow(2, { group: "h", enabled: false }));
      return () => lease.report(cancelled);
    },
  },
  "its cap is raised": {
    rows: [row({ caps: { requestsPerDay: 0 } })],
    hinder: (scene) => () => scene.load(row({ caps: { requestsPerDay: 1 } })),
  },
  "the token whose cap bound its group leaves": {
    rows: [row({ group: "g" }), tokenRow(2, { group: "g", enabled: false, caps: { group: { requestsPerDay: 0 } } })],
    hinder: (scene) => () => scene.load(row({ group: "g" })),
  },
  "its slot comes back": {
    async hinder(scene) {
      const lease = await scene.take(1);
      return () => lease[Symbol.asyncDispose]();
    },
  },
  "its limit is raised": {
    async hinder(scene) {
      await scene.take(1);
      return () => scene.load(row({ imageConcurrency: 2 }));
    },
  },
  "the operator clears it": {
    async hinder(scene) {
      await failedOnce(scene, limited("per_day"));
      return () => scene.pool.clearCooldown(1);
    },
  },
  "the operator clears one model of it": {
    async hinder(scene) {
      await failedOnce(scene, limited("per_day"));
      return () => scene.pool.clearCooldown(1, FAMILY);
    },
  },
  "the operator clears another token of its group": {
    rows: [row({ group: "g" }), tokenRow(2, { group: "g", enabled: false })],
    async hinder(scene) {
      await failedOnce(scene, limited("per_day"));
      return () => scene.pool.clearCooldown(2);
    },
  },
  "a check finds its secret valid": {
    async hinder(scene) {
      await failedOnce(scene, invalid);
      return () => scene.pool.reportOutcome(1, { ok: true, usage: null, images: 0, videoSeconds: 0, usd: 0 });
    },
  },
  "another node says that it is well": {
    async hinder(scene) {
      await failedOnce(scene, invalid);
      return () => scene.pool.takeHealth(1, null, false);
    },
  },
  "a probe succeeds": {
    rows: [row({ imageConcurrency: 4 })],
    async hinder(scene) {
      await failedOnce(scene, broke);
      await scene.clock.advance(HOUR);
      const probe = await scene.take(1);
      return () => probe.report({ ok: true, usage: null, images: 1, videoSeconds: 0, usd: 0.04 });
    },
  },
  "the probe of its group ends without a result": {
    rows: [row({ group: "g" }), tokenRow(2, { group: "g", priority: -1, imageConcurrency: 1 })],
    async hinder(scene) {
      await failedOnce(scene, broke);
      await scene.clock.advance(HOUR);
      const probe = await scene.take(2);
      return () => end(probe, cancelled);
    },
  },
  "the token that probes for its group leaves the group": {
    rows: [row({ group: "g" }), tokenRow(2, { group: "g" })],
    async hinder(scene) {
      await failedOnce(scene, broke);
      await scene.clock.advance(HOUR);
      await scene.take(2);
      return () => scene.load(row({ group: "g" }), tokenRow(2, { group: null }));
    },
  },
  "the token that probes for its group is deleted": {
    rows: [row({ group: "g" }), tokenRow(2, { group: "g" })],
    async hinder(scene) {
      await failedOnce(scene, broke);
      await scene.clock.advance(HOUR);
      await scene.take(2);
      return () => scene.load(row({ group: "g" }));
    },
  },
  "a probe ends whose token has joined its group meanwhile": {
    rows: [row({ group: "g" }), tokenRow(2, { group: "h" })],
    async hinder(scene) {
      await failedOnce(scene, broke, 1);
      for (let failures = 0; failures < 5; failures++) await failedOnce(scene, broken, 2);
      await scene.clock.advance(HOUR);
      const probe = await scene.take(2);
      scene.load(row({ group: "g" }), tokenRow(2, { group: "g" }));
      return () => end(probe, cancelled);
    },
  },
  "it is enabled": {
    rows: [row({ enabled: false })],
    hinder: (scene) => () => scene.load(row()),
  },
  "it is enabled for images": {
    rows: [row({ imageEnabled: false })],
    hinder: (scene) => () => scene.load(row()),
  },
  "it is added": {
    rows: [],
    hinder: (scene) => () => scene.load(row()),
  },
  "its model is no longer denied by the operator": {
    rows: [row({ denyFamilies: [FAMILY] })],
    hinder: (scene) => () => scene.load(row()),
  },
  "its provider is no longer paused": {
    rows: [row({ provider: "beta", tier: 2 })],
    options: { settings: { paused_providers: ["beta"] } },
    hinder: ({ settings, pool }) =>
      function resume() {
        settings.paused_providers = [];
        pool.refresh();
      },
  },
  "its plan becomes known": {
    rows: [row({ provider: "beta", tier: null })],
    hinder: (scene) => () => scene.pool.updateFacts(1, { tier: 2 }),
  },
  "its first check has ended": {
    rows: [row({ provider: "beta", tier: null })],
    options: { awaitsCheck: true },
    hinder: (scene) => () => scene.pool.updateFacts(1, { tier: 2 }),
  },
  "its credits become enough": {
    rows: [row({ provider: "beta", tier: 2, credits: 0 })],
    hinder: (scene) => () => scene.pool.updateFacts(1, { credits: 100 }),
  },
};

/** Only token 1 can help: token 2 is there for what it shares with it. */
const WANTED: Partial<LeaseRequest> = { minTier: { beta: 1 }, credits: { beta: 10 }, exclude: new Set([2]) };

test.each(Object.entries(CASES))("%s", async (_name, { rows = [row()], options, hinder }) => {
  const scene = sceneOf(rows, options);
  await scene.take(BUSY.id);
  const help = await hinder(scene);
  const waiting = wait(scene, WANTED);
  await settled();
  expect(waiting).toEqual({ tokenId: null, error: null });
  await help();
  await settled();
  expect(waiting).toEqual({ tokenId: 1, error: null });
});

describe("caps that are set while requests wait that were all alike without them", () => {
  const costing = (usd: number) => ({ estimate: { images: 1, videoSeconds: 0, usd } });
  const capped = row({ caps: { usdPerDay: 1 } });

  test("a request within the cap is served, whatever the first of them costs", async () => {
    const scene = sceneOf([row()]);
    await scene.take(BUSY.id);
    const lease = await scene.take(1);
    const [dear, cheap, cheapToo] = [wait(scene, costing(2)), wait(scene, costing(0.04)), wait(scene, costing(0.04))];
    scene.load(capped);
    await lease[Symbol.asyncDispose]();
    await settled();
    expect([dear, cheap, cheapToo]).toEqual([
      { tokenId: null, error: null },
      { tokenId: 1, error: null },
      { tokenId: null, error: null },
    ]);
    expect(scene.pool.gauges().queued).toBe(2);
  });

  test("a request that the cap never allows is refused, and none of the others", async () => {
    const scene = testPool([row()]);
    const lease = await scene.lease();
    const ends: Record<string, unknown> = {};
    for (const usd of [2, 0.5]) {
      const ended = (end: unknown) => Object.assign(ends, { [usd]: end });
      scene.lease(costing(usd)).then(
        ({ tokenId }) => ended(tokenId),
        (error) => ended(error.reason),
      );
    }
    scene.pool.load([capped]);
    await settled();
    await lease[Symbol.asyncDispose]();
    await settled();
    expect(ends).toEqual({ 2: "caps", 0.5: 1 });
  });

  test("keys and requests keep their turns", async () => {
    const scene = sceneOf([row()]);
    await scene.take(BUSY.id);
    let lease = await scene.take(1);
    const served: string[] = [];
    const costs = [0.01, 0.02, 0.01, 0.02];
    for (const keyId of [1, 2])
      for (const [index, usd] of costs.entries())
        scene.lease({ keyId, ...costing(usd) }).then((next) => {
          served.push(`${keyId}.${index}`);
          lease = next;
        });
    scene.load(capped);
    for (let count = 0; count < 8; count++) {
      await lease[Symbol.asyncDispose]();
      await settled();
    }
    expect(served).toEqual(["1.0", "2.0", "1.1", "2.1", "1.2", "2.2", "1.3", "2.3"]);
  });
});
