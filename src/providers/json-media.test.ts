// Tests of taking media out of JSON streams: any chunk border, escapes, damage, memory.
import { describe, expect, test } from "bun:test";
import type { TempFileWriter } from "../domain/generation.ts";
import type { AppError } from "../errors.ts";
import { seededRandom } from "../testing.ts";
import { type MediaOptions, type MediaTempFiles, readMediaJson, replaceMedia } from "./json-media.ts";
import { readEvents, readJson } from "./json-stream.ts";
import { type MemoryTempFiles, memoryTempFiles } from "./testing.ts";

const THRESHOLD = 64;
const KEYS = ["data", "encodedImage"];

async function* inPieces(text: string | Uint8Array, sizeOf: () => number): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + Math.max(1, sizeOf());
    yield bytes.subarray(at, end);
    at = end;
  }
}

const media = (bytes: number, seed = 1): Buffer => {
  const random = seededRandom(seed);
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(random() * 256)));
};

const cut = (text: string, sizeOf: () => number, tempFiles: MemoryTempFiles, change: Partial<MediaOptions> = {}) =>
  replaceMedia(inPieces(text, sizeOf), { keys: KEYS, threshold: THRESHOLD, openTempFile: tempFiles.openTempFile, ...change });

const bytesOf = async (tempFiles: MemoryTempFiles, from: MediaTempFiles, value: string) => {
  const tempFile = await from.take(value, "image/png");
  expect(tempFile.mime).toBe("image/png");
  return tempFiles.files[Number(tempFile.path)]!.bytes;
};

const text = async (chunks: AsyncIterable<Uint8Array>) => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk.slice());
  return Buffer.concat(all).toString();
};

describe("any chunking gives the same", () => {
  const big = media(5000);
  const small = media(20, 2);
  const document = {
    'a"data': '\\"data\\": "no"',
    data: 7,
    list: ["data", "data", { data: big.toString("base64"), mimeType: "image/png" }],
    nested: { encodedImage: big.toString("base64url"), data: small.toString("base64"), other: big.toString("base64") },
    "é\\": "data",
    empty: { data: "" },
  };
  for (const [form, json] of [
    ["compact", JSON.stringify(document)],
    ["indented", JSON.stringify(document, null, 2)],
    ["with escapes", JSON.stringify(document).replaceAll("/", "\\/").replaceAll("=", "\\u003d")],
    ["with line breaks inside", JSON.stringify(document).replaceAll(/[A-Za-z0-9+/_-]{76}/g, "$&\\r\\n")],
  ] as const) {
    test(form, async () => {
      for (let seed = 1; seed <= 60; seed++) {
        const random = seededRandom(seed);
        const widest = seed < 10 ? seed : Math.ceil(random() * 3000);
        const tempFiles = memoryTempFiles();
        const response = cut(json, () => Math.ceil(random() * widest), tempFiles);
        const body = (await readJson(response.skeleton, 20_000)) as typeof document;
        const item = body.list[2] as { data: string };
        expect(tempFiles.files).toHaveLength(2);
        expect(item.data.length).toBeLessThan(40);
        expect((await bytesOf(tempFiles, response, item.data)).equals(big)).toBe(true);
        expect((await bytesOf(tempFiles, response, body.nested.encodedImage)).equals(big)).toBe(true);
        expect((await bytesOf(tempFiles, response, body.nested.data)).equals(small)).toBe(true);
        expect({ ...body, list: 0, nested: 0 } as object).toEqual({ ...document, list: 0, nested: 0 });
        expect(body.nested.other.replaceAll(/\s/g, "")).toBe(document.nested.other);
        await response.discard();
        expect(tempFiles.states()).toEqual(["closed", "closed", "closed"]);
      }
    });
  }

  test("what holds no long media item passes byte for byte", async () => {
    const odd = '\ufeff[{"data" :\n"c2hvcnQ=", "b\\\\":"\\\\\\"x\\\\"},\r\n{"data":null,"data":["x","y"]}]   ';
    for (let size = 1; size < 30; size++) expect(await text(cut(odd, () => size, memoryTempFiles()).skeleton)).toBe(odd);
  });

  test("a value one byte over the threshold leaves the JSON, one at the threshold stays", async () => {
    for (const [length, files] of [
      [THRESHOLD, 0],
      [THRESHOLD + 4, 1],
    ] as const) {
      const tempFiles = memoryTempFiles();
      await text(cut(`{"data":"${"A".repeat(length)}"}`, () => 7, tempFiles).skeleton);
      expect(tempFiles.files).toHaveLength(files);
    }
  });
});

describe("events", () => {
  const big = media(3000);
  const lines = [
    ": it's \"open",
    "event: x",
    `data: {"data":"${big.toString("base64")}"}`,
    "",
    "",
    "data: {",
    'data: "b": 1}',
    "",
    "data: [DONE]",
    "",
  ];

  test("arrive one by one, with LF or CRLF, whatever the chunks and whatever a comment holds", async () => {
    for (const newline of ["\n", "\r\n"]) {
      for (let size = 1; size < 200; size += 13) {
        const tempFiles = memoryTempFiles();
        const response = cut(lines.join(newline) + newline, () => size, tempFiles);
        const events: unknown[] = [];
        for await (const event of readEvents(response.skeleton, 1000)) events.push(event);
        expect(events).toEqual([{ data: expect.stringMatching(/^media:/) }, { b: 1 }]);
        expect((await bytesOf(tempFiles, response, (events[0] as { data: string }).data)).equals(big)).toBe(true);
      }
    }
  });

  test("the last one counts without its blank line", async () => {
    const events: unknown[] = [];
    for await (const event of readEvents(
      inPieces('data: {"a":1}\n\ndata:{"a":2}', () => 5),
      100,
    ))
      events.push(event);
    expect(events).toEqual([{ a: 1 }, { a: 2 }]);
  });

  test.each([
    ["a line without an end", "x".repeat(300)],
    ["an event of many lines", "data: xxxxxxxx\n".repeat(30)],
    ["what is not JSON", "data: <html>\n\n"],
  ])("%s is malformed", async (_, stream) => {
    const events = readEvents(
      inPieces(stream, () => 50),
      200,
    );
    await expect(events.next()).rejects.toMatchObject({ kind: "upstream_unavailable", detail: { reason: "malformed" } });
  });
});

describe("damage", () => {
  const good = "QUJD".repeat(100);
  test.each([
    ["a foreign character", `${good}!${good}`],
    ["a byte beyond ASCII", `${good}é${good}`],
    ["one left-over character", `${good}A`],
    ["padding in the middle", `${good}QQ==${good}`],
    ["an escaped quote", `${good}\\"${good}`],
    ["an escape of something else", `${good}\\u4e00`],
    ["a broken escape", `${good}\\u00zz`],
  ])("%s is malformed and leaves no file behind", async (_, value) => {
    for (const size of [1, 2, 3, 50, 5000]) {
      const tempFiles = memoryTempFiles();
      const result = cut(`{"first":{"data":"${good}"},"data":"${value}"}`, () => size, tempFiles);
      const error = await readJson(result.skeleton, 5000).catch((thrown) => thrown);
      expect(error).toMatchObject({ kind: "upstream_unavailable", detail: { reason: "malformed" } });
      expect(tempFiles.states()).toEqual(["discarded", "discarded"]);
    }
  });

  test("a short value is checked when it is taken", async () => {
    const result = cut("{}", () => 10, memoryTempFiles());
    await expect(result.take("QU!D", "image/png")).rejects.toMatchObject({ detail: { reason: "malformed" } });
    await expect(result.take("media:aaaaaaaaaaaaaaaaaaaaaaaaaa:0", "image/png")).rejects.toMatchObject({ detail: { reason: "malformed" } });
  });

  test("an end inside a media item is a cut, and leaves no file behind", async () => {
    const tempFiles = memoryTempFiles();
    const error = await readJson(cut(`{"data":"${good}`, () => 9, tempFiles).skeleton, 5000).catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: "upstream_unavailable", detail: { reason: "cut_off" } });
    expect(tempFiles.states()).toEqual(["discarded"]);
  });

  test("a reader that leaves ends the source and discards what it did not take", async () => {
    const tempFiles = memoryTempFiles();
    let ended = false;
    async function* source() {
      try {
        for (let index = 0; ; index++) yield Buffer.from(`{"data":"${good}","n":${index}}\n`);
      } finally {
        ended = true;
      }
    }
    const result = replaceMedia(source(), { keys: KEYS, threshold: THRESHOLD, openTempFile: tempFiles.openTempFile });
    for await (const bytes of result.skeleton) if (Buffer.from(bytes).includes('"n":3')) break;
    expect(ended).toBe(true);
    expect(new Set(tempFiles.states())).toEqual(new Set(["discarded"]));
  });

  test("a failing disk stops the response", async () => {
    const tempFiles = memoryTempFiles();
    const openTempFile = async (mime: string) => ({
      ...(await tempFiles.openTempFile(mime)),
      write: () => Promise.reject(new Error("disk full")),
    });
    await expect(readJson(cut(`{"data":"${good}"}`, () => 99, tempFiles, { openTempFile }).skeleton, 5000)).rejects.toThrow("disk full");
  });

  test.each([
    ["one medium", 1],
    ["several together", 4],
  ])("media without end are refused, and leave no file behind: %s", async (_, count) => {
    const tempFiles = memoryTempFiles();
    let asked = 0;
    async function* source() {
      yield Buffer.from("[");
      for (;;) {
        yield Buffer.from('{"data":"');
        for (let piece = 0; piece < 64 / count || count === 1; piece++, asked++) yield Buffer.from("A".repeat(4096));
        yield Buffer.from('"},');
      }
    }
    const result = replaceMedia(source(), { keys: KEYS, threshold: THRESHOLD, openTempFile: tempFiles.openTempFile, maxBytes: 100_000 });
    const failure = (await readJson(result.skeleton, 1_000_000).catch((error) => error)) as AppError;
    expect([failure.detail?.reason, asked * 3072 <= 110_000]).toEqual(["malformed", true]);
    expect(new Set(tempFiles.states())).toEqual(new Set(["discarded"]));
  });

  test("a response without end is refused", async () => {
    expect(
      readJson(
        inPieces("[".repeat(1000), () => 100),
        500,
      ),
    ).rejects.toMatchObject({ detail: { reason: "malformed" } });
  });
});

describe("memory", () => {
  test("one huge chunk reaches the disk in small pieces, and the next is read when they are written", async () => {
    const bytes = media(65_536).toString("base64").replace(/=+$/, "");
    const value = bytes.slice(0, 65_536).repeat(64);
    const tempFiles = memoryTempFiles();
    let waiting = 0;
    const openTempFile = async (mime: string): Promise<TempFileWriter> => {
      const writer = await tempFiles.openTempFile(mime);
      return {
        ...writer,
        async write(chunk) {
          expect(++waiting).toBe(1);
          await Promise.resolve();
          await writer.write(chunk);
          waiting--;
        },
      };
    };
    const response = cut(`{"data":"${value}"}`, () => 1 << 30, tempFiles, { openTempFile });
    for await (const piece of response.skeleton) expect(piece.byteLength).toBeLessThan(64);
    expect(tempFiles.files[0]!.bytes.byteLength).toBe((value.length / 4) * 3);
    expect(tempFiles.files[0]!.largest).toBeLessThanOrEqual(256 * 1024);
  });
});

describe("a whole response", () => {
  const signal = new AbortController().signal;
  test.each([
    ["short", 100, 0],
    ["long", 1_000_000, 1],
  ])("%s gives its media", async (_, size, opened) => {
    const bytes = media(size);
    await using server = Bun.serve({ port: 0, fetch: () => Response.json({ data: bytes.toString("base64") }) });
    const tempFiles = memoryTempFiles();
    const { body, media: found } = await readMediaJson(await fetch(server.url), {
      keys: KEYS,
      openTempFile: tempFiles.openTempFile,
      signal,
    });
    expect(tempFiles.files).toHaveLength(opened);
    expect((await bytesOf(tempFiles, found, (body as { data: string }).data)).equals(bytes)).toBe(true);
  });

  test("that is not JSON is malformed", async () => {
    const read = readMediaJson(new Response("{"), { keys: KEYS, openTempFile: memoryTempFiles().openTempFile, signal });
    await expect(read).rejects.toMatchObject({ kind: "upstream_unavailable", detail: { reason: "malformed" } });
  });
});
