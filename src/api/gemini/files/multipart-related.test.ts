// Tests: uploads of two parts, in whatever pieces and with whatever line ends they arrive.
import { expect, test } from "bun:test";
import { openRelated, relatedBoundary } from "./multipart-related.ts";

const FILE = Buffer.from([0, 13, 10, 45, 45, 66, 13, 10, 45, 45, 255, 10, 13]);
const body = (end: string, parts: (string | Buffer)[]) =>
  Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(`--BOUND${end}Content-Type: x/y${end}${end}`), Buffer.from(part), Buffer.from(end)]),
    Buffer.from(`--BOUND--${end}`),
  ]);

async function* cut(bytes: Buffer, at: number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const to of [...at, bytes.byteLength]) {
    yield new Uint8Array(bytes.subarray(from, to));
    from = to;
  }
}

async function read(chunks: AsyncIterable<Uint8Array>) {
  const { description, content } = await openRelated(chunks, "BOUND");
  return { description, file: Buffer.concat(await Array.fromAsync(content)) };
}

test.each([["\r\n"], ["\n"]])("every split of a body with line ends %j gives the same", async (end) => {
  const whole = body(end, ['{"file":{"displayName":"fox"}}', FILE]);
  const expected = { description: { file: { displayName: "fox" } }, file: FILE };
  for (let at = 1; at < whole.byteLength; at++) {
    expect(await read(cut(whole, [at]))).toEqual(expected);
  }
  expect(
    await read(
      cut(
        whole,
        Array.from({ length: whole.byteLength - 1 }, (_, index) => index + 1),
      ),
    ),
  ).toEqual(expected);
});

test("parts without headers and a preamble are read", async () => {
  const whole = Buffer.from("hello\r\n--BOUND\r\n\r\n{}\r\n--BOUND\r\n\r\nbytes\r\n--BOUND--");
  expect(await read(cut(whole, []))).toEqual({ description: {}, file: Buffer.from("bytes") });
});

test.each([
  ["one part", body("\r\n", ["{}"])],
  ["no JSON", body("\r\n", ["{", "x"])],
  ["a file without an end", body("\r\n", ["{}", "x"]).subarray(0, -12)],
  ["another boundary", Buffer.from("--OTHER\r\n\r\n{}\r\n--OTHER\r\n\r\nx\r\n--OTHER--")],
  ["nothing", Buffer.alloc(0)],
  ["an endless head", Buffer.concat([Buffer.from("--BOUND\r\n"), Buffer.alloc(100_000, "x")])],
  ["an endless description", Buffer.concat([Buffer.from("--BOUND\r\n\r\n"), Buffer.alloc(200_000, "x")])],
])("%s is refused", async (_, bytes) => {
  await expect(read(cut(Buffer.from(bytes), []))).rejects.toMatchObject({ kind: "invalid_request" });
});

test.each([
  ["multipart/related; boundary=abc", "abc"],
  ['Multipart/Related; boundary="a b"; type="application/json"', "a b"],
  ["multipart/related", null],
  ["multipart/form-data; boundary=abc", null],
  [null, null],
])("%j has the boundary %j", (type, boundary) => {
  expect(relatedBoundary(type)).toBe(boundary);
});
