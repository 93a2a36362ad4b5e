// Deadlines: which calls may begin, and what an aborted call says about its token.
import { describe, expect, test } from "bun:test";
import { failure, success, type TestPool, testPool, tokenRow } from "../../../test/pool.ts";
import { AppError } from "../../errors.ts";

const WHOLE_MS = 5_000;

/** One request with its own deadline whose call takes `callMs`; cut at the deadline as a run is. */
async function ask(test: TestPool, callMs: number, wholeMs = WHOLE_MS): Promise<string> {
  const { clock } = test;
  const at = clock.now() + wholeMs;
  try {
    await using lease = await test.lease({}, { deadline: { at, wholeMs } });
    const left = at - clock.now();
    await new Promise<void>((resolve) => clock.after(Math.min(callMs, left), resolve));
    if (callMs <= left) lease.report(success());
    else lease.report(failure("upstream_timeout", undefined, { charged: true, cutAfterMs: wholeMs }));
    return callMs <= left ? "served" : "cut";
  } catch (error) {
    return error instanceof AppError ? error.kind : "bug";
  }
}

async function askMany(test: TestPool, times: readonly number[]): Promise<Record<string, number>> {
  const asked = times.map((ms) => ask(test, ms));
  await test.clock.advance(3 * WHOLE_MS);
  const ended = await Promise.all(asked);
  return Object.fromEntries([...Map.groupBy(ended, (end) => end)].map(([end, all]) => [end, all.length]));
}

const stateOf = ({ pool }: TestPool) => pool.snapshot()[0]!.health.state;

describe("no call begins that cannot end before its deadline", () => {
  test.each([1_600, 1_200, 2_400, 2_600, 4_900])("64 at once, 8 slots, %d ms a call", async (ms) => {
    const test = testPool([tokenRow(1, { imageConcurrency: 8 })]);
    const { served = 0, busy = 0, ...others } = await askMany(test, Array(64).fill(ms));
    expect([served + busy, served >= 8, others, stateOf(test)]).toEqual([64, true, {}, "healthy"]);
    const next = ask(test, ms);
    await test.clock.advance(ms);
    expect(await next).toBe("served");
  });

  test("calls that differ: the few that are aborted do not count against tokens", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: 8 })]);
    const times = Array.from({ length: 64 }, (_, index) => 900 + ((index * 7919) % 1_500));
    const { cut = 0 } = await askMany(test, times);
    expect([cut <= 2, stateOf(test)]).toEqual([true, "healthy"]);
  });

  test("the wait ends when a call could no longer end in time, not at the deadline", async () => {
    const test = testPool([tokenRow(1)]);
    for (let call = 0; call < 30; call++) {
      const asked = ask(test, 2_000);
      await test.clock.advance(2_000);
      expect(await asked).toBe("served");
    }
    const held = await test.lease();
    const asked = ask(test, 2_000);
    await test.clock.advance(2_900);
    expect(await asked).toBe("busy");
    await held[Symbol.asyncDispose]();
  });
});

describe("what a cut call says of its token", () => {
  test("nothing when it began late: a whole queue of them opens no breaker", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: 20 })]);
    for (let turn = 0; turn < 20; turn++) {
      await using lease = await test.lease();
      await test.clock.advance(1_000);
      lease.report(failure("upstream_timeout", undefined, { charged: true, cutAfterMs: WHOLE_MS }));
    }
    expect(stateOf(test)).toBe("healthy");
  });

  test("it hangs when five calls in a row had their whole time", async () => {
    const test = testPool([tokenRow(1, { imageConcurrency: 20 })]);
    expect([await askMany(test, Array(5).fill(60_000)), stateOf(test)]).toEqual([{ cut: 5 }, "cooling"]);
  });

  test("a client that leaves and a server that stops say nothing, however often", async () => {
    const test = testPool([tokenRow(1)]);
    for (let turn = 0; turn < 20; turn++) {
      await using lease = await test.lease();
      lease.report(failure("cancelled", undefined, { charged: true }));
    }
    expect(stateOf(test)).toBe("healthy");
  });
});
