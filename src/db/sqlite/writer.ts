// Writer: write actions of one turn of the event loop share a commit, in order.
import type { Database } from "bun:sqlite";
import { retryBusy } from "./database.ts";

export type Writer = {
  /**
   * Runs `act` in a transaction and resolves with its result after the commit. An action that throws is rolled back alone.
   * `durable`: the commit also survives the death of the machine (it waits for the disk).
   */
  write<T>(act: () => T, options?: { durable?: boolean }): Promise<T>;
  /** Resolves when everything asked for so far is committed or has failed. */
  drain(): Promise<void>;
};

type Act = {
  run: () => unknown;
  durable: boolean;
  resolve: (value: never) => void;
  reject: (reason: unknown) => void;
};

/** Largest number of acts in one commit: other processes wait for the lock no longer than that takes. */
const GROUP = 256;

/** Acts in one commit from which on the next waits for more, and how long, in ms. */
const CROWD = 4;
const GATHER_MS = 2;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A writer on `db`; there is one for each connection. `committed` is called after each commit. */
export function createWriter(db: Database, committed: () => void = () => {}): Writer {
  let queue: Act[] = [];
  let working: Promise<void> | null = null;

  async function work(): Promise<void> {
    for (let written = 0; queue.length > 0; ) {
      // Under load a short wait collects many actions in one commit; a single action does not wait.
      await (written > CROWD ? Bun.sleep(GATHER_MS) : nextTurn());
      const group = queue.slice(0, GROUP);
      queue = queue.slice(GROUP);
      written = group.length;
      await commit(db, group);
      committed();
    }
    working = null;
  }

  return {
    write: (act, options) =>
      new Promise((resolve, reject) => {
        queue.push({ run: act, durable: options?.durable ?? false, resolve, reject });
        working ??= work();
      }),
    drain: async () => {
      await working;
    },
  };
}

/** Commits a group and settles each action's promise; never throws. A busy database is retried before any action runs. */
async function commit(db: Database, group: Act[]): Promise<void> {
  try {
    const outcomes = await retryBusy(() => runGroup(db, group));
    for (const report of outcomes) report();
  } catch (error) {
    for (const act of group) act.reject(error);
  }
}

/** What to tell each caller once the transaction is committed. */
function runGroup(db: Database, group: Act[]): (() => void)[] {
  const durable = group.some((act) => act.durable);
  if (durable) db.run("PRAGMA synchronous = FULL");
  try {
    // Failures are rare: only a group that holds one pays for savepoints, on its second run.
    return inTransaction(db, () => runTogether(group)) ?? inTransaction(db, () => group.map((act) => runApart(db, act)))!;
  } finally {
    if (durable) db.run("PRAGMA synchronous = NORMAL");
  }
}

/** Commits what `work` did, or undoes it when that is null or throws. */
function inTransaction<T>(db: Database, work: () => T | null): T | null {
  db.query("BEGIN IMMEDIATE").run();
  try {
    const result = work();
    if (result !== null) db.query("COMMIT").run();
    return result;
  } finally {
    if (db.inTransaction) db.query("ROLLBACK").run();
  }
}

/** All acts one after the other; null when one fails, so that it can be found out which can stay. */
function runTogether(group: Act[]): (() => void)[] | null {
  try {
    return group.map((act) => {
      const value = act.run() as never;
      return () => act.resolve(value);
    });
  } catch {
    return null;
  }
}

function runApart(db: Database, act: Act): () => void {
  db.query("SAVEPOINT act").run();
  try {
    const value = act.run() as never;
    db.query("RELEASE act").run();
    return () => act.resolve(value);
  } catch (error) {
    // A full disk may have ended the whole transaction; then this throws and the whole group fails.
    db.query("ROLLBACK TO act").run();
    db.query("RELEASE act").run();
    return () => act.reject(error);
  }
}
