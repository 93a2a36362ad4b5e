// flow2api migrate on real folders, a real Postgres and an S3 server: there and back, and what is refused.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { S3_ACCESS_KEY, S3_SECRET_KEY, type S3Server, startS3 } from "../../test/s3.ts";
import { openStore as openPostgresStore } from "../db/postgres/store.ts";
import { emptyDatabase, hasPostgres } from "../db/postgres/testing.ts";
import { newMedia } from "../db/rows.fixtures.ts";
import { acquireFolder } from "../db/sqlite/lock.ts";
import { loadSecretKey } from "../db/sqlite/secrets.ts";
import { openStore } from "../db/sqlite/store.ts";
import type { Store } from "../db/store.ts";
import type { Media } from "../domain/generation.ts";
import { temporaryFolder } from "../testing.ts";
import { runRecorded } from "./testing.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const SECRET = "AIzaSyCanaryCanaryCanaryCanaryCanary01";

const folder = temporaryFolder();
let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

let count = 0;
const bytesOf = (media: Media) => Uint8Array.from({ length: media.bytes }, (_, at) => (at * 7 + media.bytes) % 251);
const pathOf = ({ id, ext }: Media) => join(id.slice(0, 1), `${id}.${ext}`);

/** An installation with a token and media, most of them in files. */
async function installation() {
  const data = join(folder.path, `data-${++count}`);
  mkdirSync(data, { mode: 0o700 });
  const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
  await store.insertToken({ provider: "gemini", label: "one", secret: SECRET }, NOW);
  const media = [
    newMedia({ bytes: 20_000 }),
    newMedia({ bytes: 30_000, origin: "input" }),
    newMedia({ bytes: 40_000, ext: "mp4", mime: "video/mp4" }),
  ];
  for (const item of media) {
    await Bun.write(join(data, "media", pathOf(item)), bytesOf(item));
    await store.insertMedia(item);
  }
  await store.insertMedia(newMedia({ bytes: 3 }), new Uint8Array([1, 2, 3]));
  await store.close();
  return { data, media, key: readFileSync(join(data, "secret.key"), "utf8").trim() };
}

const bucketEnv = () => ({
  FLOW2API_STORAGE_S3_ENDPOINT: s3.endpoint,
  FLOW2API_STORAGE_S3_ACCESS_KEY: S3_ACCESS_KEY,
  FLOW2API_STORAGE_S3_SECRET_KEY: S3_SECRET_KEY,
});

const readSecret = async (store: Store) => {
  try {
    return (await store.readTokenSecret((await store.listTokens())[0]!.id)).secret;
  } finally {
    await store.close();
  }
};

describe.skipIf(!hasPostgres)("migrate", () => {
  test("takes a folder to Postgres and a bucket, and back into a folder", async () => {
    const { data, media, key } = await installation();
    const url = await emptyDatabase();
    const bucket = `s3://${s3.bucket}/there`;
    const there = await runRecorded(
      { cwd: folder.path, env: bucketEnv() },
      ...["migrate", "--to", url, "--media-to", bucket, "--verify", "--data", data],
    );
    expect([there.code, there.err]).toEqual([0, ""]);
    expect(there.out).toContain("  tokens: 1\n");
    expect(there.out).toContain("  media: 4\n");
    expect(there.out).toContain(`Media: 3 copied to ${bucket} (90000 bytes), 0 were there already.`);
    expect(await readSecret(await openPostgresStore({ url, secretKey: Buffer.from(key, "base64") }))).toBe(SECRET);
    for (const item of media) expect(await s3.client.file(`there/${pathOf(item)}`).bytes()).toEqual(bytesOf(item));
    expect((await s3.client.stat(`there/${pathOf(media[2]!)}`)).type).toBe("video/mp4");

    const back = join(folder.path, "back");
    const env = { ...bucketEnv(), FLOW2API_SECRET_KEY: key, FLOW2API_STORAGE_DATABASE_URL: url, FLOW2API_STORAGE_MEDIA_URL: bucket };
    const here = await runRecorded(
      { cwd: folder.path, env },
      ...["migrate", "--to", back, "--media-to", join(back, "media"), "--data", join(folder.path, "node")],
    );
    expect([here.code, here.err]).toEqual([0, ""]);
    expect(await readSecret(await openStore({ dataDir: back, secretKey: Buffer.from(key, "base64") }))).toBe(SECRET);
    for (const item of media) expect(await Bun.file(join(back, "media", pathOf(item))).bytes()).toEqual(bytesOf(item));
  });

  test("given again after media were cut off, copies only what is missing", async () => {
    const { data, media } = await installation();
    const url = await emptyDatabase();
    const args = ["migrate", "--to", url, "--media-to", `s3://${s3.bucket}/again`, "--data", data] as const;
    const world = { cwd: folder.path, env: bucketEnv() };
    s3.refuseWith(503);
    const failed = await runRecorded(world, ...args);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain("The object store refused");
    s3.refuseWith(null);
    await s3.client.write(`again/${pathOf(media[0]!)}`, bytesOf(media[0]!));
    const done = await runRecorded(world, ...args);
    expect(done.code).toBe(0);
    expect(done.out).toContain("2 copied");
    expect(done.out).toContain("1 were there already");
  });

  test("says which media were missing before, and copies the others", async () => {
    const { data, media } = await installation();
    writeFileSync(join(data, "media", pathOf(media[1]!)), "cut");
    const { code, err, out } = await runRecorded(
      { cwd: folder.path, env: bucketEnv() },
      ...["migrate", "--to", await emptyDatabase(), "--media-to", `s3://${s3.bucket}/gaps`, "--data", data],
    );
    expect(code).toBe(0);
    expect(out).toContain("Media: 2 copied");
    expect(err).toContain("1 media had no bytes");
  });

  test("is refused while a server uses the folder, and into a place that holds something", async () => {
    const { data } = await installation();
    const url = await emptyDatabase();
    const world = { cwd: folder.path, env: {} };
    {
      using _lock = acquireFolder(data);
      const { code, err } = await runRecorded(world, "migrate", "--to", url, "--data", data);
      expect(code).toBe(1);
      expect(err).toContain("is in use by another flow2api");
    }
    expect((await runRecorded(world, "migrate", "--to", url, "--data", data)).code).toBe(0);
    const other = await installation();
    const { code, err } = await runRecorded(world, "migrate", "--to", url, "--data", other.data);
    expect(code).toBe(1);
    expect(err).toContain("expected the secret key that this database was made with");
  });

  test.each([
    ["mysql://localhost/x", "expected postgres://… or a folder, got mysql://…"],
    [".", "expected another place than the one in use"],
  ])("--to %s is wrong usage", async (to, message) => {
    const { data } = await installation();
    const { code, err } = await runRecorded({ cwd: data, env: {} }, "migrate", "--to", to, "--data", data);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
