// Engines that the contract suite runs against.
import { join } from "node:path";
import { silentLog } from "../log.ts";
import { virtualClock } from "../testing.ts";
import { openRequestLog as openPostgresLog } from "./postgres/request-log/request-log.ts";
import { openStore as openPostgresStore } from "./postgres/store.ts";
import { databaseOf, hasPostgres, storedRows } from "./postgres/testing.ts";
import type { BufferOptions } from "./request-log/request-buffer.ts";
import { openRequestLog } from "./sqlite/request-log/request-log.ts";
import { openStore } from "./sqlite/store.ts";
import { StoreThread } from "./sqlite/thread/store-thread.ts";
import type { RequestLog, Store } from "./store.ts";

export type Engine = {
  name: string;
  open(folder: string): Promise<Store>;
  openLog(folder: string, options?: Partial<BufferOptions>): Promise<RequestLog>;
  /** Everything that lies in the store, as whoever gets hold of its bytes reads it. */
  stored(folder: string): Promise<string>;
};

const storedFiles = async (folder: string) =>
  (await Promise.all(["flow2api.db", "flow2api.db-wal"].map((name) => Bun.file(join(folder, name)).text()))).join("");

const SECRET_KEY = new Uint8Array(32).map((_, index) => index * 7);

/** A thread of the sources, whose death is an error of the test that started it. */
export function startThread(onDeath = (why: string): void => void Promise.reject(new Error(why))): StoreThread {
  return new StoreThread({ url: new URL("../store-thread.ts", import.meta.url), onDeath });
}

const DEFAULTS = () => ({ clock: virtualClock(), log: silentLog });

const openLog: Engine["openLog"] = (dataDir, options) => openRequestLog({ dataDir, ...DEFAULTS(), ...options });

const POSTGRES: Engine = {
  name: "postgres",
  open: async (folder) => openPostgresStore({ url: await databaseOf(folder), secretKey: SECRET_KEY }),
  openLog: async (folder, options) => openPostgresLog({ url: await databaseOf(folder), ...DEFAULTS(), ...options }),
  stored: storedRows,
};

export const ENGINES: Engine[] = [
  { name: "sqlite", open: (dataDir) => openStore({ dataDir, secretKey: SECRET_KEY }), openLog, stored: storedFiles },
  {
    name: "sqlite that writes in a thread",
    async open(dataDir) {
      const thread = startThread();
      const store = await openStore({ dataDir, secretKey: SECRET_KEY, thread });
      return {
        ...store,
        async close() {
          await store.close();
          await thread.close();
        },
      };
    },
    async openLog(dataDir, options) {
      const thread = startThread();
      const log = await openRequestLog({ dataDir, ...DEFAULTS(), ...options, thread });
      return {
        ...log,
        async close() {
          await log.close();
          await thread.close();
        },
      };
    },
    stored: storedFiles,
  },
  ...(hasPostgres ? [POSTGRES] : []),
];
