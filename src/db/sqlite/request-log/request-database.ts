// Request log database: opens its file; replaces a damaged one, at start or in use.

import type { Database } from "bun:sqlite";
import { existsSync, renameSync, statSync } from "node:fs";
import type { RequestRow } from "../../../domain/request.ts";
import { newId } from "../../../ids.ts";
import type { Log } from "../../../log.ts";
import { closeDatabase, openDatabase } from "../database.ts";
import { migrate, REQUEST_MIGRATIONS } from "../migrate.ts";
import type { StoreThread } from "../thread/store-thread.ts";
import { createWriter, type Writer } from "../writer.ts";
import { REQUEST_ACTIONS } from "./request-actions.ts";
import { insertRequests, listRequests } from "./requests.ts";

type Options = { file: string; now: () => number; log: Log; thread?: StoreThread };
/** The connection reads; the writer has its own where it writes in a thread. */
type Opened = { db: Database; writer: Writer<typeof REQUEST_ACTIONS> };

/** Up to here every page is checked when it is opened; of a larger one only what a request reads and writes. */
const CHECKED_BYTES = 16 * 1024 * 1024;

export class RequestDatabase {
  #replacing: Promise<void> | null = null;

  private constructor(
    private readonly options: Options,
    private opened: Opened,
  ) {}

  /** @throws {AppError} `conflict` when the file is newer than this build, `invalid_request` when it cannot be opened at all */
  static async open(options: Options): Promise<RequestDatabase> {
    try {
      return new RequestDatabase(options, await openWhole(options));
    } catch (error) {
      if (!isBroken(error)) throw error;
      moveAside(options, error);
      return new RequestDatabase(options, await openWhole(options));
    }
  }

  /** Runs `act`; when the file is damaged, once more on a new one. */
  async use<T>(act: (opened: Opened) => T | Promise<T>): Promise<T> {
    await this.#replacing;
    const { opened } = this;
    try {
      return await act(opened);
    } catch (error) {
      if (!isBroken(error, DAMAGED)) throw error;
      // Others that met the same do not replace the new one.
      if (this.opened === opened) this.#replacing ??= this.#replace(error).finally(() => (this.#replacing = null));
      await this.#replacing;
      return act(this.opened);
    }
  }

  async close(): Promise<void> {
    const { db, writer } = this.opened;
    await writer.close();
    try {
      closeDatabase(db);
    } catch (error) {
      if (!isBroken(error)) throw error;
      db.close();
    }
  }

  async #replace(error: unknown): Promise<void> {
    await this.close();
    moveAside(this.options, error);
    this.opened = await openWhole(this.options);
  }
}

async function openWhole({ file, thread }: Options): Promise<Opened> {
  const isLarge = existsSync(file) && statSync(file).size > CHECKED_BYTES;
  const db = await openDatabase(file);
  try {
    await migrate(db, REQUEST_MIGRATIONS);
    probe(db, isLarge);
    if (!thread) return { db, writer: createWriter({ db }, REQUEST_ACTIONS) };
    const writer = await thread.open("requests", { file });
    return { db, writer };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Reads and writes as a request does, and leaves nothing. @throws {SQLiteError} */
function probe(db: Database, isLarge: boolean): void {
  const check = isLarge ? "ok" : db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (check !== "ok") throw new BrokenFile(`it is damaged: ${check}`);
  listRequests(db, { limit: 1 });
  const rollback = new Error("rollback");
  try {
    db.transaction(() => {
      insertRequests(db, [PROBE]);
      throw rollback;
    })();
  } catch (error) {
    if (error !== rollback) throw error;
  }
}

const PROBE: RequestRow = {
  ...{ id: newId(), at: 0, ms: 0, dialect: "", route: "", keyId: null, model: "", family: null, kind: null, outcome: "ok", message: null },
  ...{ images: 0, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, stream: false, mediaIds: [], attempts: [] },
};

class BrokenFile extends Error {}

/** What SQLite says of damaged pages; and of a file that is not ours, which is asked at the start only. */
const DAMAGED = /^SQLITE_(CORRUPT|NOTADB)/;
const NOT_OURS = /^SQLITE_(CORRUPT|NOTADB|ERROR|CANTOPEN|SCHEMA|FORMAT|MISMATCH)/;

/** A folder in its place, or a link that leads nowhere: a disk that is not mounted, for example. */
const NO_FILE: ReadonlySet<string> = new Set(["EISDIR", "ENOENT", "ELOOP"]);

/** Whether the file is at fault: not a lock, a full disk, missing rights, or a schema of a newer build. */
function isBroken(error: unknown, codes = NOT_OURS): boolean {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof BrokenFile) return true;
  const { name, code } = cause as NodeJS.ErrnoException;
  // By name: one that the writing thread met is a copy.
  return name === "SQLiteError" ? codes.test(code ?? "SQLITE_ERROR") : NO_FILE.has(code ?? "");
}

function moveAside({ file, now, log }: Options, error: unknown): void {
  const time = new Date(now()).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  let aside = `${file}.broken-${time}`;
  for (let number = 2; existsSync(aside); number++) aside = `${file}.broken-${time}-${number}`;
  for (const companion of ["-wal", "-shm"])
    if (existsSync(`${file}${companion}`)) renameSync(`${file}${companion}`, `${aside}${companion}`);
  renameSync(file, aside);
  const why = error instanceof Error ? error.message : String(error);
  log.error("THE REQUEST LOG IS BROKEN and begins again; tokens, keys, jobs and costs are not in it", { movedTo: aside, why });
}
