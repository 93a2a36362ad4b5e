// Calls by token: added up in slices, none lost or counted twice, whoever reads meanwhile.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { temporaryFolder } from "../../testing.ts";
import { openDatabase } from "./database.ts";
import { migrate, STORE_MIGRATIONS } from "./migrate.ts";
import { MANY_CALLS, putTokenCalls, SLICE_CALLS, sumSomeTokenCalls, sumTokenCalls, type TokenCall } from "./token-calls.ts";
import { readUsage } from "./usage.ts";

const HOUR = 3_600_000;
const TOKENS = 4_000;
const BATCH = 50;

const callOf = (number: number): TokenCall => ({
  ...{ subject: 1 + ((number * 7_919) % TOKENS), hour: HOUR * (1 + (number % 2)), family: "f", ok: number % 10 > 0, ms: number % 900 },
  ...{ images: 1, videoMs: 0, microUsd: number % 13, at: HOUR * (1 + (number % 2)) + number },
});
const batchAt = (from: number) => Array.from({ length: BATCH }, (_, index) => callOf(from + index));

async function withDatabase(body: (db: Database) => void): Promise<void> {
  using folder = temporaryFolder();
  const db = await openDatabase(`${folder.path}/store.db`);
  await migrate(db, STORE_MIGRATIONS);
  body(db);
  db.close();
}

const sumsOf = (db: Database) => readUsage(db, { by: "token", from: 0, to: 100 * HOUR });
const waitingOf = (db: Database) => db.query<{ rows: number }, []>("SELECT count(*) AS rows FROM token_calls").get()!.rows;
const changesOf = (db: Database) => db.query<{ changes: number }, []>("SELECT total_changes() AS changes").get()!.changes;
/** As a writer does it. */
const write = (db: Database, act: () => void) => db.transaction(act).immediate();

test("of many tokens each call changes less than a row of the rollups, and no batch many", () =>
  withDatabase((db) => {
    const total = MANY_CALLS + BATCH * 120;
    let most = 0;
    const before = changesOf(db);
    for (let from = 0; from < total; from += BATCH) {
      const at = changesOf(db);
      write(db, () => putTokenCalls(db, batchAt(from)));
      // The batch that cuts the slices moves the rows of the batches before it, which are few.
      if (from + BATCH !== MANY_CALLS) most = Math.max(most, changesOf(db) - at);
    }
    // A slice has at most twice its calls, each of which may change an hour, a day and a half-hour.
    expect(most).toBeLessThanOrEqual(3 * 2 * SLICE_CALLS + 2);
    expect((changesOf(db) - before) / total).toBeLessThan(1.2);
    while (sumSomeTokenCalls(db, true));
    const summed = sumsOf(db);
    expect(summed.reduce((sum, { requests }) => sum + requests, 0)).toBe(total);
  }));

test("many calls of few tokens are in the sums with their batch, a single call waits", () =>
  withDatabase((db) => {
    const few = Array.from({ length: 40 }, (_, number) => ({ ...callOf(number), subject: 1 + (number % 10) }));
    putTokenCalls(db, few);
    expect(waitingOf(db)).toBe(0);
    expect(sumsOf(db).map(({ group, requests }) => [group, requests])).toEqual(Array.from({ length: 10 }, (_, at) => [at + 1, 4]));
    putTokenCalls(db, few.slice(0, 1));
    putTokenCalls(db, few.slice(0, 39));
    expect(waitingOf(db)).toBe(2);
    sumTokenCalls(db);
    expect(sumsOf(db).reduce((sum, { requests }) => sum + requests, 0)).toBe(80);
  }));

test("sums in slices are those of all calls at once", async () => {
  const total = BATCH * 40;
  let atOnce: ReturnType<typeof sumsOf> = [];
  await withDatabase((db) => {
    for (let from = 0; from < total; from += BATCH) putTokenCalls(db, batchAt(from));
    sumTokenCalls(db);
    atOnce = sumsOf(db);
  });
  await withDatabase((db) => {
    for (let from = 0; from < total; from += BATCH) putTokenCalls(db, batchAt(from));
    let slices = 1;
    for (let more = sumSomeTokenCalls(db, true); more; slices++) more = sumSomeTokenCalls(db, false);
    expect(slices).toBeGreaterThanOrEqual(total / SLICE_CALLS / 2);
    expect([waitingOf(db), sumsOf(db)]).toEqual([0, atOnce]);
  });
});

test("who reads finds every call stored before, also where slices were left and more calls came", () =>
  withDatabase((db) => {
    for (let from = 0; from < BATCH * 20; from += BATCH) putTokenCalls(db, batchAt(from));
    expect(sumSomeTokenCalls(db, true)).toBe(true);
    putTokenCalls(db, batchAt(BATCH * 20));
    for (let more = sumSomeTokenCalls(db, true); more; ) more = sumSomeTokenCalls(db, false);
    expect(waitingOf(db)).toBe(0);
    expect(sumsOf(db).reduce((sum, { requests }) => sum + requests, 0)).toBe(BATCH * 21);
  }));

test("a rollback loses no call and counts none twice", () =>
  withDatabase((db) => {
    for (let from = 0; from < BATCH * 20; from += BATCH) putTokenCalls(db, batchAt(from));
    const failing = (act: () => void) =>
      expect(() =>
        write(db, () => {
          act();
          throw new Error("no");
        }),
      ).toThrow("no");
    failing(() => void sumSomeTokenCalls(db, true));
    write(db, () => void sumSomeTokenCalls(db, false));
    failing(() => void sumSomeTokenCalls(db, false));
    putTokenCalls(db, batchAt(BATCH * 20));
    for (let more = sumSomeTokenCalls(db, true); more; ) more = sumSomeTokenCalls(db, false);
    expect(sumsOf(db).reduce((sum, { requests }) => sum + requests, 0)).toBe(BATCH * 21);
  }));

test("calls that an earlier process has left count towards the next sum", () =>
  withDatabase((db) => {
    for (let from = 0; from < MANY_CALLS - BATCH; from += BATCH) putTokenCalls(db, batchAt(from));
    const rows = waitingOf(db);
    const again = new Database(db.filename, { strict: true });
    putTokenCalls(again, batchAt(MANY_CALLS));
    expect(waitingOf(again)).toBeLessThan(rows);
    again.close();
  }));
