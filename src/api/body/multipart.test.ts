// What the form reader takes in any form that clients write, what it refuses, and that nothing stays behind.
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { AppError } from "../../errors.ts";
import { createTempFiles } from "../../gateway/media/temp-files.ts";
import { temporaryFolder } from "../../testing.ts";
import { BodyReader } from "./body.ts";
import type { FormContent } from "./multipart.ts";

const ARRIVAL = { bodies_per_key_percent: 100, body_min_rate_kb: 1, body_timeout: 600 };
const MIB = 1024 * 1024;

async function withReader<T>(
  limits: { body_limit_mb?: number; bodies_in_flight_mb?: number },
  act: (room: { read(request: Request, fileLimitMb?: number): Promise<FormContent>; held(): number; left(): string[] }) => Promise<T>,
): Promise<T> {
  using folder = temporaryFolder();
  const tempFiles = createTempFiles(join(folder.path, "drafts"));
  const bodies = new BodyReader(() => ({ body_limit_mb: 16, bodies_in_flight_mb: 64, ...ARRIVAL, ...limits }));
  const media = { openTempFile: async (mime: string) => tempFiles.open(mime), discard: tempFiles.discard };
  return await act({
    async read(request, fileLimitMb = 8) {
      await using form = await bodies.form(request, media, fileLimitMb);
      const files = await Promise.all(
        form.files.map(async (file) => ({ ...file, bytes: await tempFiles.head(file.draft, Number.MAX_SAFE_INTEGER) })),
      );
      return { fields: form.fields, files };
    },
    held: () => bodies.held(),
    left: () => readdirSync(join(folder.path, "drafts")),
  });
}

const post = (body: BodyInit, headers: Record<string, string> = {}) => new Request("http://x", { method: "POST", body, headers });
const formOf = (entries: [string, string | Blob, string?][]) => {
  const form = new FormData();
  for (const [name, value, fileName] of entries) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, value, fileName);
  }
  return form;
};
const noise = (bytes: number) => {
  const data = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(data.subarray(at, Math.min(bytes, at + 65_536)));
  return data;
};
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: AppError) => error,
  );
const raw = (text: string, boundary = "x") =>
  post(text.replaceAll("\n", "\r\n"), { "content-type": `multipart/form-data; boundary=${boundary}` });

describe("a form", () => {
  test("gives text and files in order, large files byte for byte, and leaves nothing behind", () =>
    withReader({}, async ({ read, held, left }) => {
      const large = noise(5 * MIB + 7);
      const { fields, files } = await read(
        post(
          formOf([
            ["prompt", "Grüße\r\n--x"],
            ["image[]", new Blob([large]), "ein fuchs.png"],
            ["n", "2"],
            ["image[]", new Blob(["tiny"])],
            ["mask", new Blob([""]), "../../m.png"],
          ]),
        ),
      );
      expect(fields).toEqual([
        ["prompt", "Grüße\r\n--x"],
        ["n", "2"],
      ]);
      expect(files.map(({ field, name, draft }) => [field, name, draft.bytes])).toEqual([
        ["image[]", "ein fuchs.png", large.byteLength],
        ["image[]", "", 4],
        ["mask", "m.png", 0],
      ]);
      expect(Bun.hash((files[0] as unknown as { bytes: Uint8Array }).bytes)).toBe(Bun.hash(large));
      expect([held(), left()]).toEqual([0, []]);
    }));

  test("may be without length, in pieces of any size", () =>
    withReader({}, async ({ read }) => {
      const whole = post(formOf([["image", new Blob([noise(100_000)]), "a.png"]]));
      const type = whole.headers.get("content-type")!;
      const bytes = await whole.bytes();
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          for (let at = 0; at < bytes.byteLength; at += 999) controller.enqueue(bytes.subarray(at, at + 999));
          controller.close();
        },
      });
      expect((await read(post(body, { "content-type": type }))).files[0]?.draft.bytes).toBe(100_000);
    }));
});

describe("a part without a name", () => {
  const part = (type: string, text: string) =>
    `--x\r\nContent-Disposition: form-data; name="a"; filename=""\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;
  const send = (...parts: [type: string, text: string, encoding?: BufferEncoding][]) =>
    post(Buffer.concat([...parts.map(([type, text, encoding]) => Buffer.from(part(type, text), encoding)), Buffer.from("--x--\r\n")]), {
      "content-type": "multipart/form-data; boundary=x",
    });

  test("is a file when its type is an image's or a video's, byte for byte", () =>
    withReader({}, async ({ read, left }) => {
      const { files } = await read(send(["image/png", "\x89PNG\xff\x00\xc3\xa9", "latin1"], ["video/mp4", "ftyp"]));
      expect(
        files.map((file) => [file.field, file.name, Buffer.from((file as unknown as { bytes: Uint8Array }).bytes).toString("latin1")]),
      ).toEqual([
        ["a", "", "\x89PNG\xff\x00\xc3\xa9"],
        ["a", "", "ftyp"],
      ]);
      expect(left()).toEqual([]);
    }));

  test("is text else, in UTF-8 unless it says otherwise", () =>
    withReader({}, async ({ read }) => {
      const parts: Parameters<typeof send> = [
        ["text/plain", "Grüße 狐"],
        ["text/plain; charset=utf-8", "Grüße 狐"],
        ["text/plain; charset=latin1", "Grüße", "latin1"],
        ["application/json", '{"é": 1}'],
      ];
      expect((await read(send(...parts))).fields.map(([, value]) => value)).toEqual(["Grüße 狐", "Grüße 狐", "Grüße", '{"é": 1}']);
    }));

  test("counts with the files, and has their limit", () =>
    withReader({}, async ({ read, left }) => {
      const many = Array.from({ length: 33 }, (): [string, string] => ["image/png", "a"]);
      expect(await failure(read(send(...many)))).toMatchObject({ kind: "invalid_request" });
      expect(await failure(read(send(["image/png", "a".repeat(2 * MIB + 1)]), 2))).toMatchObject({ kind: "invalid_request" });
      expect(left()).toEqual([]);
    }));
});

describe("is refused, and nothing stays behind", () => {
  const PART = '--x\nContent-Disposition: form-data; name="a"\n\n';
  const refused: [string, () => Request, string][] = [
    ["no boundary", () => post("abc", { "content-type": "multipart/form-data" }), "invalid_request"],
    ["something else than a form", () => raw("garbage"), "invalid_request"],
    ["an empty body", () => raw(""), "invalid_request"],
    ["a form that is cut", () => raw(`${PART}abc`), "invalid_request"],
    [
      "a file that is cut",
      () => raw(`--x\nContent-Disposition: form-data; name="a"; filename="b"\n\n${"c".repeat(3 * MIB)}`),
      "invalid_request",
    ],
    ["a file over the limit", () => post(formOf([["image", new Blob([noise(2 * MIB + 1)]), "a"]])), "invalid_request"],
    ["too many files", () => post(formOf(Array.from({ length: 33 }, () => ["image", new Blob(["a"]), "a"]))), "invalid_request"],
    ["too many fields", () => post(formOf(Array.from({ length: 201 }, () => ["image", "a"]))), "invalid_request"],
    ["a body over the limit", () => post(formOf([["a", "x".repeat(5 * MIB)]])), "payload_too_large"],
  ];
  test.each(refused)("%s", (_name, request, kind) =>
    withReader({ body_limit_mb: 4 }, async ({ read, held, left }) => {
      expect(await failure(read(request(), 2))).toMatchObject({ kind });
      expect([held(), left()]).toEqual([0, []]);
    }),
  );

  test("a form over what all bodies may hold together", () =>
    withReader({ bodies_in_flight_mb: 1 }, async ({ read, held, left }) => {
      expect(await failure(read(post(formOf([["image", new Blob([noise(3 * MIB)]), "a"]]))))).toMatchObject({ kind: "unavailable" });
      expect([held(), left()]).toEqual([0, []]);
    }));
});
