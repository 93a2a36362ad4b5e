// That blobs in a body are base64 strings in its JSON, whatever their size and place.
import { expect, test } from "bun:test";
import { Base64Placeholders, Base64Text, bodyBase64, jsonPieces, jsonWithBytes } from "./json-bytes.ts";

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31) % 251);

test.each([0, 1, 2, 3, 3 * 128 * 1024 - 1, 3 * 128 * 1024, 3 * 128 * 1024 + 1, 1_000_003])(
  "a blob of %d bytes comes back whole",
  async (length) => {
    const response = jsonWithBytes({ a: [{ b: new Blob([bytesOf(length)]) }], c: "d" });
    const { a, c } = (await response.json()) as { a: { b: string }[]; c: string };
    expect(Buffer.from(a[0]!.b, "base64").equals(Buffer.from(bytesOf(length)))).toBe(true);
    expect([c, response.headers.get("content-type")]).toEqual(["d", "application/json; charset=utf-8"]);
  },
);

test("many blobs keep their places", async () => {
  const blobs = Array.from({ length: 12 }, (_, index) => new Blob([`image ${index}`]));
  const { data } = (await jsonWithBytes({ data: blobs.map((b64_json) => ({ b64_json })) }).json()) as { data: { b64_json: string }[] };
  expect(data.map(({ b64_json }) => atob(b64_json))).toEqual(blobs.map((_, index) => `image ${index}`));
});

test("no piece is larger than a slice", async () => {
  const pieces = await Array.fromAsync(jsonPieces({ b: new Blob([new Uint8Array(5_000_000)]) }));
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(512 * 1024);
});

test("headers are the caller's, and a short response is delivered at once", () => {
  let delivered = 0;
  const response = jsonWithBytes({ a: new Base64Text("YQ==") }, { location: "/x" }, { delivered: () => void delivered++ });
  expect([response.headers.get("location"), delivered]).toEqual(["/x", 1]);
});

test("base64 at hand is written as it is, short or long", async () => {
  for (const length of [0, 4, 65_536, 65_540, 2_000_000]) {
    const text = "A".repeat(length);
    const body = await jsonWithBytes({ a: [new Base64Text(text)], b: "c", d: new Blob(["e"]) }).json();
    expect(body).toEqual({ a: [text], b: "c", d: btoa("e") });
    expect(await jsonWithBytes({ a: [new Base64Text(text)] }).json()).toEqual({ a: [text] });
  }
});

test("text may name blobs, in any order and more than ten", async () => {
  const embedded = new Base64Placeholders();
  const marks = Array.from({ length: 12 }, (_, index) => embedded.embed(new Blob([`blob ${index}`])));
  const body = { text: `first ${marks[11]} then ${marks[1]}`, plain: marks[0] };
  const text = (await Array.fromAsync(jsonPieces(body, embedded))).join("");
  expect(JSON.parse(text)).toEqual({ text: `first ${btoa("blob 11")} then ${btoa("blob 1")}`, plain: btoa("blob 0") });
});

test.each([3, 60_000, 100_000, 2_000_000])("base64 of %d characters at hand, as text or as bytes, comes out as it is", async (length) => {
  const text = "AbC+/9=".repeat(length).slice(0, length);
  for (const at of [text, new TextEncoder().encode(text)]) {
    const { b, c } = (await jsonWithBytes({ b: new Base64Text(at), c: "é" }).json()) as { b: string; c: string };
    expect([b === text, c]).toEqual([true, "é"]);
    const pieces = (await Array.fromAsync(jsonPieces({ b: new Base64Text(at), c: "é" }))).join("");
    expect((JSON.parse(pieces) as { b: string }).b === text).toBe(true);
  }
});

test("base64 of up to 4 kB is a text of its body, a longer one is written by itself", () => {
  const [short, long] = ["YWJj".repeat(1024), "YWJj".repeat(1025)];
  expect(bodyBase64(short)).toBe(short);
  expect(bodyBase64(long)).toEqual(new Base64Text(long));
  expect(bodyBase64(Buffer.from("YWJj"))).toBeInstanceOf(Base64Text);
});
