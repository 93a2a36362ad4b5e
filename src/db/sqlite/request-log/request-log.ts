// Request log: buffers rows and writes them in batches, off the hot path.

import { join } from "node:path";
import type { Clock } from "../../../clock.ts";
import type { RequestRow } from "../../../domain/request.ts";
import type { Log } from "../../../log.ts";
import type { RequestLog } from "../../store.ts";
import { retryBusy } from "../database.ts";
import type { StoreThread } from "../thread/store-thread.ts";
import { countFailures, readFailures } from "./failure-sums.ts";
import { RequestDatabase } from "./request-database.ts";
import { getRequest, listRequests } from "./requests.ts";

/** Rows held in memory at most, in batches: beyond it the newest are dropped and the log says how many. */
const MAX_BATCHES_HELD = 256;
/** Rows deleted in one transaction: about 10 ms of the event loop, then others have their turn. */
const DELETE_SLICE = 100;

export type RequestLogOptions = {
  dataDir: string;
  clock: Clock;
  log: Log;
  /** Longest time a row waits to be written, in ms. */
  flushMs?: number;
  /** Rows that are written without waiting, and rows of one transaction: about 2 ms of the event loop for the default of 64. */
  batch?: number;
  /** Writes in a thread of its own; absent: in this one. */
  thread?: StoreThread;
};

/**
 * Opens `requests.db` in the data folder, bringing its schema up to date; a broken one is moved aside.
 * @throws {AppError} `conflict` when the file is newer than this build
 */
export async function openRequestLog(options: RequestLogOptions): Promise<RequestLog> {
  const { clock, log, flushMs = 250, batch = 64 } = options;
  const file = join(options.dataDir, "requests.db");
  const database = await RequestDatabase.open({ file, now: clock.now, log, thread: options.thread });
  let held: RequestRow[] = [];
  let dropped = 0;
  let cancelTimer: (() => void) | null = null;
  let writing: Promise<void> | null = null;

  async function writeHeld(): Promise<void> {
    while (held.length > 0) {
      const rows = held.slice(0, batch);
      held = held.slice(batch);
      await database
        .use(({ writer }) => writer.write("insertRequests", [rows]))
        .catch((error) => {
          dropped += rows.length;
          log.error("The request log cannot be written", { error });
        });
    }
    if (dropped > 0) log.warn("Rows of the request log were dropped", { rows: dropped });
    dropped = 0;
    writing = null;
  }

  async function flush(): Promise<void> {
    cancelTimer?.();
    cancelTimer = null;
    if (held.length > 0) writing ??= writeHeld();
    await writing;
  }

  return {
    append(row) {
      if (held.length >= batch * MAX_BATCHES_HELD) {
        dropped++;
        return;
      }
      held.push(row);
      if (held.length >= batch) void flush();
      else cancelTimer ??= clock.after(flushMs, () => void flush());
    },
    async list(filter) {
      await flush();
      return database.use(({ db }) => retryBusy(() => listRequests(db, filter)));
    },
    async get(id) {
      await flush();
      return database.use(({ db }) => retryBusy(() => getRequest(db, id)));
    },
    async failures(query) {
      await flush();
      return database.use(({ db }) => retryBusy(() => readFailures(db, query)));
    },
    async countFailures(query) {
      await flush();
      return database.use(({ db }) => retryBusy(() => countFailures(db, query)));
    },
    async deleteBefore(time, signal) {
      await flush();
      let deleted = 0;
      for (let slice = DELETE_SLICE; slice === DELETE_SLICE && !signal?.aborted; deleted += slice)
        slice = await database.use(({ writer }) => writer.write("deleteRequestsBefore", [time, DELETE_SLICE]));
      return deleted;
    },
    flush,
    async close() {
      await flush();
      await database.close();
    },
  };
}
