// Pool health: groups, probes, outages, own caps, and what survives a restart.

import { describe, expect, test } from "bun:test";
import { call, FAMILY, failure, limited, success, type TestPool, testPool, tokenRow } from "../../../../test/pool.ts";
import type { HealthChange } from "../../../domain/token.ts";
import { AppError } from "../../../errors.ts";
import { createLog, silentLog } from "../../../log.ts";
import { virtualClock } from "../../../testing.ts";
import { Pool } from "../pool.ts";

const MINUTE = 60_000;
const grouped = (id: number, group: string | null, change = {}) => tokenRow(id, { group, ...change });
const stateOf = (test: TestPool, id: number) => test.pool.snapshot().find((token) => token.id === id)!.health;
const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "served",
    (error) => (error instanceof AppError ? error.kind : error),
  );
const isServed = async (test: TestPool, pinned: number, family = FAMILY) =>
  (await kindOf(call(test, null, { pinned, family }))) === "served";

describe("a limit hit by one token of a group", () => {
  const rows = [
    grouped(1, "project"),
    grouped(2, "project"),
    grouped(3, "other"),
    grouped(4, null),
    grouped(5, "project", { provider: "beta" }),
  ];
  test("cools the model for its whole group and for no other token", async () => {
    const test = testPool(rows);
    await call(test, limited("per_minute", { retryAfterMs: MINUTE }), { pinned: 1 });
    expect(await Promise.all([1, 2, 3, 4, 5].map((id) => isServed(test, id)))).toEqual([false, false, true, true, true]);
    expect(await isServed(test, 2, "other-model")).toBe(true);
    expect(test.pool.snapshot().map((token) => token.models.length)).toEqual([1, 1, 0, 0, 0]);
  });
  test("ends for all exactly when it should", async () => {
    const test = testPool(rows);
    await call(test, limited("per_minute", { retryAfterMs: MINUTE }), { pinned: 1 });
    await test.clock.advance(MINUTE - 1);
    expect([await isServed(test, 1), await isServed(test, 2)]).toEqual([false, false]);
    await test.clock.advance(1);
    expect([await isServed(test, 1), await isServed(test, 2)]).toEqual([true, true]);
  });
  test("is lifted for all by the operator, for one model or for all", async () => {
    const test = testPool(rows);
    await call(test, limited("per_day"), { pinned: 1 });
    await call(test, limited("per_day"), { pinned: 1, family: "other-model" });
    expect([test.pool.clearCooldown(2, FAMILY), test.pool.clearCooldown(99)]).toEqual([true, false]);
    expect([await isServed(test, 1), await isServed(test, 1, "other-model")]).toEqual([true, false]);
    test.pool.clearCooldown(2);
    expect(await isServed(test, 1, "other-model")).toBe(true);
  });
  test("follows a token that joins the group, and not one that leaves", async () => {
    const test = testPool(rows);
    await call(test, limited("per_day"), { pinned: 4 });
    test.pool.load([grouped(1, "project"), grouped(2, null), grouped(3, "other"), grouped(4, "project")]);
    expect(await Promise.all([1, 2, 3, 4].map((id) => isServed(test, id)))).toEqual([false, true, true, false]);
  });
});

test("a block is of its token only, has a reason and a sentence, and ends by the operator", async () => {
  const test = testPool([grouped(1, "project"), grouped(2, "project")]);
  await call(test, failure("upstream_verification", { scope: "token", reason: "verification" }, { upstreamStatus: 403 }), { pinned: 1 });
  const [first, second] = test.pool.snapshot();
  expect(first).toMatchObject({
    health: { state: "blocked", reason: "verification", since: test.clock.now(), until: null },
    lastError: { kind: "upstream_verification", reason: "verification", upstreamStatus: 403 },
  });
  expect(first!.health.message).toMatch(/asks a person/);
  expect(second!.health.state).toBe("healthy");
  await test.clock.advance(400 * 24 * 60 * MINUTE);
  expect(await isServed(test, 1)).toBe(false);
  test.pool.clearCooldown(1);
  expect(await isServed(test, 1)).toBe(true);
});

test("a check without a lease blocks a dead token, and a good one lifts what it disproves", async () => {
  const test = testPool([tokenRow(1), tokenRow(2)]);
  test.pool.reportOutcome(1, failure("upstream_unauthorized", { scope: "token", reason: "session_dead" }));
  test.pool.reportOutcome(2, failure("upstream_verification"));
  expect([stateOf(test, 1).reason, stateOf(test, 2).reason]).toEqual(["session_dead", "verification"]);
  for (const id of [1, 2, 99]) test.pool.reportOutcome(id, success());
  expect([stateOf(test, 1).state, stateOf(test, 2).state]).toEqual(["healthy", "blocked"]);
});

describe("a token that fails five times in a row", () => {
  const fail = failure("upstream_unavailable", { scope: "token", reason: "internal" }, { upstreamStatus: 500 });
  const opened = async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: 3 })], { settings: { wait_ms: 0 } });
    for (let i = 0; i < 5; i++) await call(test, fail);
    return test;
  };
  test("cools 30 s, then gets one probe at a time", async () => {
    const test = await opened();
    await test.clock.advance(29_999);
    expect(await kindOf(test.lease())).toBe("upstream_unavailable");
    await test.clock.advance(1);
    const probe = await test.lease();
    expect(await kindOf(test.lease())).toBe("busy");
    expect(stateOf(test, 1).reason).toBe("failing");
    await probe[Symbol.asyncDispose]();
    expect(await kindOf(call(test, failure("content_policy")))).toBe("served");
    await using second = await test.lease();
    expect(await kindOf(test.lease())).toBe("busy");
    second.report(success());
    expect(await kindOf(test.lease())).toBe("served");
    expect(stateOf(test, 1).state).toBe("healthy");
  });
  test("cools longer after each failed probe", async () => {
    const test = await opened();
    for (const seconds of [30, 60, 120, 240, 480, 600, 600]) {
      const { until } = stateOf(test, 1);
      expect(until! - test.clock.now()).toBe(seconds * 1000);
      await test.clock.advance(seconds * 1000);
      expect(await kindOf(call(test, fail))).toBe("served");
    }
  });
  test("is not blamed when others see the upstream overloaded too", async () => {
    const test = testPool([tokenRow(1), tokenRow(2)]);
    const overloaded = failure("upstream_unavailable", { scope: "upstream", reason: "overloaded" }, { upstreamStatus: 503 });
    for (let i = 0; i < 40; i++) await call(test, overloaded);
    expect(test.pool.gauges().tokens).toMatchObject({ healthy: 2 });
    const alone = testPool([tokenRow(1)]);
    for (let i = 0; i < 5; i++) await call(alone, overloaded);
    expect(stateOf(alone, 1).state).toBe("cooling");
  });
});

describe("what is held back", () => {
  const invalid = failure("upstream_unauthorized", { scope: "token", reason: "key_invalid" });
  test("is counted by provider and reason, blocked before cooling, with the first eight named", async () => {
    const rows = Array.from({ length: 12 }, (_, index) => tokenRow(index + 1));
    const test = testPool([...rows, tokenRow(13, { enabled: false }), tokenRow(14), tokenRow(15, { provider: "beta", enabled: false })]);
    for (const { id } of rows) await call(test, invalid, { pinned: id });
    const since = test.clock.now();
    await call(test, failure("upstream_rate_limited", { scope: "token", reason: "throttled" }), { pinned: 14 });
    const { held, providers } = test.pool.held();
    expect(held.map(({ scope, state, reason, count, until }) => [scope, state, reason, count, until])).toEqual([
      ["token", "blocked", "key_invalid", 12, null],
      ["token", "cooling", "throttled", 1, since + MINUTE],
    ]);
    expect(held[0]!.named.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(
      providers.map(({ provider, total, healthy, cooling, blocked, disabled }) => [provider, total, healthy, cooling, blocked, disabled]),
    ).toEqual([
      ["alpha", 14, 0, 1, 12, 1],
      ["beta", 1, 0, 0, 0, 1],
    ]);
  });
  test("names the models where only some of them are held, and counts each token once", async () => {
    const test = testPool([grouped(1, "project"), grouped(2, "project"), grouped(3, null)]);
    await call(test, limited("per_minute", { retryAfterMs: MINUTE }), { pinned: 1 });
    await call(test, limited("per_minute", { retryAfterMs: MINUTE }), { pinned: 1, family: "other-model" });
    const { held, providers } = test.pool.held();
    expect(held.map(({ scope, state, reason, count, families }) => ({ scope, state, reason, count, families }))).toEqual([
      { scope: "model", state: "cooling", reason: "per_minute", count: 2, families: [FAMILY, "other-model"].sort() },
    ]);
    expect(providers).toMatchObject([{ healthy: 3, partly: 2 }]);
    await test.clock.advance(MINUTE);
    expect(test.pool.held()).toMatchObject({ held: [], providers: [{ healthy: 3, partly: 0 }] });
  });
});

describe("our own network", () => {
  const unreachable = failure("network");
  test("that is down disables nothing, is recorded with its time, and ends with the first response", async () => {
    const test = testPool([tokenRow(1), tokenRow(2), tokenRow(3, { proxy: "http://proxy:1" })]);
    const since = test.clock.now();
    for (let i = 0; i < 30; i++) {
      await call(test, unreachable);
      await call(test, failure("upstream_unknown_outcome", undefined, { charged: true }));
      await test.clock.advance(100);
    }
    expect(test.pool.gauges()).toMatchObject({ tokens: { healthy: 3 }, networkDegradedSince: since });
    await call(test, limited("per_minute"));
    expect(test.pool.gauges().networkDegradedSince).toBeNull();
  });
  test("is not suspected when one token's proxy fails; that token cools briefly", async () => {
    const test = testPool([tokenRow(1), tokenRow(2), tokenRow(3, { proxy: "http://proxy:1" })]);
    await call(test, unreachable, { pinned: 3 });
    expect(stateOf(test, 3)).toMatchObject({ state: "cooling", reason: "proxy", until: test.clock.now() + 30_000 });
    expect(test.pool.gauges().networkDegradedSince).toBeNull();
    await test.clock.advance(30_000);
    expect(stateOf(test, 3).state).toBe("healthy");
  });
  test("clears the proxy that was blamed before the others failed", async () => {
    const test = testPool([tokenRow(1), tokenRow(2), tokenRow(3, { proxy: "http://proxy:1" })]);
    await call(test, unreachable, { pinned: 3 });
    await call(test, unreachable, { pinned: 1 });
    expect(test.pool.gauges()).toMatchObject({ tokens: { healthy: 3 }, networkDegradedSince: test.clock.now() });
  });
});

describe("own caps", () => {
  test("of a token hold back after so many calls, and open exactly a minute later", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: -1, caps: { requestsPerMinute: 2 } })], { settings: { wait_ms: 0 } });
    await call(test, success());
    await test.clock.advance(10_000);
    await call(test, success());
    const refused = await test.lease().catch((error) => error);
    expect([refused.kind, refused.retryAfterMs]).toEqual(["upstream_rate_limited", 50_000]);
    await test.clock.advance(50_000);
    expect(await kindOf(test.lease())).toBe("served");
  });
  test("of a group count for all its tokens, the strictest token's counts", async () => {
    const caps = (requestsPerMinute: number) => ({ caps: { group: { requestsPerMinute } } });
    const test = testPool([grouped(1, "g", caps(9)), grouped(2, "g", caps(3)), grouped(3, "g"), tokenRow(4, { enabled: false })]);
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push(await call(test, success()));
    expect(ids).toEqual([1, 2, 3]);
    expect(await kindOf(call(test, success()))).toBe("upstream_rate_limited");
    const waiting = test.lease({}, { waitMs: MINUTE });
    await test.clock.advance(MINUTE);
    expect((await waiting).tokenId).toBe(1);
  });
  test("of a group open for another token when a call of the first is given up", async () => {
    const rows = [grouped(1, "g", { caps: { group: { requestsPerMinute: 1 } } }), grouped(2, "g")];
    const test = testPool(rows, { settings: { wait_ms: 2 * MINUTE } });
    const lease = await test.lease({ pinned: 1 });
    const waiting = test.lease({ pinned: 2 });
    await test.clock.advance(1_000);
    await lease[Symbol.asyncDispose]();
    expect((await waiting).waitedMs).toBe(1_000);
  });
  test("of a model leave other models alone", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: -1, caps: { models: { [FAMILY]: { requestsPerDay: 1 } } } })]);
    await call(test, success());
    expect([await isServed(test, 1), await isServed(test, 1, "other-model")]).toEqual([false, true]);
  });
  test("of money reserve before the call: a race ends at the cap, a dearer call is refused where a cheaper one fits", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: -1, caps: { usdPerDay: 1 } })], { settings: { wait_ms: 0 } });
    const cost = (usd: number) => ({ estimate: { images: 1, videoSeconds: 0, usd } });
    const served = await Promise.all(Array.from({ length: 20 }, () => kindOf(test.lease(cost(0.15)))));
    expect(served.filter((kind) => kind === "served").length).toBe(6);
    expect([await kindOf(test.lease(cost(0.11))), await kindOf(test.lease(cost(0.1)))]).toEqual(["upstream_quota", "served"]);
  });
  test("settle by what a call really cost: refused and unsent calls are free, charged and lost ones keep the estimate", async () => {
    const spent = async (outcome: Parameters<typeof call>[1]) => {
      const test = testPool([tokenRow(1, { caps: { usdPerDay: 1 } })]);
      await call(test, outcome);
      return test.pool.snapshot()[0]!.spentToday ?? { requests: 0, usd: 0 };
    };
    expect(await spent(success({ usd: 0.24 }))).toMatchObject({ requests: 1, usd: 0.24 });
    expect(await spent(failure("content_policy"))).toMatchObject({ requests: 1, usd: 0 });
    expect(await spent(failure("upstream_unknown_outcome", undefined, { charged: true }))).toMatchObject({ requests: 1, usd: 0.04 });
    expect(await spent(failure("cancelled", undefined, { charged: true }))).toMatchObject({ requests: 1, usd: 0.04 });
    expect(await spent(failure("cancelled"))).toMatchObject({ requests: 0, usd: 0 });
    expect(await spent(failure("network"))).toMatchObject({ requests: 0, usd: 0 });
    expect(await spent(null)).toMatchObject({ requests: 0, usd: 0 });
  });
  test("set while the pool runs hold from the next call on", async () => {
    const test = testPool([tokenRow(1)]);
    await call(test, success());
    test.pool.load([tokenRow(1, { caps: { requestsPerMinute: 1 } })]);
    expect([await isServed(test, 1), await isServed(test, 1)]).toEqual([true, true]);
    await call(test, success());
    expect(await isServed(test, 1)).toBe(false);
  });
});

describe("health is saved", () => {
  test("in one batch at most 200 ms later, only what changed", async () => {
    const test = testPool([tokenRow(1), tokenRow(2), tokenRow(3)]);
    await call(test, limited("per_day"), { pinned: 1 });
    await call(test, failure("upstream_unauthorized"), { pinned: 2 });
    expect(test.saved.size).toBe(0);
    await test.clock.advance(200);
    expect([...test.saved.keys()]).toEqual([1, 2]);
  });
  test("with every cooldown as it began, of the token or of its group, once although the store fails", async () => {
    const clock = virtualClock();
    const tried: (readonly HealthChange[])[] = [];
    const { settings } = testPool([]);
    const pool = new Pool({
      clock,
      random: () => 0.5,
      settings: () => settings,
      log: silentLog,
      async saveHealth(changes) {
        tried.push(changes);
        if (tried.length === 1) throw new Error("disk full");
      },
    });
    pool.load([grouped(1, "project"), tokenRow(2)]);
    const at = clock.now();
    const minute = { ...failure("upstream_rate_limited", { scope: "group", reason: "per_minute" }), retryAfterMs: MINUTE };
    pool.reportOutcome(2, failure("upstream_unauthorized"));
    await clock.advance(200);
    pool.reportOutcome(1, minute);
    pool.reportOutcome(1, success());
    await clock.advance(5_000);
    expect(tried.slice(1).flatMap((changes) => changes.flatMap(({ pauses }) => pauses))).toEqual([
      { subject: "token 2", tokenId: 2, at, family: null, reason: "key_invalid", until: null },
      { subject: "group alpha project", tokenId: 1, at: at + 200, family: null, reason: "per_minute", until: at + 200 + MINUTE },
    ]);
  });
  test("and says in the log until when, as a person reads it", () => {
    const clock = virtualClock();
    const lines: object[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line));
    const pool = new Pool({
      clock,
      random: () => 0.5,
      settings: () => testPool([]).settings,
      log: createLog({ level: "info", format: "json", now: () => clock.now(), write }),
      async saveHealth() {},
    });
    pool.load([tokenRow(1)]);
    pool.reportOutcome(1, { ...failure("upstream_rate_limited", { scope: "group", reason: "per_minute" }), retryAfterMs: MINUTE });
    const until = new Date(clock.now() + MINUTE).toISOString();
    expect(lines).toMatchObject([{ message: "Token cooldown begins", reason: "per_minute", until }]);
  });
  test("again when the store fails, with what changed meanwhile", async () => {
    const clock = virtualClock();
    const saves: number[][] = [];
    const pool = new Pool({
      clock,
      random: () => 0.5,
      settings: () => testPool([]).settings,
      log: silentLog,
      async saveHealth(changes) {
        saves.push(changes.map(({ id }) => id));
        if (saves.length === 1) throw new Error("disk full");
      },
    });
    pool.load([tokenRow(1), tokenRow(2)]);
    pool.reportOutcome(1, failure("upstream_unauthorized"));
    await clock.advance(200);
    pool.reportOutcome(2, failure("upstream_unauthorized"));
    await clock.advance(5_000);
    expect(saves).toEqual([[1], [1, 2]]);
  });
  test("when the pool closes", async () => {
    const test = testPool([tokenRow(1)]);
    await call(test, limited("per_day"));
    await test.pool.close();
    expect(test.saved.has(1)).toBe(true);
  });

  const rows = [
    grouped(1, "project", { caps: { requestsPerDay: 3, group: { requestsPerDay: 50 } } }),
    grouped(2, "project"),
    tokenRow(3, { imageConcurrency: 4 }),
    tokenRow(4),
  ];
  test("and survives a restart: cooldowns, blocks, breakers, backoff and daily counts", async () => {
    const test = testPool(rows);
    for (let i = 0; i < 2; i++) await call(test, success(), { pinned: 1 });
    await call(test, limited("no_details"), { pinned: 2 });
    for (let i = 0; i < 5; i++) await call(test, failure("upstream_timeout"), { pinned: 3 });
    await call(test, failure("upstream_unauthorized"), { pinned: 4 });
    const before = test.pool.snapshot();
    await test.pool.close();
    const again = testPool(rows, { saved: test.saved, clock: virtualClock(test.clock.now()) });
    const forget = { usedAt: null };
    expect(again.pool.snapshot().map((token) => ({ ...token, ...forget }))).toEqual(before.map((token) => ({ ...token, ...forget })));
    await again.clock.advance(70_000);
    await call(again, limited("no_details"), { pinned: 1 });
    expect(again.pool.snapshot()[1]!.models[0]!.until! - again.clock.now()).toBeGreaterThan(100_000);
    await again.clock.advance(5 * MINUTE);
    expect([await isServed(again, 3), await isServed(again, 4)]).toEqual([true, false]);
    expect(await isServed(again, 1)).toBe(false);
  });

  test.each([
    ["text"],
    [7],
    [[]],
    [{ token: { cooldown: { state: "cooling", reason: "per_day", since: 1, until: null } } }],
    [{ token: 5, group: { name: 4 } }],
    [{ families: { [FAMILY]: { cooldown: { state: "blocked", reason: "nonsense", since: 1, until: null } } } }],
  ])("what cannot be read counts as healthy: %j", async (health: unknown) => {
    const test = testPool([tokenRow(1, { health })]);
    expect(test.pool.gauges().tokens.healthy).toBe(1);
    expect(await isServed(test, 1)).toBe(true);
  });

  test("a group's daily count survives whichever of its tokens made the calls", async () => {
    const capped = [grouped(1, "g"), grouped(2, "g", { caps: { group: { requestsPerDay: 2 } } })];
    const test = testPool(capped);
    for (let i = 0; i < 2; i++) await call(test, success(), { pinned: 2 });
    await test.pool.close();
    const again = testPool(capped, { saved: test.saved });
    expect([await isServed(again, 1), await isServed(again, 2)]).toEqual([false, false]);
  });

  test("a group's limit outlives the token that reported it", async () => {
    const test = testPool(rows);
    await call(test, limited("per_day"), { pinned: 1 });
    test.pool.load(rows.slice(1));
    await test.pool.flush();
    const again = testPool(rows.slice(1), { saved: test.saved });
    expect(await isServed(again, 2)).toBe(false);
  });
});

test("a clock that is set back makes no cooldown longer", async () => {
  const clock = virtualClock();
  let offset = 0;
  const jumping = { ...clock, now: () => clock.now() + offset };
  const test = testPool([tokenRow(1)], { clock: jumping });
  await clock.advance(7_200_000);
  await call(test, limited("per_minute", { retryAfterMs: 10_000 }));
  offset = -3_600_000;
  const waiting = test.lease();
  await clock.advance(9_999);
  expect(test.pool.gauges().inFlight.image).toBe(0);
  await clock.advance(1);
  expect((await waiting).tokenId).toBe(1);
});

test("nor does a restart after that", async () => {
  const clock = virtualClock();
  let offset = 0;
  const jumping = { ...clock, now: () => clock.now() + offset };
  const test = testPool([tokenRow(1)], { clock: jumping });
  await call(test, limited("per_minute", { retryAfterMs: 60_000 }));
  await clock.advance(1_000);
  offset = -3_600_000;
  test.pool.gauges();
  await clock.advance(30_000);
  const again = testPool([tokenRow(1)], { clock: jumping, saved: test.saved });
  await clock.advance(30_000);
  expect((await again.lease({}, { waitMs: 0 })).tokenId).toBe(1);
});

test("a request that a clock set back lets through is served at once", async () => {
  const clock = virtualClock();
  let offset = 0;
  const test = testPool([tokenRow(1, { caps: { requestsPerMinute: 1 } })], { clock: { ...clock, now: () => clock.now() + offset } });
  await call(test, success());
  const waiting = test.lease({}, { waitMs: 120_000 });
  offset = -3_600_000;
  expect(test.pool.gauges().queued).toBe(0);
  expect((await waiting).tokenId).toBe(1);
});
