// Request log database: a damaged file is moved aside, logged, and replaced by a new one.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestRow } from "../../../domain/request.ts";
import { AppError } from "../../../errors.ts";
import { createLog } from "../../../log.ts";
import { temporaryFolder, virtualClock } from "../../../testing.ts";
import { acquireFolder, isFolderOwned } from "../lock.ts";
import { openRequestLog } from "./request-log.ts";

let number = 0;
const newRow = (): RequestRow => ({
  ...{
    id: `req_${++number}`,
    at: 1,
    ms: 0,
    dialect: "openai",
    route: "r",
    keyId: null,
    model: "m",
    family: null,
    kind: null,
    outcome: "ok",
  },
  ...{ message: null, images: 0, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, stream: false, mediaIds: [], attempts: [] },
});

async function opened(folder: string) {
  const logged: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => logged.push(line) });
  const requests = await openRequestLog({ dataDir: folder, clock: virtualClock(), log });
  return { requests, logged, loud: () => logged.filter((line) => line.includes("THE REQUEST LOG IS BROKEN")).length };
}

/** A log with rows, closed. */
async function filled(folder: string): Promise<string> {
  const { requests } = await opened(folder);
  for (let count = 0; count < 500; count++) requests.append(newRow());
  await requests.close();
  return join(folder, "requests.db");
}

const scribble = (file: string, from: number, bytes: number) => {
  const data = readFileSync(file);
  data.fill(0x5a, from, Math.min(from + bytes, data.byteLength));
  writeFileSync(file, data);
};

const DAMAGES: [string, (file: string) => void][] = [
  ["text", (file) => writeFileSync(file, "this is no database".repeat(500))],
  ["a cut file", (file) => truncateSync(file, 5000)],
  ["a cut page", (file) => truncateSync(file, readFileSync(file).byteLength - 1000)],
  ["a header of zeros", (file) => scribble(file, 0, 100)],
  ["scribbled pages", (file) => scribble(file, 4096, 40_000)],
  ["scribbled pages at the end", (file) => scribble(file, readFileSync(file).byteLength - 12_288, 12_288)],
  [
    "a folder",
    (file) => {
      rmSync(file);
      mkdirSync(file);
    },
  ],
  [
    "a link that leads nowhere",
    (file) => {
      rmSync(file);
      symlinkSync("/nowhere/requests.db", file);
    },
  ],
  [
    "a link to itself",
    (file) => {
      rmSync(file);
      symlinkSync("requests.db", file);
    },
  ],
  [
    "a database without its tables",
    (file) => {
      using db = new Database(file);
      db.run("DROP TABLE attempts");
    },
  ],
  [
    "a database of something else",
    (file) => {
      rmSync(file);
      using db = new Database(file);
      db.run("CREATE TABLE requests (x)");
    },
  ],
];

describe("at the start", () => {
  test.each(DAMAGES)("%s is moved aside", async (_name, damage) => {
    using folder = temporaryFolder();
    const file = await filled(folder.path);
    damage(file);
    const { requests, loud } = await opened(folder.path);
    const row = newRow();
    requests.append(row);
    expect((await requests.list({ limit: 5 })).map(({ id }) => id)).toEqual([row.id]);
    await requests.close();
    expect(loud()).toBe(1);
    expect(readdirSync(folder.path).filter((name) => /^requests\.db\.broken-\d{8}-\d{6}$/.test(name))).toHaveLength(1);
  });

  test.each([
    ["whole", () => {}],
    ["empty", (file: string) => writeFileSync(file, "")],
    ["whole, beside a scribbled write-ahead log", (file: string) => writeFileSync(`${file}-wal`, "junk".repeat(3000))],
  ])("one that is %s stays", async (_name, change) => {
    using folder = temporaryFolder();
    change(await filled(folder.path));
    const { requests, loud } = await opened(folder.path);
    requests.append(newRow());
    await requests.close();
    expect([loud(), readdirSync(folder.path).filter((name) => name.includes("broken"))]).toEqual([0, []]);
  });

  test("one of a newer build is refused, not moved", async () => {
    using folder = temporaryFolder();
    const file = await filled(folder.path);
    {
      using db = new Database(file);
      db.run("PRAGMA user_version = 999");
    }
    const refusal = await opened(folder.path).catch((error) => error);
    expect(refusal).toBeInstanceOf(AppError);
    expect(existsSync(file)).toBe(true);
  });

  test("two on one day have a name each", async () => {
    using folder = temporaryFolder();
    for (let count = 0; count < 3; count++) {
      writeFileSync(join(folder.path, "requests.db"), "junk".repeat(1000));
      await (await opened(folder.path)).requests.close();
    }
    expect(readdirSync(folder.path).filter((name) => name.includes("broken"))).toHaveLength(3);
  });
});

test("one that breaks while it is used is replaced, and the rows that are held are retained", async () => {
  using folder = temporaryFolder();
  const file = await filled(folder.path);
  const { requests, loud } = await opened(folder.path);
  scribble(file, 4096, 200_000);
  const rows = [newRow(), newRow()];
  for (const row of rows) requests.append(row);
  const found = await requests.list({ limit: 5 });
  expect(found.map(({ id }) => id)).toEqual(rows.map(({ id }) => id).toReversed());
  expect(loud()).toBe(1);
  requests.append(newRow());
  expect(await requests.list({ limit: 5 })).toHaveLength(3);
  await requests.close();
});

test("a folder whose lock file is damaged can be taken, by one at a time", () => {
  using folder = temporaryFolder();
  copyFileSync(import.meta.path, join(folder.path, "lock.db"));
  expect(isFolderOwned(folder.path)).toBe(false);
  const owner = acquireFolder(folder.path);
  expect(isFolderOwned(folder.path)).toBe(true);
  expect(() => acquireFolder(folder.path)).toThrow("in use");
  owner[Symbol.dispose]();
});
