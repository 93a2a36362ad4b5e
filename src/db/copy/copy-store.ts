// Copies a store from one engine to the other: in batches, resumable, compared at the end.

import { AppError } from "../../errors.ts";
import type { Row, StoreEnd, Value } from "./store-end.ts";
import { COPIED, type CopiedTable, isOwnFact, LEFT } from "./tables.ts";

export type CopyOptions = {
  from: StoreEnd;
  to: StoreEnd;
  /** What is copied, as a copy that was cut off knows it again. */
  source: string;
  /** Epoch ms. */
  now: number;
  /** Rows in one transaction. */
  batch?: number;
  onTable?: (name: string, rows: number) => void;
  /** The source is a moment of a store in use, and only read. */
  isInUse?: boolean;
};

export type CopyReport = { /** Rows by table, the request log last. */ rows: Record<string, number> };

type Plan = { table: CopiedTable; columns: string[] };
type Mark = { after: Row | null; rows: number; ended: boolean };

const BATCH = 500;
const SOURCE = "copy.source";
const DONE = "copy.done";
const REQUESTS = "requests";
const markOf = (table: string) => `copy.${table}`;

/** Tables that a new installation has no row in. */
const EMPTY_AT_FIRST = ["tokens", "keys", "jobs", "media"];

/**
 * Copies everything but what belongs to running servers. One that was cut off goes on where it was.
 * @throws {AppError} `conflict` when the target holds something else, or when both differ at the end
 */
export async function copyStore(options: CopyOptions): Promise<CopyReport> {
  const { from, to, source, batch = BATCH, onTable } = options;
  if (!options.isInUse) await from.prepare();
  const plans = plan(await from.readColumns(), await to.readColumns());
  await claimTarget(to, source, plans);
  const rows: Record<string, number> = {};
  for (const one of plans) {
    rows[one.table.name] = await copyTable(from, to, one, batch);
    onTable?.(one.table.name, rows[one.table.name]!);
  }
  rows[REQUESTS] = await copyRequests(from, to, batch);
  onTable?.(REQUESTS, rows[REQUESTS]);
  for (const one of plans) await compare(from, to, one, batch);
  await compareRequests(from, to, batch);
  await to.finish();
  for (const name of [...plans.map(({ table }) => table.name), REQUESTS]) await to.writeFact(markOf(name), null);
  await to.writeFact(DONE, String(options.now));
  return { rows };
}

/** What was copied into the target, or was begun to be; null: nothing was. */
export const copySourceOf = (to: StoreEnd): Promise<string | null> => to.readFact(SOURCE);

/** When a copy of this source into the target ended, epoch ms; null: it did not. */
export async function copiedAt(to: StoreEnd, source: string): Promise<number | null> {
  const [begun, done] = [await to.readFact(SOURCE), await to.readFact(DONE)];
  return begun === source && done !== null ? Number(done) : null;
}

/** Tables with the columns that both ends have. @throws {Error} for a table or column that nobody has decided about */
export function plan(from: Map<string, string[]>, to: Map<string, string[]>): Plan[] {
  for (const name of new Set([...from.keys(), ...to.keys()]))
    if (!(name in LEFT) && !COPIED.some((table) => table.name === name) && from.has(name) && to.has(name))
      throw new Error(`The table ${name} is neither copied nor left out: see db/copy/tables.ts.`);
  return COPIED.map((table) => {
    const [here = [], there = []] = [from.get(table.name), to.get(table.name)];
    const left = table.left ?? [];
    for (const name of [...here.filter((one) => !there.includes(one)), ...there.filter((one) => !here.includes(one))])
      if (!left.includes(name)) throw new Error(`${table.name}.${name} is in one engine only: see db/copy/tables.ts.`);
    return { table, columns: here.filter((name) => there.includes(name) && !left.includes(name)) };
  });
}

async function claimTarget(to: StoreEnd, source: string, plans: Plan[]): Promise<void> {
  const begun = await to.readFact(SOURCE);
  if (begun === source && (await to.readFact(DONE)) === null) return;
  const one = (name: string) => plans.find(({ table }) => table.name === name)!;
  const full: string[] = [];
  for (const name of EMPTY_AT_FIRST) if ((await to.readRows({ ...one(name), after: null, limit: 1 })).length > 0) full.push(name);
  if ((await to.readRequests(0, 1)).rows.length > 0) full.push(REQUESTS);
  if (full.length > 0 || begun !== null)
    throw new AppError(
      "conflict",
      `The target holds ${full.join(", ") || "a copy of another installation"} already: expected an empty one.`,
    );
  await to.writeFact(SOURCE, source);
}

async function copyTable(from: StoreEnd, to: StoreEnd, one: Plan, batch: number): Promise<number> {
  const name = markOf(one.table.name);
  let mark = readMark(await to.readFact(name));
  let first = mark === null;
  while (!mark?.ended) {
    const read = await from.readRows({ ...one, after: mark?.after ?? null, limit: batch });
    const rows = own(one, read);
    const last = read.at(-1);
    mark = {
      after: last ? keyOf(one, last) : (mark?.after ?? null),
      rows: (mark?.rows ?? 0) + rows.length,
      ended: read.length < batch,
    };
    await to.writeRows({ ...one, rows, first, fact: [name, writeMark(mark)] });
    first = false;
  }
  return mark.rows;
}

async function copyRequests(from: StoreEnd, to: StoreEnd, batch: number): Promise<number> {
  const name = markOf(REQUESTS);
  let mark = readMark(await to.readFact(name));
  while (!mark?.ended) {
    const page = await from.readRequests(Number(mark?.after?.[0] ?? 0), batch);
    if (page.rows.length > 0) await to.writeRequests(page.rows);
    mark = { after: [page.mark], rows: (mark?.rows ?? 0) + page.rows.length, ended: page.rows.length < batch };
    await to.writeFact(name, writeMark(mark));
  }
  // Rows add to the sums as they are written; the sums themselves know more.
  await to.replaceFailureSums(await from.readFailureSums());
  return mark.rows;
}

/** Counts and checksums of both ends. */
async function compare(from: StoreEnd, to: StoreEnd, one: Plan, batch: number): Promise<void> {
  const [here, there] = [await checksum(from, one, batch), await checksum(to, one, batch)];
  if (here.rows === there.rows && here.hash === there.hash) return;
  const what = here.rows === there.rows ? "their content differs" : `${here.rows} here, ${there.rows} there`;
  throw differs(one.table.name, what);
}

/** Rows of the request log by their ids, in order, and the sums that outlive them. */
async function compareRequests(from: StoreEnd, to: StoreEnd, batch: number): Promise<void> {
  const [here, there] = [await requestsOf(from, batch), await requestsOf(to, batch)];
  const sums = async (end: StoreEnd) => (await end.readFailureSums()).map((row) => JSON.stringify(row)).sort();
  if (here.rows === there.rows && here.hash === there.hash && Bun.deepEquals(await sums(from), await sums(to))) return;
  const what = here.rows === there.rows ? "other rows are there" : `${here.rows} here, ${there.rows} there`;
  throw differs("the request log", what);
}

async function requestsOf(end: StoreEnd, batch: number): Promise<{ rows: number; hash: string }> {
  const hash = new Bun.CryptoHasher("sha256");
  let after = 0;
  for (let rows = 0; ; ) {
    const { ids, mark } = await end.readRequestIds(after, batch);
    for (const id of ids) hash.update(`${id}\n`);
    rows += ids.length;
    if (ids.length < batch) return { rows, hash: hash.digest("hex") };
    after = mark;
  }
}

const differs = (name: string, what: string) =>
  new AppError("conflict", `The copy of ${name} is not what it was made from: ${what}. Nothing was changed in the source.`);

async function checksum(end: StoreEnd, one: Plan, batch: number): Promise<{ rows: number; hash: string }> {
  const hash = new Bun.CryptoHasher("sha256");
  let after: Row | null = null;
  let count = 0;
  for (;;) {
    const read: Row[] = await end.readRows({ ...one, after, limit: batch });
    const rows = own(one, read);
    for (const row of rows) hash.update(JSON.stringify(row.map(portable)));
    count += rows.length;
    if (read.length < batch) return { rows: count, hash: hash.digest("hex") };
    after = keyOf(one, read.at(-1)!);
  }
}

/** Without the facts of one place. */
const own = ({ table, columns }: Plan, rows: Row[]): Row[] =>
  table.name === "facts" ? rows.filter((row) => !isOwnFact(String(row[columns.indexOf("name")]))) : rows;

const keyOf = ({ table, columns }: Plan, row: Row): Row => table.key.map((name) => row[columns.indexOf(name)]!);

type Portable = string | number | null | { base64: string };

/** Postgres has no character 0 in a text. */
function portable(value: Value): Portable {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  return typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : value;
}

const writeMark = ({ after, ...mark }: Mark): string => JSON.stringify({ ...mark, after: after?.map(portable) ?? null });

function readMark(text: string | null): Mark | null {
  if (text === null) return null;
  const { after, ...mark } = JSON.parse(text) as Omit<Mark, "after"> & { after: Portable[] | null };
  return {
    ...mark,
    after: after?.map((value) => (typeof value === "object" && value !== null ? Buffer.from(value.base64, "base64") : value)) ?? null,
  };
}
