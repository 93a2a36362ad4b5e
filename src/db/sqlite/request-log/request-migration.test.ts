// Request log: rows of earlier versions after the migrations.
import { expect, test } from "bun:test";
import type { RequestFilter } from "../../../domain/request.ts";
import { temporaryFolder } from "../../../testing.ts";
import { openDatabase } from "../database.ts";
import { migrate, REQUEST_MIGRATIONS } from "../migrate.ts";
import { countFailures, readFailures } from "./failure-sums.ts";
import { listRequests } from "./requests.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;

test("rows of earlier versions are found and counted after the migration", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(`${folder.path}/requests.db`);
  await migrate(db, REQUEST_MIGRATIONS.slice(0, 1));
  const insert = (id: string, at: number) =>
    db.run(
      `INSERT INTO requests (id, at, ms, dialect, route, key_id, model, family, kind, outcome, message, images, video_seconds, input_tokens,
         output_tokens, usd, stream, media_ids)
       VALUES (?, ?, 1, 'openai', '/', 3, 'm', 'f', 'image', 'busy', 'The queue is full', 0, 0, 0, 0, 0, 0, '[]')`,
      [id, at],
    );
  insert("old", NOW);
  db.run("INSERT INTO attempts VALUES (1, 0, 7, 'gemini', 'f', 1, 1, 'busy', NULL, NULL)");
  await migrate(db, REQUEST_MIGRATIONS.slice(0, 2));
  insert("prompted", NOW + MINUTE);
  db.run(`UPDATE requests SET payload = '{"prompt":"a fox","parameters":{}}' WHERE id = 'prompted'`);
  await migrate(db, REQUEST_MIGRATIONS);
  const asked = { keyId: 3, tokenId: 7, model: "m", outcome: "busy", failed: true, kind: "image", text: "queue" } as const;
  const more = { family: "f", reason: "busy", attemptFailed: true } as const;
  const ids = (filter: Omit<RequestFilter, "limit">) => listRequests(db, { ...filter, limit: 5 }).map(({ id }) => id);
  expect(ids({ ...asked, ...more })).toEqual(["old"]);
  expect(ids({ text: "fox" })).toEqual(["prompted"]);
  const day = { from: NOW - (NOW % (24 * 60 * MINUTE)), to: NOW + 24 * 60 * MINUTE };
  const sum = { outcome: "busy", reason: "busy", refused: false };
  expect(readFailures(db, day)).toEqual([{ ...sum, count: 2 }]);
  expect(readFailures(db, { ...day, of: { key: 3 } })).toEqual([{ ...sum, count: 2 }]);
  expect(readFailures(db, { ...day, of: { token: 7 } })).toEqual([{ ...sum, count: 1 }]);
  expect(countFailures(db, { ...day, by: "hour" })).toEqual([{ group: NOW, count: 2 }]);
});
