// A store copied from SQLite to Postgres and back: nothing is missing, also after a copy that was cut off.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { RequestRow } from "../../domain/request.ts";
import { newId } from "../../ids.ts";
import { temporaryFolder } from "../../testing.ts";
import { connect, type Postgres } from "../postgres/driver.ts";
import { databaseOf, hasPostgres } from "../postgres/testing.ts";
import { NOW, newJob, newMedia } from "../rows.fixtures.ts";
import { closeDatabase, openDatabase } from "../sqlite/database.ts";
import type { RequestLog, Store } from "../store.ts";
import { ENGINES, type Engine } from "../testing.ts";
import { copyStore, plan } from "./copy-store.ts";
import { PostgresEnd } from "./postgres-end.ts";
import { SqliteEnd } from "./sqlite-end.ts";
import type { StoreEnd } from "./store-end.ts";

const engineOf = (name: string): Engine => ENGINES.find((engine) => engine.name === name)!;
const HOUR = 3_600_000;

/** An end over a folder's store, which is made first. */
async function openEnd(name: string, folder: string): Promise<{ end: StoreEnd; close(): Promise<void> }> {
  const engine = engineOf(name);
  await (await engine.open(folder)).close();
  await (await engine.openLog(folder)).close();
  if (name === "postgres") {
    const db: Postgres = connect({ url: await databaseOf(folder) });
    return { end: new PostgresEnd(db), close: () => db.close() };
  }
  const [main, requests] = await Promise.all(["flow2api.db", "requests.db"].map((file) => openDatabase(join(folder, file))));
  return {
    end: new SqliteEnd(main!, requests!),
    async close() {
      closeDatabase(main!);
      closeDatabase(requests!);
    },
  };
}

const request = (at: number, change: Partial<RequestRow> = {}): RequestRow => ({
  ...{
    id: newId(),
    at,
    ms: 1000,
    dialect: "openai",
    route: "POST /v1/images/generations",
    keyId: 1,
    model: "m",
    family: "m",
    kind: "image",
  },
  ...{ outcome: "ok", message: null, images: 1, videoSeconds: 0, inputTokens: 1, outputTokens: 2, usd: 0.039, stream: false },
  mediaIds: [newId()],
  attempts: [{ tokenId: 1, provider: "gemini", family: "m", startedAt: at, ms: 900, outcome: "ok", reason: null, upstreamStatus: 200 }],
  ...change,
});

/** A little of everything that an installation stores. */
async function fill(store: Store, log: RequestLog): Promise<void> {
  const token = await store.insertToken(
    { provider: "gemini", label: "eins 一", secret: "canary-secret", tags: ["a"], proxy: "http://u:p@x:1" },
    NOW,
  );
  await store.insertToken({ provider: "vertex", label: "two", secret: "other", enabled: false }, NOW);
  await store.writeTokenSecret(token.id, { state: { cookie: "x" } });
  const key = await store.insertKey(
    { name: "客户", hash: new Uint8Array(32).fill(7), prefix: "sk-f2a-", limits: {}, models: [], kinds: [], addresses: [] } as never,
    NOW,
  );
  await store.writeKeyWebhook(key.id, { url: "https://hooks.example/?secret=1", secret: "whsec_x" });
  await store.writeSettings({ "pool.strategy": "round_robin", "server.drain_timeout": 7 });
  await store.writeFact("welcome", "done");
  for (let count = 0; count < 25; count++) await store.insertMedia(newMedia({ createdAt: NOW + count, keyId: key.id }));
  const small = newMedia({ bytes: 3, origin: "input", name: "a.png", purpose: "vision", keyId: key.id });
  await store.insertMedia(small, new Uint8Array([0, 1, 255]));
  await store.nameFile({ keyId: key.id, name: "files/a", mediaId: small.id }, NOW);
  const job = newJob({ keyId: key.id, prompt: "a fox\0 🦊" });
  await store.insertJob(job);
  await store.insertJob(newJob({ keyId: key.id, state: "completed", endedAt: NOW + 5 }));
  await store.claimIdempotency(
    {
      keyId: key.id,
      route: "POST /v1/videos",
      key: "k1",
      hash: "h",
      run: "run",
      createdAt: NOW,
      jobId: job.id,
    },
    0,
  );
  const begun = await store.begin([
    { keyId: key.id, requestId: "r1", kind: "image", family: "m", at: NOW, estimate: { images: 1, videoMs: 0, microUsd: 39_000 } },
    {
      keyId: key.id,
      requestId: job.requestId,
      kind: "video",
      family: "v",
      at: NOW,
      estimate: { images: 0, videoMs: 8000, microUsd: 9 },
      forJob: true,
    },
  ]);
  const amounts = { images: 1, videoMs: 0, microUsd: 39_000 };
  await store.end([
    {
      ...{
        id: (begun[0] as { id: number }).id,
        state: "settled",
        endedAt: NOW + 900,
        actual: amounts,
        periods: ["d2026-11-23"],
        hour: NOW,
      },
      ...{ ok: true, ms: 900, inputTokens: 5, outputTokens: 6, calls: [{ tokenId: token.id, ok: true, ms: 800, amounts }] },
    },
  ]);
  for (let count = 0; count < 30; count++)
    log.append(request(NOW + count * 1000, count % 7 === 0 ? { outcome: "content_policy", message: "refused" } : {}));
  log.append(request(NOW + HOUR, { payload: { prompt: "the needle in the hay", parameters: { size: "1024x1024" } } as never }));
  await log.flush();
}

/** What a store says of itself, in words that both engines have. */
async function read(store: Store, log: RequestLog) {
  const [tokens, keys] = [await store.listTokens(), await store.listKeys()];
  const jobs = await store.listJobs({ keyId: null, limit: 100, order: "asc" });
  const media = await store.listMedia({ origin: "result", limit: 100 });
  const requests = await log.list({ limit: 100 } as never);
  return {
    ...{ tokens, keys, jobs, media },
    secret: await store.readTokenSecret(tokens[0]!.id),
    webhook: await store.readKeyWebhook(keys[0]!.id),
    settings: await store.readSettings(),
    welcome: await store.readFact("welcome"),
    small: await store.readMediaBytes((await store.fileNamed(keys[0]!.id, "files/a"))!),
    sums: await store.sumMedia(),
    usage: await store.readUsage({ by: "token", from: NOW - HOUR, to: NOW + 24 * HOUR }),
    ledger: await store.readLedger(["d2026-11-23"], 0),
    requests: requests.map(({ id }) => id),
    found: (await log.list({ limit: 10, query: "needle" } as never)).length,
  };
}

describe.skipIf(!hasPostgres)("a copy", () => {
  test("of SQLite into Postgres and back holds everything, and the next rows get the next ids", async () => {
    using first = temporaryFolder();
    using middle = temporaryFolder();
    using last = temporaryFolder();
    const [sqlite, postgres] = [engineOf("sqlite"), engineOf("postgres")];
    const open = async (engine: Engine, folder: string) => ({ store: await engine.open(folder), log: await engine.openLog(folder) });
    const close = async ({ store, log }: Awaited<ReturnType<typeof open>>) => {
      await log.close();
      await store.close();
    };
    const source = await open(sqlite, first.path);
    await fill(source.store, source.log);
    const before = await read(source.store, source.log);
    await close(source);
    expect(before.requests.length).toBe(31);

    for (const [from, to] of [
      [
        { name: "sqlite", path: first.path },
        { name: "postgres", path: middle.path },
      ],
      [
        { name: "postgres", path: middle.path },
        { name: "sqlite", path: last.path },
      ],
    ] as const) {
      const [here, there] = [await openEnd(from.name, from.path), await openEnd(to.name, to.path)];
      const { rows } = await copyStore({ from: here.end, to: there.end, source: from.name, now: NOW, batch: 10 });
      expect([rows.tokens, rows.media, rows.requests]).toEqual([2, 26, 31]);
      await here.close();
      await there.close();
      const copied = await open(engineOf(to.name), to.path);
      const after = await read(copied.store, copied.log);
      // Postgres has no character 0 in a text.
      const text = (value: unknown) => JSON.stringify(value).replaceAll("\\u0000", "\uFFFD");
      for (const part of Object.keys(before) as (keyof typeof before)[])
        expect([part, text(after[part])]).toEqual([part, text(before[part])]);
      const token = await copied.store.insertToken({ provider: "gemini", label: "new", secret: `new ${to.name}` }, NOW);
      expect(token.id).toBe(3);
      await copied.store.deleteToken(token.id);
      await close(copied);
    }
    expect(postgres.name).toBe("postgres");
  });

  test("that was cut off goes on where it was", async () => {
    using first = temporaryFolder();
    using second = temporaryFolder();
    const store = await engineOf("sqlite").open(first.path);
    for (let count = 0; count < 95; count++) await store.insertMedia(newMedia({ createdAt: NOW + count }));
    await store.close();
    const [here, there] = [await openEnd("sqlite", first.path), await openEnd("postgres", second.path)];
    let left = 6;
    const failing: StoreEnd = Object.create(there.end, {
      writeRows: {
        value: async (into: Parameters<StoreEnd["writeRows"]>[0]) => {
          if (into.table.name === "media" && left-- === 0) throw new Error("cut off");
          return there.end.writeRows(into);
        },
      },
    });
    const options = { from: here.end, source: "s", now: NOW, batch: 10 };
    await expect(copyStore({ ...options, to: failing })).rejects.toThrow("cut off");
    let written = 0;
    const counting: StoreEnd = Object.create(there.end, {
      writeRows: {
        value: async (into: Parameters<StoreEnd["writeRows"]>[0]) => {
          if (into.table.name === "media") written += into.rows.length;
          return there.end.writeRows(into);
        },
      },
    });
    const { rows } = await copyStore({ ...options, to: counting });
    expect([rows.media, written]).toEqual([95, 35]);
    await here.close();
    await there.close();
  });

  test("into a store that holds something is refused, naming it", async () => {
    using first = temporaryFolder();
    using second = temporaryFolder();
    const full = await engineOf("postgres").open(second.path);
    await full.insertMedia(newMedia());
    await full.close();
    const [here, there] = [await openEnd("sqlite", first.path), await openEnd("postgres", second.path)];
    const act = copyStore({ from: here.end, to: there.end, source: "s", now: NOW });
    await expect(act).rejects.toThrow("The target holds media already: expected an empty one.");
    await here.close();
    await there.close();
  });
});

test.each([
  ["loses a row", (rows: readonly RequestRow[]) => rows.slice(1), "30 here, 29 there"],
  ["writes another one", (rows: readonly RequestRow[]) => [...rows.slice(1), request(NOW)], "other rows are there"],
])("a copy that %s of the request log is refused at the end", async (_, change, what) => {
  using first = temporaryFolder();
  using second = temporaryFolder();
  const log = await engineOf("sqlite").openLog(first.path);
  for (let count = 0; count < 30; count++) log.append(request(NOW + count * 1000));
  await log.close();
  const [here, there] = [await openEnd("sqlite", first.path), await openEnd("sqlite", second.path)];
  const to: StoreEnd = Object.create(there.end, {
    writeRequests: { value: (rows: readonly RequestRow[]) => there.end.writeRequests(change(rows)) },
  });
  await expect(copyStore({ from: here.end, to, source: "s", now: NOW })).rejects.toThrow(
    `The copy of the request log is not what it was made from: ${what}.`,
  );
  await here.close();
  await there.close();
});

test("a table or a column that nobody has decided about stops the copy", async () => {
  using folder = temporaryFolder();
  const { end, close } = await openEnd("sqlite", folder.path);
  const columns = await end.readColumns();
  expect(() => plan(columns, columns)).not.toThrow();
  const changed = new Map(columns).set("tokens", [...columns.get("tokens")!, "new_one"]);
  expect(() => plan(columns, changed)).toThrow("tokens.new_one is in one engine only");
  expect(() => plan(new Map(columns).set("more", ["a"]), new Map(columns).set("more", ["a"]))).toThrow("The table more is neither");
  await close();
});
