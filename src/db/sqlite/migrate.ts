// Migrations: numbered steps, one transaction each, after a copy of the file.
import type { Database } from "bun:sqlite";
import { rmSync } from "node:fs";
import { basename } from "node:path";
import { AppError } from "../../errors.ts";
import { copyDatabase } from "./backup/backup.ts";
import { retryBusy } from "./database.ts";
import store001 from "./migrations/001.sql" with { type: "text" };
import store002 from "./migrations/002.sql" with { type: "text" };
import store003 from "./migrations/003.sql" with { type: "text" };
import store004 from "./migrations/004.sql" with { type: "text" };
import store005 from "./migrations/005.sql" with { type: "text" };
import store006 from "./migrations/006.sql" with { type: "text" };
import store007 from "./migrations/007.sql" with { type: "text" };
import store008 from "./migrations/008.sql" with { type: "text" };
import store009 from "./migrations/009.sql" with { type: "text" };
import store010 from "./migrations/010.sql" with { type: "text" };
import store011 from "./migrations/011.sql" with { type: "text" };
import store012 from "./migrations/012.sql" with { type: "text" };
import store013 from "./migrations/013.sql" with { type: "text" };
import store014 from "./migrations/014.sql" with { type: "text" };
import store015 from "./migrations/015.sql" with { type: "text" };
import store016 from "./migrations/016.sql" with { type: "text" };
import store017 from "./migrations/017.sql" with { type: "text" };
import store018 from "./migrations/018.sql" with { type: "text" };
import store019 from "./migrations/019.sql" with { type: "text" };
import store020 from "./migrations/020.sql" with { type: "text" };
import store021 from "./migrations/021.sql" with { type: "text" };
import store022 from "./migrations/022.sql" with { type: "text" };
import store023 from "./migrations/023.sql" with { type: "text" };
import store024 from "./migrations/024.sql" with { type: "text" };
import store025 from "./migrations/025.sql" with { type: "text" };
import store026 from "./migrations/026.sql" with { type: "text" };
import store027 from "./migrations/027.sql" with { type: "text" };
import store028 from "./migrations/028.sql" with { type: "text" };
import store029 from "./migrations/029.sql" with { type: "text" };
import requests001 from "./migrations/requests-001.sql" with { type: "text" };
import requests002 from "./migrations/requests-002.sql" with { type: "text" };
import requests003 from "./migrations/requests-003.sql" with { type: "text" };

/** Append only. Step n ends with `PRAGMA user_version = n`, inside its own transaction. */
export const STORE_MIGRATIONS: readonly string[] = [
  store001,
  store002,
  store003,
  store004,
  store005,
  store006,
  store007,
  store008,
  store009,
  store010,
  store011,
  store012,
  store013,
  store014,
  store015,
  store016,
  store017,
  store018,
  store019,
  store020,
  store021,
  store022,
  store023,
  store024,
  store025,
  store026,
  store027,
  store028,
  store029,
];
export const REQUEST_MIGRATIONS: readonly string[] = [requests001, requests002, requests003];

/** Version of the schema in the file; 0: nothing there. */
export function schemaVersion(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

/**
 * Brings `db` to the last of `steps`; an existing database is copied to `<file>.v<version>.backup` first.
 * With `migrate: false` a database that needs a step is refused: a server that owns the folder is using it.
 * @throws {AppError} `conflict` when the database is newer than this build, or older and must not be touched
 */
export async function migrate(db: Database, steps: readonly string[], options: { migrate?: boolean } = {}): Promise<void> {
  const found = await retryBusy(() => schemaVersion(db));
  const name = basename(db.filename);
  if (found > steps.length)
    throw new AppError("conflict", `${name} has schema version ${found}, this build knows ${steps.length}: use a newer build.`);
  if (found === steps.length) return;
  if (options.migrate === false)
    throw new AppError(
      "conflict",
      `${name} has schema version ${found}, this build needs ${steps.length}: stop the server that uses it and start it with this build.`,
    );
  if (found > 0) await copyBefore(db, found);
  while (await retryBusy(() => takeStep(db, steps)));
}

async function copyBefore(db: Database, version: number): Promise<void> {
  const file = `${db.filename}.v${version}.backup`;
  rmSync(file, { force: true });
  await retryBusy(() => copyDatabase(db, file));
}

/** Takes the next step, if there is one. The version is read under the lock: another process may have been faster. */
function takeStep(db: Database, steps: readonly string[]): boolean {
  return db
    .transaction(() => {
      const version = schemaVersion(db);
      const step = steps[version];
      if (step === undefined) return false;
      db.run(step);
      if (schemaVersion(db) !== version + 1) throw new Error(`Migration ${version + 1} does not set its version.`);
      return true;
    })
    .immediate();
}
