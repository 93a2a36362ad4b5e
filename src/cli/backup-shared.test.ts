// Backups across engines: a moment of a Postgres in use, taken back into another database and into a folder.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { S3_ACCESS_KEY, S3_SECRET_KEY, type S3Server, startS3 } from "../../test/s3.ts";
import { openStore as openPostgresStore } from "../db/postgres/store.ts";
import { emptyDatabase, hasPostgres } from "../db/postgres/testing.ts";
import { NOW, newMedia } from "../db/rows.fixtures.ts";
import { openStore } from "../db/sqlite/store.ts";
import type { Store } from "../db/store.ts";
import { mediaPath } from "../gateway/media/blobs.ts";
import { temporaryFolder } from "../testing.ts";
import { runRecorded } from "./testing.ts";

const KEY = new Uint8Array(Bun.SHA256.hash("a key of backups").buffer);
const KEY_TEXT = Buffer.from(KEY).toString("base64");

const folder = temporaryFolder();
let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const envOf = (url: string, prefix: string) => ({
  FLOW2API_SECRET_KEY: KEY_TEXT,
  FLOW2API_STORAGE_DATABASE_URL: url,
  FLOW2API_STORAGE_MEDIA_URL: `s3://${s3.bucket}/${prefix}`,
  FLOW2API_STORAGE_S3_ENDPOINT: s3.endpoint,
  FLOW2API_STORAGE_S3_ACCESS_KEY: S3_ACCESS_KEY,
  FLOW2API_STORAGE_S3_SECRET_KEY: S3_SECRET_KEY,
});

const read = async (store: Store, ids: string[]) => {
  const [token] = await store.listTokens();
  return {
    secret: (await store.readTokenSecret(token!.id)).secret,
    media: (await Promise.all(ids.map((id) => store.getMedia(id)))).length,
  };
};

describe.skipIf(!hasPostgres)("a backup of a database in use", () => {
  test("is taken back into an empty database and bucket, and into a data folder", async () => {
    const url = await emptyDatabase();
    const store = await openPostgresStore({ url, secretKey: KEY });
    await store.insertToken({ provider: "gemini", label: "one", secret: "canary-secret" }, NOW);
    const media = newMedia({ bytes: 30_000 });
    const bytes = new Uint8Array(30_000).fill(5);
    await s3.client.write(`first/${mediaPath(media)}`, bytes);
    await store.insertMedia(media);
    // A generation that is under way.
    const estimate = { images: 1, videoMs: 0, microUsd: 1 };
    await store.begin([{ keyId: 1, requestId: "r", kind: "image", family: "m", at: NOW, estimate }]);

    const file = join(folder.path, "backup.tar");
    const data = join(folder.path, "node");
    mkdirSync(data);
    const made = await runRecorded(
      { cwd: folder.path, env: envOf(url, "first") },
      ...["backup", file, "--requests", "--media", "--data", data],
    );
    expect([made.code, made.err]).toEqual([0, ""]);
    expect(made.out).toContain("holds 1 media");
    expect(readFileSync(file).includes("canary-secret")).toBe(false);
    await store.close();

    const target = await emptyDatabase();
    const restored = await runRecorded({ cwd: folder.path, env: envOf(target, "second") }, "restore", file, "--data", data);
    expect([restored.code, restored.err]).toEqual([0, ""]);
    expect(await s3.client.file(`second/${mediaPath(media)}`).bytes()).toEqual(bytes);
    const copy = await openPostgresStore({ url: target, secretKey: KEY });
    expect(await read(copy, [media.id])).toEqual({ secret: "canary-secret", media: 1 });
    await copy.close();

    const alone = join(folder.path, "alone");
    const env = { FLOW2API_SECRET_KEY: KEY_TEXT };
    const back = await runRecorded({ cwd: folder.path, env }, "restore", file, "--data", alone);
    expect([back.code, back.err]).toEqual([0, ""]);
    const local = await openStore({ dataDir: alone, secretKey: KEY });
    expect(await read(local, [media.id])).toEqual({ secret: "canary-secret", media: 1 });
    expect(await Bun.file(join(alone, "media", mediaPath(media))).bytes()).toEqual(bytes);
    await local.close();
  });

  test("is not taken back over what a database holds", async () => {
    const url = await emptyDatabase();
    const store = await openPostgresStore({ url, secretKey: KEY });
    await store.insertToken({ provider: "gemini", label: "one", secret: "x" }, NOW);
    await store.close();
    const data = join(folder.path, "other");
    mkdirSync(data);
    const file = join(folder.path, "small.tar");
    expect((await runRecorded({ cwd: folder.path, env: envOf(url, "third") }, "backup", file, "--data", data)).code).toBe(0);
    const { code, err } = await runRecorded({ cwd: folder.path, env: envOf(url, "third") }, "restore", file, "--data", data);
    expect(code).toBe(1);
    expect(err).toContain("The target holds tokens already: expected an empty one.");
  });
});
