// The upstream's own base64 is handed on: what was just stored is not read again, unless another form is asked for.

import { afterAll, beforeAll, beforeEach, expect, spyOn, test } from "bun:test";
import { type Rig, startRig } from "../rig.ts";

/** A PNG of so many bytes: a pixel and a chunk that readers ignore. */
function pngOf(bytes: number): Buffer {
  const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const padding = Math.max(0, bytes - pixel.length - 12);
  const chunk = Buffer.alloc(12 + padding, "x");
  chunk.writeUInt32BE(padding, 0);
  chunk.write("teSt", 4, "latin1");
  chunk.writeUInt32BE(Bun.hash.crc32(chunk.subarray(4, 8 + padding)), 8 + padding);
  return Buffer.concat([pixel.subarray(0, -12), chunk, pixel.subarray(-12)]);
}

const SIZES = [200, 20_000, 300_001, 2_000_000, 5_000_000];
const MODEL = "gemini-3.1-flash-image";
let size = SIZES[0]!;
/** How the upstream spells its base64. */
let spell = (base64: string) => base64;
let chunked = false;

const upstream = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    await request.arrayBuffer();
    const data = spell(pngOf(size).toString("base64"));
    const parts = [{ inlineData: { mimeType: "image/png", data } }];
    const text = JSON.stringify({ candidates: [{ content: { role: "model", parts }, finishReason: "STOP" }] });
    const body = chunked ? new Blob([text]).stream() : text;
    return new Response(body, { headers: { "content-type": "application/json" } });
  },
});

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ settings: { "gemini.base_url": upstream.url.origin } });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await upstream.stop(true);
});
beforeEach(() => {
  spell = (base64) => base64;
  chunked = false;
});

const contents = [{ role: "user", parts: [{ text: "a fox" }] }];
const WAYS: [name: string, ask: () => Promise<string>][] = [
  [
    "generateContent",
    async () => {
      const response = await rig.call(`/v1beta/models/${MODEL}:generateContent`, { json: { contents } });
      const body = (await response.json()) as { candidates: { content: { parts: { inlineData: { data: string } }[] } }[] };
      return body.candidates[0]!.content.parts[0]!.inlineData.data;
    },
  ],
  [
    "images as base64",
    async () => {
      const response = await rig.call("/v1/images/generations", { json: { model: MODEL, prompt: "a fox", response_format: "b64_json" } });
      return ((await response.json()) as { data: { b64_json: string }[] }).data[0]!.b64_json;
    },
  ],
  [
    "chat with data URLs",
    async () => {
      const response = await rig.chat({}, { headers: { "x-image-output": "images" } });
      const body = (await response.json()) as { choices: { message: { images: { image_url: { url: string } }[] } }[] };
      return body.choices[0]!.message.images[0]!.image_url.url.slice("data:image/png;base64,".length);
    },
  ],
  [
    "responses",
    async () => {
      const response = await rig.call("/v1/responses", { json: { model: MODEL, input: "a fox" } });
      return ((await response.json()) as { output: { result: string }[] }).output[0]!.result;
    },
  ],
];

const settled = async () => {
  for (let turn = 0; turn < 500 && rig.context.memory.held > 0; turn++) await Bun.sleep(2);
};

const LENGTHS = ["of known length", "of unknown length"];
const CASES = WAYS.flatMap(([name, ask]) => LENGTHS.map((length) => [`${name}, from an answer ${length}`, ask, length] as const));

test.each(CASES)("%s", async (_name, ask, length) => {
  chunked = length === "of unknown length";
  for (size of SIZES) {
    using open = spyOn(rig.context.media, "open");
    expect(await ask()).toBe(pngOf(size).toString("base64"));
    // More than 4 MiB with everything around it is never whole in memory.
    expect(open.mock.calls.length).toBe(size > 4_000_000 ? 1 : 0);
    await settled();
    expect(rig.context.memory.held).toBe(0);
  }
});

test("what was stored is what was sent", async () => {
  for (size of SIZES) {
    const response = await rig.chat();
    const [, path] = /\((http[^)]*\/media\/[^)]+)\)/.exec(await response.text())!;
    const stored = Buffer.from(await (await fetch(path!)).arrayBuffer());
    expect(stored.equals(pngOf(size))).toBe(true);
  }
});

test("base64 in another spelling is written anew", async () => {
  const spellings = [
    (text: string) => text.replaceAll("+", "-").replaceAll("/", "_"),
    (text: string) => text.replace(/=+$/, ""),
    (text: string) => text.replace(/.{76}/g, "$&\n"),
  ];
  size = 20_000;
  for (spell of spellings) for (const [, ask] of WAYS) expect(await ask()).toBe(pngOf(size).toString("base64"));
});

test("another format than the upstream's is converted from the store", async () => {
  size = SIZES[0]!;
  using open = spyOn(rig.context.media, "open");
  const json = { model: MODEL, prompt: "a fox", response_format: "b64_json", output_format: "jpeg" };
  const response = await rig.call("/v1/images/generations", { json });
  const { data } = (await response.json()) as { data: { b64_json: string }[] };
  expect([...Buffer.from(data[0]!.b64_json, "base64").subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  expect(open.mock.calls.length).toBe(1);
});

test("without room in memory everything goes through the store", async () => {
  const all = 64 * 1024 * 1024;
  rig.context.memory.take(all);
  size = 300_001;
  for (const [, ask] of WAYS) expect(await ask()).toBe(pngOf(size).toString("base64"));
  expect(rig.context.memory.held).toBe(all);
  rig.context.memory.give(all);
});
