// Postgres as one end of a copy.

import type { Bound } from "../postgres/binding.ts";
import type { Postgres, Reader, Sql } from "../postgres/driver.ts";
import { getRequest, insertRequests } from "../postgres/request-log/requests.ts";
import { readFact, writeFact } from "../postgres/settings.ts";
import { sumTokenCalls } from "../postgres/usage.ts";
import { FAILURE_COLUMNS, type RequestPage, type Row, type Slice, type StoreEnd, type Value } from "./store-end.ts";
import { COPIED, type CopiedTable } from "./tables.ts";

const tableOf = (table: CopiedTable): string => table.postgres ?? table.name;
const columnOf = (table: CopiedTable, name: string): string => table.renamed?.[name] ?? name;
/** A value as SQLite has it. */
const plain = (value: Value | boolean): Value => (typeof value === "boolean" ? Number(value) : value);

export class PostgresEnd implements StoreEnd {
  /** Types by table and column, in Postgres' names. */
  private types = new Map<string, Map<string, string>>();

  /** @param reader where another than the pool reads: a snapshot */
  constructor(
    private readonly db: Postgres,
    private readonly reader: Reader = db,
  ) {}

  async prepare(): Promise<void> {
    await this.db.transaction(sumTokenCalls);
  }

  async readColumns(): Promise<Map<string, string[]>> {
    const rows = await this.reader.all<{ table: string; column: string; type: string }>(
      `SELECT table_name AS "table", column_name AS "column", data_type AS type FROM information_schema.columns
       WHERE table_schema = current_schema() AND is_generated = 'NEVER' ORDER BY ordinal_position`,
    );
    for (const { table, column, type } of rows) {
      if (!this.types.has(table)) this.types.set(table, new Map());
      this.types.get(table)!.set(column, type);
    }
    const named = new Map<string, string[]>();
    for (const [name, columns] of this.types) {
      if (name === "requests" || name === "failure_sums") continue;
      const table = COPIED.find((one) => tableOf(one) === name);
      const back = Object.fromEntries(Object.entries(table?.renamed ?? {}).map(([sqlite, postgres]) => [postgres, sqlite]));
      named.set(
        table?.name ?? name,
        [...columns.keys()].map((column) => back[column] ?? column),
      );
    }
    return named;
  }

  async readRows({ table, columns, after, limit }: Slice): Promise<Row[]> {
    const names = columns.map((name) => columnOf(table, name));
    const key = table.key.map((name) => this.orderOf(table, name));
    const bound: Bound = {};
    for (const [at, value] of (after ?? []).entries()) bound[`k${at}`] = value;
    const from = after ? `WHERE (${key.join(", ")}) > (${table.key.map((name, at) => this.cast(`$k${at}`, table, name)).join(", ")})` : "";
    const rows = await this.reader.all<Record<string, Value>>(
      `SELECT ${names.join(", ")} FROM ${tableOf(table)} ${from} ORDER BY ${key.join(", ")} LIMIT ${limit}`,
      bound,
    );
    return rows.map((row) => names.map((name) => plain(row[name]!)));
  }

  async writeRows({ table, columns, rows, first, fact }: Parameters<StoreEnd["writeRows"]>[0]): Promise<void> {
    await this.db.transaction(async (sql) => {
      const own = table.name === "facts" ? " WHERE name NOT LIKE 'copy.%' AND name <> 'secret_key_canary'" : "";
      if (first) await sql.run(`DELETE FROM ${tableOf(table)}${own}`);
      if (rows.length > 0) await this.insert(sql, table, columns, rows);
      await writeFact(sql, ...fact);
    });
  }

  readFact(name: string): Promise<string | null> {
    return readFact(this.reader, name);
  }

  async writeFact(name: string, value: string | null): Promise<void> {
    await this.db.transaction((sql) => writeFact(sql, name, value));
  }

  async readRequests(after: number, limit: number): Promise<RequestPage> {
    const { ids, mark } = await this.readRequestIds(after, limit);
    const rows = await Promise.all(ids.map((id) => getRequest(this.reader, id)));
    return { rows: rows.filter((row) => row !== null), mark };
  }

  async readRequestIds(after: number, limit: number): Promise<{ ids: string[]; mark: number }> {
    const found = await this.reader.all<{ seq: number; id: string }>(
      "SELECT seq, id FROM requests WHERE seq > $after::bigint ORDER BY seq LIMIT $limit::bigint",
      { after, limit },
    );
    return { ids: found.map(({ id }) => id), mark: found.at(-1)?.seq ?? after };
  }

  async writeRequests(rows: Parameters<StoreEnd["writeRequests"]>[0]): Promise<void> {
    await this.db.transaction((sql) => insertRequests(sql, rows));
  }

  async readFailureSums(): Promise<Row[]> {
    const columns = FAILURE_COLUMNS.join(", ");
    const rows = await this.reader.all<Record<string, Value>>(`SELECT ${columns} FROM failure_sums ORDER BY ${columns}`);
    return rows.map((row) => FAILURE_COLUMNS.map((name) => plain(row[name]!)));
  }

  async replaceFailureSums(rows: readonly Row[]): Promise<void> {
    const table: CopiedTable = { name: "failure_sums", key: [] };
    await this.db.transaction(async (sql) => {
      await sql.run("DELETE FROM failure_sums");
      for (let at = 0; at < rows.length; at += 500) await this.insert(sql, table, FAILURE_COLUMNS, rows.slice(at, at + 500));
    });
  }

  async finish(): Promise<void> {
    await this.db.transaction(async (sql) => {
      const rows = await sql.all<{ table: string; column: string }>(
        `SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns
         WHERE table_schema = current_schema() AND is_identity = 'YES'`,
      );
      for (const { table, column } of rows)
        await sql.all(
          `SELECT setval(pg_get_serial_sequence('${table}', '${column}'), greatest((SELECT max(${column}) FROM ${table}), 1),
             (SELECT count(*) > 0 FROM ${table}))`,
        );
    });
  }

  private typeOf(table: CopiedTable, name: string): string {
    return this.types.get(tableOf(table))?.get(columnOf(table, name)) ?? "text";
  }

  private cast(place: string, table: CopiedTable, name: string): string {
    return `${place}::${this.typeOf(table, name)}`;
  }

  /** Texts in the order of their bytes, as SQLite has them. */
  private orderOf(table: CopiedTable, name: string): string {
    return this.typeOf(table, name) === "text" ? `${columnOf(table, name)} COLLATE "C"` : columnOf(table, name);
  }

  private async insert(sql: Sql, table: CopiedTable, columns: readonly string[], rows: readonly Row[]): Promise<void> {
    const bound: Bound = {};
    const tuples = rows.map((row, at) => {
      const places = columns.map((name, column) => {
        const value = row[column]!;
        bound[`v${at}_${column}`] = this.typeOf(table, name) === "boolean" && value !== null ? value === 1 : value;
        return this.cast(`$v${at}_${column}`, table, name);
      });
      return `(${places.join(", ")})`;
    });
    const names = columns.map((name) => columnOf(table, name));
    await sql.run(`INSERT INTO ${tableOf(table)} (${names.join(", ")}) VALUES ${tuples.join(", ")}`, bound);
  }
}
