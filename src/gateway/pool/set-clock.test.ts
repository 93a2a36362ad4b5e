// A clock on the wall that is set: no wait and no call gets longer or shorter by it, and no cooldown that is over comes back.
import { describe, expect, test } from "bun:test";
import { limited, success, type TestPool, testPool, tokenRow } from "../../../test/pool.ts";
import { AppError } from "../../errors.ts";
import { settled } from "../../testing.ts";
import type { Lease, LeaseOptions, Outcome } from "./lease-contract.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

async function call(test: TestPool, outcome: Outcome, ms = 0): Promise<void> {
  await using lease = await test.lease({}, { waitMs: 0 });
  await test.clock.advance(ms);
  lease.report(outcome);
}

function wait(test: TestPool, options: Partial<LeaseOptions> = {}) {
  const state: { lease: Lease | null; error: AppError | null; endedAt: number } = { lease: null, error: null, endedAt: 0 };
  const began = test.clock.elapsed();
  const ended = (change: object) => Object.assign(state, change, { endedAt: test.clock.elapsed() - began });
  test.lease({}, options).then(
    (lease) => ended({ lease }),
    (error) => ended({ error }),
  );
  return state;
}

const isFree = async (test: TestPool) => {
  try {
    await using _lease = await test.lease({}, { waitMs: 0 });
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
};

describe.each([
  ["left alone", 0],
  ["set on by an hour", HOUR],
  ["set on by twenty seconds", 20 * SECOND],
  ["set back by an hour", -HOUR],
])("while a clock is %s", (_name, jump) => {
  test("a request waits as long as it may", async () => {
    const test = testPool([tokenRow(1)], { settings: { wait_ms: 30 * SECOND } });
    await test.lease();
    const waiting = wait(test);
    await test.clock.advance(10 * SECOND);
    test.clock.jump(jump);
    await test.clock.advance(MINUTE);
    expect([waiting.error?.kind, waiting.endedAt]).toEqual(["busy", 30 * SECOND]);
    expect(waiting.error?.message).toContain("within 30 s");
  });

  test("the wait that is noted is the one that was", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    const waiting = wait(test);
    await test.clock.advance(4 * SECOND);
    test.clock.jump(jump);
    await test.clock.advance(3 * SECOND);
    await lease[Symbol.asyncDispose]();
    await settled();
    expect(waiting.lease?.waitedMs).toBe(7 * SECOND);
  });

  test("how long calls take is measured as it is", async () => {
    const test = testPool([tokenRow(1)]);
    const lease = await test.lease();
    await test.clock.advance(5 * SECOND);
    test.clock.jump(jump);
    await test.clock.advance(5 * SECOND);
    lease.report(success());
    await lease[Symbol.asyncDispose]();
    expect(test.pool.usualMs("image", "image-model")).toBe(10 * SECOND);
  });

  test("a request with time left for its call is served, and not refused as late", async () => {
    const test = testPool([tokenRow(1)]);
    await call(test, success(), 2 * SECOND);
    const lease = await test.lease();
    const waiting = wait(test, { deadline: { at: test.clock.elapsed() + 20 * SECOND, wholeMs: 20 * SECOND } });
    await test.clock.advance(5 * SECOND);
    test.clock.jump(jump);
    await lease[Symbol.asyncDispose]();
    await settled();
    expect(waiting).toMatchObject({ error: null, lease: { tokenId: 1 } });
  });

  test("a request without time left for its call is not", async () => {
    const test = testPool([tokenRow(1)]);
    await call(test, success(), 10 * SECOND);
    await test.lease();
    const waiting = wait(test, { deadline: { at: test.clock.elapsed() + 20 * SECOND, wholeMs: 20 * SECOND } });
    await test.clock.advance(1 * SECOND);
    test.clock.jump(jump);
    await test.clock.advance(MINUTE);
    expect(waiting.error?.kind).toBe("busy");
    expect(waiting.endedAt).toBeLessThanOrEqual(10 * SECOND);
  });

  test("a request whose token comes back within its wait is not refused as hopeless", async () => {
    const test = testPool([tokenRow(1), tokenRow(2)], { settings: { wait_ms: MINUTE } });
    const [first, second] = [await test.lease(), await test.lease()];
    const waiting = wait(test);
    await test.clock.advance(10 * SECOND);
    test.clock.jump(jump);
    for (const lease of [first, second]) {
      lease.report(limited("throttled", { retryAfterMs: 30 * SECOND }));
      await lease[Symbol.asyncDispose]();
    }
    await test.clock.advance(29 * SECOND);
    expect(waiting).toMatchObject({ lease: null, error: null });
    await test.clock.advance(SECOND);
    expect(waiting.lease).not.toBeNull();
  });
});

describe("a cooldown", () => {
  test.each([
    ["that nobody has asked about since", () => {}],
    ["that somebody has asked about", (test: TestPool) => void test.pool.gauges()],
  ])("%s, over before the clock was set back, stays over", async (_name, look) => {
    const test = testPool([tokenRow(1)]);
    await call(test, limited("throttled", { retryAfterMs: 20 * SECOND }));
    await test.clock.advance(5 * MINUTE);
    look(test);
    test.clock.jump(-5 * MINUTE - 10 * SECOND);
    expect(await isFree(test)).toBe(true);
  });

  test("that runs is no longer than it was, also when the clock is set back after a long time", async () => {
    const test = testPool([tokenRow(1)]);
    await test.clock.advance(2 * HOUR);
    await call(test, limited("throttled", { retryAfterMs: 20 * SECOND }));
    test.clock.jump(-HOUR);
    expect(await isFree(test)).toBe(false);
    await test.clock.advance(20 * SECOND);
    expect(await isFree(test)).toBe(true);
  });
});
