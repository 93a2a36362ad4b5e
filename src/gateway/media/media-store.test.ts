// The media store on a real folder and a real database: what is stored, under which path, and when it goes.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../config/settings-schema.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { Media, TempFile } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { isId, newId } from "../../ids.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { jpegHeader, MP4_HEADER, PIXEL_PNG, pngHeader } from "./media.fixtures.ts";
import { type MediaDependencies, RowMediaStore } from "./media-store.ts";
import { diskErrors } from "./temp-files.ts";

const DAY_MS = 86_400_000;
const RESULT = { origin: "result", keyId: 7, requestId: "request" } as const;
const INPUT = { origin: "input", keyId: 7, requestId: null } as const;

type MediaSettings = Partial<Settings["media"]>;

/** A store in an empty folder, with settings that a test may change while it runs. */
async function openMedia(
  change: MediaSettings = {},
  wrap: (store: MediaDependencies["store"]) => MediaDependencies["store"] = (store) => store,
) {
  const folder = temporaryFolder();
  const clock = virtualClock();
  const settings = {
    ...{ max_age_days: 30, input_max_age_days: 2, max_total_mb: 0, key_share: 25, sweep_interval: 300, min_free_mb: 0, max_megapixels: 10 },
    ...change,
  };
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  const media = new RowMediaStore({
    rowBytes: 0,
    dataDir: folder.path,
    store: wrap(store),
    clock,
    settings: () => ({ media: settings, generation: { image_timeout: 300, video_timeout: 1500 } }) as Settings,
    log: silentLog,
  });
  const files = () =>
    readdirSync(join(folder.path, "media"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.path.length + 1));
  return {
    ...{ media, store, clock, settings, files, path: folder.path },
    async [Symbol.asyncDispose]() {
      await media.stop();
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

const pathOf = ({ id, ext }: Media) => join("media", id.slice(0, 1), `${id}.${ext}`);

const failure = async (act: Promise<unknown>): Promise<AppError> => {
  const error = await act.then(
    () => null,
    (reason) => reason,
  );
  if (!(error instanceof AppError)) throw new Error("It did not fail as expected.", { cause: error });
  return error;
};

/** `size` bytes that begin like a PNG. */
function largePng(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) bytes[at] = at % 251;
  bytes.set(PIXEL_PNG);
  return bytes;
}

describe("a temp file becomes a media item", () => {
  test.each([
    ["of a few bytes, in one piece", PIXEL_PNG, 1000],
    ["of a few bytes, byte by byte", PIXEL_PNG, 1],
    ["of 3 MB, in chunks of 10 kB", largePng(3_000_000), 10_000],
    ["of 3 MB, in one piece", largePng(3_000_000), 3_000_000],
  ])("%s", async (_name, bytes, chunk) => {
    await using room = await openMedia();
    const writer = await room.media.openTempFile("image/webp");
    for (let at = 0; at < bytes.byteLength; at += chunk) await writer.write(bytes.subarray(at, at + chunk));
    const media = await room.media.store(await writer.close(), RESULT);
    expect(media).toEqual({
      ...{ id: media.id, kind: "image", origin: "result", mime: "image/png", ext: "png", bytes: bytes.byteLength, width: 1, height: 1 },
      ...{
        keyId: 7,
        createdAt: room.clock.now(),
        expiresAt: room.clock.now() + 30 * DAY_MS,
        requestId: "request",
        name: null,
        purpose: null,
        family: null,
      },
    });
    expect(isId(media.id)).toBe(true);
    expect(room.files()).toEqual([pathOf(media)]);
    expect(await room.store.getMedia(media.id)).toEqual(media);
    const found = await room.media.open(media.id);
    expect(Buffer.compare((await found?.blob.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
  });

  test("with chunks in order even when the writer is not waited for", async () => {
    await using room = await openMedia();
    const bytes = largePng(3_000_000);
    const writer = await room.media.openTempFile("image/png");
    for (let at = 0; at < bytes.byteLength; at += 100_000) void writer.write(bytes.subarray(at, at + 100_000));
    const { id } = await room.media.store(await writer.close(), RESULT);
    expect(Buffer.compare((await (await room.media.open(id))?.blob.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
  });

  test("of a type decided by its bytes, not by what the upstream said", async () => {
    await using room = await openMedia();
    const stored = [];
    for (const bytes of [jpegHeader(640, 480), MP4_HEADER]) stored.push(await room.media.storeBytes(bytes, RESULT));
    expect(stored.map(({ kind, mime, ext, width, height }) => [kind, mime, ext, width, height])).toEqual([
      ["image", "image/jpeg", "jpg", 640, 480],
      ["video", "video/mp4", "mp4", null, null],
    ]);
  });

  test("from bytes or a blob at hand", async () => {
    await using room = await openMedia();
    const stored = [await room.media.storeBytes(PIXEL_PNG, INPUT), await room.media.storeBytes(new Blob([PIXEL_PNG]), INPUT)];
    expect(room.files().toSorted()).toEqual(stored.map(pathOf).toSorted());
    expect(stored.map(({ expiresAt }) => expiresAt)).toEqual([room.clock.now() + 2 * DAY_MS, room.clock.now() + 2 * DAY_MS]);
  });

  test("that never expires when the setting is 0", async () => {
    await using room = await openMedia({ max_age_days: 0, input_max_age_days: 0 });
    expect((await room.media.storeBytes(PIXEL_PNG, RESULT)).expiresAt).toBeNull();
    expect((await room.media.storeBytes(PIXEL_PNG, INPUT)).expiresAt).toBeNull();
  });
});

describe("nothing is left behind", () => {
  const draftOf = async (room: Awaited<ReturnType<typeof openMedia>>, bytes: Uint8Array): Promise<TempFile> => {
    const writer = await room.media.openTempFile("image/png");
    await writer.write(bytes);
    return writer.close();
  };

  test.each([
    ["small", 100],
    ["large", 2_000_000],
  ])("by a %s temp file that is discarded before or after its end", async (_name, size) => {
    await using room = await openMedia();
    const writer = await room.media.openTempFile("image/png");
    await writer.write(largePng(size));
    await writer.discard();
    await room.media.discard(await draftOf(room, largePng(size)));
    expect(room.files()).toEqual([]);
  });

  test.each([
    ["an input of unknown type", INPUT, new TextEncoder().encode("<svg/>"), { kind: "invalid_request" }],
    ["an input of too many pixels", INPUT, pngHeader(30_000, 30_000), { kind: "invalid_request" }],
    ["a large input of unknown type", INPUT, new Uint8Array(2_000_000), { kind: "invalid_request" }],
    [
      "a result of unknown type, which is paid for",
      RESULT,
      new TextEncoder().encode("sorry"),
      { kind: "upstream_unknown_outcome", charged: true },
    ],
    ["an empty result", RESULT, new Uint8Array(), { kind: "upstream_unknown_outcome", charged: true }],
  ])("by %s", async (_name, facts, bytes, expected) => {
    await using room = await openMedia();
    const error = await failure(room.media.store(await draftOf(room, bytes), facts));
    expect([error.kind, error.charged]).toEqual([expected.kind, "charged" in expected] as never);
    expect((await failure(room.media.storeBytes(bytes, facts))).kind).toBe(error.kind);
    expect(room.files()).toEqual([]);
    expect(room.media.totalBytes()).toBe(0);
  });

  test("by a row that could not be written: the file goes as well", async () => {
    const refused = new Error("disk I/O error");
    const wrap = (store: MediaDependencies["store"]) => ({ ...store, insertMedia: () => Promise.reject(refused) });
    await using room = await openMedia({}, wrap);
    for (const size of [100, 2_000_000]) {
      await expect(room.media.store(await draftOf(room, largePng(size)), RESULT)).rejects.toBe(refused);
      await expect(room.media.storeBytes(largePng(size), RESULT)).rejects.toBe(refused);
    }
    expect(room.files()).toEqual([]);
  });

  test("the row comes after the file", async () => {
    const seen: boolean[] = [];
    const box: { path: string } = { path: "" };
    const wrap = (store: MediaDependencies["store"]) => ({
      ...store,
      insertMedia: async (media: Media) => void seen.push(existsSync(join(box.path, pathOf(media)))),
    });
    await using room = await openMedia({}, wrap);
    box.path = room.path;
    await room.media.store(await draftOf(room, PIXEL_PNG), RESULT);
    await room.media.store(await draftOf(room, largePng(2_000_000)), RESULT);
    expect(seen).toEqual([true, true]);
  });

  test("by a crash: temp files older than an hour go at the next start", async () => {
    await using room = await openMedia();
    const now = room.clock.now();
    for (const [name, age] of [
      ["old", 3_700_000],
      ["young", 3_500_000],
    ] as const) {
      const path = join(room.path, "media", "drafts", name);
      writeFileSync(path, "half");
      utimesSync(path, new Date(now - age), new Date(now - age));
    }
    await room.media.start();
    expect(room.files()).toEqual([join("media", "drafts", "young")]);
  });
});

test("a result is stored whatever its size: it is paid for", async () => {
  await using room = await openMedia({ max_megapixels: 1 });
  expect((await room.media.storeBytes(pngHeader(5000, 5000), RESULT)).width).toBe(5000);
});

describe("what is no id of ours opens nothing", () => {
  const outside = ["", ".", "..", "../flow2api.db", "..%2fflow2api.db", "drafts", "a\0", "/etc/passwd", "A".repeat(26), "a".repeat(27)];
  test.each([...outside, `../${"a".repeat(23)}`, `${"a".repeat(26)}\n`, `${"a".repeat(25)}/`, newId()])("%j", async (id) => {
    await using room = await openMedia();
    expect(await room.media.get(id)).toBeNull();
    expect(await room.media.open(id)).toBeNull();
    expect(await room.media.remove(id)).toBe(false);
    expect(existsSync(join(room.path, "flow2api.db"))).toBe(true);
  });
});

test("a media item whose file is gone or cut is not served", async () => {
  await using room = await openMedia();
  const [gone, cut] = [await room.media.storeBytes(PIXEL_PNG, RESULT), await room.media.storeBytes(PIXEL_PNG, RESULT)];
  rmSync(join(room.path, pathOf(gone)));
  writeFileSync(join(room.path, pathOf(cut)), "\x89PNG");
  expect([await room.media.open(gone.id), await room.media.open(cut.id)]).toEqual([null, null]);
});

describe("sweeping", () => {
  test("deletes what is past its age, file and row", async () => {
    await using room = await openMedia();
    const input = await room.media.storeBytes(PIXEL_PNG, INPUT);
    const result = await room.media.storeBytes(PIXEL_PNG, RESULT);
    await room.clock.advance(2 * DAY_MS - 1);
    expect(await room.media.sweep()).toBe(0);
    await room.clock.advance(1);
    expect(await room.media.sweep()).toBe(1);
    expect(room.files()).toEqual([pathOf(result)]);
    expect(await room.media.get(input.id)).toBeNull();
    expect(room.media.totalBytes()).toBe(result.bytes);
  });

  test("deletes the oldest beyond the total size, by the setting of the moment", async () => {
    await using room = await openMedia({ max_age_days: 0 });
    const stored: Media[] = [];
    for (let count = 0; count < 4; count++) {
      stored.push(await room.media.storeBytes(largePng(600_000), RESULT));
      await room.clock.advance(1);
    }
    expect(await room.media.sweep()).toBe(0);
    room.settings.max_total_mb = 1;
    expect(await room.media.sweep()).toBe(3);
    expect(room.files()).toEqual([pathOf(stored[3]!)]);
    expect((await room.store.sumMedia())[0]!.bytes).toBe(room.media.totalBytes());
  });

  test("takes inputs before results, and no result to make room for inputs", async () => {
    await using room = await openMedia({ max_age_days: 0, input_max_age_days: 0, max_total_mb: 3, key_share: 100 });
    const result = await room.media.storeBytes(largePng(1_000_000), RESULT);
    for (let count = 0; count < 3; count++) await room.media.storeBytes(largePng(900_000), INPUT);
    expect(await room.media.sweep()).toBe(0);
    await room.clock.advance(1_500_001);
    const young = await room.media.storeBytes(largePng(400_000), INPUT);
    expect(await room.media.sweep()).toBe(2);
    room.settings.max_total_mb = 1;
    expect(await room.media.sweep()).toBe(1);
    expect(room.files().toSorted()).toEqual([pathOf(result), pathOf(young)].toSorted());
  });

  test("takes from whoever holds the most: another key's results stay", async () => {
    await using room = await openMedia({ max_age_days: 0, max_total_mb: 2 });
    const others = await room.media.storeBytes(largePng(600_000), { ...RESULT, keyId: 8 });
    await room.clock.advance(1);
    const own: Media[] = [];
    for (let count = 0; count < 4; count++) {
      own.push(await room.media.storeBytes(largePng(600_000), RESULT));
      await room.clock.advance(1);
    }
    expect(await room.media.sweep()).toBe(2);
    expect(room.files().toSorted()).toEqual([others, own[2]!, own[3]!].map(pathOf).toSorted());
  });

  test("goes on over many batches", async () => {
    await using room = await openMedia();
    for (let count = 0; count < 450; count++) await room.media.storeBytes(PIXEL_PNG, RESULT);
    await room.clock.advance(30 * DAY_MS);
    expect(await room.media.sweep()).toBe(450);
    expect([room.files().length, room.media.totalBytes(), (await room.store.sumMedia()).length]).toEqual([0, 0, 0]);
  });

  test("passes over a file that is gone already", async () => {
    await using room = await openMedia();
    const media = await room.media.storeBytes(PIXEL_PNG, RESULT);
    rmSync(join(room.path, pathOf(media)));
    await room.clock.advance(30 * DAY_MS);
    expect(await room.media.sweep()).toBe(1);
  });

  test("runs every sweep_interval until it is stopped, and survives a failure", async () => {
    let asked = 0;
    const listExpiredMedia = async () => {
      asked++;
      if (asked === 1) throw new Error("database is locked");
      return [];
    };
    await using room = await openMedia({ sweep_interval: 60 }, (store) => ({ ...store, listExpiredMedia, sumMedia: async () => [] }));
    await room.media.start();
    await room.clock.advance(59_000);
    expect(asked).toBe(0);
    await room.clock.advance(1_000);
    await room.clock.advance(60_000);
    expect(asked).toBe(2);
    await room.media.stop();
    await room.clock.advance(600_000);
    expect([asked, room.clock.nextTimer()]).toEqual([2, null]);
  });
});

describe("a key's share", () => {
  const share = { max_total_mb: 4, key_share: 25, input_max_age_days: 0 };

  test("is what its inputs may take: beyond it they are refused, another key's are not", async () => {
    await using room = await openMedia(share);
    await room.media.storeBytes(largePng(600_000), INPUT);
    const refusal = await failure(room.media.storeBytes(largePng(600_000), INPUT));
    expect([refusal.kind, refusal.reason]).toEqual(["limit_exceeded", "storage_share"]);
    expect((await failure(room.media.makeInputRoom(7, 600_000))).kind).toBe("limit_exceeded");
    await room.media.storeBytes(largePng(600_000), { ...INPUT, keyId: 8 });
    await room.media.storeBytes(largePng(2_000_000), { ...INPUT, keyId: null });
    expect(room.files()).toHaveLength(3);
  });

  test("is made free by the key's own older inputs, once no request can be using them", async () => {
    await using room = await openMedia(share);
    const first = await room.media.storeBytes(largePng(600_000), INPUT);
    const others = await room.media.storeBytes(largePng(600_000), { ...INPUT, keyId: 8 });
    await room.clock.advance(1_500_001);
    const second = await room.media.storeBytes(largePng(600_000), INPUT);
    expect(await room.media.get(first.id)).toBeNull();
    expect(room.files().toSorted()).toEqual([others, second].map(pathOf).toSorted());
  });

  test("holds for inputs that arrive together", async () => {
    await using room = await openMedia(share);
    const together = await Promise.allSettled(Array.from({ length: 8 }, () => room.media.storeBytes(largePng(600_000), INPUT)));
    expect(together.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(room.media.totalBytes()).toBe(600_000);
  });

  test("never touches results", async () => {
    await using room = await openMedia(share);
    for (let count = 0; count < 3; count++) await room.media.storeBytes(largePng(1_200_000), RESULT);
    await room.media.storeBytes(largePng(600_000), INPUT);
    expect(room.files()).toHaveLength(4);
  });
});

test("inputs of a refused request go with it, unless something was begun with them or a client uploaded them as files", async () => {
  await using room = await openMedia();
  const stored = async (requestId: string, name?: string) =>
    room.media.storeBytes(PIXEL_PNG, { ...INPUT, requestId, ...(name ? { name } : {}) });
  const [refused, claimed, served, file] = [await stored("a"), await stored("b"), await stored("c"), await stored("d", "a.png")];
  room.media.claimInputs("b");
  for (const [id, isRefused] of Object.entries({ a: true, b: true, c: false, d: true, never: true }))
    await room.media.endRequest(id, isRefused);
  expect(room.files().toSorted()).toEqual([claimed, served, file].map(pathOf).toSorted());
  expect(await room.media.get(refused.id)).toBeNull();
});

test("the total size is learned at the start and follows what is stored and removed", async () => {
  await using room = await openMedia();
  await room.store.insertMedia({ ...(await room.media.storeBytes(PIXEL_PNG, RESULT)), id: newId(), bytes: 1000 });
  await room.media.start();
  const before = room.media.totalBytes();
  expect(before).toBe(1000 + PIXEL_PNG.byteLength);
  const media = await room.media.storeBytes(PIXEL_PNG, RESULT);
  expect(room.media.totalBytes()).toBe(before + media.bytes);
  expect([await room.media.remove(media.id), await room.media.remove(media.id)]).toEqual([true, false]);
  expect(room.media.totalBytes()).toBe(before);
});

test("no generation starts while less disk is free than the setting asks for", async () => {
  await using room = await openMedia();
  expect(() => room.media.assertSpace()).not.toThrow();
  room.settings.min_free_mb = 1_000_000_000;
  expect(() => room.media.assertSpace()).toThrow(expect.objectContaining({ kind: "unavailable", message: "The server's disk is full." }));
  room.settings.min_free_mb = 1;
  expect(() => room.media.assertSpace()).not.toThrow();
  expect(room.media.freeBytes()).toBeGreaterThan(1024 * 1024);
});

test("a disk that fills up while writing is reported as such, other failures stay what they are", async () => {
  for (const [code, kind] of [
    ["ENOSPC", "unavailable"],
    ["EDQUOT", "unavailable"],
    ["EIO", undefined],
  ] as const) {
    const error = Object.assign(new Error("write failed"), { code });
    await expect(diskErrors(() => Promise.reject(error))).rejects.toMatchObject(kind ? { kind } : error);
  }
});

test("a small media item lies with its row, reads the same, and leaves no file", async () => {
  await using room = await openMedia();
  const { store, clock, settings, path } = room;
  const small = new RowMediaStore({ dataDir: path, store, clock, settings: () => ({ media: settings }) as Settings, log: silentLog });
  const stored = await small.storeBytes(PIXEL_PNG, RESULT);
  const found = await small.open(stored.id);
  expect(new Uint8Array(await found!.blob.arrayBuffer())).toEqual(new Uint8Array(PIXEL_PNG));
  expect([found!.blob.type, room.files()]).toEqual(["image/png", []]);
  expect([await small.remove(stored.id), await small.open(stored.id), await store.readMediaBytes(stored.id)]).toEqual([true, null, null]);
});
