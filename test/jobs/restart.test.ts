// kill -9 in the middle of load, again and again on one folder: cooldowns, blocks, ledger and limits go on as they were.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import type { Store } from "../../src/db/store.ts";
import { NO_LIMITS } from "../../src/domain/key.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { seededRandom, temporaryFolder } from "../../src/testing.ts";

const KEY = "sk-f2a-test-key-of-the-restarts-0000000000000000";
const MODEL = "gemini-3.1-flash-image";
const LIMIT = 400;
const KILLS = 5;
const TOKENS = ["well-one.key", "well-two.key", "cold-one.key", "dead-one.key"];

type Server = { url: string; kill(): Promise<void> };

/** The program from its sources as a process of its own. */
async function startServer(dataDir: string, simulator: Simulator): Promise<Server> {
  const child = Bun.spawn([process.execPath, "src/main.ts", "serve"], {
    cwd: join(import.meta.dir, "../.."),
    stdout: "ignore",
    stderr: "pipe",
    env: {
      PATH: process.env.PATH ?? "",
      FLOW2API_SERVER_HOST: "127.0.0.1",
      FLOW2API_SERVER_PORT: "0",
      FLOW2API_STORAGE_DATA_DIR: dataDir,
      FLOW2API_GEMINI_BASE_URL: simulator.geminiBaseUrl,
      FLOW2API_MEDIA_MIN_FREE_MB: "0",
      // A check of a token would count as its use.
      FLOW2API_REFRESH_ENABLED: "false",
      FLOW2API_LOG_FORMAT: "json",
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void (async () => {
    let logged = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      logged += decoder.decode(chunk, { stream: true });
      const url = /"message":"listening","url":"([^"]+)"/.exec(logged)?.[1];
      if (url) resolve(url);
    }
    reject(new Error(`The server did not start:\n${logged}`));
  })();
  return {
    url: await promise,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Looks into the folder, or prepares it. */
async function withStore<T>(dataDir: string, act: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
  try {
    return await act(store);
  } finally {
    await store.close();
  }
}

/** HTTP status, or 0 when the server died before it answered. */
async function ask(server: Server): Promise<number> {
  try {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "a fox" }] }),
    });
    await response.text();
    return response.status;
  } catch {
    return 0;
  }
}

async function gaugesOf(server: Server): Promise<Record<string, number>> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const read = (name: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.split(" ")[1],
    );
  return {
    cooling: read('flow2api_tokens{state="cooling"}'),
    blocked: read('flow2api_tokens{state="blocked"}'),
    healthy: read('flow2api_tokens{state="healthy"}'),
    open: read("flow2api_reservations_open"),
    inFlight: read("flow2api_image_inflight"),
  };
}

const ledgerOf = (dataDir: string) => withStore(dataDir, (store) => store.readLedger(["total"], 0));
const imagesOf = (rows: readonly { amounts: { images: number } }[]) => rows.reduce((sum, { amounts }) => sum + amounts.images, 0);

/** What holds each token back, as written down: until when and why. */
const heldOf = (dataDir: string) =>
  withStore(dataDir, async (store) =>
    (await store.listTokens()).map(({ health }) => {
      const { token, group } = (health ?? {}) as Record<string, { condition?: unknown; health?: { condition?: unknown } } | undefined>;
      return token?.condition ?? group?.health?.condition ?? null;
    }),
  );

test("what was learned, spent and allowed before is so after", async () => {
  using folder = temporaryFolder();
  await using simulator = Object.assign(await startSimulator({ latencyMs: 30 }), {
    [Symbol.asyncDispose]: () => simulator.stop(),
  });
  const dataDir = folder.path;
  await withStore(dataDir, async (store) => {
    for (const secret of TOKENS) await store.insertToken({ provider: "gemini", label: secret, secret, imageConcurrency: 4 }, Date.now());
    const limits = { ...NO_LIMITS, images: { day: null, month: null, total: LIMIT } };
    await store.insertKey({ name: "test", hash: hashKey(KEY), prefix: "sk-f2a-test", limits }, Date.now());
  });
  const requestsOf = (secret: string) => simulator.counts().secrets[secret]?.requests ?? 0;
  const random = seededRandom(7);

  let server = await startServer(dataDir, simulator);
  simulator.setFaults("gemini.generate=429-nodetails@cold,gemini.generate=bad-key@dead");
  while (requestsOf("cold-one.key") === 0 || requestsOf("dead-one.key") === 0) await ask(server);
  // From here on both would serve again, if anybody asked them.
  simulator.setFaults("");
  let held: unknown[] = [];
  for (let turn = 0; turn < 100 && held.filter((one) => one !== null).length < 2; turn++) {
    await Bun.sleep(20);
    held = await heldOf(dataDir);
  }
  expect(held.filter((one) => one !== null)).toHaveLength(2);

  for (let kill = 0; kill < KILLS; kill++) {
    const load = Promise.all(
      Array.from({ length: 6 }, async () => {
        while ((await ask(server)) !== 0);
      }),
    );
    await Bun.sleep(random() * 20);
    const before = simulator.counts().total.accepted;
    while (simulator.counts().total.accepted < before + 4 + random() * 20) await Bun.sleep(2);
    await server.kill();
    await load;
    const left = await ledgerOf(dataDir);
    const reserved = left.open.reduce((sum, { estimate }) => sum + estimate.images, 0);

    server = await startServer(dataDir, simulator);
    expect(await gaugesOf(server)).toEqual({ healthy: 2, cooling: 1, blocked: 1, open: 0, inFlight: 0 });
    const now = await ledgerOf(dataDir);
    expect([now.open, imagesOf(now.spent)]).toEqual([[], imagesOf(left.spent) + reserved]);
    // Whatever the upstream was paid for is counted.
    expect(imagesOf(now.spent)).toBeGreaterThanOrEqual(simulator.counts().total.charged);
    expect(await heldOf(dataDir)).toEqual(held as never);
  }
  expect([requestsOf("cold-one.key"), requestsOf("dead-one.key")]).toEqual([1, 1]);

  const spent = imagesOf((await ledgerOf(dataDir)).spent);
  const statuses: number[] = [];
  while (statuses.at(-1) !== 429) statuses.push(...(await Promise.all(Array.from({ length: 8 }, () => ask(server)))).sort());
  expect(statuses.filter((status) => status === 200)).toHaveLength(LIMIT - spent);
  // An end is written down a moment after its response.
  let last = await ledgerOf(dataDir);
  for (let turn = 0; turn < 100 && last.open.length > 0; turn++, last = await ledgerOf(dataDir)) await Bun.sleep(10);
  expect(imagesOf(last.spent)).toBe(LIMIT);
  await server.kill();
}, 240_000);
