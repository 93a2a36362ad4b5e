// Writer: write actions of one turn of the event loop share a commit, in order.
import type { Database } from "bun:sqlite";
import { retryBusy } from "./database.ts";

export type WriteOptions = {
  /** The commit also survives the death of the machine (it waits for the disk). */
  durable?: boolean;
};

/** Actions by name, on what they run on and plain arguments. */
export type ActionTable<T> = Record<string, (tables: T, ...args: never[]) => unknown>;
export type ArgumentsOf<A> = A extends (tables: never, ...args: infer P) => unknown ? P : never;
type ResultOf<A> = A extends (...args: never[]) => infer R ? R : never;

export type Writer<A> = {
  /** Runs an action in a transaction and resolves with its result after the commit. One that throws is rolled back alone. */
  write<N extends keyof A & string>(name: N, args: ArgumentsOf<A[N]>, options?: WriteOptions): Promise<ResultOf<A[N]>>;
  /** Resolves when everything asked for so far is committed or has failed. */
  drain(): Promise<void>;
  /** As {@link drain}; nothing is written after it. */
  close(): Promise<void>;
};

export type Act = { run: () => unknown; durable: boolean };
export type Outcome = { value: unknown } | { error: unknown };
type Waiting = Act & { resolve: (value: never) => void; reject: (reason: unknown) => void };

/** Largest number of acts in one commit: other processes wait for the lock no longer than that takes. */
const GROUP = 256;

/** Acts in one commit from which on the next waits for more, and how long, in ms. */
const CROWD = 4;
const GATHER_MS = 2;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A writer on a connection of this thread, of which there is one. */
export function createWriter<T extends { db: Database }, A extends ActionTable<T>>(tables: T, actions: A): Writer<A> {
  const { db } = tables;
  let queue: Waiting[] = [];
  let working: Promise<void> | null = null;

  async function work(): Promise<void> {
    for (let written = 0; queue.length > 0; ) {
      // Under load a short wait collects many actions in one commit; a single action does not wait.
      await (written > CROWD ? Bun.sleep(GATHER_MS) : nextTurn());
      const group = queue.slice(0, GROUP);
      queue = queue.slice(GROUP);
      written = group.length;
      await commit(db, group);
    }
    working = null;
  }

  const drain = async () => {
    await working;
  };
  return {
    write: (name, args, { durable = false } = {}) =>
      new Promise((resolve, reject) => {
        const run = () => actions[name]!(tables, ...(args as never[]));
        queue.push({ run, durable, resolve, reject });
        working ??= work();
      }),
    drain,
    close: drain,
  };
}

/** Commits a group and settles each action's promise; never throws. A busy database is retried before any action runs. */
async function commit(db: Database, group: Waiting[]): Promise<void> {
  try {
    const outcomes = await retryBusy(() => commitGroup(db, group));
    for (const [index, outcome] of outcomes.entries()) {
      if ("error" in outcome) group[index]!.reject(outcome.error);
      else group[index]!.resolve(outcome.value as never);
    }
  } catch (error) {
    for (const act of group) act.reject(error);
  }
}

/** Runs the actions in one transaction and commits it. @throws what concerns all of them: nothing of them is in the database */
export function commitGroup(db: Database, group: readonly Act[]): Outcome[] {
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

/** All actions one after the other; null when one fails, so that it can be found out which can stay. */
function runTogether(group: readonly Act[]): Outcome[] | null {
  try {
    return group.map((act) => ({ value: act.run() }));
  } catch {
    return null;
  }
}

function runApart(db: Database, act: Act): Outcome {
  db.query("SAVEPOINT act").run();
  try {
    const value = act.run();
    db.query("RELEASE act").run();
    return { value };
  } catch (error) {
    // A full disk may have ended the whole transaction; then this throws and the whole group fails.
    db.query("ROLLBACK TO act").run();
    db.query("RELEASE act").run();
    return { error };
  }
}
