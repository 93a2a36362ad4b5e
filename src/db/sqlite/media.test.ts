// SQL of media: what runs in the background reads an index, never the whole table.
import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../../testing.ts";
import { openDatabase } from "./database.ts";
import { deleteMedia, listExpiredMedia, listOldestMedia, listResults, sumMedia } from "./media.ts";
import { migrate, STORE_MIGRATIONS } from "./migrate.ts";

/** How SQLite answers what `read` asks. */
async function plansOf(read: (db: Database) => void): Promise<string[]> {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "flow2api.db"));
  await migrate(db, STORE_MIGRATIONS);
  const plans: string[] = [];
  const query = db.query.bind(db);
  db.query = ((sql: string) => {
    const steps = db.prepare<{ detail: string }, []>(["EXPLAIN QUERY PLAN", sql].join(" ")).all();
    plans.push(steps.map(({ detail }) => detail).join("; "));
    return query(sql);
  }) as typeof db.query;
  read(db);
  return plans;
}

test.each([
  ["expired", (db: Database) => listExpiredMedia(db, 0, 200), "SEARCH media USING INDEX media_by_expiry (expires_at<?)"],
  [
    "the oldest of an owner",
    (db: Database) => listOldestMedia(db, { origin: "result", keyId: 1, before: 9, limit: 200 }),
    "SEARCH media USING INDEX media_shown (origin=? AND created_at<?)",
  ],
])("media that are %s are read in the order of an index", async (_, read, plan) => {
  expect(await plansOf(read)).toEqual([plan]);
});

test("the results of a request are found by its id", async () => {
  const [plan] = await plansOf((db) => listResults(db, "request"));
  expect(plan).toStartWith("SEARCH media USING INDEX media_results (request_id=?)");
});

test("sums of media that an older version stored are right, and stay right", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "flow2api.db"));
  await migrate(db, STORE_MIGRATIONS.slice(0, 17));
  const insert = (id: string, origin: string, key: number | null, bytes: number) =>
    db
      .query(
        "INSERT INTO media (id, kind, origin, mime, ext, bytes, key_id, created_at) VALUES (?, 'image', ?, 'image/png', 'png', ?, ?, 1)",
      )
      .run(id, origin, bytes, key);
  insert("a", "result", 1, 10);
  insert("b", "result", 1, 5);
  insert("c", "input", null, 7);
  await migrate(db, STORE_MIGRATIONS);
  insert("d", "result", 2, 100);
  deleteMedia(db, ["b", "c", "unknown"]);
  expect(sumMedia(db)).toEqual([
    { origin: "result", keyId: 1, bytes: 10 },
    { origin: "result", keyId: 2, bytes: 100 },
  ]);
});
