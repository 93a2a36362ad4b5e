// The thread that writes dies: the server says why and exits, and the next start continues.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { WANTED } from "../../src/cli/serve/runtime.ts";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { temporaryFolder } from "../../src/testing.ts";

const KEY = "sk-f2a-death-key-000000000000000000000000000000";

async function prepared(dataDir: string): Promise<void> {
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
  await store.insertToken({ provider: "gemini", label: "one", secret: "alpha-project.key-one" }, Date.now());
  await store.insertKey({ name: "death", hash: hashKey(KEY), prefix: KEY.slice(0, 11) }, Date.now());
  await store.close();
}

async function serve(dataDir: string, geminiBaseUrl: string, how: string) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "thread-death.fixtures.ts"), "serve"], {
    cwd: join(import.meta.dir, "../.."),
    env: {
      PATH: process.env.PATH ?? "",
      THREAD_DEATH: how,
      // As the server wants them: it does not start again in this process.
      ...WANTED,
      FLOW2API_STORAGE_DATA_DIR: dataDir,
      FLOW2API_SERVER_HOST: "127.0.0.1",
      FLOW2API_SERVER_PORT: "0",
      FLOW2API_GEMINI_BASE_URL: geminiBaseUrl,
      FLOW2API_MEDIA_MIN_FREE_MB: "0",
      // The first call is the generation's.
      FLOW2API_REFRESH_ENABLED: "false",
      FLOW2API_LOG_FORMAT: "json",
    },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  const listening = Promise.withResolvers<string>();
  let logged = "";
  const whole = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      logged += decoder.decode(chunk, { stream: true });
      const url = /"message":"listening","url":"([^"]+)"/.exec(logged)?.[1];
      if (url) listening.resolve(url);
    }
    listening.reject(new Error(logged));
    return logged;
  })();
  return { child, url: await listening.promise, whole };
}

const generate = (url: string) =>
  fetch(`${url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gemini-nano-banana-2.1", prompt: "a fox" }),
  }).then(
    async (response) => {
      await response.text();
      return response.status;
    },
    () => null,
  );

test.each([
  ["failed", "JSON"],
  ["terminated", "ended"],
])(
  "a thread that has %s ends the process with code 1 and the reason; what was under way is settled at the next start",
  async (how, why) => {
    using folder = temporaryFolder();
    await using stack = new AsyncDisposableStack();
    // The first call is still under way whenever the thread dies.
    const [slow, quick] = [await startSimulator({ latencyMs: 60_000 }), await startSimulator()];
    stack.defer(() => slow.stop());
    stack.defer(() => quick.stop());
    await prepared(folder.path);
    const first = await serve(folder.path, slow.geminiBaseUrl, how);
    const waiting = generate(first.url);
    while (slow.calls().length === 0) await Bun.sleep(2);
    first.child.stdin.write("now\n");
    first.child.stdin.end();
    expect(await first.child.exited).toBe(1);
    await waiting;
    const line = (await first.whole).split("\n").find((text) => text.includes("The thread that writes the databases has ended"));
    expect(JSON.parse(line!)).toMatchObject({ level: "error", why: expect.stringContaining(why) });

    const second = await serve(folder.path, quick.geminiBaseUrl, how);
    expect(await generate(second.url)).toBe(200);
    second.child.kill("SIGTERM");
    expect(await second.child.exited).toBe(0);
    expect(await second.whole).toContain("Reservations left open by a crash settled at their estimate");
    const store = await openStore({ dataDir: folder.path, secretKey: loadSecretKey(folder.path, {}) });
    expect((await store.readLedger([], 0)).open).toEqual([]);
    await store.close();
  },
  60_000,
);
