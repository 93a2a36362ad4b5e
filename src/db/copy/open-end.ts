// Opens one end of a copy: a data folder that no server uses, or a database.

import { join } from "node:path";
import { systemClock } from "../../clock.ts";
import { AppError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { connect, type Postgres } from "../postgres/driver.ts";
import { openStore as openPostgresStore } from "../postgres/store.ts";
import { closeDatabase, openDatabase } from "../sqlite/database.ts";
import { acquireFolder } from "../sqlite/lock.ts";
import { openRequestLog, openStore } from "../sqlite/store.ts";
import { PostgresEnd } from "./postgres-end.ts";
import { SqliteEnd } from "./sqlite-end.ts";
import type { StoreEnd } from "./store-end.ts";

/** Where a store is. */
export type StorePlace = { folder: string } | { url: string; directUrl?: string };

export type OpenEnd = AsyncDisposable & { end: StoreEnd };

/** @throws {AppError} `conflict` while a server uses it, or when it was made with another secret key */
export function openEnd(place: StorePlace, secretKey: Uint8Array): Promise<OpenEnd> {
  return "folder" in place ? openFolderEnd(place.folder, secretKey) : openDatabaseEnd(place, secretKey);
}

async function openFolderEnd(folder: string, secretKey: Uint8Array): Promise<OpenEnd> {
  const lock = acquireFolder(folder);
  try {
    // Brings both files to this version.
    await (await openStore({ dataDir: folder, secretKey })).close();
    await (await openRequestLog({ dataDir: folder, clock: systemClock, log: silentLog })).close();
    const main = await openDatabase(join(folder, "flow2api.db"));
    const requests = await openDatabase(join(folder, "requests.db"));
    return {
      end: new SqliteEnd(main, requests),
      async [Symbol.asyncDispose]() {
        closeDatabase(main);
        closeDatabase(requests);
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function openDatabaseEnd(place: { url: string; directUrl?: string }, secretKey: Uint8Array): Promise<OpenEnd> {
  await (await openPostgresStore({ ...place, secretKey })).close();
  const db = connect(place);
  try {
    await refuseServed(db);
    return { end: new PostgresEnd(db), [Symbol.asyncDispose]: () => db.close() };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** A node that has given a sign of life lately would go on writing. */
async function refuseServed(db: Postgres): Promise<void> {
  const beats = await db.get<{ n: number }>(
    "SELECT count(*) AS n FROM nodes WHERE state IN ('serving', 'draining') AND beat_at > (extract(epoch FROM now()) * 1000)::bigint - 10000",
  );
  if (beats!.n > 0) throw new AppError("conflict", `${beats!.n} servers use this database. Stop them, wait ten seconds, and try again.`);
}
