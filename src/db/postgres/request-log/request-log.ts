// Request log: buffers rows and writes them in batches, on connections of its own: a search never holds up the store.

import { type BufferOptions, RequestBuffer } from "../../request-log/request-buffer.ts";
import type { RequestLog } from "../../store.ts";
import { type ConnectOptions, connect } from "../driver.ts";
import { migrate } from "../migrate.ts";
import { countFailures, readFailures } from "./failure-sums.ts";
import { deleteRequestsBefore, getRequest, insertRequests, listRequests, promptsOf } from "./requests.ts";

/** Rows deleted in one transaction. */
const DELETE_SLICE = 500;

export type RequestLogOptions = BufferOptions & Pick<ConnectOptions, "url" | "directUrl">;

/** Opens the request log in a database, bringing its tables up to date. @throws as `openStore` does */
export async function openRequestLog(options: RequestLogOptions): Promise<RequestLog> {
  const db = connect({ url: options.url, directUrl: options.directUrl, readers: 2, writers: 1 });
  try {
    await migrate(db);
  } catch (error) {
    await db.close();
    throw error;
  }
  const buffer = new RequestBuffer(options, (rows) => db.transaction((sql) => insertRequests(sql, rows), { durable: false }));
  const afterFlush = async <T>(read: () => Promise<T>): Promise<T> => {
    await buffer.flush();
    return read();
  };
  return {
    append: (row) => buffer.append(row),
    list: (filter) => afterFlush(() => listRequests(db, filter)),
    get: (id) => afterFlush(() => getRequest(db, id)),
    promptsOf: (ids) => afterFlush(() => promptsOf(db, ids)),
    failures: (query) => afterFlush(() => readFailures(db, query)),
    countFailures: (query) => afterFlush(() => countFailures(db, query)),
    async deleteBefore(time, signal) {
      await buffer.flush();
      let deleted = 0;
      for (let slice = DELETE_SLICE; slice === DELETE_SLICE && !signal?.aborted; deleted += slice)
        slice = await db.transaction((sql) => deleteRequestsBefore(sql, time, DELETE_SLICE), { durable: false });
      return deleted;
    },
    flush: () => buffer.flush(),
    async close() {
      await buffer.flush();
      await db.close();
    },
  };
}
