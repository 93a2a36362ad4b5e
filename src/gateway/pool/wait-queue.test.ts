// Wait queue: queue positions, wake-ups at the right moment, time-outs, and aborted requests.
import { describe, expect, test } from "bun:test";
import { failure, limited, success, type TestPool, testPool, tokenRow } from "../../../test/pool.ts";
import { AppError } from "../../errors.ts";
import { settled, virtualClock } from "../../testing.ts";
import type { Lease, LeaseOptions, LeaseRequest } from "./lease-contract.ts";

/** A request that waits, with what became of it. */
function wait(test: TestPool, change: Partial<LeaseRequest> = {}, options: Partial<LeaseOptions> = {}) {
  const state: { lease: Lease | null; error: unknown; places: [number, number | null][] } = { lease: null, error: null, places: [] };
  const onWait = (position: number, estimate: number | null) => state.places.push([position, estimate]);
  test.lease(change, { onWait, ...options }).then(
    (lease) => {
      state.lease = lease;
    },
    (error) => {
      state.error = error;
    },
  );
  return state;
}

const end = async (lease: Lease | null) => {
  await lease![Symbol.asyncDispose]();
  await settled();
};
const kindOf = (error: unknown) => (error instanceof AppError ? error.kind : error);

describe("a slot that comes free", () => {
  test("goes to the first who waits, and only to one", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    const [first, second] = [wait(test), wait(test)];
    await test.clock.advance(1234);
    await end(lease);
    expect(first.lease?.waitedMs).toBe(1234);
    expect(second.lease).toBeNull();
    await end(first.lease);
    expect(second.lease?.tokenId).toBe(1);
    await end(second.lease);
    expect(test.pool.gauges()).toMatchObject({ queued: 0, inFlight: { image: 0 } });
  });

  test("is not taken by a newcomer before those who wait", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    const waiting = wait(test);
    const ending = lease[Symbol.asyncDispose]();
    const newcomer = wait(test);
    await ending;
    await settled();
    expect([waiting.lease?.tokenId, newcomer.lease]).toEqual([1, null]);
  });

  test("passes over those it cannot serve", async () => {
    const test = testPool([tokenRow(1), tokenRow(2)]);
    const leases = [await test.lease({ pinned: 1 }), await test.lease({ pinned: 2 })];
    const pinned = wait(test, { pinned: 1 });
    const tried = wait(test, { exclude: new Set([2]) });
    const other = wait(test, { family: "other-model" });
    const any = wait(test);
    await end(leases[1]!);
    expect([pinned.lease, tried.lease, other.lease?.tokenId, any.lease]).toEqual([null, null, 2, null]);
    await end(other.lease);
    expect(any.lease?.tokenId).toBe(2);
    await end(leases[0]!);
    expect([pinned.lease?.tokenId, tried.lease]).toEqual([1, null]);
    await end(pinned.lease);
    expect(tried.lease?.tokenId).toBe(1);
  });

  test("goes to the keys in turn", async () => {
    const test = testPool([tokenRow(1)]);
    let lease: Lease | null = await test.lease();
    const greedy = Array.from({ length: 4 }, () => wait(test, { keyId: 1 }));
    const modest = wait(test, { keyId: 2 });
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      await end(lease);
      const served = [...greedy, modest].find((one) => one.lease && one.lease !== lease && !order.includes(String(greedy.indexOf(one))));
      order.push(String(greedy.indexOf(served!)));
      lease = served!.lease;
    }
    expect(order.join(" ")).toBe("0 -1 1 2 3");
  });
});

describe("a pinned request", () => {
  test("waits for its token while others are free", async () => {
    const test = testPool([tokenRow(1), tokenRow(2)]);
    const lease = await test.lease({ pinned: 1 });
    const waiting = wait(test, { pinned: 1 });
    await settled();
    expect(waiting.lease).toBeNull();
    await end(lease);
    expect(waiting.lease?.tokenId).toBe(1);
  });
  test("is refused as soon as its token needs the operator or is gone", async () => {
    const test = testPool([tokenRow(1), tokenRow(2), tokenRow(3)]);
    const leases = [await test.lease({ pinned: 1 }), await test.lease({ pinned: 2 })];
    const [blocked, gone] = [wait(test, { pinned: 1 }), wait(test, { pinned: 2 })];
    leases[0]!.report(failure("upstream_verification"));
    test.pool.load([tokenRow(1), tokenRow(3)]);
    await settled();
    expect([(blocked.error as AppError).reason, (gone.error as AppError).reason]).toEqual(["needs_operator", "token_gone"]);
  });
});

describe("a cooldown that ends", () => {
  test("serves who waits for it exactly then", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    lease.report(limited("per_minute", { retryAfterMs: 7_001 }));
    await end(lease);
    const waiting = wait(test);
    await test.clock.advance(7_000);
    expect(waiting.lease).toBeNull();
    await test.clock.advance(1);
    expect(waiting.lease?.waitedMs).toBe(7_001);
  });

  test("is seen by a new request, without a timer; waiting requests still go first", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    lease.report(limited("per_minute", { retryAfterMs: 5_000 }));
    await end(lease);
    expect(test.clock.nextTimer()! - test.clock.now()).toBeLessThanOrEqual(200);
    await test.clock.advance(5_000);
    expect((await test.lease({}, { waitMs: 0 })).tokenId).toBe(1);
  });

  test("while the timers are late serves waiting requests before a new one", async () => {
    for (const look of [(test: TestPool) => void test.pool.gauges(), () => {}]) {
      const clock = virtualClock();
      let ahead = 0;
      const test = testPool([tokenRow(1)], { clock: { ...clock, now: () => clock.now() + ahead } });
      const lease = await test.lease();
      lease.report(limited("per_minute", { retryAfterMs: 9_000 }));
      await end(lease);
      const waiting = wait(test);
      ahead = 10_000;
      look(test);
      const newcomer = wait(test);
      await settled();
      expect([waiting.lease?.tokenId, newcomer.lease]).toEqual([1, null]);
    }
  });

  test("that the operator ends serves who waits at once", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    lease.report(limited("per_minute", { retryAfterMs: 20_000 }));
    await end(lease);
    const waiting = wait(test);
    test.pool.clearCooldown(1);
    await settled();
    expect(waiting.lease?.tokenId).toBe(1);
  });
});

test("requests of hundreds of other models do not make a waiting one forgotten", async () => {
  const test = testPool([tokenRow(1), tokenRow(2)]);
  const lease = await test.lease({ pinned: 1 });
  const waiting = wait(test, { exclude: new Set([2]) });
  for (let i = 0; i < 300; i++) {
    const other = await test.lease({ family: `model-${i}` });
    expect(other.tokenId).toBe(2);
    await end(other);
  }
  await end(lease);
  expect(waiting.lease?.tokenId).toBe(1);
});

test("a token that is added serves who waits", async () => {
  const test = testPool([tokenRow(1)]);
  await test.lease();
  const waiting = wait(test);
  test.pool.load([tokenRow(1), tokenRow(2)]);
  await settled();
  expect(waiting.lease?.tokenId).toBe(2);
});

describe("waiting ends without a token", () => {
  test("after wait_ms, with the time to come again", async () => {
    const test = testPool([tokenRow(1)], { settings: { wait_ms: 3_000 } });
    const first = await test.lease();
    await test.clock.advance(8_000);
    first.report(success());
    await end(first);
    const lease = await test.lease();
    const waiting = wait(test);
    await test.clock.advance(2_999);
    expect(waiting.error).toBeNull();
    await test.clock.advance(1);
    expect(waiting.error).toMatchObject({ kind: "busy", retryAfterMs: 16_000 });
    await end(lease);
    expect((await test.lease()).tokenId).toBe(1);
  });

  test("at once when the wait is nothing or the queue is full", async () => {
    const test = testPool([tokenRow(1)], { settings: { queue_limit: 1 } });
    await test.lease();
    const [impatient, first, second] = [wait(test, {}, { waitMs: 0 }), wait(test), wait(test)];
    await settled();
    expect([impatient, first, second].map((one) => kindOf(one.error))).toEqual(["busy", null, "busy"]);
    expect((second.error as AppError).retryAfterMs).toBeGreaterThanOrEqual(1000);
    expect(test.pool.gauges().queued).toBe(1);
  });

  describe("in a full waiting list", () => {
    const full = async (limit: number) => {
      const test = testPool([tokenRow(1)], { settings: { queue_limit: limit } });
      const lease = await test.lease();
      return { test, lease };
    };

    test("the newest of the key with the most positions, so that another key comes in", async () => {
      const { test, lease } = await full(4);
      const greedy = [1, 2, 3, 4].map(() => wait(test, { keyId: 1 }));
      const first = wait(test, { keyId: 2 });
      await settled();
      expect(greedy.map((one) => kindOf(one.error))).toEqual([null, null, null, "busy"]);
      const [second, third] = [wait(test, { keyId: 2 }), wait(test, { keyId: 2 })];
      const [another, refused] = [wait(test, { keyId: 3 }), wait(test, { keyId: 1 })];
      await settled();
      expect([first, second, third, another, refused].map((one) => kindOf(one.error))).toEqual([null, null, "busy", null, "busy"]);
      expect(greedy.map((one) => kindOf(one.error))).toEqual([null, "busy", "busy", "busy"]);
      expect(test.pool.gauges().queued).toBe(4);
      await end(lease);
      expect(test.pool.gauges().queued).toBe(3);
    });

    test("nobody who holds as much as the newcomer", async () => {
      const { test } = await full(2);
      const there = [wait(test, { keyId: 1 }), wait(test, { keyId: 2 })];
      const newcomer = wait(test, { keyId: 3 });
      await settled();
      expect([...there, newcomer].map((one) => kindOf(one.error))).toEqual([null, null, "busy"]);
    });

    test("across families: the newest of all that the key waits for", async () => {
      const { test } = await full(3);
      const lease = wait(test, { family: "other-model" });
      await settled();
      const greedy = [{}, { family: "other-model" }, {}].map((change) => wait(test, { keyId: 1, ...change }));
      const other = wait(test, { keyId: 2 });
      await settled();
      expect([lease, ...greedy, other].map((one) => kindOf(one.error)).filter((kind) => kind !== null)).toHaveLength(2);
      expect(kindOf(other.error)).toBeNull();
    });
  });

  test("as soon as everything it waits for cools beyond its time", async () => {
    const test = testPool([tokenRow(1), tokenRow(2)]);
    const leases = [await test.lease(), await test.lease()];
    const waiting = wait(test);
    leases[0]!.report(limited("per_day"));
    await end(leases[0]!);
    expect(waiting.error).toBeNull();
    leases[1]!.report(limited("per_minute", { retryAfterMs: 31_000 }));
    await end(leases[1]!);
    expect(waiting.error).toMatchObject({ kind: "upstream_rate_limited", retryAfterMs: 31_000 });
  });

  test("when the client goes away; it leaves the queue and the signal's reason is thrown", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    const client = new AbortController();
    const [leaving, staying] = [wait(test, {}, { signal: client.signal }), wait(test)];
    client.abort(new AppError("cancelled", "gone"));
    await settled();
    expect(kindOf(leaving.error)).toBe("cancelled");
    await end(lease);
    expect([leaving.lease, staying.lease?.tokenId]).toEqual([null, 1]);
    const late = wait(test, {}, { signal: client.signal });
    await settled();
    expect([kindOf(late.error), test.pool.gauges().queued]).toEqual(["cancelled", 0]);
  });
});

describe("the queue position", () => {
  test("is reported at entry and when it changes, with an estimate once calls have ended", async () => {
    const test = testPool([tokenRow(1)]);
    const first = await test.lease();
    const before = wait(test);
    expect(before.places).toEqual([[1, null]]);
    await test.clock.advance(4_000);
    first.report(success());
    await end(first);
    const [second, third] = [wait(test), wait(test)];
    expect([second.places, third.places]).toEqual([[[1, 4_000]], [[2, 8_000]]]);
    await end(before.lease);
    await test.clock.advance(250);
    expect(third.places).toEqual([
      [2, 8_000],
      [1, 4_000],
    ]);
    expect(second.lease?.tokenId).toBe(1);
  });

  test("is estimated by the end of the cooldown when all cool", () => {
    const test = testPool([tokenRow(1)]);
    return (async () => {
      const lease = await test.lease();
      lease.report(limited("per_minute", { retryAfterMs: 9_000 }));
      await end(lease);
      expect(wait(test).places).toEqual([[1, 9_000]]);
    })();
  });

  test("a listener that throws does no harm", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    const waiting = test.lease({}, { onWait: () => JSON.parse("no json") });
    await end(lease);
    expect((await waiting).tokenId).toBe(1);
  });
});

test("no timer is left when no request waits and health is saved", async () => {
  const test = testPool([tokenRow(1)]);
  const lease = await test.lease();
  const waiting = wait(test);
  lease.report(limited("per_minute", { retryAfterMs: 9_000 }));
  await end(lease);
  await test.clock.advance(9_000);
  await end(waiting.lease);
  await test.clock.advance(250);
  expect(test.clock.nextTimer()).toBeNull();
});
