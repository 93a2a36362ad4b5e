// A Postgres store as it is at one moment, in a data folder: what a backup is made of.

import { type ConnectOptions, connect } from "../postgres/driver.ts";
import { copyStore } from "./copy-store.ts";
import { openEnd } from "./open-end.ts";
import { PostgresEnd } from "./postgres-end.ts";

/**
 * Writes `flow2api.db` and `requests.db` into an empty folder, also while servers use the database.
 * @throws {AppError} `unavailable` when the database cannot be reached
 */
export async function snapshotToFolder(
  place: Pick<ConnectOptions, "url" | "directUrl">,
  folder: string,
  secretKey: Uint8Array,
  now: number,
) {
  const db = connect(place);
  try {
    await using to = await openEnd({ folder }, secretKey);
    // What waits to be added up would be missing.
    await new PostgresEnd(db).prepare();
    await db.snapshot((reader) => copyStore({ from: new PostgresEnd(db, reader), to: to.end, source: "snapshot", now, isInUse: true }));
    // The copy is an installation of its own.
    for (const name of ["copy.source", "copy.done"]) await to.end.writeFact(name, null);
  } finally {
    await db.close();
  }
}
