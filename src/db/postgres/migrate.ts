// Migrations: numbered, append-only, under an advisory lock, in one transaction; a table holds which were applied.
import { AppError } from "../../errors.ts";
import type { Postgres, Reader, Sql } from "./driver.ts";
import step001 from "./migrations/001.sql" with { type: "text" };
import step002 from "./migrations/002.sql" with { type: "text" };
import step003 from "./migrations/003.sql" with { type: "text" };
import step004 from "./migrations/004.sql" with { type: "text" };
import step005 from "./migrations/005.sql" with { type: "text" };
import step006 from "./migrations/006.sql" with { type: "text" };
import step007 from "./migrations/007.sql" with { type: "text" };
import step008 from "./migrations/008.sql" with { type: "text" };
import step009 from "./migrations/009.sql" with { type: "text" };
import step010 from "./migrations/010.sql" with { type: "text" };
import step011 from "./migrations/011.sql" with { type: "text" };
import step012 from "./migrations/012.sql" with { type: "text" };
import step013 from "./migrations/013.sql" with { type: "text" };
import step014 from "./migrations/014.sql" with { type: "text" };
import step015 from "./migrations/015.sql" with { type: "text" };

export type Migration = {
  sql: string;
  /** Oldest version whose builds go on working after this step: nodes are upgraded one after the other. */
  worksFrom: number;
};

/** Append only: step n brings the schema to version n. */
export const MIGRATIONS: readonly Migration[] = [
  { sql: step001, worksFrom: 1 },
  { sql: step002, worksFrom: 1 },
  { sql: step003, worksFrom: 1 },
  { sql: step004, worksFrom: 1 },
  // The password of the admin is no fact any more.
  { sql: step005, worksFrom: 5 },
  { sql: step006, worksFrom: 5 },
  // Builds before it do not say which node owns what.
  { sql: step007, worksFrom: 7 },
  { sql: step008, worksFrom: 7 },
  { sql: step009, worksFrom: 7 },
  { sql: step010, worksFrom: 7 },
  { sql: step011, worksFrom: 7 },
  { sql: step012, worksFrom: 7 },
  { sql: step013, worksFrom: 7 },
  { sql: step014, worksFrom: 7 },
  { sql: step015, worksFrom: 7 },
];

/**
 * Brings the database to the last of `steps`, or refuses.
 * @throws {AppError} `conflict` when the database is newer than this build can work with, or older and must not be touched
 */
export async function migrate(db: Postgres, steps = MIGRATIONS, options: { migrate?: boolean } = {}): Promise<void> {
  const known = await readVersion(db);
  if (known.version >= steps.length) return refuseNewer(known, steps.length);
  // Nobody uses an empty one.
  if (options.migrate === false && known.version > 0)
    throw new AppError(
      "conflict",
      `The database has schema version ${known.version}, this build needs ${steps.length}: start a server of this build, which migrates it.`,
    );
  await db.exclusively(async (sql, script) => {
    await script(
      `CREATE TABLE IF NOT EXISTS schema_migrations (
         version integer PRIMARY KEY, works_from integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    // Again under the lock: another node may have been faster.
    const { version } = await readVersion(sql);
    for (const [index, step] of steps.entries()) if (index >= version) await applyStep({ sql, script }, index + 1, step);
  });
}

async function applyStep(
  { sql, script }: { sql: Sql; script: (text: string) => Promise<void> },
  version: number,
  step: Migration,
): Promise<void> {
  await script(step.sql);
  await sql.run("INSERT INTO schema_migrations (version, works_from) VALUES ($version, $worksFrom)", {
    version,
    worksFrom: step.worksFrom,
  });
}

type Version = { version: number; worksFrom: number };

/** Version 0: nothing there. */
async function readVersion(sql: Reader): Promise<Version> {
  const table = await sql.get<{ found: boolean }>("SELECT to_regclass('schema_migrations') IS NOT NULL AS found");
  if (!table?.found) return { version: 0, worksFrom: 0 };
  const row = await sql.get<Version>(
    `SELECT coalesce(max(version), 0) AS version, coalesce(max(works_from), 0) AS "worksFrom" FROM schema_migrations`,
  );
  return row ?? { version: 0, worksFrom: 0 };
}

function refuseNewer({ version, worksFrom }: Version, known: number): void {
  if (worksFrom > known)
    throw new AppError("conflict", `The database has schema version ${version}, this build knows ${known}: use a newer build.`);
}
