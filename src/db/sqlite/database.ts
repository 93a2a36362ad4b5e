// One SQLite file: pragmas, retries while another process holds its lock, clean close.
import { Database, SQLiteError } from "bun:sqlite";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../errors.ts";

/** Each with its reason. They belong to a connection, except the first. */
const PRAGMAS = [
  // Readers never wait for the writer, and a commit is one append.
  "PRAGMA journal_mode = WAL",
  // A lock held elsewhere freezes the event loop for so long at most; retryBusy waits on without freezing it.
  "PRAGMA busy_timeout = 5",
  // A commit survives the death of this process; the last ones may be lost with the machine. The writer asks for more where it matters.
  "PRAGMA synchronous = NORMAL",
  // Off by default in SQLite.
  "PRAGMA foreign_keys = ON",
  // A file that came from elsewhere cannot make our statements run functions with side effects.
  "PRAGMA trusted_schema = OFF",
  // Ids begin with their time, so inserts touch the end of each index: 4 MiB hold that, and the ends of a million rows too.
  "PRAGMA cache_size = -4096",
  // After a burst the log file shrinks again; without this it keeps its largest size.
  "PRAGMA journal_size_limit = 67108864",
] as const;

/** Longest wait for another process's lock, ms; then the action fails. */
const MAX_WAIT_MS = 10_000;
const MAX_PAUSE_MS = 25;

/** Whether another connection holds a lock: the same action may succeed on retry. */
export function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && (error.code ?? "").startsWith("SQLITE_BUSY");
}

/**
 * Runs `attempt` until no other process's lock is in its way, for at most `maxWaitMs`; between attempts the event loop is free.
 * Whatever `attempt` throws besides, and the last busy error, is thrown.
 */
export async function retryBusy<T>(attempt: () => T, maxWaitMs = MAX_WAIT_MS): Promise<T> {
  const end = performance.now() + maxWaitMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= end) throw error;
    }
    await Bun.sleep(pauseMs);
  }
}

/** Makes `file` (and its folder) readable by its owner only. SQLite gives its companion files the same mode. */
export function createPrivateFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
}

/**
 * Opens `file`, creating it when it is missing. Named parameters are written without their `$` and a missing one throws.
 * @throws {AppError} `invalid_request` naming the file when it cannot be opened or is no database
 */
export async function openDatabase(file: string): Promise<Database> {
  let db: Database | undefined;
  try {
    createPrivateFile(file);
    db = new Database(file, { strict: true });
    for (const pragma of PRAGMAS) await retryBusy(() => db?.run(pragma));
    return db;
  } catch (error) {
    db?.close();
    const why = error instanceof Error ? error.message : "unknown error";
    throw new AppError("invalid_request", `${file} cannot be opened: ${why}`, { cause: error });
  }
}

/** Brings the write-ahead log into the file, as far as other connections let it, and closes. */
export function closeDatabase(db: Database): void {
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close(true);
}
