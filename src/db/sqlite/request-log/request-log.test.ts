// Request log on SQLite beyond the contract: query plans, a file that cannot be written, transactions.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { RequestFilter } from "../../../domain/request.ts";
import { createLog, silentLog } from "../../../log.ts";
import { temporaryFolder, virtualClock } from "../../../testing.ts";
import { NOW, newAttempt, newRow } from "../../request-log/rows.fixtures.ts";
import type { RequestLog } from "../../store.ts";
import { openDatabase } from "../database.ts";
import { migrate, REQUEST_MIGRATIONS } from "../migrate.ts";
import { openRequestLog, type RequestLogOptions } from "./request-log.ts";
import { insertRequests, listRequests } from "./requests.ts";

async function withLog(body: (log: RequestLog, folder: string) => Promise<void>, options: Partial<RequestLogOptions> = {}): Promise<void> {
  using folder = temporaryFolder();
  const log = await openRequestLog({ dataDir: folder.path, clock: virtualClock(), log: silentLog, ...options });
  try {
    await body(log, folder.path);
  } finally {
    await log.close();
  }
}

const FILTERS: Omit<RequestFilter, "limit">[] = [
  {},
  { keyId: 1 },
  { keyId: 1, model: "m2" },
  { outcome: "busy" },
  { tokenId: 1 },
  { tokenId: 1, outcome: "busy", keyId: 0, model: "m2" },
];

test("no filter sorts or reads the whole table", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "requests.db"));
  await migrate(db, REQUEST_MIGRATIONS);
  const plans: string[] = [];
  const asked = db.query.bind(db);
  db.query = ((sql: string) => {
    const explained = db.prepare<{ detail: string }, []>(["EXPLAIN QUERY PLAN", sql].join(" "));
    if (sql.includes("$limit"))
      plans.push(
        explained
          .all()
          .map((row) => row.detail)
          .join("; "),
      );
    return asked(sql);
  }) as typeof db.query;
  for (const filter of FILTERS) listRequests(db, { ...filter, limit: 5 });
  expect(plans).toHaveLength(FILTERS.length);
  for (const plan of plans) {
    expect(plan).not.toContain("TEMP B-TREE");
    expect(plan).not.toContain("SCAN requests");
  }
});

test("a database that cannot be written loses rows, says so, and the request goes on", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "warn", format: "json", write: (line) => lines.push(line) });
  await withLog(
    async (requests, folder) => {
      using db = new Database(join(folder, "requests.db"));
      db.run("ALTER TABLE requests RENAME TO elsewhere");
      requests.append(newRow());
      await requests.flush();
      expect(lines.map((line) => JSON.parse(line).level)).toEqual(["error", "warn"]);
      db.run("ALTER TABLE elsewhere RENAME TO requests");
      requests.append(newRow());
      expect(await requests.list({ limit: 5 })).toHaveLength(1);
    },
    { log },
  );
});

test("attempts go with their rows", () =>
  withLog(async (log, folder) => {
    log.append(newRow({ at: NOW - 1, attempts: [newAttempt(), newAttempt()] }));
    log.append(newRow());
    await log.deleteBefore(NOW);
    using db = new Database(join(folder, "requests.db"));
    expect(db.query("SELECT count(*) AS n FROM attempts").get()).toEqual({ n: 1 });
  }));

test("a batch is one transaction", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(join(folder.path, "requests.db"));
  await migrate(db, REQUEST_MIGRATIONS);
  const broken = { ...newRow(), images: "text" as unknown as number };
  expect(() => db.transaction(() => insertRequests(db, [newRow(), broken]))()).toThrow();
  expect(listRequests(db, { limit: 5 })).toEqual([]);
});
