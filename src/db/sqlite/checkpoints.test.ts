// Checkpoints: a thread writes the WAL back, and its end lets the database be closed.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../log.ts";
import { temporaryFolder } from "../../testing.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { closeDatabase, openDatabase } from "./database.ts";

/** A database in the folder after 128 commits of one row each, still open. `filled`: whether the log has reached the file. */
async function grown(folder: string, row: string) {
  const checkpoints = createCheckpoints(silentLog);
  const db = await openDatabase(join(folder, "some.db"));
  const committed = checkpoints.of(db);
  db.run("CREATE TABLE rows (content BLOB)");
  const before = Bun.file(db.filename).size;
  for (let commit = 0; commit < 128; commit++) {
    db.run(`INSERT INTO rows VALUES (${row})`);
    committed();
  }
  return { db, checkpoints, filled: () => Bun.file(db.filename).size > before };
}

test("a log that has grown is brought into its file while the connection stays open", async () => {
  using folder = temporaryFolder();
  const { db, checkpoints, filled } = await grown(folder.path, "zeroblob(100000)");
  while (!filled()) await Bun.sleep(5);
  await checkpoints.close();
  closeDatabase(db);
  expect(await Bun.file(`${db.filename}-wal`).exists()).toBe(false);
});

test("a log that is small is left alone, and no thread is started for it", async () => {
  using folder = temporaryFolder();
  const { db, checkpoints, filled } = await grown(folder.path, "1");
  await checkpoints.close();
  expect(filled()).toBe(false);
  closeDatabase(db);
});
