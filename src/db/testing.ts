// Engines that the contract suite runs against.
import { join } from "node:path";
import { openStore as openPostgresStore } from "./postgres/store.ts";
import { databaseOf, hasPostgres, storedRows } from "./postgres/testing.ts";
import { openStore } from "./sqlite/store.ts";
import { StoreThread } from "./sqlite/thread/store-thread.ts";
import type { Store } from "./store.ts";

export type Engine = {
  name: string;
  open(folder: string): Promise<Store>;
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

const POSTGRES: Engine = {
  name: "postgres",
  open: async (folder) => openPostgresStore({ url: await databaseOf(folder), secretKey: SECRET_KEY }),
  stored: storedRows,
};

export const ENGINES: Engine[] = [
  { name: "sqlite", open: (dataDir) => openStore({ dataDir, secretKey: SECRET_KEY }), stored: storedFiles },
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
    stored: storedFiles,
  },
  ...(hasPostgres ? [POSTGRES] : []),
];
