// Postgres client: the only file that knows Bun.SQL. Porsager's `postgres` has the same API and could take its place.

import { SQL } from "bun";
import { type Bound, bindNames, type Raw, readRow } from "./binding.ts";
import { isLostConnection, isOfAborted, reportFailure } from "./failures.ts";

/** Reads with named parameters (`$name`). Rows have int8 as numbers and bytea as Uint8Array. */
export interface Reader {
  all<T>(text: string, bound?: Bound): Promise<T[]>;
  get<T>(text: string, bound?: Bound): Promise<T | null>;
}

/**
 * A connection inside a transaction. Statements take effect in the order in which they are asked for, also where nobody waits between them:
 * those that do not need each other's results are asked for together, in one round trip.
 */
export interface Sql extends Reader {
  /** Number of rows written. */
  run(text: string, bound?: Bound): Promise<number>;
  /** As `run`, without waiting for it: the transaction fails when it does. */
  send(text: string, bound?: Bound): void;
  /** Resolves when everything that was sent has taken effect. @throws the first failure */
  sent(): Promise<void>;
}

export type TransactionOptions = {
  /** False: the commit does not wait for the server's disk; a crash of the server loses the last half second of such commits. */
  durable?: boolean;
  /**
   * True: every row is found by an index. A statement is planned once for each connection, also when its table is empty or was not analyzed,
   * and a plan that reads such a table whole would be used while it grows.
   */
  byIndex?: boolean;
};

export type Subscription = { unlisten(): Promise<void> };

/** A pool of connections. Outside a transaction it only reads. */
export interface Postgres extends Reader {
  /**
   * Runs `work` in one transaction. It is rolled back when `work` throws. Where the connection is lost during the commit, the server is
   * asked what has become of it.
   * @throws {AppError} `unavailable` when the server cannot be reached
   */
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Reads the database as it is at one moment, however long it takes. */
  snapshot<T>(work: (sql: Reader) => Promise<T>): Promise<T>;
  /** Runs several statements without parameters, together with `work`, under an advisory lock that one process has at a time. */
  exclusively<T>(work: (sql: Sql, script: (text: string) => Promise<void>) => Promise<T>): Promise<T>;
  /** Calls `receive` for each notification, and `onReady` at first and each time that some may have been lost with the connection. */
  listen(channel: string, receive: (payload: string) => void, onReady: () => void): Promise<Subscription>;
  notify(channel: string, payload: string): Promise<void>;
  /** Waits for what is under way, but no longer than a few seconds. */
  close(): Promise<void>;
}

export type ConnectOptions = {
  url: string;
  /** Address without a pooler in between, for LISTEN; empty: `url` has none. */
  directUrl?: string;
  /** Connections for reading. */
  readers?: number;
  /** Connections for transactions. */
  writers?: number;
  /** Longest that an action may take, in ms; then its connections are closed and made again. */
  deadlineMs?: number;
};

type Connection = Pick<SQL, "unsafe">;
type Reserved = Awaited<ReturnType<SQL["reserve"]>>;

/** One for each lane of writes, and one more. */
const WRITERS = 7;
const CONNECT_S = 5;
const CLOSE_S = 3;
const DEADLINE_MS = 20_000;
/** Attempts of a read whose connection is lost, and the pause between them. */
const READ_ATTEMPTS = 3;
const PAUSE_MS = 100;
/** How long the server is asked what has become of a commit, in ms. */
const COMMIT_CHECK_MS = 10_000;

/** One plan for each statement: planning it anew for its arguments takes longer than running it. */
const OFF = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"].map((name) => [name, "off"]);
const BY_INDEX = [...OFF, ["plan_cache_mode", "force_generic_plan"]];

/** Settings of a transaction in one statement with one column: each `SET LOCAL` costs another, each column the client some time. */
function beginOf({ durable = true, byIndex = false }: TransactionOptions): string {
  const settings = [
    ["statement_timeout", "15000"],
    ["lock_timeout", "10000"],
    ...(durable ? [] : [["synchronous_commit", "off"]]),
    ...(byIndex ? BY_INDEX : []),
  ];
  const set = settings.map(([name, value]) => `set_config('${name}', '${value}', true)`);
  return `BEGIN; SELECT pg_current_xact_id()::text AS xid WHERE ${set.join(" || ")} <> ''`;
}

/** Any number that only this program takes. */
const ADVISORY_LOCK = 4_807_526_976;

/** Connects with the first statement. */
export function connect(options: ConnectOptions): Postgres {
  return new Client(options);
}

const sqlOn = (connection: Connection): Sql => {
  const run = async (text: string, bound: Bound = {}) => {
    const { sql, values } = bindNames(text, bound);
    // Begun at once: awaiting it would begin it a moment later, behind what is asked for next.
    return (await connection.unsafe(sql, values).execute()) as Raw;
  };
  let sent: Promise<unknown>[] = [];
  return {
    send(text, bound) {
      const done = run(text, bound);
      done.catch(() => {});
      sent.push(done);
    },
    async sent() {
      const all = sent;
      sent = [];
      for (const done of all) await done;
    },
    all: async <T>(text: string, bound?: Bound) => (await run(text, bound)).map((row) => readRow(row) as T),
    async get<T>(text: string, bound?: Bound) {
      const row = (await run(text, bound))[0];
      return row === undefined ? null : (readRow(row) as T);
    },
    run: async (text, bound) => (await run(text, bound)).count,
  };
};

/** Why a transaction fails: after a statement that was sent and failed, all others fail too. Resolves when nothing is under way. */
export function causeOf(error: unknown, sql: Sql): Promise<unknown> {
  return sql.sent().then(
    () => error,
    (cause) => (isOfAborted(error) ? cause : error),
  );
}

/** In the round trip of what was sent before. @throws why the transaction was not committed, as far as is known */
async function commit(connection: Connection, sql: Sql): Promise<void> {
  const committing = connection.unsafe("COMMIT").execute() as Promise<{ command: string }>;
  committing.catch(() => {});
  await sql.sent();
  // The server's answer to a commit after a statement that failed.
  if ((await committing).command !== "COMMIT") throw new Error("The transaction was rolled back: a statement in it has failed.");
}

class Client implements Postgres {
  #readers: SQL;
  #writers: SQL;
  #listener: SQL | null = null;
  #isClosed = false;

  constructor(private readonly options: ConnectOptions) {
    this.#readers = this.#pool(options.readers ?? 6);
    this.#writers = this.#pool(options.writers ?? WRITERS);
  }

  all = <T>(text: string, bound?: Bound) => this.#read((sql) => sql.all<T>(text, bound));
  get = <T>(text: string, bound?: Bound) => this.#read((sql) => sql.get<T>(text, bound));

  transaction<T>(work: (sql: Sql) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#guard(() => this.#transact(work, beginOf(options)));
  }

  exclusively<T>(work: (sql: Sql, script: (text: string) => Promise<void>) => Promise<T>): Promise<T> {
    return reportFailure(() =>
      this.#onWriter(async (connection) => {
        await connection.unsafe("BEGIN");
        await connection.unsafe("SELECT pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
        const sql = sqlOn(connection);
        const result = await work(sql, async (text) => void (await connection.unsafe(text))).catch(async (error) => {
          throw await causeOf(error, sql);
        });
        await commit(connection, sql);
        return result;
      }),
    );
  }

  snapshot<T>(work: (sql: Reader) => Promise<T>): Promise<T> {
    return reportFailure(() =>
      this.#onWriter(async (connection) => {
        await connection.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        const result = await work(sqlOn(connection));
        await connection.unsafe("COMMIT");
        return result;
      }),
    );
  }

  async listen(channel: string, receive: (payload: string) => void, onReady: () => void): Promise<Subscription> {
    this.#listener ??= this.#pool(1, this.options.directUrl || this.options.url);
    return reportFailure(async () => this.#listener!.listen(channel, receive, onReady));
  }

  notify(channel: string, payload: string): Promise<void> {
    return this.#guard(async () => void (await sqlOn(this.#readers).all("SELECT pg_notify($channel, $payload)", { channel, payload })));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const pools = [this.#writers, this.#readers, this.#listener].filter((pool) => pool !== null);
    await Promise.all(pools.map((pool) => pool.close({ timeout: CLOSE_S })));
  }

  /** A name of a prepared statement means nothing to the connection that a pooler takes next. */
  #pool(max: number, url = this.options.url): SQL {
    const prepare = (this.options.directUrl ?? "") === "";
    return new SQL({ url, max, prepare, bigint: true, connectionTimeout: CONNECT_S });
  }

  /** A read whose connection is lost is asked again: it has changed nothing. */
  async #read<T>(read: (sql: Reader) => Promise<T>): Promise<T> {
    return this.#guard(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await read(sqlOn(this.#readers));
        } catch (error) {
          if (attempt >= READ_ATTEMPTS || this.#isClosed || !isLostConnection(error)) throw error;
        }
        await Bun.sleep(PAUSE_MS * attempt);
      }
    });
  }

  async #transact<T>(work: (sql: Sql) => Promise<T>, begin: string): Promise<T> {
    return this.#onWriter(async (connection) => {
      // What follows is sent behind it: should it fail, so does all of that.
      const opening = connection.unsafe(begin).execute() as Promise<{ xid: string }[][]>;
      opening.catch(() => {});
      const sql = sqlOn(connection);
      let result: T;
      try {
        result = await work(sql);
      } catch (error) {
        throw await opening.then(
          () => causeOf(error, sql),
          (cause) => cause,
        );
      }
      // Known before the commit is asked for, so that its outcome can be.
      const xid = (await opening).at(-1)![0]!.xid;
      try {
        await commit(connection, sql);
      } catch (error) {
        if (!isLostConnection(error) || !(await this.#isCommitted(xid))) throw error;
      }
      return result;
    });
  }

  /** On a connection of its own. One that is in an unknown state does not go back to the pool. */
  async #onWriter<T>(work: (connection: Reserved) => Promise<T>): Promise<T> {
    const connection = await this.#writers.reserve();
    try {
      return await work(connection);
    } catch (error) {
      await connection.unsafe("ROLLBACK").catch(() => connection.close({ timeout: 0 }));
      throw error;
    } finally {
      await connection.release();
    }
  }

  /** Whether the transaction was committed although the connection was lost before the server said so. */
  async #isCommitted(xid: string): Promise<boolean> {
    for (const end = performance.now() + COMMIT_CHECK_MS; performance.now() < end; await Bun.sleep(PAUSE_MS)) {
      const row = await sqlOn(this.#readers)
        .get<{ status: string | null }>("SELECT pg_xact_status($xid::text::xid8) AS status", { xid })
        .catch(() => undefined);
      if (row && row.status !== "in progress") return row.status === "committed";
    }
    return false;
  }

  /** With a deadline: a server that has vanished without a word would keep its callers for a minute and more. */
  #guard<T>(work: () => Promise<T>): Promise<T> {
    return reportFailure(() => {
      const { promise, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        reject(Object.assign(new Error("The database did not respond in time."), { code: "ETIMEDOUT" }));
        // The former connections cannot be closed well: nothing waits for them.
        this.#replacePools().catch(() => {});
      }, this.options.deadlineMs ?? DEADLINE_MS);
      return Promise.race([work(), promise]).finally(() => clearTimeout(timer));
    });
  }

  async #replacePools(): Promise<void> {
    if (this.#isClosed) return;
    const former = [this.#readers, this.#writers];
    this.#readers = this.#pool(this.options.readers ?? 6);
    this.#writers = this.#pool(this.options.writers ?? WRITERS);
    await Promise.all(former.map((pool) => pool.close({ timeout: 0 })));
  }
}
