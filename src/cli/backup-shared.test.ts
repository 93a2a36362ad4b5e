// Backups across engines: a moment of a Postgres in use, taken back into another database and into a folder.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { S3_ACCESS_KEY, S3_SECRET_KEY, type S3Server, startS3 } from "../../test/s3.ts";
import { connect } from "../db/postgres/driver.ts";
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
    media: (await Promise.all(ids.map((id) => store.getMedia(id)))).filter((media) => media !== null).length,
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

  test("that was cut off goes on when it is given again: among the rows, and among the media", async () => {
    const [url, target] = [await emptyDatabase(), await emptyDatabase()];
    const store = await openPostgresStore({ url, secretKey: KEY });
    await store.insertToken({ provider: "gemini", label: "one", secret: "canary-secret" }, NOW);
    const media = newMedia({ bytes: 30_000, expiresAt: NOW + 1000 });
    await s3.client.write(`fifth/${mediaPath(media)}`, new Uint8Array(30_000).fill(5));
    await store.insertMedia(media);
    await store.close();
    const [file, data] = [join(folder.path, "cut.tar"), join(folder.path, "cut-node")];
    mkdirSync(data);
    const made = await runRecorded({ cwd: folder.path, env: envOf(url, "fifth") }, "backup", file, "--media", "--data", data);
    expect(made.err).toBe("");

    let now = NOW;
    const restore = () =>
      runRecorded({ cwd: folder.path, env: envOf(target, "sixth"), now: () => (now += 60_000) }, "restore", file, "--data", data);
    s3.refuseWith(503);
    expect((await restore()).err).toContain("The object store refused");
    s3.refuseWith(null);
    expect(readdirSync(data).filter((name) => name.startsWith(".restore-"))).toEqual([]);
    const db = connect({ url: target });
    await db.transaction(async (sql) => {
      // As if it had been cut off after the tokens, an hour ago.
      await sql.run("DELETE FROM facts WHERE name = 'copy.done'");
      await sql.run("DELETE FROM media");
    });
    now += 3_600_000;
    const done = await restore();
    expect([done.code, done.err]).toEqual([0, ""]);
    expect(await s3.client.exists(`sixth/${mediaPath(media)}`)).toBe(true);
    const copy = await openPostgresStore({ url: target, secretKey: KEY });
    expect(await read(copy, [media.id])).toEqual({ secret: "canary-secret", media: 1 });
    await copy.close();

    await s3.client.delete(`sixth/${mediaPath(media)}`);
    const again = await restore();
    expect([again.code, again.err]).toEqual([0, ""]);
    expect(again.out).toContain("The rows of this backup were restored at");
    expect(await s3.client.exists(`sixth/${mediaPath(media)}`)).toBe(true);
    await db.close();
  });
});

describe("a backup of a data folder whose media lie in a bucket", () => {
  /** A folder with two media: one in the bucket, one that waits for it. */
  async function installation(prefix: string) {
    const data = join(folder.path, prefix);
    mkdirSync(join(data, "media/waiting"), { recursive: true });
    const store = await openStore({ dataDir: data, secretKey: KEY });
    await store.insertToken({ provider: "gemini", label: "one", secret: "canary-secret" }, NOW);
    const [uploaded, waiting] = [newMedia({ bytes: 30_000 }), newMedia({ bytes: 40_000 })];
    await s3.client.write(`${prefix}/${mediaPath(uploaded)}`, new Uint8Array(30_000).fill(1));
    await Bun.write(join(data, "media/waiting", `${waiting.id}.${waiting.ext}`), new Uint8Array(40_000).fill(2));
    for (const media of [uploaded, waiting]) await store.insertMedia(media);
    await store.close();
    const { FLOW2API_STORAGE_DATABASE_URL: _, ...env } = envOf("", prefix);
    return { data, env, uploaded, waiting };
  }
  const filesOf = (path: string) => readdirSync(path, { recursive: true }).map(String).sort();

  test("holds all of them, those that wait for the bucket too, and leaves nothing in the folder or beside the file", async () => {
    const { data, env, uploaded, waiting } = await installation("seventh");
    const out = join(folder.path, "seventh-out");
    mkdirSync(out);
    const before = filesOf(data);
    const file = join(out, "backup.tar");
    const made = await runRecorded({ cwd: folder.path, env }, "backup", file, "--media", "--data", data);
    expect([made.code, made.err]).toEqual([0, ""]);
    expect(made.out).toContain("holds 2 media");
    expect([filesOf(data), readdirSync(out)]).toEqual([before, ["backup.tar"]]);

    const alone = join(folder.path, "seventh-alone");
    const back = await runRecorded({ cwd: folder.path, env: { FLOW2API_SECRET_KEY: KEY_TEXT } }, "restore", file, "--data", alone);
    expect([back.code, back.err]).toEqual([0, ""]);
    for (const media of [uploaded, waiting]) expect(Bun.file(join(alone, "media", mediaPath(media))).size).toBe(media.bytes);
  });

  test("is taken back into a folder and another bucket; what waits there for its upload stays", async () => {
    const { data, env, uploaded, waiting } = await installation("tenth");
    const file = join(folder.path, "tenth.tar");
    expect((await runRecorded({ cwd: folder.path, env }, "backup", file, "--media", "--data", data)).code).toBe(0);
    const other = await installation("eleventh");
    const back = await runRecorded({ cwd: folder.path, env: other.env }, "restore", file, "--data", other.data);
    expect([back.code, back.err]).toEqual([0, ""]);
    for (const media of [uploaded, waiting]) expect((await s3.client.stat(`eleventh/${mediaPath(media)}`)).size).toBe(media.bytes);
    const left = join(other.data, "media/waiting", `${other.waiting.id}.${other.waiting.ext}`);
    expect([Bun.file(left).size, filesOf(join(other.data, "media"))]).toEqual([40_000, expect.not.arrayContaining([mediaPath(uploaded)])]);
  });

  test("that fails leaves nothing behind either", async () => {
    const { data, env } = await installation("eighth");
    const out = join(folder.path, "eighth-out");
    mkdirSync(out);
    const before = filesOf(data);
    s3.refuseWith(503);
    const failed = await runRecorded({ cwd: folder.path, env }, "backup", join(out, "backup.tar"), "--media", "--data", data);
    s3.refuseWith(null);
    expect(failed.code).toBe(1);
    expect([filesOf(data), readdirSync(out)]).toEqual([before, []]);
  });

  test("moves to a folder with what waits", async () => {
    const { data, env, uploaded, waiting } = await installation("ninth");
    const moved = join(folder.path, "ninth-moved");
    const done = await runRecorded({ cwd: folder.path, env }, "migrate", "--to", moved, "--media-to", join(moved, "media"), "--data", data);
    expect([done.code, done.err]).toEqual([0, ""]);
    for (const media of [uploaded, waiting]) expect(Bun.file(join(moved, "media", mediaPath(media))).size).toBe(media.bytes);
    rmSync(moved, { recursive: true });
  });
});
