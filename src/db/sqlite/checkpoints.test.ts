// Checkpoints taken by a thread: what a log held reaches the database, and the end of the thread lets it be closed.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../../testing.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { closeDatabase, openDatabase } from "./database.ts";

test("a log that has grown is brought into its file while the connection stays open", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "grown.db");
  const checkpoints = createCheckpoints();
  const db = await openDatabase(file);
  const committed = checkpoints.of(db);
  db.run("CREATE TABLE rows (content BLOB)");
  const before = Bun.file(file).size;
  for (let commit = 0; commit < 128; commit++) {
    db.run("INSERT INTO rows VALUES (zeroblob(100000))");
    committed();
  }
  while (Bun.file(file).size === before) await Bun.sleep(5);
  await checkpoints.close();
  closeDatabase(db);
  expect(await Bun.file(`${file}-wal`).exists()).toBe(false);
});

test("a log that is small is left alone, and no thread is started for it", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "small.db");
  const checkpoints = createCheckpoints();
  const db = await openDatabase(file);
  const committed = checkpoints.of(db);
  db.run("CREATE TABLE rows (content BLOB)");
  const before = Bun.file(file).size;
  for (let commit = 0; commit < 128; commit++) {
    db.run("INSERT INTO rows VALUES (1)");
    committed();
  }
  await checkpoints.close();
  expect(Bun.file(file).size).toBe(before);
  closeDatabase(db);
});
