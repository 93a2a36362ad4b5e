// Media in an object store: two nodes on one bucket, and what is kept when the bucket is away.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { S3_ACCESS_KEY, S3_REGION, S3_SECRET_KEY, type S3Server, startS3 } from "../../../test/s3.ts";
import type { Settings } from "../../config/settings-schema.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { Media } from "../../domain/generation.ts";
import { silentLog } from "../../log.ts";
import { ObjectStore } from "../../object-store/object-store.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { PIXEL_PNG } from "./media.fixtures.ts";
import { mediaResponse } from "./media-response.ts";
import { RowMediaStore } from "./media-store.ts";

const DAY_MS = 86_400_000;
const RESULT = { origin: "result", keyId: 7, requestId: "request" } as const;
const MEBIBYTE = 1024 * 1024;

let s3: S3Server;
let prefixes = 0;
let prefix = "";
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3[Symbol.asyncDispose]());
beforeEach(() => {
  s3.intercept = null;
  s3.refuseWith(null);
  prefixes++;
  prefix = `test-${prefixes}`;
});

/** Rows on which several nodes agree, and nodes with a folder each. */
async function openRows() {
  const folder = temporaryFolder();
  const clock = virtualClock();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  const nodes: { media: RowMediaStore; folder: ReturnType<typeof temporaryFolder> }[] = [];
  const storage = { media_cache_mb: 64, media_redirect: false };
  return {
    store,
    clock,
    storage,
    async node(callMs?: number) {
      const own = temporaryFolder();
      const url = `s3://${s3.bucket}/${prefix}`;
      const objects = new ObjectStore({
        url,
        endpoint: s3.endpoint,
        region: S3_REGION,
        accessKey: S3_ACCESS_KEY,
        secretKey: S3_SECRET_KEY,
        callMs,
      });
      const limits = { max_age_days: 30, input_max_age_days: 2, max_total_mb: 0, key_share: 25, sweep_interval: 300, min_free_mb: 0 };
      const media = new RowMediaStore({
        rowBytes: 0,
        ...{ dataDir: own.path, objects, store, clock, log: silentLog },
        settings: () =>
          ({
            media: { ...limits, max_megapixels: 10 },
            storage,
            generation: { image_timeout: 300, video_timeout: 1500 },
          }) as unknown as Settings,
      });
      await media.start();
      nodes.push({ media, folder: own });
      return { media, path: own.path };
    },
    async [Symbol.asyncDispose]() {
      for (const { media, folder: own } of nodes) {
        await media.stop();
        own[Symbol.dispose]();
      }
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

/** `size` bytes that begin like a PNG. */
function largePng(size: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from({ length: size }, (_, at) => at % 251);
  bytes.set(PIXEL_PNG);
  return bytes;
}

const objectOf = ({ id, ext }: Media) => `${prefix}/${id.slice(0, 1)}/${id}.${ext}`;
const filesIn = (path: string, name: string) => {
  const folder = join(path, "media", name);
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((file) => String(file).includes(".")) : [];
};
const kindOf = (act: Promise<unknown>) =>
  act.then(
    () => null,
    (error) => error.kind,
  );
/** Holds requests of a method up until `release`; `held` are the paths of those that wait or waited. */
function holdUp(method: string) {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const held: string[] = [];
  s3.intercept = async (request) => {
    if (request.method !== method) return null;
    held.push(new URL(request.url).pathname);
    await promise;
    return null;
  };
  return { held, release };
}
const until = async (what: string, done: () => unknown) => {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 1000) throw new Error(`It did not happen: ${what}`);
    await Bun.sleep(5);
  }
};
const get = (headers: Record<string, string> = {}) => new Request("http://localhost/media/x", { headers });

describe("media in a bucket", () => {
  test("what one node stored, the other opens, reads by range and shows as a thumbnail", async () => {
    await using rows = await openRows();
    const [a, b] = [await rows.node(), await rows.node()];
    const bytes = largePng(300_000);
    const media = await a.media.storeBytes(bytes, RESULT);
    expect(await s3.client.file(objectOf(media)).bytes()).toEqual(bytes);
    expect((await s3.client.stat(objectOf(media))).type).toBe("image/png");

    const before = s3.requests.length;
    const part = await mediaResponse((await b.media.read(media.id))!, get({ range: "bytes=1000-1999" }));
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 1000-1999/300000"]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(1000, 2000));
    expect(s3.requests.slice(before).map((line) => line.split(" ")[0])).toEqual(["HEAD", "GET"]);
    expect(filesIn(b.path, "copies")).toEqual([]);

    const [one, two] = await Promise.all([b.media.open(media.id), b.media.open(media.id)]);
    expect(await one!.blob.bytes()).toEqual(bytes);
    expect(two!.blob.size).toBe(300_000);
    expect(s3.requests.slice(before).map((line) => line.split(" ")[0])).toEqual(["HEAD", "GET", "GET"]);
    expect(filesIn(b.path, "copies").length).toBe(1);

    const image = await a.media.storeBytes(PIXEL_PNG, RESULT);
    expect((await b.media.thumbnail(image.id))!.size).toBeGreaterThan(0);
  });

  test("a large result that came by way of a temp file leaves nothing but its copy", async () => {
    await using rows = await openRows();
    const { media, path } = await rows.node();
    const bytes = largePng(3_000_000);
    const writer = await media.openTempFile("image/png");
    for (let at = 0; at < bytes.length; at += 100_000) await writer.write(bytes.subarray(at, at + 100_000));
    const stored = await media.store(await writer.close(), RESULT);
    expect((await s3.client.stat(objectOf(stored))).size).toBe(3_000_000);
    expect([filesIn(path, "drafts"), filesIn(path, "waiting"), filesIn(path, "copies").length]).toEqual([[], [], 1]);
    expect(await (await media.open(stored.id))!.blob.bytes()).toEqual(bytes);
  });

  test("deleting takes the object, the copy and the row; another node then has none", async () => {
    await using rows = await openRows();
    const [a, b] = [await rows.node(), await rows.node()];
    const media = await a.media.storeBytes(largePng(50_000), RESULT);
    await b.media.open(media.id);
    expect(await a.media.remove(media.id)).toBe(true);
    expect(await s3.client.exists(objectOf(media))).toBe(false);
    expect(filesIn(a.path, "copies")).toEqual([]);
    expect(await b.media.open(media.id)).toBeNull();
    expect(await b.media.read(media.id)).toBeNull();
  });

  test("a HEAD names the length and asks the bucket for no bytes", async () => {
    await using rows = await openRows();
    const [a, b] = [await rows.node(), await rows.node()];
    const media = await a.media.storeBytes(largePng(50_000), RESULT);
    const before = s3.requests.length;
    const response = await mediaResponse((await b.media.read(media.id))!, new Request("http://localhost/media/x", { method: "HEAD" }));
    expect(response.headers.get("content-length")).toBe("50000");
    expect(s3.requests.slice(before).map((line) => line.split(" ")[0])).toEqual(["HEAD"]);
  });

  test("with media_redirect a response names a link that gives the bytes without a key", async () => {
    await using rows = await openRows();
    rows.storage.media_redirect = true;
    const { media } = await rows.node();
    const bytes = largePng(50_000);
    const stored = await media.storeBytes(bytes, RESULT);
    const response = await mediaResponse((await media.read(stored.id))!, get());
    expect([response.status, response.headers.get("cache-control")]).toEqual([302, "no-store"]);
    const followed = await fetch(response.headers.get("location")!);
    expect(followed.headers.get("content-disposition")).toBe(`inline; filename="${stored.id}.png"`);
    expect(await followed.bytes()).toEqual(bytes);
  });

  test("with media_redirect a HEAD is answered here: the link is signed for GET alone", async () => {
    await using rows = await openRows();
    rows.storage.media_redirect = true;
    const { media } = await rows.node();
    const stored = await media.storeBytes(largePng(50_000), RESULT);
    const response = await mediaResponse((await media.read(stored.id))!, new Request("http://localhost/media/x", { method: "HEAD" }));
    expect([response.status, response.headers.get("location"), response.headers.get("content-type")]).toEqual([200, null, "image/png"]);
    expect(response.headers.get("content-length")).toBe("50000");
  });
});

describe("a bucket that is away", () => {
  test("in the middle of a file leaves no copy of a part, and is asked again", async () => {
    await using rows = await openRows();
    const [a, b] = [await rows.node(), await rows.node(200)];
    const bytes = largePng(300_000);
    const stored = await a.media.storeBytes(bytes, RESULT);
    const part = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(bytes.slice(0, 100_000)) }));
    s3.intercept = async ({ method }) => (method === "GET" ? part() : null);
    expect(await kindOf(b.media.open(stored.id))).toBe("unavailable");
    expect(filesIn(b.path, "copies")).toEqual([]);
    s3.intercept = null;
    expect(await (await b.media.open(stored.id))!.blob.bytes()).toEqual(bytes);
  });

  test("takes no result: it waits on disk, is served from there, and is uploaded when the bucket is back", async () => {
    await using rows = await openRows();
    const [a, b] = [await rows.node(), await rows.node()];
    s3.refuseWith(503);
    const bytes = largePng(60_000);
    const media = await a.media.storeBytes(bytes, RESULT);
    const second = await a.media.storeBytes(largePng(70_000), RESULT);
    expect(filesIn(a.path, "waiting").length).toBe(2);
    expect(await (await a.media.open(media.id))!.blob.bytes()).toEqual(bytes);
    expect(await kindOf(b.media.open(media.id))).toBe("unavailable");

    s3.refuseWith(null);
    expect(await kindOf(b.media.read(media.id))).toBe("unavailable");
    rows.clock.advance(5_000);
    while (filesIn(a.path, "waiting").length > 0) await Bun.sleep(5);
    expect((await s3.client.stat(objectOf(second))).size).toBe(70_000);
    expect(await (await b.media.open(media.id))!.blob.bytes()).toEqual(bytes);
  });

  test("one upload that takes longer than the look at what waits is sent once, and its object stays", async () => {
    await using rows = await openRows();
    const { media, path } = await rows.node();
    const { held, release } = holdUp("PUT");
    const storing = media.storeBytes(largePng(60_000), RESULT);
    await until("the upload begins", () => held.length === 1);
    await rows.clock.advance(5_000);
    await Bun.sleep(50);
    release();
    const stored = await storing;
    await rows.clock.advance(5_000);
    expect(held.length).toBe(1);
    expect(await s3.client.exists(objectOf(stored))).toBe(true);
    expect([filesIn(path, "waiting"), filesIn(path, "copies").length]).toEqual([[], 1]);
  });

  test("a file that is half written is not uploaded, and one that a crash left is deleted at the next start", async () => {
    await using rows = await openRows();
    const { media, path } = await rows.node();
    const slow = new ReadableStream({
      async start(controller) {
        controller.enqueue(largePng(50_000));
        await Bun.sleep(80);
        controller.close();
      },
    });
    const before = s3.requests.length;
    const storing = media.storeBytes(await new Response(slow).blob(), RESULT);
    await storing;
    expect(s3.requests.slice(before).filter((line) => line.startsWith("PUT")).length).toBe(1);
    await media.stop();
    const left = join(path, "media/waiting", `${"a".repeat(26)}.png.partial`);
    await Bun.write(left, "half");
    await media.start();
    await until("the rest is deleted", () => !existsSync(left));
    expect(await s3.client.exists(`${prefix}/a/${"a".repeat(26)}.png`)).toBe(false);
  });

  test("a media item that is deleted while it is uploaded leaves no object and no copy", async () => {
    await using rows = await openRows();
    const { media, path } = await rows.node();
    s3.refuseWith(503);
    const stored = await media.storeBytes(largePng(60_000), RESULT);
    s3.refuseWith(null);
    const { held, release } = holdUp("PUT");
    await rows.clock.advance(5_000);
    await until("the upload begins", () => held.length === 1);
    expect(await media.remove(stored.id)).toBe(true);
    release();
    await until("the object is put", () => s3.requests.includes(`PUT /${s3.bucket}/${objectOf(stored)}`));
    await until("the object is deleted", () => s3.requests.at(-1) === `DELETE /${s3.bucket}/${objectOf(stored)}`);
    expect(await s3.client.exists(objectOf(stored))).toBe(false);
    expect([filesIn(path, "waiting"), filesIn(path, "copies")]).toEqual([[], []]);
  });

  test("files that the bucket does not take hold up no others, at most three at once are tried while it is away", async () => {
    await using rows = await openRows();
    const { media, path } = await rows.node();
    s3.refuseWith(503);
    const stored = [];
    for (let count = 0; count < 8; count++) stored.push(await media.storeBytes(largePng(60_000), RESULT));
    s3.refuseWith(null);
    let tries = 0;
    s3.intercept = async (request) => {
      if (request.method === "PUT") tries++;
      return request.method === "PUT" ? new Response("", { status: 503 }) : null;
    };
    await rows.clock.advance(5_000);
    await until("some are tried", () => tries >= 3);
    await Bun.sleep(50);
    // Lanes that had begun end.
    expect(tries).toBeLessThanOrEqual(5);
    const bad = new Set(stored.slice(0, 4).map((item) => `/${s3.bucket}/${objectOf(item)}`));
    s3.intercept = async (request) => (bad.has(new URL(request.url).pathname) ? new Response("", { status: 400 }) : null);
    for (let looks = 0; looks < 5; looks++) {
      await rows.clock.advance(5_000);
      await Bun.sleep(60);
    }
    for (const item of stored.slice(4)) expect(await s3.client.exists(objectOf(item))).toBe(true);
    expect(filesIn(path, "waiting").length).toBe(4);
    // One that can be taken is taken at once: the others are not held against the bucket.
    const next = await media.storeBytes(largePng(60_000), RESULT);
    expect(await s3.client.exists(objectOf(next))).toBe(true);
  });

  test("a start does not wait for what waits, and a stop gives up what is under way", async () => {
    await using rows = await openRows();
    const { media, path } = await rows.node();
    s3.refuseWith(503);
    const stored = await media.storeBytes(largePng(60_000), RESULT);
    await media.stop();
    s3.refuseWith(null);
    const { held, release } = holdUp("PUT");
    await media.start();
    await until("the upload begins", () => held.length === 1);
    await media.stop();
    expect(filesIn(path, "waiting")).toEqual([`${stored.id}.png`]);
    release();
    s3.intercept = null;
    await media.start();
    await until("it is uploaded", () => filesIn(path, "waiting").length === 0);
    expect((await s3.client.stat(objectOf(stored))).size).toBe(60_000);
  }, 15_000);

  test("what waited is uploaded after a restart", async () => {
    await using rows = await openRows();
    s3.refuseWith(503);
    const first = await rows.node();
    const media = await first.media.storeBytes(largePng(60_000), RESULT);
    await first.media.stop();
    s3.refuseWith(null);
    await first.media.start();
    await until("it is uploaded", () => filesIn(first.path, "waiting").length === 0);
    expect((await s3.client.stat(objectOf(media))).size).toBe(60_000);
    expect(filesIn(first.path, "waiting")).toEqual([]);
  });

  test("keeps rows whose objects could not be deleted, and deletes them later", async () => {
    await using rows = await openRows();
    const { media } = await rows.node();
    const stored = await media.storeBytes(largePng(60_000), RESULT);
    s3.refuseWith(503);
    expect(await media.remove(stored.id)).toBe(false);
    expect(await media.get(stored.id)).not.toBeNull();
    s3.refuseWith(null);
    rows.clock.advance(31 * DAY_MS);
    while (await media.get(stored.id)) await media.sweep();
    expect(await s3.client.exists(objectOf(stored))).toBe(false);
  });
});

test("objects without a row are deleted a day later, others never", async () => {
  await using rows = await openRows();
  const { media } = await rows.node();
  const kept = await media.storeBytes(largePng(60_000), RESULT);
  const lost = await media.storeBytes(largePng(60_000), RESULT);
  await rows.store.deleteMedia([lost.id]);
  const others = [
    "readme.txt",
    // Of an installation whose prefix lies below ours, or in a folder of a person.
    `other/${lost.id.slice(0, 1)}/${lost.id}.png`,
    `${lost.id.slice(0, 1)}/other/${lost.id}.png`,
    `${lost.id}.png`,
    `9/${lost.id}.png`,
    `${lost.id.slice(0, 1)}/${lost.id}.png.txt`,
    `${lost.id.slice(0, 1)}/${lost.id}`,
  ];
  for (const name of others) await s3.client.write(`${prefix}/${name}`, "someone else's");
  // The bucket's times are those of this machine, the clock's stand in the past.
  rows.clock.advance(Date.now() - rows.clock.now() + DAY_MS + 60_000);
  while (await s3.client.exists(objectOf(lost))) await Bun.sleep(10);
  expect(await s3.client.exists(objectOf(kept))).toBe(true);
  for (const name of others) expect([name, await s3.client.exists(`${prefix}/${name}`)]).toEqual([name, true]);
});

test("local copies stay within media_cache_mb: those not read for longest go", async () => {
  await using rows = await openRows();
  const { media, path } = await rows.node();
  rows.storage.media_cache_mb = 1;
  const stored = [];
  for (let count = 0; count < 6; count++) stored.push(await media.storeBytes(largePng(300_000), RESULT));
  while (filesIn(path, "copies").length > 3) await Bun.sleep(5);
  const total = filesIn(path, "copies").reduce((sum, file) => sum + statSync(join(path, "media/copies", String(file))).size, 0);
  expect(total).toBeLessThanOrEqual(MEBIBYTE);
  for (const item of stored) expect((await media.open(item.id))!.blob.size).toBe(300_000);
  rmSync(join(path, "media/copies"), { recursive: true });
  expect((await media.open(stored[0]!.id))!.blob.size).toBe(300_000);
});
