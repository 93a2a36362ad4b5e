// Limits on a real store: races, refusals that cost nothing, ends that count once, and crashes.

import { describe, expect, test } from "bun:test";
import type { LedgerStore } from "../../db/ledger.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { type KeyLimits, NO_LIMITS } from "../../domain/key.ts";
import { createLog, silentLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { CATALOGUE } from "../models/testing.ts";
import type { Admission, GenerationEnd } from "./contract.ts";
import { Limits } from "./limits.ts";
import { type Bench, FAMILY, keyRow, request, SECRET_KEY, startBench, verdict } from "./testing.ts";

const limited = (change: Partial<KeyLimits>) => keyRow({ limits: { ...NO_LIMITS, ...change } });
const imagesTotal = (total: number) => limited({ images: { day: null, month: null, total } });

/** How many of `count` requests at once are admitted. */
async function race(bench: Bench, count: number): Promise<Admission[]> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, () => bench.limits.admit(1, request())));
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
}

const END: GenerationEnd = { ok: true, ms: 1200, inputTokens: 3, outputTokens: 4, calls: [] };

describe("a race", () => {
  test("of 1,000 requests for a balance of 10 starts exactly 10", async () => {
    await using bench = await startBench([imagesTotal(10)]);
    expect(await race(bench, 1000)).toHaveLength(10);
    expect(bench.limits.gauges()).toEqual({ reservations: 10, inFlight: 10 });
    expect((await bench.store.readLedger([], 0)).open).toHaveLength(10);
  });

  test("starts exactly 10 also when the process dies after the first 4", async () => {
    await using bench = await startBench([imagesTotal(10)]);
    for (let count = 0; count < 4; count++) await bench.limits.admit(1, request());
    await bench.crash();
    expect(await race(bench, 1000)).toHaveLength(6);
    await bench.crash();
    expect(await race(bench, 1000)).toHaveLength(0);
  });

  test("gives back what is released, and no more", async () => {
    await using bench = await startBench([imagesTotal(10)]);
    const admitted = await race(bench, 100);
    for (const admission of admitted.slice(0, 3)) for (let again = 0; again < 3; again++) admission.release();
    expect(await race(bench, 100)).toHaveLength(3);
  });

  test("for slots ends with as many as there are", async () => {
    await using bench = await startBench([limited({ concurrency: 4 })]);
    const admitted = await race(bench, 50);
    expect(admitted).toHaveLength(4);
    admitted[0]!.settle({ images: 1, videoSeconds: 0, usd: 0.04 });
    admitted[0]!.release();
    expect(await race(bench, 50)).toHaveLength(1);
  });
});

describe("a refusal", () => {
  test("takes nothing: no request of the minute, no slot, no image, no row", async () => {
    const rows = [limited({ rpm: 5, concurrency: 9, images: { day: 2, month: null, total: null } })];
    await using bench = await startBench(rows);
    const { limits } = bench;
    await limits.admit(1, request());
    const before = limits.usage(1);
    for (let count = 0; count < 20; count++) {
      expect(await verdict(limits.admit(1, request({ estimate: { images: 2, videoSeconds: 0, usd: 0 } })))).toBe("insufficient_quota");
    }
    expect(limits.usage(1)).toEqual(before);
    expect((await bench.store.readLedger([], 0)).recent).toHaveLength(1);
    expect(await verdict(limits.admit(1, request()))).toBe("ok");
  });

  test("for model or kind comes first, whatever is used up", async () => {
    await using bench = await startBench([{ ...imagesTotal(0), models: ["gemini-2.5-flash-image"] }]);
    expect(await verdict(bench.limits.admit(1, request()))).toBe("model_not_allowed");
  });

  test("meets a key that is gone", async () => {
    await using bench = await startBench([]);
    expect(await verdict(bench.limits.admit(1, request()))).toBe("forbidden");
  });

  test("says when the minute has room, and then it has", async () => {
    await using bench = await startBench([limited({ rpm: 2 })]);
    const { limits, clock } = bench;
    (await limits.admit(1, request())).settle({ images: 1, videoSeconds: 0, usd: 0 });
    await clock.advance(10_000);
    await limits.admit(1, request());
    expect(limits.rateHeaders(1)).toEqual({
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "50s",
    });
    const error = await limits.admit(1, request()).catch((reason) => reason);
    expect(error).toMatchObject({ kind: "limit_exceeded", reason: "rate_limit_exceeded", retryAfterMs: 50_000 });
    await clock.advance(49_999);
    expect(await verdict(limits.admit(1, request()))).toBe("rate_limit_exceeded");
    await clock.advance(1);
    expect(limits.rateHeaders(1)).toMatchObject({ "x-ratelimit-remaining-requests": "1" });
    expect(await verdict(limits.admit(1, request()))).toBe("ok");
  });

  test("ends with the day at midnight UTC, and with the month at its end", async () => {
    const clock = virtualClock(Date.UTC(2026, 10, 29, 23, 59, 59));
    await using bench = await startBench([limited({ images: { day: 1, month: 2, total: null } })], clock);
    const next = () => verdict(bench.limits.admit(1, request()));
    expect([await next(), await next()]).toEqual(["ok", "insufficient_quota"]);
    await clock.advance(1000);
    expect([await next(), await next()]).toEqual(["ok", "insufficient_quota"]);
    expect(bench.limits.usage(1).month).toMatchObject({ images: 2, resetsAt: Date.UTC(2026, 11, 1) });
    await clock.advance(86_400_000);
    expect(await next()).toBe("ok");
  });
});

test("limits that are changed count from the next request on, and one key's use is not another's", async () => {
  await using bench = await startBench([imagesTotal(1), keyRow({ id: 2 })]);
  for (let count = 0; count < 5; count++) await bench.limits.admit(2, request());
  expect(await race(bench, 5)).toHaveLength(1);
  bench.keys.set(1, imagesTotal(3));
  expect(await race(bench, 5)).toHaveLength(2);
  bench.keys.set(1, imagesTotal(1));
  expect(await race(bench, 5)).toHaveLength(0);
});

describe("an end", () => {
  test("replaces the estimate by what was used, in memory and on record, with its calls under their tokens", async () => {
    await using bench = await startBench([keyRow()]);
    const { limits, store, clock } = bench;
    const admission = await limits.admit(1, request({ estimate: { images: 2, videoSeconds: 0, usd: 1 } }));
    expect(limits.usage(1)).toMatchObject({ total: { usd: 1 }, reserved: { usd: 1, images: 2 }, inFlight: 1 });
    const call = { tokenId: 9, ok: true, ms: 1100, images: 1, videoSeconds: 0, usd: 0.04 };
    admission.settle({ images: 1, videoSeconds: 0, usd: 0.04 }, { ...END, calls: [call] });
    expect(limits.usage(1)).toMatchObject({ total: { images: 1, usd: 0.04 }, reserved: { usd: 0, images: 0 }, inFlight: 0 });
    await limits.flush();
    const range = { from: clock.now() - 3_600_000, to: clock.now() + 3_600_000 };
    expect(await store.readUsage({ ...range, by: "token" })).toMatchObject([{ group: 9, requests: 1, usd: 0.04, maxMs: 1100 }]);
    expect(await store.readUsage({ ...range, by: "model" })).toMatchObject([{ group: FAMILY, requests: 1, errors: 0, outputTokens: 4 }]);
  });

  test("of what cost more than its estimate counts in full: the next one is refused", async () => {
    await using bench = await startBench([limited({ usd: { day: 1, month: null, total: null } })]);
    (await bench.limits.admit(1, request())).settle({ images: 4, videoSeconds: 0, usd: 1.5 });
    expect(await verdict(bench.limits.admit(1, request()))).toBe("insufficient_quota");
    expect(bench.limits.usage(1).day.usd).toBe(1.5);
  });

  test("is on record when close has resolved", async () => {
    using folder = temporaryFolder();
    const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    const log = createLog({ level: "error", format: "json", write: () => {} });
    const limits = new Limits({
      catalogue: () => CATALOGUE,
      keys: { get: () => keyRow() },
      store,
      clock: virtualClock(),
      log,
      retentionDays: () => 30,
    });
    await limits.load();
    const admitted = await Promise.all(Array.from({ length: 300 }, () => limits.admit(1, request())));
    for (const admission of admitted) admission.settle({ images: 1, videoSeconds: 0, usd: 0.01 }, END);
    await limits.close();
    const { open, spent } = await store.readLedger(["total"], 0);
    await store.close();
    expect([open.length, spent[0]?.amounts]).toEqual([0, { images: 300, videoMs: 0, microUsd: 3_000_000 }]);
  });
});

describe("after a crash", () => {
  test("what was open is settled at its estimate, in the day it was admitted, and counted as failed", async () => {
    const clock = virtualClock(Date.UTC(2026, 10, 23, 23, 59));
    await using bench = await startBench([keyRow()], clock);
    await bench.limits.admit(1, request({ estimate: { images: 2, videoSeconds: 8, usd: 0.5 } }));
    await clock.advance(120_000);
    await bench.crash();
    expect(bench.limits.usage(1)).toMatchObject({
      day: { images: 0 },
      month: { images: 2, videoSeconds: 8, usd: 0.5 },
      total: { images: 2, videoSeconds: 8, usd: 0.5 },
      reserved: { images: 0 },
      inFlight: 0,
    });
    const [row] = await bench.store.readUsage({ from: 0, to: clock.now(), by: "day" });
    expect(row).toMatchObject({ group: Date.UTC(2026, 10, 23), requests: 1, errors: 1, usd: 0.5 });
  });

  test("the minute goes on", async () => {
    await using bench = await startBench([limited({ rpm: 2 })]);
    await race(bench, 2);
    await bench.clock.advance(30_000);
    await bench.crash();
    expect(await verdict(bench.limits.admit(1, request()))).toBe("rate_limit_exceeded");
    await bench.clock.advance(30_000);
    expect(await verdict(bench.limits.admit(1, request()))).toBe("ok");
  });

  test("a clock that was ahead and is set right leads to no second day's allowance", async () => {
    const clock = virtualClock();
    let aheadMs = 86_400_000;
    const key = limited({ images: { day: 10, month: null, total: null } });
    await using bench = await startBench([key], { ...clock, now: () => clock.now() + aheadMs });
    for (const admission of await race(bench, 10)) admission.settle({ images: 1, videoSeconds: 0, usd: 0 });
    await bench.limits.flush();
    aheadMs = 0;
    await bench.crash();
    await clock.advance(86_400_000);
    expect(await race(bench, 10)).toHaveLength(0);
  });

  test("a reservation that a job still needs is retained, and resumed once", async () => {
    await using bench = await startBench([limited({ concurrency: 1, images: { day: null, month: null, total: 5 } })]);
    const { store, clock } = bench;
    const { id } = await bench.limits.admit(1, request({ estimate: { images: 3, videoSeconds: 0, usd: 0 } }));
    const log = createLog({ level: "error", format: "json", write: () => {} });
    const keys = { get: () => bench.keys.get(1)! };
    const limits = new Limits({ catalogue: () => CATALOGUE, keys, store, clock, log, retentionDays: () => 30 });
    await limits.load((reservation) => reservation.id === id);
    expect(limits.usage(1)).toMatchObject({ total: { images: 3 }, reserved: { images: 3 }, inFlight: 0 });
    expect(await verdict(limits.admit(1, request({ estimate: { images: 3, videoSeconds: 0, usd: 0 } })))).toBe("insufficient_quota");
    const resumed = limits.resume(id)!;
    expect(limits.gauges()).toEqual({ reservations: 1, inFlight: 1 });
    expect([limits.resume(id), limits.resume(id + 1)]).toEqual([null, null]);
    resumed.settle({ images: 2, videoSeconds: 0, usd: 0 }, END);
    expect(limits.usage(1)).toMatchObject({ total: { images: 2 }, reserved: { images: 0 }, inFlight: 0 });
    await limits.close();
  });

  test("by kill -9 in the middle of a race, what was started is what is counted", async () => {
    using folder = temporaryFolder();
    const code = `
      import { openStore } from "../../db/sqlite/store.ts";
      import { createLog, silentLog } from "../../log.ts";
      import { systemClock } from "../../clock.ts";
      import { Limits } from "./limits.ts";
      import { NO_LIMITS } from "../../domain/key.ts";
      import { CATALOGUE } from "../models/testing.ts";
      import { keyRow, request } from "./testing.ts";
      const store = await openStore({ dataDir: process.argv.at(-1), secretKey: new Uint8Array(32).fill(7) });
      const key = keyRow({ limits: { ...NO_LIMITS, images: { day: null, month: null, total: 10 } } });
      const log = createLog({ level: "error", format: "json", write: () => {} });
      const limits = new Limits({ catalogue: () => CATALOGUE, keys: { get: () => key }, store, clock: systemClock, log, retentionDays: () => 30 });
      await limits.load();
      for (let started = 1; started <= 7; started++) {
        const admission = await limits.admit(1, request());
        if (started > 6) admission.release();
        console.log("started");
      }
      process.kill(process.pid, "SIGKILL");`;
    const child = Bun.spawn([process.execPath, "-e", code, folder.path], { cwd: import.meta.dir, stdout: "pipe", stderr: "inherit" });
    const started = (await new Response(child.stdout).text()).split("\n").filter((line) => line === "started").length;
    await child.exited;
    expect([child.signalCode, started]).toEqual(["SIGKILL", 7]);
    const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    const log = createLog({ level: "error", format: "json", write: () => {} });
    const limits = new Limits({
      catalogue: () => CATALOGUE,
      keys: { get: () => imagesTotal(10) },
      store,
      clock: virtualClock(),
      log,
      retentionDays: () => 30,
    });
    await limits.load();
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => limits.admit(1, request())));
    // The seventh's release may or may not have been on record when the process died; unrecorded, it is settled.
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeWithin(3, 5);
    await limits.close();
    await store.close();
  });
});

describe("a ledger that cannot be written", () => {
  /** A store whose writes fail while `broken`. */
  function fragile(store: LedgerStore) {
    const state = { broken: true };
    const guarded = <A extends unknown[], R>(act: (...args: A) => Promise<R>) => {
      return (...args: A) => (state.broken ? Promise.reject(new Error("database or disk is full")) : act(...args));
    };
    const { begin, end } = store;
    const ledger = { ...store, begin: guarded(begin), end: guarded(end) };
    return { state, ledger };
  }

  async function startFragile() {
    const folder = temporaryFolder();
    const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    const { state, ledger } = fragile(store);
    const clock = virtualClock();
    const logged: string[] = [];
    const log = createLog({ level: "error", format: "json", write: (line) => logged.push(line) });
    const key = limited({ rpm: 5, concurrency: 5, images: { day: 5, month: null, total: null } });
    const limits = new Limits({
      catalogue: () => CATALOGUE,
      keys: { get: () => key },
      store: ledger,
      clock,
      log,
      retentionDays: () => 30,
    });
    state.broken = false;
    await limits.load();
    const dispose = async () => {
      await limits.close();
      await store.close();
      folder[Symbol.dispose]();
    };
    return { state, limits, store, clock, logged, [Symbol.asyncDispose]: dispose };
  }

  test("starts nothing, says so, and takes nothing from the key", async () => {
    await using bench = await startFragile();
    bench.state.broken = true;
    for (let count = 0; count < 9; count++) {
      const error = await bench.limits.admit(1, request()).catch((reason) => reason);
      expect(error).toMatchObject({ kind: "unavailable", reason: "ledger_unavailable" });
      expect(error.message).not.toContain("disk");
    }
    expect(bench.limits.gauges()).toEqual({ reservations: 0, inFlight: 0 });
    expect(bench.limits.usage(1)).toMatchObject({ requestsLastMinute: 0, total: { images: 0, usd: 0 } });
    bench.state.broken = false;
    expect(await verdict(bench.limits.admit(1, request()))).toBe("ok");
  });

  test("hears of every end again until it is saved", async () => {
    await using bench = await startFragile();
    const admitted = await Promise.all([1, 2, 3].map(() => bench.limits.admit(1, request())));
    bench.state.broken = true;
    admitted[0]!.settle({ images: 1, videoSeconds: 0, usd: 0.01 }, END);
    await bench.limits.flush();
    admitted[1]!.settle({ images: 1, videoSeconds: 0, usd: 0.01 }, END);
    await bench.clock.advance(5000);
    expect((await bench.store.readLedger([], 0)).open).toHaveLength(3);
    expect(bench.logged.length).toBeGreaterThan(1);
    bench.state.broken = false;
    admitted[2]!.release(END);
    await bench.clock.advance(1000);
    await bench.limits.flush();
    const { open, spent } = await bench.store.readLedger(["total"], 0);
    expect([open.length, spent[0]?.amounts.images]).toEqual([0, 2]);
  });
});

test("old rows go by the retention of the request log", async () => {
  await using bench = await startBench([keyRow()]);
  (await bench.limits.admit(1, request())).settle({ images: 1, videoSeconds: 0, usd: 0 }, END);
  await bench.limits.flush();
  await bench.clock.advance(29 * 86_400_000);
  await bench.crash();
  expect((await bench.store.readLedger([], 0)).recent).toHaveLength(1);
  await bench.clock.advance(2 * 86_400_000);
  await bench.crash();
  // The sweep runs beside; closing waits for it.
  await bench.limits.close();
  expect((await bench.store.readLedger([], 0)).recent).toHaveLength(0);
  expect(bench.limits.usage(1).total.images).toBe(1);
});

test("what a dead node left is settled at its estimate, also when the store fails at first", async () => {
  await using bench = await startBench([keyRow()]);
  const { limits, store, clock } = bench;
  await limits.admit(1, request());
  const { open } = await store.readLedger([], 0);
  let failures = 2;
  const { end } = store;
  store.end = (batch) => (failures-- > 0 ? Promise.reject(new Error("away")) : end(batch));
  const heir = new Limits({ catalogue: () => CATALOGUE, keys: { get: () => null }, store, clock, log: silentLog, retentionDays: () => 30 });
  heir.inherit(open, () => false);
  for (let attempt = 0; attempt < 4; attempt++) {
    await heir.flush();
    await clock.advance(1000);
  }
  await heir.close();
  expect([failures < 0, (await store.readLedger([], 0)).open]).toEqual([true, []]);
  expect((await store.readLedger(["total"], 0)).spent[0]?.amounts.images).toBe(1);
});
