// Bundles: one statement does what several would, in their order, and any text goes there and back.
import { describe, expect, test } from "bun:test";
import { temporaryFolder } from "../../testing.ts";
import { Bundle, jsonOf, rowsIn } from "./bundle.ts";
import { connect, type Sql } from "./driver.ts";
import { databaseOf, hasPostgres } from "./testing.ts";

async function inTransaction<T>(body: (sql: Sql) => Promise<T>): Promise<T> {
  using folder = temporaryFolder();
  const db = connect({ url: await databaseOf(folder.path), writers: 1 });
  const made = db.transaction(async (sql) => {
    await sql.run("CREATE TEMP TABLE bundled (id bigint PRIMARY KEY, words text, flag boolean) ON COMMIT DROP");
    return body(sql);
  });
  return made.finally(() => db.close());
}

const COLUMNS = "id bigint, words text, flag boolean";
const put = (rows: readonly object[]) => ({
  name: "added",
  text: `INSERT INTO bundled SELECT * FROM ${rowsIn("rows", COLUMNS)} RETURNING id`,
  bound: { rows: jsonOf(rows) },
});
const ALL = { name: "all_rows", text: "SELECT id, words, flag FROM bundled ORDER BY id", bound: {} };

describe.skipIf(!hasPostgres)("a bundle", () => {
  test.each([true, false])("writes and reads rows of any text, one by one: %p", (isApart) =>
    inTransaction(async (sql) => {
      const words = ["it's", 'a "b" \\ c', "\u0001\u001e\n\t", "\\u0000", "null", "", "狐 🦊", "a\0b", "\ud800x"];
      const bundle = new Bundle(sql, isApart);
      bundle.send(put(words.map((text, id) => ({ id, words: text, flag: id === 1 }))));
      bundle.run();
      const rows = bundle.read<{ id: number; words: string; flag: boolean }>(ALL);
      bundle.run();
      const expected = [...words.slice(0, -2), "a\uFFFDb", "\uFFFDx"];
      expect(await rows).toEqual(expected.map((text, id) => ({ id, words: text, flag: id === 1 })));
    }),
  );

  test("says what each part has returned, also where that is nothing, and sees no row of another part", () =>
    inTransaction(async (sql) => {
      const bundle = new Bundle(sql, false);
      const [before, added] = [bundle.read(ALL), bundle.change(put([{ id: 3 }, { id: 4, words: "x" }]))];
      bundle.run();
      expect(await Promise.all([before, added])).toEqual([[], [{ id: 3 }, { id: 4 }]]);
    }));

  test("changes rows in the order in which it was asked to", () =>
    inTransaction(async (sql) => {
      await sql.run("CREATE TEMP SEQUENCE turns");
      await sql.run("CREATE TEMP TABLE turn (name text, at bigint) ON COMMIT DROP");
      const names = ["first", "second", "third", "fourth"];
      const bundle = new Bundle(sql, false);
      for (const name of names) bundle.send({ name, text: `INSERT INTO turn SELECT '${name}', nextval('turns') RETURNING 1`, bound: {} });
      bundle.run();
      expect((await sql.all<{ name: string }>("SELECT name FROM turn ORDER BY at")).map(({ name }) => name)).toEqual(names);
    }));

  test("fails as a whole where a check does", async () => {
    const failing = inTransaction(async (sql) => {
      const bundle = new Bundle(sql, false);
      bundle.send({ ...put([{ id: 1 }]), check: "1 / ((SELECT count(*) FROM added) >= 2)::int" });
      bundle.run();
    });
    expect(await failing.catch(({ code, errno }) => [code, errno])).toContain("22012");
  });
});
