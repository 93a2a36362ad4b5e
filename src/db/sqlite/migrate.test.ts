// Migrations: new database, older version with a copy, newer version refused, never half applied.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import { temporaryFolder } from "../../testing.ts";
import { ENDED, MADE_BY, OWNED } from "../admin-tokens.fixtures.ts";
import { openDatabase } from "./database.ts";
import { readMediaBytes } from "./media.ts";
import { migrate, REQUEST_MIGRATIONS, STORE_MIGRATIONS, schemaVersion } from "./migrate.ts";

const STEPS = [
  "CREATE TABLE fruit (name TEXT) STRICT; INSERT INTO fruit VALUES ('apple'); PRAGMA user_version = 1;",
  "ALTER TABLE fruit ADD COLUMN colour TEXT; PRAGMA user_version = 2;",
  "CREATE TABLE tree (name TEXT) STRICT; PRAGMA user_version = 3;",
];

const refusal = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof AppError)) throw new Error("It was not refused.");
  expect(error.kind).toBe("conflict");
  return error.message;
};

test("every migration sets its own number", async () => {
  for (const steps of [STORE_MIGRATIONS, REQUEST_MIGRATIONS]) {
    using folder = temporaryFolder();
    using db = await openDatabase(join(folder.path, "some.db"));
    await migrate(db, steps);
    expect(schemaVersion(db)).toBe(steps.length);
    expect(db.query("PRAGMA foreign_key_check").all()).toEqual([]);
  }
});

test("a fresh database takes all steps and needs no copy", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  await migrate(db, STEPS);
  expect(schemaVersion(db)).toBe(3);
  expect(existsSync(join(folder.path, "some.db.v0.backup"))).toBe(false);
});

test("an older database is copied first, readable by its owner only, over a copy that failed before", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  await migrate(db, STEPS.slice(0, 1));
  const copy = join(folder.path, "some.db.v1.backup");
  await Bun.write(copy, "half a copy");
  await migrate(db, STEPS);
  expect(schemaVersion(db)).toBe(3);
  using backup = new Database(copy);
  expect(schemaVersion(backup)).toBe(1);
  expect(backup.query("SELECT * FROM fruit").all()).toEqual([{ name: "apple" }]);
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  expect(existsSync(`${copy}.partial`)).toBe(false);
});

test("a database newer than the build is refused, naming both versions, and left as it is", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  await migrate(db, STEPS);
  expect(await refusal(migrate(db, STEPS.slice(0, 2)))).toBe("some.db has schema version 3, this build knows 2: use a newer build.");
  expect(schemaVersion(db)).toBe(3);
});

test("a database that a server uses is not migrated", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  await migrate(db, STEPS.slice(0, 2));
  await migrate(db, STEPS.slice(0, 2), { migrate: false });
  expect(await refusal(migrate(db, STEPS, { migrate: false }))).toContain("some.db has schema version 2, this build needs 3");
  expect(schemaVersion(db)).toBe(2);
});

test("a step that fails half-way leaves nothing, and the steps before it stay", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  const broken = "CREATE TABLE half (name TEXT) STRICT; INSERT INTO nowhere VALUES (1); PRAGMA user_version = 2;";
  expect(migrate(db, [STEPS[0]!, broken])).rejects.toThrow("nowhere");
  expect(schemaVersion(db)).toBe(1);
  expect(db.query("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "fruit" }]);
  await migrate(db, STEPS);
  expect(schemaVersion(db)).toBe(3);
});

test("a step that forgets its number is refused and undone", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  expect(migrate(db, ["CREATE TABLE fruit (name TEXT) STRICT;"])).rejects.toThrow("does not set its version");
  expect(db.query("SELECT name FROM sqlite_schema").all()).toEqual([]);
});

test("two connections that migrate at once take each step once", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "some.db");
  using first = await openDatabase(file);
  using second = await openDatabase(file);
  await Promise.all([migrate(first, STEPS), migrate(second, STEPS)]);
  expect(schemaVersion(first)).toBe(3);
  expect(first.query("SELECT * FROM fruit").all()).toEqual([{ name: "apple", colour: null }]);
});

test("version 11 brings the bytes of small media into their rows, and leaves those that lie in files", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  await migrate(db, STORE_MIGRATIONS.slice(0, 10));
  const row = "VALUES (?, 'image', 'result', 'image/png', 'png', 3, 1)";
  for (const id of ["small", "large"]) db.query(`INSERT INTO media (id, kind, origin, mime, ext, bytes, created_at) ${row}`).run(id);
  db.query("INSERT INTO media_bytes (id, bytes) VALUES ('small', x'010203')").run();
  await migrate(db, STORE_MIGRATIONS);
  expect([readMediaBytes(db, "small"), readMediaBytes(db, "large")]).toEqual([new Uint8Array([1, 2, 3]), null]);
});

test("version 27 gives admin tokens to the accounts that made them, through other tokens too, and ends those of nobody or of one of several", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "some.db"));
  await migrate(db, STORE_MIGRATIONS.slice(0, 26));
  db.run(
    "INSERT INTO accounts (source, subject, name, role, created_at) VALUES ('oidc', 'b', 'bea', 'admin', 100), ('password', 'new', 'new', 'admin', 900)",
  );
  for (const [index, [name, maker]] of MADE_BY.entries()) {
    const row = { name, maker, hash: new Uint8Array(32).fill(index) };
    db.query(
      "INSERT INTO admin_tokens (name, prefix, role, hash, created_by, created_at) VALUES ($name, '', 'operator', $hash, $maker, 500)",
    ).run(row);
  }
  await migrate(db, STORE_MIGRATIONS);
  const left = db.query<{ name: string; account: number }, []>("SELECT name, account_id AS account FROM admin_tokens ORDER BY id").all();
  expect(left.map(({ name, account }) => [name, account])).toEqual(OWNED.map((one) => [...one]));
  const written = db
    .query<{ before: string; after: string }, []>("SELECT before, after FROM audit WHERE action = 'admin_token.revoke'")
    .all();
  expect(written.map(({ before, after }) => [JSON.parse(before), JSON.parse(after)])).toEqual(ENDED.map((one) => [...one]));
});
