// Migrations: once, however many start at the same time; newer databases; group commits under deadlock.
import { describe, expect, test } from "bun:test";
import { temporaryFolder } from "../../testing.ts";
import { ENDED, MADE_BY, OWNED } from "../admin-tokens.fixtures.ts";
import { connect, type Postgres } from "./driver.ts";
import { MIGRATIONS, migrate } from "./migrate.ts";
import { databaseOf, hasPostgres, withEmptyDatabase } from "./testing.ts";
import { createWriter } from "./writer.ts";

describe.skipIf(!hasPostgres)("migrations", () => {
  const versions = (db: Postgres) => db.all<{ version: number }>("SELECT version FROM schema_migrations ORDER BY version");

  test("are applied once by several that start together, also an empty database of one that must not migrate", () =>
    withEmptyDatabase(async (open) => {
      await Promise.all([migrate(open()), migrate(open()), migrate(open(), MIGRATIONS, { migrate: false })]);
      expect((await versions(open())).map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
    }));

  test("leave nothing of a step that fails, and go on from there", () =>
    withEmptyDatabase(async (open) => {
      const good = { sql: "CREATE TABLE one (a text)", worksFrom: 1 };
      const bad = { sql: "CREATE TABLE two (a text); SELECT 1 / 0", worksFrom: 1 };
      await expect(migrate(open(), [good, bad])).rejects.toThrow("division by zero");
      await migrate(open(), [good, bad]).catch(() => {});
      expect((await open().get<{ there: boolean }>("SELECT to_regclass('two') IS NOT NULL AS there"))?.there).toBe(false);
      await migrate(open(), [good, { ...bad, sql: "CREATE TABLE two (a text)" }]);
      expect(await versions(open())).toHaveLength(2);
    }));

  test("of a newer build are accepted as far as they work with this one, and a database in use is not migrated by a verb", () =>
    withEmptyDatabase(async (open) => {
      const step = (worksFrom: number) => ({ sql: "SELECT 1", worksFrom });
      await migrate(open(), [step(1), step(1)]);
      await migrate(open(), [step(1)]);
      await expect(migrate(open(), [step(1), step(1), step(3)], { migrate: false })).rejects.toThrow(
        "schema version 2, this build needs 3",
      );
      await migrate(open(), [step(1), step(1), step(3)]);
      await expect(migrate(open(), [step(1), step(1)])).rejects.toThrow("schema version 3, this build knows 2");
    }));

  test("version 10 gives admin tokens to the accounts that made them, through other tokens too, and ends those of nobody or of one of several", () =>
    withEmptyDatabase(async (open) => {
      await migrate(open(), MIGRATIONS.slice(0, 9));
      await open().exclusively(async (sql) => {
        await sql.run(
          "INSERT INTO accounts (source, subject, name, role, created_at) VALUES ('oidc', 'b', 'bea', 'admin', 100), ('password', 'new', 'new', 'admin', 900)",
        );
        for (const [index, [name, maker]] of MADE_BY.entries())
          await sql.run(
            `INSERT INTO admin_tokens (name, prefix, role, hash, created_by, created_at) VALUES ($name, '', 'operator', $hash, $maker, 500)`,
            { name, maker, hash: new Uint8Array(32).fill(index) },
          );
      });
      await migrate(open());
      const left = await open().all<{ name: string; account: number }>("SELECT name, account_id AS account FROM admin_tokens ORDER BY id");
      expect(left.map(({ name, account }) => [name, account])).toEqual(OWNED.map((one) => [...one]));
      const written = await open().all<{ before: string; after: string }>(
        "SELECT before, after FROM audit WHERE action = 'admin_token.revoke' ORDER BY id",
      );
      expect(written.map(({ before, after }) => [JSON.parse(before), JSON.parse(after)])).toEqual(ENDED.map((one) => [...one]));
    }));
});

test.skipIf(!hasPostgres)(
  "groups of two nodes that lock rows crosswise are run again, and both take effect",
  async () => {
    using folder = temporaryFolder();
    const [one, two] = [connect({ url: await databaseOf(folder.path) }), connect({ url: await databaseOf(folder.path) })];
    const add = {
      lane: "facts",
      run: async ({ sql }: { sql: { run(text: string, bound: object): Promise<number> } }, name: string) => {
        await sql.run("INSERT INTO facts (name, value) VALUES ($name, '1') ON CONFLICT (name) DO UPDATE SET value = facts.value || '1'", {
          name,
        });
        await Bun.sleep(30);
      },
    };
    const writers = [one, two].map((db) => createWriter(db, (sql) => ({ sql }), { add }));
    await Promise.all(
      [writers[0]!, writers[1]!].flatMap(({ write }, index) => (index === 0 ? ["a", "b"] : ["b", "a"]).map((name) => write("add", name))),
    );
    expect(await one.all("SELECT name, value FROM facts WHERE name IN ('a', 'b') ORDER BY name")).toEqual([
      { name: "a", value: "11" },
      { name: "b", value: "11" },
    ]);
    for (const db of [one, two]) await db.close();
  },
  20_000,
);
