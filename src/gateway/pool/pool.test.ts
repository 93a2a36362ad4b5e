// Pool: which token serves, slots that are always released, and refusals that say why.

import { describe, expect, test } from "bun:test";
import { call, FAMILY, failure, limited, success, testPool, tokenRow } from "../../../test/pool.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError, BILLING_MESSAGE, NO_QUOTA_MESSAGE } from "../../errors.ts";
import { virtualClock } from "../../testing.ts";
import type { LeaseRequest } from "./lease-contract.ts";

const NOW = virtualClock().now();

async function refusalOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw new Error("expected a refusal", { cause: error });
  return error;
}

describe("a token is considered", () => {
  const CASES: [name: string, row: Partial<TokenRow>, request: Partial<LeaseRequest>, isServed: boolean][] = [
    ["when nothing speaks against it", {}, {}, true],
    ["unless it is switched off", { enabled: false }, {}, false],
    ["unless it is switched off for images", { imageEnabled: false }, {}, false],
    ["for video when only images are switched off", { imageEnabled: false }, { kind: "video" }, true],
    ["unless it is switched off for video", { videoEnabled: false }, { kind: "video" }, false],
    ["unless it may make no call at once", { imageConcurrency: 0 }, {}, false],
    ["unless its provider cannot express the request", {}, { providers: ["beta"] }, false],
    ["when its models are not learned yet", { families: null }, {}, true],
    ["when it has the model", { families: ["x", FAMILY] }, {}, true],
    ["unless it lacks the model", { families: ["x"] }, {}, false],
    ["when the model is on its list", { allowFamilies: [FAMILY] }, {}, true],
    ["unless the model is not on its list", { allowFamilies: ["x"] }, {}, false],
    ["unless the model is denied", { denyFamilies: [FAMILY] }, {}, false],
    ["unless its plan is too low", { tier: 1 }, { minTier: { alpha: 2 } }, false],
    ["when its plan is high enough", { tier: 2 }, { minTier: { alpha: 2 } }, true],
    ["unless its plan is not known and one is needed", { tier: null }, { minTier: { alpha: 1 } }, false],
    ["when the plan is needed of another provider", { tier: null }, { minTier: { beta: 2 } }, true],
    ["unless its credits do not suffice", { credits: 9 }, { credits: { alpha: 10 } }, false],
    ["when its credits suffice", { credits: 10 }, { credits: { alpha: 10 } }, true],
    ["when its credits are not known", { credits: null }, { credits: { alpha: 10 } }, true],
    ["unless it was tried already", {}, { exclude: new Set([1]) }, false],
    ["when it is the pinned one", {}, { pinned: 1 }, true],
    ["unless another is pinned", {}, { pinned: 2 }, false],
  ];
  test.each(CASES)("%s", async (_, row, request, isServed) => {
    const leasing = testPool([tokenRow(1, row)]).lease(request);
    if (isServed) expect((await leasing).tokenId).toBe(1);
    else expect((await refusalOf(leasing)).kind).toBe("no_token");
  });
});

describe("no token can serve, and the refusal says why", () => {
  const blocked = { token: { condition: { state: "blocked", reason: "verification", since: NOW, until: null } } };
  const CASES: [name: string, rows: TokenRow[], request: Partial<LeaseRequest>, reason: string, says: RegExp][] = [
    ["an empty pool", [], {}, "no_tokens", /no enabled token/],
    ["all switched off", [tokenRow(1, { enabled: false })], {}, "no_tokens", /no enabled token/],
    [
      "none has the model",
      [tokenRow(1, { families: ["x"] })],
      {},
      "model_not_served",
      /No token of the pool can serve images with image-model/,
    ],
    ["all blocked", [tokenRow(1, { health: blocked })], {}, "needs_operator", /operator/],
    [
      "the pinned one blocked",
      [tokenRow(1, { health: blocked }), tokenRow(2)],
      { pinned: 1 },
      "needs_operator",
      /belongs to needs the operator/,
    ],
    ["the pinned one gone", [tokenRow(2)], { pinned: 1 }, "token_gone", /cannot serve it any more/],
    ["all tried", [tokenRow(1)], { exclude: new Set([1]) }, "all_tried", /was tried/],
    ["a cap of nothing", [tokenRow(1, { caps: { requestsPerDay: 0 } })], {}, "caps", /caps/],
  ];
  test.each(CASES)("%s", async (_, rows, request, reason, says) => {
    const error = await refusalOf(testPool(rows).lease(request));
    expect([error.kind, error.reason, error.retryAfterMs]).toEqual(["no_token", reason, undefined]);
    expect(error.message).toMatch(says);
    expect(error.message).not.toContain("token 1");
  });
});

describe("all cool beyond the wait", () => {
  const CASES: [name: string, outcome: Parameters<typeof call>[1], kind: string, retryAfterMs: number][] = [
    ["by a limit per minute", limited("per_minute", { retryAfterMs: 47_000 }), "upstream_rate_limited", 47_000],
    ["by a limit per day", limited("per_day"), "upstream_quota", 20 * 3_600_000],
    ["by an empty account", failure("upstream_quota"), "upstream_quota", 12 * 3_600_000],
  ];
  test.each(CASES)("%s: refused at once with the time to come again", async (_, outcome, kind, retryAfterMs) => {
    const test = testPool([tokenRow(1)]);
    await call(test, outcome);
    const error = await refusalOf(test.lease());
    expect([error.kind, error.retryAfterMs]).toEqual([kind, retryAfterMs] as never);
    expect(test.pool.gauges().queued).toBe(0);
  });

  test("a model without any quota is refused in the same words as by the upstream, with no time to come again", async () => {
    const test = testPool([tokenRow(1)]);
    await call(test, limited("limit_zero"));
    const error = await refusalOf(test.lease());
    expect([error.kind, error.message, error.retryAfterMs]).toEqual(["upstream_model_denied", NO_QUOTA_MESSAGE, undefined]);
    expect(error.message).toContain("enable billing");
  });

  test("tokens that lack money only: the operator is needed, and after an hour one call at a time tries again", async () => {
    const rows = [tokenRow(1, { group: "g", imageConcurrency: 4 }), tokenRow(2, { group: "g", imageConcurrency: 4 })];
    const test = testPool(rows, { settings: { wait_ms: 0 } });
    const broke = failure("upstream_unauthorized", { scope: "group", reason: "billing" });
    await call(test, broke);
    expect(test.pool.snapshot().map(({ health }) => [health.state, health.reason])).toEqual([
      ["blocked", "billing"],
      ["blocked", "billing"],
    ]);
    const error = await refusalOf(test.lease());
    expect([error.kind, error.reason, error.message]).toEqual(["no_token", "needs_operator", BILLING_MESSAGE]);
    await test.clock.advance(3_600_000);
    expect(test.pool.held().held).toMatchObject([{ state: "blocked", reason: "billing", count: 2 }]);
    {
      await using probe = await test.lease();
      expect((await refusalOf(test.lease())).kind).toBe("busy");
      probe.report(broke);
    }
    expect((await refusalOf(test.lease())).message).toBe(BILLING_MESSAGE);
    await test.clock.advance(3_600_000);
    await call(test, success());
    expect(test.pool.snapshot().map(({ health }) => health.state)).toEqual(["healthy", "healthy"]);
  });

  test("the soonest of several counts, and a rate limit is reported rather than a quota", async () => {
    const test = testPool([tokenRow(1), tokenRow(2), tokenRow(3)]);
    await call(test, limited("per_day"));
    await call(test, limited("per_minute", { retryAfterMs: 90_000 }));
    await call(test, failure("upstream_unauthorized"));
    const error = await refusalOf(test.lease());
    expect([error.kind, error.retryAfterMs]).toEqual(["upstream_rate_limited", 90_000]);
  });

  test("repeated failures are reported as such", async () => {
    const test = testPool([tokenRow(1)], { settings: { wait_ms: 1000 } });
    for (let i = 0; i < 5; i++) await call(test, failure("upstream_unavailable"));
    const error = await refusalOf(test.lease());
    expect([error.kind, error.retryAfterMs]).toEqual(["upstream_unavailable", 30_000]);
  });

  test("a model that all tokens were denied is not served", async () => {
    const test = testPool([tokenRow(1)]);
    await call(test, failure("upstream_model_denied"));
    const error = await refusalOf(test.lease());
    expect([error.kind, error.reason]).toEqual(["no_token", "model_not_served"]);
  });
});

describe("slots", () => {
  test("are held until the lease is disposed, reported or not, and come back once", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: 2 })]);
    const leases = [await test.lease(), await test.lease()];
    leases[0]!.report(success());
    expect(test.pool.gauges().inFlight).toEqual({ image: 2, video: 0 });
    for (const lease of leases) {
      await lease[Symbol.asyncDispose]();
      await lease[Symbol.asyncDispose]();
    }
    expect(test.pool.gauges().inFlight).toEqual({ image: 0, video: 0 });
    expect(test.pool.snapshot()[0]!.inFlight).toEqual({ image: 0, video: 0 });
  });

  test("come back when the caller throws", async () => {
    const test = testPool([tokenRow(1)]);
    const broken = (async () => {
      await using _ = await test.lease();
      throw new Error("bug");
    })();
    expect(broken).rejects.toThrow("bug");
    await broken.catch(() => {});
    expect(test.pool.gauges().inFlight.image).toBe(0);
  });

  test("are without number at -1", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: -1 })]);
    for (let i = 0; i < 500; i++) await test.lease();
    expect(test.pool.gauges().inFlight.image).toBe(500);
  });

  test("of image and video are apart", async () => {
    const test = testPool([tokenRow(1)]);
    await test.lease();
    expect((await test.lease({ kind: "video" })).tokenId).toBe(1);
  });

  test("a lowered limit lets calls end and gives out no more than it allows", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: 3 })], { settings: { wait_ms: 0 } });
    const leases = [await test.lease(), await test.lease(), await test.lease()];
    test.pool.load([tokenRow(1, { imageConcurrency: 1 })]);
    await leases[0]![Symbol.asyncDispose]();
    await leases[1]![Symbol.asyncDispose]();
    expect((await refusalOf(test.lease())).kind).toBe("busy");
    await leases[2]![Symbol.asyncDispose]();
    expect((await test.lease()).tokenId).toBe(1);
  });

  test("a job found after a restart takes a slot even of a full token", async () => {
    const test = testPool([tokenRow(1)], { settings: { wait_ms: 0 } });
    test.pool.load([tokenRow(1, { caps: { requestsPerDay: 1 } })]);
    const jobs = [test.pool.adopt(1, "video", FAMILY)!, test.pool.adopt(1, "video", FAMILY)!];
    expect(test.pool.adopt(9, "video", FAMILY)).toBeNull();
    expect((await refusalOf(test.lease({ kind: "video" }))).kind).toBe("busy");
    for (const job of jobs) await job[Symbol.asyncDispose]();
    expect((await test.lease({ kind: "video" })).tokenId).toBe(1);
  });
});

describe("reports", () => {
  test("the first counts", async () => {
    const test = testPool([tokenRow(1)]);
    await using lease = await test.lease();
    lease.report(success());
    lease.report(failure("upstream_unauthorized"));
    expect(test.pool.snapshot()[0]!.health.state).toBe("healthy");
  });
  test("none after the end, and no report does nothing to health", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    await lease[Symbol.asyncDispose]();
    lease.report(failure("upstream_unauthorized"));
    expect(test.pool.snapshot()[0]).toMatchObject({ health: { state: "healthy" }, lastError: null });
  });
});

describe("the table changes while the pool runs", () => {
  test("a token that is gone ends its calls, then vanishes", async () => {
    const test = testPool([tokenRow(1), tokenRow(2)]);
    const lease = await test.lease({ pinned: 1 });
    test.pool.load([tokenRow(2)]);
    expect(test.pool.snapshot().map((token) => token.id)).toEqual([2]);
    expect(test.pool.gauges().inFlight.image).toBe(1);
    expect((await refusalOf(test.lease({ pinned: 1 }))).reason).toBe("token_gone");
    lease.report(failure("upstream_unauthorized"));
    await lease[Symbol.asyncDispose]();
    expect(test.pool.gauges()).toMatchObject({ inFlight: { image: 0 }, tokens: { healthy: 1, blocked: 0 } });
  });

  test("a token that comes back after it vanished has the health it comes with", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    lease.report(failure("upstream_unauthorized"));
    test.pool.load([]);
    await lease[Symbol.asyncDispose]();
    test.pool.load([tokenRow(1)]);
    expect((await test.lease()).tokenId).toBe(1);
  });

  test("calls in flight and health outlive a reload with an older health", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: 2 })], { settings: { wait_ms: 0 } });
    const lease = await test.lease();
    test.pool.load([tokenRow(1, { imageConcurrency: 1, label: "renamed" })]);
    expect((await refusalOf(test.lease())).kind).toBe("busy");
    lease.report(limited("per_minute"));
    test.pool.load([tokenRow(1, { imageConcurrency: 4, label: "renamed", health: null })]);
    expect((await refusalOf(test.lease())).kind).toBe("upstream_rate_limited");
    expect(test.pool.snapshot()[0]).toMatchObject({ label: "renamed", inFlight: { image: 1 }, limit: { image: 4 } });
  });

  test("what a check learns decides from then on; what it does not report stays", async () => {
    const test = testPool([tokenRow(1, { tier: 1, credits: 5 })]);
    expect([test.pool.canServe("image", FAMILY), test.pool.canServe("image", FAMILY, ["beta"])]).toEqual([true, false]);
    test.pool.updateFacts(1, { families: ["x"], credits: undefined });
    expect([test.pool.canServe("image", FAMILY), test.pool.canServe("image", "x")]).toEqual([false, true]);
    expect([...test.pool.families("image")]).toEqual(["x"]);
    expect(test.pool.snapshot()[0]).toMatchObject({ tier: 1, credits: 5, families: ["x"] });
    expect((await refusalOf(test.lease())).reason).toBe("model_not_served");
    test.pool.updateFacts(1, { families: [FAMILY] });
    expect((await test.lease()).tokenId).toBe(1);
  });

  test("blocked and cooling tokens still count as able to serve", async () => {
    const test = testPool([tokenRow(1)]);
    await call(test, failure("upstream_unauthorized"));
    expect(test.pool.canServe("image", FAMILY)).toBe(true);
  });

  test("a changed priority holds at once", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => tokenRow(i + 1));
    const test = testPool(rows, { settings: { strategy: "round_robin" } });
    await call(test, success());
    test.pool.load(rows.map((row) => ({ ...row, priority: row.id % 7 })));
    const order = [];
    for (let i = 0; i < 50; i++) order.push((await test.lease()).tokenId % 7);
    expect(order).toEqual(order.toSorted((a, b) => b - a));
  });
});

test("a closed pool refuses new and waiting requests", async () => {
  const test = testPool([tokenRow(1)]);
  const lease = await test.lease();
  const waiting = refusalOf(test.lease());
  await test.pool.close();
  expect((await waiting).kind).toBe("unavailable");
  expect((await refusalOf(test.lease())).kind).toBe("unavailable");
  await lease[Symbol.asyncDispose]();
  expect(test.clock.nextTimer()).toBeNull();
});

describe("a paused provider", () => {
  test("serves nothing while its tokens' own switches stay; calls under way end; resumed, it serves as before", async () => {
    const world = testPool([tokenRow(1), tokenRow(2, { enabled: false }), tokenRow(3, { provider: "beta" })]);
    const { pool, settings } = world;
    const health = () => pool.snapshot().map((one) => `${one.health.state} ${one.health.reason}`);
    {
      await using running = await world.lease();
      settings.paused_providers = ["alpha"];
      pool.refresh();
      expect(health()).toEqual(["disabled paused", "disabled operator", "healthy null"]);
      expect([pool.countUsable(), pool.gauges().tokens.disabled, pool.rows()[0]!.enabled]).toEqual([1, 2, true]);
      running.report(success());
    }
    expect((await refusalOf(call(world, null, { providers: ["alpha"] }))).kind).toBe("no_token");
    settings.paused_providers = [];
    pool.refresh();
    expect(health()).toEqual(["healthy null", "disabled operator", "healthy null"]);
    expect(await call(world, success(), { providers: ["alpha"] })).toBe(1);
  });
});
