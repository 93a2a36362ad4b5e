// SQLite as one end of a copy.

import type { Database } from "bun:sqlite";
import { getRequest, insertRequests } from "../sqlite/request-log/requests.ts";
import { readFact, writeFact } from "../sqlite/settings.ts";
import { sumTokenCalls } from "../sqlite/token-calls.ts";
import { FAILURE_COLUMNS, type RequestPage, type Row, type Slice, type StoreEnd } from "./store-end.ts";

/** `main` is `flow2api.db`, `requests` is `requests.db`; null: without the request log. Both of this version, and no other process writes. */
export class SqliteEnd implements StoreEnd {
  constructor(
    private readonly main: Database,
    private readonly requests: Database | null,
  ) {}

  async prepare(): Promise<void> {
    this.main.transaction(() => sumTokenCalls(this.main))();
  }

  async readColumns(): Promise<Map<string, string[]>> {
    const tables = this.main.query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    const columns = this.main.query<{ name: string }, { table: string }>("SELECT name FROM pragma_table_info($table)");
    return new Map(tables.all().map(({ name }) => [name, columns.all({ table: name }).map((column) => column.name)]));
  }

  async readRows({ table, columns, after, limit }: Slice): Promise<Row[]> {
    const key = table.key.join(", ");
    const places = table.key.map(() => "?").join(", ");
    const from = after ? `WHERE (${key}) > (${places})` : "";
    return this.main
      .query<never, Row>(`SELECT ${columns.join(", ")} FROM ${table.name} ${from} ORDER BY ${key} LIMIT ${limit}`)
      .values(...(after ?? [])) as Row[];
  }

  async writeRows({ table, columns, rows, first, fact }: Parameters<StoreEnd["writeRows"]>[0]): Promise<void> {
    this.main.transaction(() => {
      // Facts of this place stay.
      if (first)
        this.main.run(
          `DELETE FROM ${table.name}${table.name === "facts" ? " WHERE name NOT LIKE 'copy.%' AND name <> 'secret_key_canary'" : ""}`,
        );
      const insert = this.main.query<never, Row>(
        `INSERT INTO ${table.name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
      );
      for (const row of rows) insert.run(...row);
      writeFact(this.main, ...fact);
    })();
  }

  async readFact(name: string): Promise<string | null> {
    return readFact(this.main, name);
  }

  async writeFact(name: string, value: string | null): Promise<void> {
    writeFact(this.main, name, value);
  }

  async readRequests(after: number, limit: number): Promise<RequestPage> {
    const { ids, mark } = await this.readRequestIds(after, limit);
    return { rows: ids.map((id) => getRequest(this.requests!, id)).filter((row) => row !== null), mark };
  }

  async readRequestIds(after: number, limit: number): Promise<{ ids: string[]; mark: number }> {
    const found = this.requests
      ?.query<{ seq: number; id: string }, [number, number]>("SELECT seq, id FROM requests WHERE seq > ? ORDER BY seq LIMIT ?")
      .all(after, limit);
    return { ids: found?.map(({ id }) => id) ?? [], mark: found?.at(-1)?.seq ?? after };
  }

  async writeRequests(rows: Parameters<StoreEnd["writeRequests"]>[0]): Promise<void> {
    const db = this.requests;
    if (db) db.transaction(() => insertRequests(db, rows))();
  }

  async readFailureSums(): Promise<Row[]> {
    const columns = FAILURE_COLUMNS.join(", ");
    return (this.requests?.query(`SELECT ${columns} FROM failure_sums ORDER BY ${columns}`).values() ?? []) as Row[];
  }

  async replaceFailureSums(rows: readonly Row[]): Promise<void> {
    const db = this.requests;
    if (!db) return;
    db.transaction(() => {
      db.run("DELETE FROM failure_sums");
      const insert = db.query<never, Row>(
        `INSERT INTO failure_sums (${FAILURE_COLUMNS.join(", ")}) VALUES (${FAILURE_COLUMNS.map(() => "?").join(", ")})`,
      );
      for (const row of rows) insert.run(...row);
    })();
  }

  /** AUTOINCREMENT stands behind the largest id by itself. */
  async finish(): Promise<void> {}
}
