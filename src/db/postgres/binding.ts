// Named parameters of a statement, and rows as the contracts want them. Pure.

type Plain = string | number | boolean | Uint8Array | null;
/** A list is an array of Postgres. */
export type Value = Plain | readonly (string | number | boolean | null)[];
export type Bound = Record<string, Value>;

/** A result of the client: rows, and the number of rows read or written. */
export type Raw = Record<string, unknown>[] & { count: number };

type Statement = { sql: string; names: string[] };

/** Statements are constants, or put together from few. */
const statements = new Map<string, Statement>();

const NAME = /\$([a-z]\w*)/gi;

function parse(text: string): Statement {
  const names: string[] = [];
  const sql = text.replace(NAME, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { sql, names };
}

/** `$name` as `$1` and so on. @throws {Error} when a parameter has no value */
export function bindNames(text: string, bound: Bound): { sql: string; values: unknown[] } {
  let statement = statements.get(text);
  if (!statement) {
    statement = parse(text);
    statements.set(text, statement);
  }
  return { sql: statement.sql, values: statement.names.map((name) => parameterOf(name, bound[name])) };
}

function parameterOf(name: string, value: Value | undefined): unknown {
  if (value === undefined) throw new Error(`The parameter ${name} has no value.`);
  if (typeof value === "string") return storable(value);
  return Array.isArray(value) ? value.map((one) => (typeof one === "string" ? storable(one) : one)) : value;
}

/** Postgres has no character 0 in a text. */
const storable = (text: string) => (text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text);

/** Changes the row in place: int8 becomes a number, bytea a Uint8Array. */
export function readRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const name in row) {
    const value = row[name];
    if (typeof value === "bigint") row[name] = numberOf(value);
    else if (value instanceof Uint8Array) row[name] = new Uint8Array(value);
  }
  return row;
}

function numberOf(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error("A number in the database is too large.");
  return number;
}
