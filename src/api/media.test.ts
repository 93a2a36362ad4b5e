// GET /media: who may read, which bytes are sent, and that no other file is within reach.
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Elysia } from "elysia";
import type { Settings } from "../config/settings-schema.ts";
import { openStore } from "../db/sqlite/store.ts";
import type { Media } from "../domain/generation.ts";
import { MP4_HEADER, PIXEL_PNG } from "../gateway/media/media.fixtures.ts";
import { parseRange } from "../gateway/media/media-response.ts";
import { RowMediaStore } from "../gateway/media/media-store.ts";
import { newId } from "../ids.ts";
import { silentLog } from "../log.ts";
import { temporaryFolder, virtualClock } from "../testing.ts";
import { mediaRoutes } from "./media.ts";

const SIZE = PIXEL_PNG.byteLength;

/** A listening server with a result, a video and an input of key 7; a key is its number in this test. */
async function serve() {
  const folder = temporaryFolder();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  const settings = () =>
    ({
      media: { max_age_days: 0, input_max_age_days: 0, max_megapixels: 1, max_total_mb: 0, min_free_mb: 0, key_share: 25 },
    }) as Settings;
  const media = new RowMediaStore({ dataDir: folder.path, store, clock: virtualClock(), settings, log: silentLog });
  const callerOf = (request: Request) => {
    const key = request.headers.get("authorization");
    return key ? { keyId: Number(key) } : null;
  };
  const app = new Elysia().use(mediaRoutes({ media, callerOf })).listen({ port: 0, hostname: "127.0.0.1" });
  const origin = `http://127.0.0.1:${app.server?.port}`;
  return {
    ...{ path: folder.path, media, app, origin },
    result: await media.storeBytes(PIXEL_PNG, { origin: "result", keyId: 7, requestId: null }),
    video: await media.storeBytes(MP4_HEADER, { origin: "result", keyId: 7, requestId: null }),
    input: await media.storeBytes(PIXEL_PNG, { origin: "input", keyId: 7, requestId: null }),
    operatorInput: await media.storeBytes(PIXEL_PNG, { origin: "input", keyId: null, requestId: null }),
    get: (target: string | Media, headers: Record<string, string> = {}, method = "GET") =>
      fetch(`${origin}${typeof target === "string" ? target : `/media/${target.id}.${target.ext}`}`, { headers, method }),
    async [Symbol.asyncDispose]() {
      await app.stop(true);
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

const NOBODY: Record<string, string> = {};
const NOT_FOUND = { error: { message: "There is no such media file.", type: "invalid_request_error", param: null, code: "not_found" } };

test("a result is sent whole to whoever has its URL, with headers that let a browser only show it", async () => {
  await using room = await serve();
  const response = await room.get(room.result);
  expect(response.status).toBe(200);
  expect(Buffer.compare(await response.bytes(), PIXEL_PNG)).toBe(0);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "image/png",
    "content-length": String(SIZE),
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=31536000, immutable",
    "content-disposition": `inline; filename="${room.result.id}.png"`,
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "*",
    etag: `"${room.result.id}"`,
  });
  expect((await room.get(room.video)).headers.get("content-type")).toBe("video/mp4");
});

test("HEAD has the headers of GET and no body", async () => {
  await using room = await serve();
  for (const headers of [NOBODY, { range: "bytes=2-4" }]) {
    const [head, get] = [await room.get(room.result, headers, "HEAD"), await room.get(room.result, headers)];
    const facts = (response: Response) =>
      ["content-length", "content-type", "content-range", "etag"].map((name) => response.headers.get(name));
    expect([head.status, ...facts(head)]).toEqual([get.status, ...facts(get)]);
    expect((await head.bytes()).byteLength).toBe(0);
  }
});

test("an input is sent to the key that owns it, to everyone else it does not exist", async () => {
  await using room = await serve();
  expect((await room.get(room.input, { authorization: "7" })).status).toBe(200);
  for (const headers of [NOBODY, { authorization: "8" }]) {
    const response = await room.get(room.input, headers);
    expect([response.status, await response.json()]).toEqual([404, NOT_FOUND]);
  }
  for (const headers of [NOBODY, { authorization: "0" }, { authorization: "null" }, { authorization: "7" }]) {
    expect((await room.get(room.operatorInput, headers)).status).toBe(404);
  }
});

describe("ranges", () => {
  const CASES: [string | null, ReturnType<typeof parseRange>][] = [
    [null, null],
    ["bytes=0-0", { start: 0, end: 1 }],
    ["bytes=2-4", { start: 2, end: 5 }],
    ["bytes=95-", { start: 95, end: 100 }],
    ["bytes=95-1000", { start: 95, end: 100 }],
    ["bytes=-5", { start: 95, end: 100 }],
    ["bytes=-1000", { start: 0, end: 100 }],
    ["BYTES=2-4", { start: 2, end: 5 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=100-200", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    [`bytes=${"9".repeat(400)}-`, "unsatisfiable"],
    ["bytes=4-2", null],
    ["bytes=-", null],
    ["bytes=a-b", null],
    ["bytes=1-2,4-5", null],
    ["bytes=--5", null],
    ["items=1-2", null],
    ["bytes 1-2", null],
    ["", null],
  ];
  test.each(CASES)("%j of 100 bytes", (header, expected) => expect(parseRange(header, 100)).toEqual(expected));

  test("of an empty file cannot be satisfied", () => {
    expect([parseRange("bytes=0-", 0), parseRange("bytes=-5", 0)]).toEqual(["unsatisfiable", "unsatisfiable"]);
  });

  test("are cut from the file", async () => {
    await using room = await serve();
    for (const [range, start, end] of [
      ["bytes=2-4", 2, 5],
      ["bytes=-5", SIZE - 5, SIZE],
      ["bytes=60-", 60, SIZE],
    ] as const) {
      const response = await room.get(room.result, { range });
      expect([response.status, response.headers.get("content-range"), response.headers.get("content-length")]).toEqual([
        ...[206, `bytes ${start}-${end - 1}/${SIZE}`, String(end - start)],
      ]);
      expect(response.headers.get("content-type")).toBe("image/png");
      expect(Buffer.compare(await response.bytes(), PIXEL_PNG.subarray(start, end))).toBe(0);
    }
  });

  test("beyond the end are answered 416 with the size", async () => {
    await using room = await serve();
    const response = await room.get(room.result, { range: "bytes=1000-" });
    expect([response.status, response.headers.get("content-range")]).toEqual([416, `bytes */${SIZE}`]);
  });

  test("several at once, or for another version, get the whole file", async () => {
    await using room = await serve();
    const etag = `"${room.result.id}"`;
    const status = async (headers: Record<string, string>) => {
      const response = await room.get(room.result, headers);
      return [response.status, (await response.bytes()).byteLength];
    };
    expect(await status({ range: "bytes=0-1,3-4" })).toEqual([200, SIZE]);
    expect(await status({ range: "bytes=0-1", "if-range": etag })).toEqual([206, 2]);
    expect(await status({ range: "bytes=0-1", "if-range": '"another"' })).toEqual([200, SIZE]);
    expect(await status({ range: "bytes=0-1", "if-range": `W/${etag}` })).toEqual([200, SIZE]);
    expect(await status({ range: "bytes=0-1", "if-range": "Mon, 23 Nov 2026 12:00:00 GMT" })).toEqual([200, SIZE]);
  });
});

test("a copy that the client holds is confirmed with 304, before ranges are read", async () => {
  await using room = await serve();
  const etag = `"${room.result.id}"`;
  for (const header of [etag, `W/${etag}`, `"a", ${etag}`, "*"]) {
    const response = await room.get(room.result, { "if-none-match": header, range: "bytes=0-1" });
    expect([response.status, response.headers.get("etag"), (await response.bytes()).byteLength]).toEqual([304, etag, 0]);
  }
  expect((await room.get(room.result, { "if-none-match": '"another"' })).status).toBe(200);
  expect((await room.get(room.input, { "if-none-match": "*" })).status).toBe(404);
});

describe("nothing but a media item's own name leads to a file", () => {
  test("over real connections, with paths sent as they are", async () => {
    await using room = await serve();
    const { id } = room.result;
    writeFileSync(join(room.path, "media", "drafts", "a.png"), "draft");
    const paths = [
      ...["/media/", "/media/.", "/media/drafts/a.png", "/media/drafts", `/media/${id.slice(0, 1)}`, `/media/${id.slice(0, 1)}/${id}.png`],
      ...["/media/../flow2api.db", "/media/..%2fflow2api.db", "/media/%2e%2e/flow2api.db", "/media/%2e%2e%2fflow2api.db"],
      ...["/media/..%5cflow2api.db", "/media/..\\flow2api.db", "/media/....//flow2api.db", "/media/..;/flow2api.db"],
      ...["/media/%252e%252e%252fflow2api.db", "/media/..%c0%afflow2api.db", "/media/%00", "/media//etc/passwd", "/media/%2fetc%2fpasswd"],
      ...["/media/C:%5cwindows%5cwin.ini", "/media/secret.key", "/media/..%2fsecret.key", "/media/~root", "/media/%", "/media/%zz.png"],
      ...[`/media/${id}`, `/media/${id}.`, `/media/${id}.jpg`, `/media/${id}.PNG`, `/media/${id.toUpperCase()}.png`, `/media/${id}.png/`],
      ...[`/media/${id}.png%00`, `/media/${id}%00.png`, `/media/${id}.png%20`, `/media/%20${id}.png`, `/media/${id}.png.png`],
      ...[
        `/media/${id}.png%2f..%2f..`,
        `/media/./..%2f${id}.png`,
        `/media/${id}%2epng`,
        `/media/${newId()}.png`,
        `/media/${"a".repeat(5000)}.png`,
      ],
    ];
    for (const path of paths) {
      const { status, text } = await rawRequest(Number(room.app.server?.port), path);
      // A path that leaves /media/ once it is normalised is none of this module's business: Elysia's own 404.
      expect({ path, status }).toEqual({ path, status: 404 });
      expect(text === "NOT_FOUND" || text === JSON.stringify(NOT_FOUND) ? "" : { path, text }).toBe("");
    }
  });

  test("the query of a URL changes nothing", async () => {
    await using room = await serve();
    expect((await room.get(`/media/${room.result.id}.png?file=../flow2api.db`)).status).toBe(200);
  });

  test("other methods find nothing", async () => {
    await using room = await serve();
    for (const method of ["POST", "PUT", "DELETE"]) expect((await room.get(room.result, {}, method)).status).toBe(404);
    expect((await room.get(room.result)).status).toBe(200);
  });
});

/** A GET whose path no client library has tidied up. */
async function rawRequest(port: number, path: string): Promise<{ status: number; text: string }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let response = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      data: (_socket, data) => {
        response += data.toString("latin1");
      },
      close: () => resolve(response),
    },
  });
  const text = await promise;
  return { status: Number(text.slice(9, 12)), text: text.slice(text.indexOf("\r\n\r\n") + 4) };
}
