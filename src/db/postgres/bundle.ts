// Bundle: statements of a round as one, which is asked for, parsed and run once. Each has its rows as JSON, so that it has one parameter.
import type { Bound } from "./binding.ts";
import type { Sql } from "./driver.ts";

const UNSTORABLE = /\\u(?:0000|d[89a-f])/i;
const storable = (_: string, value: unknown) => (typeof value === "string" ? value.replaceAll("\0", "\uFFFD").toWellFormed() : value);

/** Rows as a parameter of {@link rowsIn}. Neither character 0 nor half a pair is a text of Postgres. */
export function jsonOf(rows: readonly object[]): string {
  const text = JSON.stringify(rows);
  return UNSTORABLE.test(text) ? JSON.stringify(rows, storable) : text;
}

/** Rows of a parameter, in its order, as a table `given`. @param columns names and types, as in `"keyId" bigint, family text` */
export const rowsIn = (parameter: string, columns: string): string => `json_to_recordset($${parameter}::text::json) AS given (${columns})`;

/**
 * As {@link rowsIn}, to find other rows by. The planner expects 100 of them, and reads another table whole that is as small when it is planned;
 * of a limit that it cannot know it expects a tenth.
 */
export const namesIn = (parameter: string, columns: string): string =>
  `(SELECT * FROM json_to_recordset($${parameter}::text::json) AS names (${columns}) LIMIT (SELECT 1000000)) AS given`;

/** Number of rows that a change of this name has returned: an array costs less to set up than an aggregate. */
export const countOf = (name: string): string => `cardinality(ARRAY (SELECT 1 FROM ${name}))`;

/** One of the statements. Names and parameters are its own among all that are run together; a name, with or without a check, has one text. */
type Statement = { name: string; text: string; bound: Bound };
/** `check` is an expression that reads what the change returned from a table of its name; it fails with the whole transaction. */
type Change = Statement & { check?: string };

type Asked = { name: string; resolve(rows: never[]): void; reject(error: unknown): void };

/** By the names of what is run together: composing and reading so long a text anew takes as long as sending it. */
const texts = new Map<string, string>();

/**
 * Takes effect in the order in which it is asked for, on the rows as they were before all of it. Where a statement must see what another one
 * has waited for, they are run one by one.
 */
export class Bundle {
  #key = "";
  #tables: string[] = [];
  #columns: string[] = [];
  #bound: Bound = {};
  #asked: Asked[] = [];

  /** @param isApart they are run one by one, each when it is asked for */
  constructor(
    private readonly sql: Sql,
    private readonly isApart: boolean,
  ) {}

  /** Rows of a SELECT. */
  read<T>({ name, text, bound }: Statement): Promise<T[]> {
    if (this.isApart) return this.sql.all<T>(text, bound);
    return this.#ask<T>(name, `SELECT json_agg(read) FROM (${text}) AS read`, bound);
  }

  /** Rows that a change returns. */
  change<T>({ name, text, bound }: Statement): Promise<T[]> {
    if (this.isApart) return this.sql.all<T>(text, bound);
    this.#tables.push(`${name} AS (${text})`);
    return this.#ask<T>(name, `SELECT json_agg(${name}) FROM ${name}`, bound);
  }

  /** Changes what `text` says, which returns something. */
  send({ name, text, bound, check }: Change): void {
    if (this.isApart) this.sendAlone({ name, text, bound, check });
    else {
      this.#tables.push(`${name} AS (${text})`);
      this.#columns.push(check ?? `${countOf(name)} IS NULL`);
      this.#key += check ? ` ${name}!` : ` ${name}`;
      Object.assign(this.#bound, bound);
    }
  }

  /**
   * As {@link send}, alone, behind what was asked for before: rows that other nodes change at the same time. The server that has waited for such a
   * row sets up the whole statement anew.
   */
  sendAlone({ name, text, bound, check }: Change): void {
    if (!this.isApart) this.run();
    this.sql.send(`WITH ${name} AS (${text}) SELECT ${check ?? countOf(name)}`, bound);
  }

  #ask<T>(name: string, column: string, bound: Bound): Promise<T[]> {
    const { promise, resolve, reject } = Promise.withResolvers<T[]>();
    this.#asked.push({ name, resolve, reject });
    this.#columns.push(`(${column}) AS ${name}`);
    this.#key += ` ${name}`;
    Object.assign(this.#bound, bound);
    return promise;
  }

  /** Sends what was asked for since the last time. */
  run(): void {
    const [columns, asked] = [this.#columns, this.#asked];
    if (columns.length === 0) return;
    // Columns are evaluated from left to right, which runs the changes that they read.
    let text = texts.get(this.#key);
    if (text === undefined) {
      text = `${this.#tables.length > 0 ? `WITH ${this.#tables.join(", ")} ` : ""}SELECT ${columns.join(", ")}`;
      texts.set(this.#key, text);
    }
    const bound = this.#bound;
    [this.#key, this.#tables, this.#columns, this.#asked, this.#bound] = ["", [], [], [], {}];
    if (asked.length === 0) this.sql.send(text, bound);
    else void this.#get(text, bound, asked);
  }

  /** Never rejects. */
  async #get(text: string, bound: Bound, asked: readonly Asked[]): Promise<void> {
    try {
      const row = await this.sql.get<Record<string, unknown>>(text, bound);
      for (const { name, resolve } of asked) resolve(rowsOf(row![name]));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

/** The client may have parsed it. */
const rowsOf = (value: unknown): never[] => (value === null ? [] : typeof value === "string" ? JSON.parse(value) : (value as never[]));
