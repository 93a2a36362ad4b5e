// Media of a response in memory: what is taken out of it, and that nothing is copied that need not be.
import { expect, test } from "bun:test";
import { HELD, heldMedia, parseHeld } from "./held-media.ts";

const KEYS = ["data"];
const IMAGE = Uint8Array.from({ length: 90_001 }, (_, index) => (index * 7919 + (index >> 3)) & 255);
const BASE64 = Buffer.from(IMAGE).toString("base64");
const responseWith = (data: string, more: object = {}) =>
  `{"candidates":[{"content":{"parts":[{"text":"said \\"so\\" ü"},{"inlineData":{"mimeType":"image/png","data":"${data}"}}]}}],"more":${JSON.stringify(more)}}`;
type Parsed = { candidates: { content: { parts: { text?: string; inlineData?: { data: string } }[] } }[]; more: object };

function parse(text: string) {
  const bytes = new TextEncoder().encode(text);
  const { body, media } = parseHeld(bytes, KEYS);
  return { bytes, body: body as Parsed, media };
}
const valueIn = ({ candidates }: Parsed) => candidates[0]!.content.parts[1]!.inlineData!.data;

const WRITTEN: [name: string, data: string, isHandedOn: boolean][] = [
  ["standard base64", BASE64, true],
  ["without padding", BASE64.replace(/=+$/, ""), false],
  ["url-safe", BASE64.replaceAll("+", "-").replaceAll("/", "_"), false],
  ["with escaped slashes", BASE64.replaceAll("/", "\\/"), true],
  ["with escaped characters", BASE64.replace("A", "\\u0041"), true],
  ["with line breaks", BASE64.replaceAll(/.{76}/g, "$&\\n"), false],
];

test.each(WRITTEN)("an image %s is decoded; its base64 is handed on where it is as clients expect it", async (_name, data, isHandedOn) => {
  const { body, media } = parse(responseWith(data, { after: 1 }));
  expect(body.candidates[0]!.content.parts[0]!.text).toBe('said "so" ü');
  expect(body.more).toEqual({ after: 1 });
  const file = await media.take(valueIn(body), "image/png");
  expect({ bytes: file.bytes, mime: file.mime, same: Buffer.compare(file.data!, IMAGE) }).toEqual({
    ...{ bytes: IMAGE.byteLength, mime: "image/png", same: 0 },
  });
  // Not compared as texts: a failure would print both.
  expect(file.base64 !== undefined && Buffer.from(file.base64).equals(Buffer.from(BASE64))).toBe(isHandedOn);
});

test.each([196_606, 196_607, 196_608, 196_609, 393_217])(
  "an image of %d bytes is decoded over the borders of the pieces",
  async (length) => {
    const image = Uint8Array.from({ length }, (_, index) => (index * 7919 + (index >> 3)) & 255);
    const { body, media } = parse(responseWith(Buffer.from(image).toString("base64")));
    const file = await media.take(valueIn(body), "image/png");
    expect(Buffer.compare(file.data!, image)).toBe(0);
  },
);

test("padding in the middle is no standard base64", async () => {
  const { body, media } = parse(responseWith(`${BASE64.slice(0, 80_000)}AA==${BASE64.slice(0, 80_000)}`));
  expect(async () => media.take(valueIn(body), "image/png")).toThrow("damaged media");
});

test("base64 that is handed on is the response's own memory", async () => {
  const { bytes, body, media } = parse(responseWith(BASE64));
  const { base64 } = await media.take(valueIn(body), "image/png");
  expect((base64 as Uint8Array).buffer).toBe(bytes.buffer);
});

test("a short value stays in the body, and several long ones are told apart", async () => {
  const other = Buffer.from(IMAGE.toReversed()).toString("base64");
  const { body, media } = parse(`[{"data":"AAAA"},{"data":"${BASE64}"},{"data":"${other}"}]`);
  const values = (body as unknown as { data: string }[]).map(({ data }) => data);
  expect(values[0]).toBe("AAAA");
  const files = [await media.take(values[2]!, "b"), await media.take(values[1]!, "a"), await media.take(values[0]!, "c")];
  expect(files.map(({ data }) => Buffer.from(data!).toString("base64"))).toEqual([other, BASE64, "AAAA"]);
});

const BROKEN: [name: string, text: string, reason: string][] = [
  ["ends inside an image", responseWith(BASE64).slice(0, 80_000), "cut_off"],
  ["ends after an image", responseWith(BASE64).slice(0, -3), "malformed"],
  ["is no JSON", `${responseWith(BASE64)}}`, "malformed"],
  ["is empty", "", "malformed"],
];
test.each(BROKEN)("a response that %s is refused", (_name, text, reason) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ kind: "upstream_unavailable", detail: expect.objectContaining({ reason }) }));
});

test.each([
  ["no base64", `${BASE64.slice(0, 70_000)}*${BASE64.slice(70_001)}`],
  ["a broken escape", `${BASE64.slice(0, 70_000)}\\q${BASE64.slice(70_000)}`],
])("an image that is %s is refused", async (_name, data) => {
  const { body, media } = parse(responseWith(data));
  expect(media.take(valueIn(body), "image/png")).rejects.toMatchObject({ kind: "upstream_unavailable", detail: { reason: "malformed" } });
});

test("a text that looks like a placeholder is one of the upstream's, and no image", async () => {
  const { media } = parse(responseWith(BASE64));
  expect(media.take("media:aaaaaaaaaaaaaaaaaaaaaaaaaa:0", "image/png")).rejects.toMatchObject({ detail: { reason: "malformed" } });
});

test("what was parsed with its media is decoded alike", async () => {
  expect(await HELD.take(BASE64, "image/png")).toEqual(heldMedia(BASE64, "image/png"));
  expect(heldMedia(BASE64, "image/png")).toMatchObject({ bytes: IMAGE.byteLength, base64: BASE64 });
});
