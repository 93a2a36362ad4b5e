// Write actions on requests.db by name, so that the thread that writes can be asked for them.
import type { Database } from "bun:sqlite";
import type { RequestRow } from "../../../domain/request.ts";
import { deleteRequestsBefore, insertRequests } from "./requests.ts";

type Tables = { db: Database };

export const REQUEST_ACTIONS = {
  insertRequests: ({ db }: Tables, rows: readonly RequestRow[]) => insertRequests(db, rows),
  deleteRequestsBefore: ({ db }: Tables, time: number, limit: number) => deleteRequestsBefore(db, time, limit),
};
