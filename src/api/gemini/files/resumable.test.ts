// Tests: what an upload's address lets through, once, for an hour, within the size that is allowed.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Media } from "../../../domain/generation.ts";
import type { MediaStore } from "../../../gateway/media/contract.ts";
import { createTempFiles } from "../../../gateway/media/temp-files.ts";
import { temporaryFolder, virtualClock } from "../../../testing.ts";
import { createUploads } from "./resumable.ts";

const FACTS = { keyId: 1, requestId: "req", name: "fox.png", fileName: null, declaredBytes: null, origin: "http://localhost" };
const MEBIBYTE = 1024 * 1024;

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

function open() {
  const clock = virtualClock();
  const tempFiles = createTempFiles(join(folder.path, "drafts"));
  const kept: number[] = [];
  const media: Pick<MediaStore, "openTempFile" | "store" | "remove"> = {
    remove: async () => true,
    openTempFile: async (mime) => tempFiles.open(mime),
    async store(tempFile) {
      kept.push(tempFile.bytes);
      await tempFiles.discard(tempFile);
      return { bytes: tempFile.bytes } as Media;
    },
  };
  const left = () => Array.from(new Bun.Glob("drafts/*").scanSync(folder.path));
  return { clock, kept, left, uploads: createUploads({ media, nameFile: async () => true, clock, limitMb: () => 4 }) };
}

async function* bytes(...sizes: number[]) {
  for (const size of sizes) yield new Uint8Array(size);
}

test("pieces become one file, and the address is used up", async () => {
  const { uploads, kept, left } = open();
  const upload = uploads.begin({ ...FACTS, declaredBytes: 3 * MEBIBYTE });
  expect(await uploads.receive(upload, bytes(MEBIBYTE, MEBIBYTE), false)).toBeNull();
  expect([upload.received, uploads.find(upload.id)]).toEqual([2 * MEBIBYTE, upload]);
  expect(await uploads.receive(upload, bytes(MEBIBYTE), true)).toMatchObject({ bytes: 3 * MEBIBYTE });
  expect([kept, uploads.find(upload.id), left()]).toEqual([[3 * MEBIBYTE], null, []]);
});

test("what arrived before a connection broke stays", async () => {
  const { uploads } = open();
  const upload = uploads.begin(FACTS);
  const broken = (async function* () {
    yield new Uint8Array(10);
    throw new Error("gone");
  })();
  await expect(uploads.receive(upload, broken, true)).rejects.toThrow("gone");
  expect(uploads.find(upload.id)?.received).toBe(10);
  expect(await uploads.receive(upload, bytes(5), true)).toMatchObject({ bytes: 15 });
});

test("an upload that is shorter than announced is no file yet", async () => {
  const { uploads } = open();
  const upload = uploads.begin({ ...FACTS, declaredBytes: 20 });
  await expect(uploads.receive(upload, bytes(10), true)).rejects.toMatchObject({ kind: "invalid_request" });
  expect(await uploads.receive(upload, bytes(10), true)).toMatchObject({ bytes: 20 });
});

test("a file over the limit is refused when it is announced and when it arrives, and leaves nothing", async () => {
  const { uploads, left } = open();
  expect(() => uploads.begin({ ...FACTS, declaredBytes: 4 * MEBIBYTE + 1 })).toThrow(
    expect.objectContaining({ kind: "payload_too_large" }),
  );
  const upload = uploads.begin(FACTS);
  await expect(uploads.receive(upload, bytes(3 * MEBIBYTE, 2 * MEBIBYTE), false)).rejects.toMatchObject({ kind: "payload_too_large" });
  expect([uploads.find(upload.id), left()]).toEqual([null, []]);
});

test("an upload that nobody finishes is gone after an hour, with its bytes", async () => {
  const { uploads, clock, left } = open();
  const upload = uploads.begin(FACTS);
  await uploads.receive(upload, bytes(2 * MEBIBYTE), false);
  expect(left().length).toBe(1);
  await clock.advance(3_600_000);
  expect(uploads.find(upload.id)).toBeNull();
  for (let tries = 0; tries < 500 && left().length > 0; tries++) await Bun.sleep(1);
  expect(left()).toEqual([]);
});

test("two pieces at once are a conflict", async () => {
  const { uploads } = open();
  const upload = uploads.begin(FACTS);
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = (async function* () {
    await promise;
    yield new Uint8Array(1);
  })();
  const first = uploads.receive(upload, slow, false);
  await expect(uploads.receive(upload, bytes(1), false)).rejects.toMatchObject({ kind: "conflict" });
  resolve();
  await first;
});

test("a key has only so many uploads open; another key is not in its way", () => {
  const { uploads } = open();
  for (let count = 0; count < 32; count++) uploads.begin(FACTS);
  expect(() => uploads.begin(FACTS)).toThrow(expect.objectContaining({ kind: "busy" }));
  expect(uploads.begin({ ...FACTS, keyId: 2 }).received).toBe(0);
});
