// One end of a copy: rows of any table in the order of its key, and their counterpart to write.

import type { RequestRow } from "../../domain/request.ts";
import type { CopiedTable } from "./tables.ts";

export type Value = string | number | null | Uint8Array;
/** Values in the order of the columns. Flags are 0 and 1, whatever the engine. */
export type Row = Value[];

/** Rows as they are asked for: the columns by SQLite's names. */
export type Slice = { table: CopiedTable; columns: readonly string[]; after: Row | null; limit: number };

/** A page of the request log in the order of writing; `mark` is where the next one begins. */
export type RequestPage = { rows: RequestRow[]; mark: number };

export interface StoreEnd {
  /** Of a source: adds up what waits to be added up. */
  prepare(): Promise<void>;
  /** Columns of all tables, by SQLite's names, those of the request log left out. */
  readColumns(): Promise<Map<string, string[]>>;
  readRows(slice: Slice): Promise<Row[]>;
  /** With `fact` (a name and a value) in the same transaction. `first`: what the table holds already goes. */
  writeRows(into: Pick<Slice, "table" | "columns"> & { rows: readonly Row[]; first: boolean; fact: [string, string] }): Promise<void>;
  readFact(name: string): Promise<string | null>;
  writeFact(name: string, value: string | null): Promise<void>;
  readRequests(after: number, limit: number): Promise<RequestPage>;
  /** Ids of a page of the request log, in the same order. */
  readRequestIds(after: number, limit: number): Promise<{ ids: string[]; mark: number }>;
  /** Rows that are there already are skipped. */
  writeRequests(rows: readonly RequestRow[]): Promise<void>;
  /** Sums of failures outlive the rows they were made of. */
  readFailureSums(): Promise<Row[]>;
  replaceFailureSums(rows: readonly Row[]): Promise<void>;
  /** After the last row: counters of ids stand behind the largest. */
  finish(): Promise<void>;
}

export const FAILURE_COLUMNS = ["step", "dimension", "subject", "start", "family", "outcome", "reason", "refused", "n"] as const;
