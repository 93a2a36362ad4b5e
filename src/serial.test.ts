// Serial: each task waits for the one before.
import { expect, test } from "bun:test";
import { call, success, testPool, tokenRow } from "../test/pool.ts";
import { createSerial, TURN_ITEMS, visitInTurns } from "./serial.ts";
import { settled } from "./testing.ts";

test("tasks run one after another in the order they came, and a failed one holds up nobody", async () => {
  const serial = createSerial();
  const reported: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = serial(async () => {
    reported.push("first begins");
    await gate.promise;
    throw new Error("first fails");
  });
  const second = serial(async () => {
    reported.push("second runs");
    return 2;
  });
  await settled();
  expect(reported).toEqual(["first begins"]);
  gate.resolve();
  expect(first).rejects.toThrow("first fails");
  expect(await second).toBe(2);
  expect(reported).toEqual(["first begins", "second runs"]);
});

/** Counts turns of the event loop until `work` is done. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  let turns = 0;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  await done;
  return turns;
}

test("every item is visited once, in order, so many in one turn at the most", async () => {
  const visited: number[] = [];
  let most = 0;
  let before = 0;
  const ticking = setInterval(() => {}, 0);
  const watch = (): void => {
    most = Math.max(most, visited.length - before);
    before = visited.length;
    if (visited.length < 2_345) setImmediate(watch);
  };
  watch();
  await visitInTurns(Array(2_345).keys(), (item) => void visited.push(item));
  clearInterval(ticking);
  expect(visited).toEqual([...Array(2_345).keys()]);
  expect(most).toBeLessThanOrEqual(TURN_ITEMS);
});

test("few items are visited at once", async () => {
  let visited = 0;
  const walk = visitInTurns(Array(TURN_ITEMS).keys(), () => void visited++);
  expect(visited).toBe(TURN_ITEMS);
  await walk;
});

test("what alerts and the overview ask of a large pool takes turns, and is what one walk finds", async () => {
  const caps = { requestsPerDay: 2 };
  const rows = Array.from({ length: 2_400 }, (_, index) => tokenRow(index + 1, { caps, families: index % 3 ? null : ["family"] }));
  const { pool, ...world } = testPool(rows);
  for (let calls = 0; calls < 30; calls++) await call({ pool, ...world }, success(), { providers: ["alpha"] });
  const families = [{ id: "family", kind: "image" as const }];
  expect(await pool.readHeld()).toEqual(pool.held());
  expect(await pool.readCapacity(families)).toEqual(pool.capacity(families));
  expect((await pool.readCapUses(0.5)).length).toBe(30);
  for (const work of [() => pool.readHeld(), () => pool.readCapacity(families), () => pool.readCapUses(0)])
    expect(await turnsOf(work())).toBeGreaterThanOrEqual(4);
});
