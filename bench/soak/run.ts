// bun run soak --minutes N [--seed S] [--clients C] [--latency MS]: mixed load with 5 % faults on loopback against the real server and the simulator.
// Samples memory, descriptors and write-ahead logs, prints their growth per hour, and stops by itself. Linux only.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { storePassword } from "../../src/gateway/auth/password.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { newKey } from "../../src/ids.ts";
import { seededRandom, temporaryFolder } from "../../src/testing.ts";
import { login } from "../../test/admin/admin.ts";
import { startProcess } from "../../test/serve-process.ts";
import { grownTypes, type LiveHeap, probeEnv, readHeap } from "./heap.ts";
import { actsWith, type Counts, IMAGE_MODEL, work } from "./load.ts";
import { growthOf, type Sample, takeSample } from "./samples.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    clients: { type: "string", default: "8" },
    /** Of an upstream call: less makes more requests of a minute. */
    latency: { type: "string", default: "150" },
  },
});
const [minutes, seed, clients] = [Number(values.minutes), Number(values.seed), Number(values.clients)];
if (!(minutes > 0) || !Number.isInteger(seed) || !(clients >= 1)) {
  console.error("Usage: bun run soak --minutes N [--seed S] [--clients C] [--latency MS] (number above 0, whole numbers)");
  process.exit(2);
}

const PASSWORD = "correct horse battery staple";
/** One call in twenty goes wrong, in every way that costs the server something else. */
const FAULTS = [
  ...["503:0.015", "500:0.005", "429-minute(1):0.01", "lost:0.005", "cut:0.005", "text:0.005", "malformed:0.005"].map(
    (f) => `gemini.generate=${f}`,
  ),
  ...["503:0.03", "429-minute(1):0.01", "lost:0.01"].map((f) => `gemini.interaction=${f}`),
  ...["503:0.03", "cut:0.02"].map((f) => `gemini.interaction-get=${f}`),
  ...["503:0.03", "cut:0.02"].map((f) => `gemini.file-download=${f}`),
].join(",");
const TOKENS = 8;
const KEYS = 5;
/** Images made before anything counts: more than the server remembers the makers of, so that this memory is full. */
const FILL = 11_000;
const FILL_AT_ONCE = 32;
/** Of the samples, in which caches fill and code is compiled. */
const WARM_UP = 0.2;
const MOST_SAMPLES = 720;
const LEAST_PAUSE_MS = 1_000;
/** Fewer more of a type than this are not reported: caches and pools breathe. */
const LEAST_GROWN = 200;

using folder = temporaryFolder("flow2api-soak-");
const dataDir = join(folder.path, "data");
const heapFile = join(folder.path, "heap.json");
const keys = await prepare();
const simulator = await startSimulatorProcess();
let exitCode = 1;
try {
  await using server = await startProcess(dataDir, simulator, {
    // Both are reached within minutes: sweeping is part of what runs for long.
    FLOW2API_MEDIA_MAX_TOTAL_MB: "200",
    FLOW2API_MEDIA_SWEEP_INTERVAL: "20",
    FLOW2API_REFRESH_ENABLED: "true",
    FLOW2API_REFRESH_GEMINI_INTERVAL: "60",
    ...probeEnv(heapFile),
  });
  exitCode = await soak(server);
  await server.end("SIGTERM");
} finally {
  simulator.stop();
}
process.exit(exitCode);

async function soak({ url, pid, log }: { url: string; pid: number; log(): string }): Promise<number> {
  const acts = actsWith(await firstImage(url));
  await fill(url);
  const served = { url, keys, cookie: await login(url, PASSWORD) };
  const random = seededRandom(seed);
  const counts: Counts = new Map();
  const stopping = new AbortController();
  process.once("SIGINT", () => stopping.abort());
  const startedAt = performance.now();
  const endsAt = startedAt + minutes * 60_000;
  const working = Array.from({ length: clients }, () =>
    work({ served, acts, random: seededRandom(Math.floor(random() * 2 ** 31)), counts, stopping: stopping.signal }),
  );
  const pauseMs = Math.max(LEAST_PAUSE_MS, (minutes * 60_000) / MOST_SAMPLES);
  const samples: Sample[] = [];
  let died: unknown = null;
  let warm: { heap: LiveHeap; requests: number } | null = null;
  while (performance.now() < endsAt && !stopping.signal.aborted) {
    try {
      samples.push(takeSample(pid, dataDir, performance.now() - startedAt));
      if (!warm && performance.now() - startedAt > minutes * 60_000 * WARM_UP)
        warm = { heap: await readHeap(pid, heapFile), requests: totalOf(counts) };
    } catch (error) {
      died = error;
      break;
    }
    await Bun.sleep(Math.max(0, Math.min(pauseMs, endsAt - performance.now())));
  }
  stopping.abort();
  await Promise.race([Promise.all(working), Bun.sleep(90_000)]);
  report(samples, counts, (performance.now() - startedAt) / 60_000);
  if (warm && died === null) reportHeap(warm.heap, await readHeap(pid, heapFile), totalOf(counts) - warm.requests);
  const errors = log()
    .split("\n")
    .filter((line) => line.includes('"level":"error"'));
  if (errors.length > 0) console.log(`\nThe server logged ${errors.length} errors, the first:\n${errors[0]!.slice(0, 2_000)}`);
  if (died === null) return 0;
  console.error(`\nThe server ended during the run: ${died}`);
  return 1;
}

function report(samples: readonly Sample[], counts: Counts, ranMinutes: number): void {
  const round = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2));
  console.log(`${ranMinutes.toFixed(1)} minutes, ${clients} clients, seed ${seed}: ${totalOf(counts)} requests, ${samples.length} samples`);
  console.table(Object.fromEntries([...counts].sort().map(([name, of]) => [name, Object.fromEntries([...of].sort())])));
  console.log(`Growth per hour (Theil–Sen, without the first ${WARM_UP * 100} % of the samples):`);
  console.table(
    Object.fromEntries(
      growthOf(samples, WARM_UP).map(({ metric, first, last, most, perHour }) => [
        metric,
        { first: round(first), last: round(last), most: round(most), "per hour": round(perHour) },
      ]),
    ),
  );
}

function totalOf(counts: Counts): number {
  return [...counts.values()].flatMap((of) => [...of.values()]).reduce((sum, count) => sum + count, 0);
}

/** What lives after a full collection: types that grow with the requests are a leak, whatever the memory does. */
function reportHeap(before: LiveHeap, after: LiveHeap, requests: number): void {
  const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  console.log(
    `\nLive after a full collection, after warm-up and ${requests} requests later: heap ${megabytes(before.heapSize)} to ${megabytes(after.heapSize)} MB, ` +
      `outside it ${megabytes(before.extraMemorySize)} to ${megabytes(after.extraMemorySize)} MB`,
  );
  const grown = grownTypes(before, after, LEAST_GROWN).slice(0, 20);
  if (grown.length === 0) console.log(`No type has ${LEAST_GROWN} objects more.`);
  else
    console.table(
      Object.fromEntries(
        grown.map(({ type, before: was, after: is }) => [type, { was, is, "per request": ((is - was) / requests).toFixed(2) }]),
      ),
    );
}

async function prepare(): Promise<string[]> {
  await Bun.write(join(dataDir, ".keep"), "");
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
  for (let number = 0; number < TOKENS; number++) {
    const secret = `project-${number}.key-of-the-soak`;
    await store.insertToken({ provider: "gemini", label: `token ${number}`, secret, imageConcurrency: 4, videoConcurrency: 2 }, Date.now());
  }
  const made: string[] = [];
  for (let number = 0; number < KEYS; number++) {
    const { key, prefix } = newKey();
    await store.insertKey({ name: `client ${number}`, hash: hashKey(key), prefix }, Date.now());
    made.push(key);
  }
  await storePassword(store, PASSWORD, false);
  await store.close();
  return made;
}

/** Some fail, as everywhere in this run. */
async function fill(url: string): Promise<void> {
  let left = FILL;
  const work = async () => {
    while (left-- > 0) await (await generate(url, { model: IMAGE_MODEL, prompt: `a lighthouse, number ${left}` })).arrayBuffer();
  };
  await Promise.all(Array.from({ length: FILL_AT_ONCE }, work));
}

function generate(url: string, json: object): Promise<Response> {
  return fetch(`${url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${keys[0]}`, "content-type": "application/json" },
    body: JSON.stringify(json),
  });
}

async function firstImage(url: string): Promise<string> {
  const json = { model: IMAGE_MODEL, prompt: "a lighthouse", response_format: "b64_json" };
  for (let tries = 0; tries < 20; tries++) {
    const body = (await (await generate(url, json)).json()) as { data?: { b64_json?: string }[] };
    if (body.data?.[0]?.b64_json) return body.data[0].b64_json;
  }
  throw new Error("The server made no image in twenty tries.");
}

/** A process of its own: its memory is not the server's, and its drawing takes no time of the clients. */
async function startSimulatorProcess(): Promise<{ geminiBaseUrl: string; stop(): void }> {
  const main = join(import.meta.dir, "..", "..", "src", "main.ts");
  const child = Bun.spawn(
    [process.execPath, main, "simulate", "--port", "0", "--seed", String(seed), "--faults", FAULTS, "--latency", values.latency],
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    const geminiBaseUrl = /FLOW2API_GEMINI_BASE_URL=(\S+)/.exec(text)?.[1];
    if (geminiBaseUrl) return { geminiBaseUrl, stop: () => child.kill("SIGKILL") };
  }
  throw new Error(`The simulator did not start:\n${text}`);
}
