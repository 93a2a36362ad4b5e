// A request allocates no more than it did: objects and kilobytes per request, counted in a process without garbage collection.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../../src/testing.ts";
import type { Heap, Started } from "./gateway.ts";

const KEY = "sk-f2a-test-key-of-the-rig-0000000000000000000";
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const ANSWER = JSON.stringify({
  candidates: [
    { content: { role: "model", parts: [{ inlineData: { mimeType: "image/png", data: PIXEL } }] }, finishReason: "STOP", index: 0 },
  ],
  usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1120, totalTokenCount: 1130 },
  modelVersion: "mock",
});

const MODEL = "gemini-nano-banana-2.1";
const CHAT = { model: MODEL, messages: [{ role: "user", content: "a fox in the snow" }] };
/** The aims for an image in chat and by itself: 300 objects and 25 kB. Else what was seen on 2026-11-30, and four parts in a hundred. */
const LIMITS: [name: string, path: string, body: object, most: { objects: number; kilobytes: number }][] = [
  ["chat", "/v1/chat/completions", CHAT, { objects: 300, kilobytes: 19.4 }],
  ["chat, streamed", "/v1/chat/completions", { ...CHAT, stream: true }, { objects: 382, kilobytes: 22.6 }],
  ["images", "/v1/images/generations", { model: MODEL, prompt: "a fox in the snow" }, { objects: 300, kilobytes: 19.4 }],
  [
    "generateContent",
    `/v1beta/models/${MODEL}:generateContent`,
    { contents: [{ role: "user", parts: [{ text: "a fox in the snow" }] }] },
    { objects: 347, kilobytes: 21.0 },
  ],
];

const WARM = 150;
const COUNTED = 300;
const CONNECTIONS = 8;

const folder = temporaryFolder();
const upstream = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(ANSWER, { headers: { "content-type": "application/json" } });
  },
});

let next: PromiseWithResolvers<unknown>;
let gateway: Bun.Subprocess;
let url = "";

beforeAll(async () => {
  next = Promise.withResolvers();
  gateway = Bun.spawn([process.execPath, join(import.meta.dir, "gateway.ts"), folder.path, upstream.url.origin, KEY], {
    env: { PATH: process.env.PATH, BUN_JSC_useGC: "0" },
    stdout: "ignore",
    stderr: "inherit",
    ipc: (message) => next.resolve(message),
  });
  url = ((await next.promise) as Started).url;
});

afterAll(async () => {
  gateway.kill("SIGKILL");
  await gateway.exited;
  await upstream.stop(true);
  folder[Symbol.dispose]();
});

async function heap(): Promise<Heap> {
  next = Promise.withResolvers();
  gateway.send("heap");
  return (await next.promise) as Heap;
}

/** Each request has words of its own: nothing that is remembered by its words helps. */
async function load(path: string, body: object, count: number): Promise<void> {
  const text = JSON.stringify(body);
  const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const own = text.replace("snow", `snow ${left}`);
      const response = await fetch(url + path, { method: "POST", headers, body: own });
      if (!response.ok) throw new Error(await response.text());
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}

const sumOf = ({ types }: Heap) => Object.values(types).reduce((sum, count) => sum + count, 0);

type Count = { objects: number; kilobytes: number };

async function countOf(path: string, body: object): Promise<Count> {
  const before = await heap();
  await load(path, body, COUNTED);
  const after = await heap();
  return { objects: (sumOf(after) - sumOf(before)) / COUNTED, kilobytes: (after.bytes - before.bytes) / 1024 / COUNTED };
}

const isWithin = (seen: Count, most: Count): boolean => seen.objects <= most.objects && seen.kilobytes <= most.kilobytes;

const leastOf = (one: Count, other: Count): Count => ({
  objects: Math.min(one.objects, other.objects),
  kilobytes: Math.min(one.kilobytes, other.kilobytes),
});

test.each(LIMITS)(
  "%s",
  async (name, path, body, most) => {
    await load(path, body, WARM);
    let least = await countOf(path, body);
    // Timers and small batches of a slow machine only ever add to it.
    for (let more = 0; more < 3 && !isWithin(least, most); more++) least = leastOf(least, await countOf(path, body));
    console.log(`${name}: ${least.objects.toFixed(0)} objects, ${least.kilobytes.toFixed(1)} kB a request`);
    expect(least.objects).toBeLessThanOrEqual(most.objects);
    expect(least.kilobytes).toBeLessThanOrEqual(most.kilobytes);
  },
  60_000,
);
