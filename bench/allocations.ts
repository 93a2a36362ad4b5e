// JavaScript objects and kilobytes that a request allocates, counted in a process without garbage collection.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Heap, Started } from "../test/hot-path/gateway.ts";
import { GOOGLE_BODY, JSON_TYPE, MODELS, startMock } from "./targets.ts";

export type Allocated = { name: string; objects: number; kilobytes: number };

/** Nothing is freed: each request costs memory until the process ends. */
const WARM = 1_000;
const COUNTED = 1_000;
const CONNECTIONS = 8;

const model = MODELS.small;
const PROMPT = "a fox in the snow";
const messages = [{ role: "user", content: PROMPT }];
const FORMS: [name: string, path: string, body: string][] = [
  ["chat", "/v1/chat/completions", JSON.stringify({ model, messages })],
  ["chat, streamed", "/v1/chat/completions", JSON.stringify({ model, messages, stream: true })],
  ["images", "/v1/images/generations", JSON.stringify({ model, prompt: PROMPT })],
  ["generateContent", `/v1beta/models/${model}:generateContent`, GOOGLE_BODY],
];

/** In an empty folder, or in one that has so many tokens: each is used before anything counts, as the first call of a token opens its secret. */
export async function allocationsOf(folder: string | null, tokens = 0): Promise<Allocated[]> {
  const own = folder === null ? mkdtempSync(join(tmpdir(), "flow2api-bench-heap-")) : null;
  const mock = await startMock("0-1");
  const key = `sk-f2a-bench-${crypto.randomUUID()}`;
  const gateway = await startCounted(folder ?? own!, mock.url, key);
  const headers = { ...JSON_TYPE, authorization: `Bearer ${key}` };
  const load = async (path: string, body: string, count: number) => {
    let left = count;
    const work = async () => {
      while (left-- > 0) {
        // Each request has words of its own: nothing that is remembered by its words helps.
        const own = body.replace(PROMPT, `${PROMPT} ${left}`);
        const response = await fetch(gateway.url + path, { method: "POST", headers, body: own });
        if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
        await response.arrayBuffer();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
  };
  const all: Allocated[] = [];
  try {
    const [, first, words] = FORMS[0]!;
    await load(first, words, Math.ceil(tokens * 1.2));
    for (const [name, path, body] of FORMS) {
      await load(path, body, WARM);
      const before = await gateway.heap();
      await load(path, body, COUNTED);
      const after = await gateway.heap();
      all.push({
        name,
        objects: (countOf(after) - countOf(before)) / COUNTED,
        kilobytes: (after.bytes - before.bytes) / 1024 / COUNTED,
      });
    }
  } finally {
    await gateway.stop();
    await mock.stop();
    if (own !== null) rmSync(own, { recursive: true, force: true });
  }
  return all;
}

const countOf = ({ types }: Heap) => Object.values(types).reduce((sum, count) => sum + count, 0);

async function startCounted(folder: string, upstream: string, key: string) {
  let next = Promise.withResolvers<unknown>();
  const program = join(import.meta.dir, "..", "test", "hot-path", "gateway.ts");
  const child = Bun.spawn([process.execPath, program, folder, upstream, key], {
    env: { PATH: process.env.PATH, BUN_JSC_useGC: "0" },
    stdout: "ignore",
    stderr: "inherit",
    ipc: (message) => next.resolve(message),
  });
  const { url } = (await next.promise) as Started;
  return {
    url,
    async heap() {
      next = Promise.withResolvers();
      child.send("heap");
      return (await next.promise) as Heap;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
