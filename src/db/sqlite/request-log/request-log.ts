// Request log: buffers rows and writes them in batches, off the hot path.

import { join } from "node:path";
import { type BufferOptions, RequestBuffer } from "../../request-log/request-buffer.ts";
import type { RequestLog } from "../../store.ts";
import { retryBusy } from "../database.ts";
import type { StoreThread } from "../thread/store-thread.ts";
import { countFailures, readFailures } from "./failure-sums.ts";
import { RequestDatabase } from "./request-database.ts";
import { getRequest, listRequests, promptsOf } from "./requests.ts";

/** Rows deleted in one transaction: about 10 ms of the event loop, then others have their turn. */
const DELETE_SLICE = 100;

export type RequestLogOptions = BufferOptions & {
  dataDir: string;
  /** Writes in a thread of its own; absent: in this one. */
  thread?: StoreThread;
};

/**
 * Opens `requests.db` in the data folder, bringing its schema up to date; a broken one is moved aside.
 * @throws {AppError} `conflict` when the file is newer than this build
 */
export async function openRequestLog(options: RequestLogOptions): Promise<RequestLog> {
  const { clock, log } = options;
  const file = join(options.dataDir, "requests.db");
  const database = await RequestDatabase.open({ file, now: clock.now, log, thread: options.thread });
  const buffer = new RequestBuffer(options, (rows) => database.use(({ writer }) => writer.write("insertRequests", [rows])));
  const flush = () => buffer.flush();

  return {
    append: (row) => buffer.append(row),
    async list(filter) {
      await flush();
      return database.use(({ db }) => retryBusy(() => listRequests(db, filter)));
    },
    async get(id) {
      await flush();
      return database.use(({ db }) => retryBusy(() => getRequest(db, id)));
    },
    async promptsOf(ids) {
      await flush();
      return database.use(({ db }) => retryBusy(() => promptsOf(db, ids)));
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
