// The Backup tab where media lie in a bucket, and where the records are in Postgres: what it says is true.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { readTar } from "../../src/db/tar.ts";
import { type Rig, startRig } from "../rig.ts";
import { S3_ACCESS_KEY, S3_SECRET_KEY, type S3Server, startS3 } from "../s3.ts";
import { type SignedIn, signIn } from "./admin.ts";

let s3: S3Server;
let rig: Rig;
let me: SignedIn;
beforeAll(async () => {
  s3 = await startS3();
  rig = await startRig({
    settings: {
      "storage.media_url": `s3://${s3.bucket}/pool`,
      "storage.s3_endpoint": s3.endpoint,
      "storage.s3_access_key": S3_ACCESS_KEY,
      "storage.s3_secret_key": S3_SECRET_KEY,
    },
  });
  me = await signIn(rig);
}, 30_000);
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
});

const page = async () => (await me.get("/admin/system/backup")).text();

test("offers no backup with media that lie in a bucket, and names the command that writes them", async () => {
  const html = await page();
  expect(html).not.toContain('name="media"');
  expect(html).toContain(`<code>s3://${s3.bucket}/pool</code>`);
  expect(html).toContain("flow2api backup FILE --media");
  expect((await rig.chat()).status).toBe(200);
  const { lacks, file } = await rig.context.maintenance.writeBackup({ requests: false, media: true });
  expect(lacks).toContain(`media: they lie in s3://${s3.bucket}/pool`);
  const names: string[] = [];
  for await (const entry of readTar(file)) {
    names.push(entry.name);
    await entry.read(100_000_000);
  }
  expect(names.filter((name) => name.startsWith("media/"))).toEqual([]);
});

test("where the records are in Postgres names the bucket, what waits on a disk, and no schedule", async () => {
  const { maintenance } = rig.context;
  maintenance.isShared = true;
  const html = await page();
  maintenance.isShared = false;
  expect(html).toContain("pg_dump");
  expect(html).toContain(`<code>s3://${s3.bucket}/pool</code>`);
  expect(html).toContain(`<code>${join(rig.folder, "media/waiting")}</code>`);
  expect(html).toContain("flow2api backup FILE --requests --media");
  expect(html).not.toContain("/admin/system/backup/schedule");
});
