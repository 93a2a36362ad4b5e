// Writer: write actions of one turn of the event loop share a commit, in order, on one connection a lane.
import { AppError } from "../../errors.ts";
import { causeOf, type Postgres, type Sql } from "./driver.ts";
import { isContended, isRetryable } from "./failures.ts";

/** Actions by name, on what they run on and plain arguments. */
export type Action = {
  /** Actions of one lane take effect in the order in which they were asked for; lanes write tables of their own. */
  lane: string;
  /** See `TransactionOptions`. */
  byIndex?: boolean;
  /** The commit does not wait for the server's disk: what is lost with it can be made again. */
  relaxed?: boolean;
  run: (tables: never, ...args: never[]) => Promise<unknown>;
  /**
   * Runs several that follow each other at once; results in their order. The same function for all that it takes. It fails as `isContended`
   * unless `isCautious`, where others have changed what it goes by.
   */
  together?: (tables: never, calls: never, isCautious: boolean) => Promise<unknown[]>;
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
  name: string;
  args: readonly unknown[];
  action: Action;
  resolve: (value: never) => void;
  reject: (reason: unknown) => void;
};
type Outcome = { value: unknown } | { error: unknown };

/** Largest number of actions in one commit. */
const GROUP = 256;
/** A group that the server ended to undo a deadlock is run so often. */
const ATTEMPTS = 4;

/** @param tablesOn what actions run on, over a connection */
export function createWriter<A extends ActionTable>(db: Postgres, tablesOn: (sql: Sql) => unknown, actions: A): Writer<A> {
  const lanes = new Map<string, Lane>();
  let isClosed = false;
  const laneOf = (name: string) => {
    const lane = lanes.get(name) ?? new Lane(db, tablesOn);
    lanes.set(name, lane);
    return lane;
  };
  return {
    write: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error("The store is closed."));
        const action = actions[name]!;
        laneOf(action.lane).add({ name, args, action, resolve, reject });
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

  constructor(
    private readonly db: Postgres,
    private readonly tablesOn: (sql: Sql) => unknown,
  ) {}

  add(action: Waiting): void {
    this.#queue.push(action);
    this.#working ??= this.#work();
  }

  async drain(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      // What is asked for in the same turn shares a commit: by those who waited for the last one, too, in turn. What arrives during a
      // commit shares the next one.
      await new Promise<void>((resolve) => setImmediate(resolve));
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
    const durable = group.some(({ action }) => !action.relaxed);
    const byIndex = group.some(({ action }) => action.byIndex);
    const inTransaction = (run: typeof runTogether) =>
      this.db.transaction((sql) => run({ sql, tables: this.tablesOn(sql) as never, isCautious }, group), { durable, byIndex });
    let isCautious = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await inTransaction(runTogether);
      } catch (error) {
        if (isRetryable(error) && attempt < ATTEMPTS) continue;
        if (isOfServer(error)) throw error;
        if (isContended(error) && !isCautious) {
          isCautious = true;
          continue;
        }
      }
      // Failures are rare: only a group that holds one pays for savepoints, on its second run.
      return group.length === 1 ? inTransaction(runTogether).catch((error) => [{ error }]) : inTransaction(runApart);
    }
  }
}

/** The whole group fails of it, not one action. */
const isOfServer = (error: unknown) => error instanceof AppError && error.kind === "unavailable";

type On = { sql: Sql; tables: never; isCautious: boolean };

const runOne = ({ tables }: On, { action, args }: Waiting) => action.run(tables, ...(args as never[]));

async function runTogether(on: On, group: readonly Waiting[]): Promise<Outcome[]> {
  const values: unknown[] = [];
  while (values.length < group.length) {
    const { together } = group[values.length]!.action;
    const rest = group.slice(values.length);
    const others = rest.findIndex(({ action }) => action.together !== together);
    if (together) values.push(...(await together(on.tables, (others === -1 ? rest : rest.slice(0, others)) as never, on.isCautious)));
    else values.push(await runOne(on, rest[0]!));
  }
  return values.map((value) => ({ value }));
}

async function runApart(on: On, group: readonly Waiting[]): Promise<Outcome[]> {
  const { sql } = on;
  const outcomes: Outcome[] = [];
  for (const one of group) {
    await sql.run("SAVEPOINT action");
    try {
      const value = await runOne(on, one);
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
