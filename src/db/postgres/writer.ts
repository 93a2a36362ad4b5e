// Writer: write actions of one turn of the event loop share a commit, in order, on one connection a lane.
import { AppError } from "../../errors.ts";
import { causeOf, type Postgres, type Sql } from "./driver.ts";
import { isRetryable } from "./failures.ts";

/** Actions by name, on what they run on and plain arguments. */
export type Action = {
  /** Actions of one lane take effect in the order in which they were asked for; lanes write tables of their own. */
  lane: string;
  /** The commit does not wait for the server's disk: what is lost with it can be made again. */
  relaxed?: boolean;
  run: (tables: never, ...args: never[]) => Promise<unknown>;
};
export type ActionTable = Record<string, Action>;
type ArgumentsOf<A> = A extends { run: (tables: never, ...args: infer P) => unknown } ? P : never;
type ResultOf<A> = A extends { run: (...args: never[]) => Promise<infer R> } ? R : never;

export type Writer<A> = {
  /** Runs an action in a transaction and resolves with its result after the commit. One that throws is rolled back alone. */
  write<N extends keyof A & string>(name: N, ...args: ArgumentsOf<A[N]>): Promise<ResultOf<A[N]>>;
  /** Resolves when everything asked for so far is committed or has failed. Nothing is written after it. */
  close(): Promise<void>;
};

type Waiting = {
  run: (sql: Sql) => Promise<unknown>;
  relaxed: boolean;
  resolve: (value: never) => void;
  reject: (reason: unknown) => void;
};
type Outcome = { value: unknown } | { error: unknown };

/** Largest number of actions in one commit. */
const GROUP = 64;
/** A group that the server ended to undo a deadlock is run so often. */
const ATTEMPTS = 4;

/** @param tablesOn what actions run on, over a connection */
export function createWriter<A extends ActionTable>(db: Postgres, tablesOn: (sql: Sql) => unknown, actions: A): Writer<A> {
  const lanes = new Map<string, Lane>();
  let isClosed = false;
  const laneOf = (name: string) => {
    const lane = lanes.get(name) ?? new Lane(db);
    lanes.set(name, lane);
    return lane;
  };
  return {
    write: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error("The store is closed."));
        const { lane, relaxed = false, run } = actions[name]!;
        laneOf(lane).add({ run: (sql) => run(tablesOn(sql) as never, ...(args as never[])), relaxed, resolve, reject });
      }),
    async close() {
      isClosed = true;
      await Promise.all([...lanes.values()].map((lane) => lane.drain()));
    },
  };
}

class Lane {
  #queue: Waiting[] = [];
  #working: Promise<void> | null = null;

  constructor(private readonly db: Postgres) {}

  add(action: Waiting): void {
    this.#queue.push(action);
    this.#working ??= this.#work();
  }

  async drain(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // What is asked for in the same turn shares the first commit; what arrives during a commit shares the next one.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const group = this.#queue.slice(0, GROUP);
      this.#queue = this.#queue.slice(GROUP);
      await this.#commit(group);
    }
    this.#working = null;
  }

  /** Settles each action's promise; never throws. */
  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#commitGroup(group);
      for (const [index, outcome] of outcomes.entries()) {
        if ("error" in outcome) group[index]!.reject(outcome.error);
        else group[index]!.resolve(outcome.value as never);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  async #commitGroup(group: readonly Waiting[]): Promise<Outcome[]> {
    const durable = group.some(({ relaxed }) => !relaxed);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.db.transaction((sql) => runTogether(sql, group), { durable });
      } catch (error) {
        if (isRetryable(error) && attempt < ATTEMPTS) continue;
        if (isOfServer(error)) throw error;
      }
      // Failures are rare: only a group that holds one pays for savepoints, on its second run.
      if (group.length === 1) return this.db.transaction((sql) => runTogether(sql, group), { durable }).catch((error) => [{ error }]);
      return this.db.transaction((sql) => runApart(sql, group), { durable });
    }
  }
}

/** The whole group fails of it, not one action. */
const isOfServer = (error: unknown) => error instanceof AppError && error.kind === "unavailable";

async function runTogether(sql: Sql, group: readonly Waiting[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { run } of group) outcomes.push({ value: await run(sql) });
  return outcomes;
}

async function runApart(sql: Sql, group: readonly Waiting[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { run } of group) {
    await sql.run("SAVEPOINT action");
    try {
      const value = await run(sql);
      await sql.sent();
      await sql.run("RELEASE SAVEPOINT action");
      outcomes.push({ value });
    } catch (thrown) {
      const error = await causeOf(thrown, sql);
      if (isRetryable(error)) throw error;
      await sql.run("ROLLBACK TO SAVEPOINT action");
      outcomes.push({ error });
    }
  }
  return outcomes;
}
