// Ledger: order and size of writes, and what happens when they fail.
import { expect, test } from "bun:test";
import type { NewReservation, ReservationEnd } from "../../db/ledger.ts";
import { createLog, silentLog } from "../../log.ts";
import { settled, virtualClock } from "../../testing.ts";
import { Ledger } from "./ledger.ts";

const zeroAmounts = { images: 0, videoMs: 0, microUsd: 0 };
const reservation: NewReservation = { keyId: 1, requestId: "req_1", kind: "image", family: "alpha", at: 0, estimate: zeroAmounts };
const end = (id: number): ReservationEnd => ({
  id,
  state: "released",
  endedAt: 0,
  actual: zeroAmounts,
  periods: [],
  hour: 0,
  ok: true,
  ms: 0,
  inputTokens: 0,
  outputTokens: 0,
  calls: [],
});

/** A store that writes down what it is asked, and answers when it is told to. */
function slowStore() {
  const asked: string[] = [];
  let waiting: (() => void)[] = [];
  const state = { broken: false };
  const result = <T>(text: string, value: T): Promise<T> => {
    asked.push(text);
    if (state.broken) return Promise.reject(new Error("disk full"));
    return new Promise((resolve) => waiting.push(() => resolve(value)));
  };
  return {
    asked,
    state,
    /** Answers everything that is asked for now. */
    async answer() {
      for (const give of waiting.splice(0)) give();
      waiting = [];
      await settled();
    },
    begin: (rows: readonly NewReservation[]) =>
      result(
        `reserve ${rows.length}`,
        rows.map((_, index) => ({ id: index + 1 })),
      ),
    end: (ends: readonly ReservationEnd[]) => result(`end ${ends.map(({ id }) => id).join(",")}`, ends.length),
  };
}

function setUp() {
  const store = slowStore();
  const clock = virtualClock();
  const logged: string[] = [];
  const log = createLog({ level: "error", format: "json", write: (line) => logged.push(line) });
  return { store, clock, logged, ledger: new Ledger({ store, clock, log, elapsed: clock.now }) };
}

test("what arrives in one turn is one write of each kind, ends first; what arrives during it is the next", async () => {
  const { store, ledger } = setUp();
  const ids = [ledger.reserve(reservation), ledger.reserve(reservation)];
  ledger.end(end(8));
  ledger.end(end(9));
  await settled();
  expect(store.asked).toEqual(["end 8,9", "reserve 2"]);
  ledger.end(end(10));
  const later = ledger.reserve(reservation);
  await settled();
  expect(store.asked).toHaveLength(2);
  await store.answer();
  expect(await Promise.all(ids)).toEqual([1, 2]);
  expect(store.asked.slice(2)).toEqual(["end 10", "reserve 1"]);
  await store.answer();
  expect(await later).toBe(1);
});

test("a reservation never overtakes an end, however many wait", async () => {
  const { store, ledger } = setUp();
  for (let id = 1; id <= 300; id++) ledger.end(end(id));
  void ledger.reserve(reservation);
  await settled();
  await store.answer();
  expect(store.asked.map((text) => text.split(" ")[0])).toEqual(["end", "end", "reserve"]);
  expect(store.asked[1]).toEndWith(",300");
});

test("ends that cannot be written are tried once a second, and stop no reservation", async () => {
  const { store, clock, ledger, logged } = setUp();
  store.state.broken = true;
  ledger.end(end(1));
  await settled();
  ledger.end(end(2));
  await clock.advance(999);
  expect(store.asked).toEqual(["end 1"]);
  await clock.advance(2001);
  expect(store.asked).toEqual(["end 1", "end 1,2", "end 1,2", "end 1,2"]);
  expect(logged).toHaveLength(4);
  store.state.broken = false;
  const id = ledger.reserve(reservation);
  await settled();
  await store.answer();
  expect(await id).toBe(1);
  await clock.advance(1000);
  await store.answer();
  await clock.advance(5000);
  expect(store.asked.slice(4)).toEqual(["reserve 1", "end 1,2"]);
});

test("it is degraded since the first write that failed, until one succeeds", async () => {
  const { store, clock, ledger } = setUp();
  await clock.advance(500);
  expect(ledger.degradedSince).toBeNull();
  store.state.broken = true;
  await ledger.reserve(reservation).catch(() => {});
  await clock.advance(500);
  await ledger.reserve(reservation).catch(() => {});
  expect(ledger.degradedSince).toBe(clock.now() - 500);
  store.state.broken = false;
  const id = ledger.reserve(reservation);
  await settled();
  await store.answer();
  await id;
  expect(ledger.degradedSince).toBeNull();
});

test("a reservation that cannot be written is refused, with a time to retry and without the cause's message", async () => {
  const { store, ledger } = setUp();
  store.state.broken = true;
  const error = await ledger.reserve(reservation).catch((reason) => reason);
  expect(error).toMatchObject({ kind: "unavailable", reason: "ledger_unavailable", retryAfterMs: 5000 });
  expect(error.message).not.toContain("disk");
});

test("where commits are dear an end waits a moment for a reservation, and is written before it in the same turn", async () => {
  const { store, clock } = setUp();
  const ledger = new Ledger({ store, clock, log: silentLog, elapsed: clock.now, gatherMs: 2 });
  ledger.end(end(1));
  await settled();
  expect(store.asked).toEqual([]);
  void ledger.reserve(reservation);
  await settled();
  expect(store.asked).toEqual(["end 1", "reserve 1"]);
  ledger.end(end(2));
  await store.answer();
  expect(store.asked.slice(2)).toEqual(["end 2"]);
  await store.answer();
  ledger.end(end(3));
  await clock.advance(2);
  expect(store.asked.slice(3)).toEqual(["end 3"]);
  await store.answer();
  ledger.end(end(4));
  const closing = ledger.close();
  await settled();
  await store.answer();
  await closing;
  expect([store.asked.slice(4), clock.nextTimer()]).toEqual([["end 4"], null]);
});

test("close tries once more and then lets go", async () => {
  const { store, clock, ledger } = setUp();
  store.state.broken = true;
  ledger.end(end(1));
  await settled();
  await ledger.close();
  await clock.advance(10_000);
  expect(store.asked).toEqual(["end 1", "end 1"]);
  expect(clock.nextTimer()).toBeNull();
});

test("what waits is bounded: reservations beyond it are refused as busy until the store is there again", async () => {
  const { store, ledger } = setUp();
  const admitted = [ledger.reserve(reservation)];
  await settled();
  for (let count = 0; count < 1024; count++) admitted.push(ledger.reserve(reservation));
  const refused = await ledger.reserve(reservation).catch((error) => error);
  expect(refused).toMatchObject({ kind: "busy", retryAfterMs: 1000 });
  for (let round = 0; round < 5; round++) await store.answer();
  expect(await Promise.all(admitted)).toHaveLength(1025);
  const later = ledger.reserve(reservation);
  await settled();
  await store.answer();
  expect(await later).toBe(1);
});

test("a write that takes seconds refuses what is new, and what ends is still written after it", async () => {
  const { store, clock, ledger } = setUp();
  const first = ledger.reserve(reservation);
  await clock.advance(2000);
  const waiting = ledger.reserve(reservation);
  await clock.advance(1);
  expect(await ledger.reserve(reservation).catch((error) => error.kind)).toBe("busy");
  ledger.end(end(7));
  await store.answer();
  expect(await first).toBe(1);
  await store.answer();
  expect(await waiting).toBe(1);
  expect(store.asked.slice(1)).toEqual(["end 7", "reserve 1"]);
});

test.each([
  [{ refused: "limit", by: { of: "concurrency" } }, "limit_exceeded"],
  [{ refused: "node" }, "unavailable"],
] as const)("a reservation that a shared store refuses for %j is %s; the others of the batch begin", async (refused, kind) => {
  const { clock, logged } = setUp();
  const log = createLog({ level: "error", format: "json", write: (line) => logged.push(line) });
  const store = { begin: async () => [{ id: 4 }, refused, { id: 5 }], end: async () => 0 };
  const ledger = new Ledger({ store, clock, log });
  const verdicts = [1, 2, 3].map(() => ledger.reserve(reservation).catch((error) => error.kind));
  expect(await Promise.all(verdicts)).toEqual([4, kind, 5]);
});

test("a reply that came while the event loop stood still is no lag: nobody is refused for it", async () => {
  const { store, clock, ledger } = setUp();
  ledger.end(end(1));
  await settled();
  await clock.advance(5000);
  const id = ledger.reserve(reservation);
  await store.answer();
  await Bun.sleep(5);
  await store.answer();
  expect(await id).toBe(1);
});
