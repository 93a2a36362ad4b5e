// What is measured: the mock itself, the ceiling, flow2api compiled, and peers where they can be had.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";

export type Weight = "small" | "large" | "huge";
export type Target = {
  name: string;
  pid: number;
  url: string;
  body: (weight: Weight) => string;
  headers: (weight: Weight) => Record<string, string>;
  /** Ms from the start of the process to its first answer. */
  startMs: number;
  stop(): Promise<void>;
};

const root = join(import.meta.dir, "..");
const KEY = "bench-key";
const JSON_TYPE = { "content-type": "application/json" };
const MODELS: Record<Weight, string> = { small: "gemini-nano-banana-2.1", large: "gemini-3.1-flash-image", huge: "gemini-3-pro-image" };
/** The mock reads nothing of it, so the same words do for every target that passes bodies through. */
const GOOGLE_BODY = JSON.stringify({ contents: [{ role: "user", parts: [{ text: "a fox in the snow" }] }] });

const pinned = (core: number, command: string[]) => ["taskset", "-c", String(core), ...command];

export async function freePort(): Promise<number> {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port } = server;
  await server.stop(true);
  return port!;
}

/** Ms until `url` answers anything. */
async function firstAnswer(url: string, startedAt: number): Promise<number> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await Bun.sleep(2)) {
    const ok = await fetch(url).then(
      () => true,
      () => false,
    );
    if (ok) return performance.now() - startedAt;
  }
  throw new Error(`${url} never answered`);
}

async function stop(process: Subprocess): Promise<void> {
  process.kill("SIGKILL");
  await process.exited;
}

export async function startMock(core: number): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const process = Bun.spawn(pinned(core, ["bun", join(import.meta.dir, "mock.ts"), String(port)]), { stdout: "ignore", stderr: "inherit" });
  const url = `http://127.0.0.1:${port}`;
  await firstAnswer(url, 0);
  return { url, stop: () => stop(process) };
}

export async function startCeiling(core: number, upstream: string): Promise<Target> {
  const port = await freePort();
  const startedAt = performance.now();
  const process = Bun.spawn(pinned(core, ["bun", join(import.meta.dir, "ceiling.ts"), String(port), upstream]), {
    stdout: "ignore",
    stderr: "inherit",
  });
  const base = `http://127.0.0.1:${port}`;
  return {
    name: "ceiling (bare Elysia proxy)",
    pid: process.pid,
    url: `${base}/v1/chat/completions`,
    body: () => GOOGLE_BODY,
    headers: (weight) => ({ ...JSON_TYPE, authorization: `Bearer ${KEY}`, "x-weight": weight }),
    startMs: await firstAnswer(`${base}/health`, startedAt),
    stop: () => stop(process),
  };
}

/** Limits of every kind, none of which is ever reached. */
const LIMITS = ["--rpm", "100000", "--concurrency", "1000", "--limit-images-day", "999999999", "--limit-usd-month", "999999999"];

/** With a key that has every limit to be checked and reserved. */
export const startLimited = (core: number, upstream: string) => startFlow2api(core, upstream, "flow2api, key with limits", LIMITS);

export async function startFlow2api(
  core: number,
  upstream: string,
  name = "flow2api (compiled)",
  limits: readonly string[] = [],
): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "flow2api-bench-"));
  const port = await freePort();
  const executable = join(root, "dist", "flow2api");
  const env = {
    ...process.env,
    FLOW2API_GEMINI_BASE_URL: upstream,
    FLOW2API_STORAGE_DATA_DIR: folder,
    FLOW2API_LOG_LEVEL: "info",
    FLOW2API_POOL_IMAGE_CONCURRENCY: "-1",
    FLOW2API_MEDIA_MIN_FREE_MB: "0",
  };
  const cli = async (...args: string[]) =>
    (await new Response(Bun.spawn([executable, ...args, "--data", folder], { env, stderr: "inherit" }).stdout).text()).trim();
  for (const secret of ["one", "two", "three"])
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", `bench-token-${secret}`, "--image-concurrency", "-1");
  const key = await cli("key", "create", "--name", "bench", ...limits);
  if (key === "") throw new Error("No key was made for the bench");
  const base = `http://127.0.0.1:${port}`;
  const serve = () =>
    Bun.spawn(pinned(core, [executable, "serve", "--host", "127.0.0.1", "--port", String(port)]), {
      env,
      cwd: folder,
      stdout: "ignore",
      stderr: Bun.file(join(folder, "server.log")),
    });
  // The very first start hashes a password, which takes long on purpose; every later one is as measured.
  const first = serve();
  await firstAnswer(`${base}/health`, 0);
  first.kill();
  await first.exited;
  const startedAt = performance.now();
  const server = serve();
  return {
    name,
    pid: server.pid,
    url: `${base}/v1/chat/completions`,
    body: (weight) =>
      JSON.stringify({
        model: MODELS[weight],
        messages: [{ role: "user", content: "a fox in the snow" }],
        ...(weight === "small" ? {} : { modalities: ["image"] }),
      }),
    headers: () => ({ ...JSON_TYPE, authorization: `Bearer ${key}` }),
    startMs: await firstAnswer(`${base}/health`, startedAt),
    async stop() {
      await stop(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Null where nginx is not installed. */
export async function startNginx(core: number, upstream: string): Promise<Target | null> {
  if (!Bun.which("nginx")) return null;
  const folder = mkdtempSync(join(tmpdir(), "flow2api-nginx-"));
  const port = await freePort();
  const config = `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events { worker_connections 1024; }
http { access_log off; client_max_body_size 100m; proxy_temp_path ${folder}/proxy; client_body_temp_path ${folder}/body; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream mock { server ${new URL(upstream).host}; keepalive 128; }
  map $http_x_weight $model { default gemini-nano-banana-2.1; large gemini-3.1-flash-image; huge gemini-3-pro-image; }
  server { listen 127.0.0.1:${port}; location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; rewrite ^ /v1beta/models/$model:generateContent break; proxy_pass http://mock; } } }`;
  await Bun.write(join(folder, "nginx.conf"), config);
  const startedAt = performance.now();
  const server = Bun.spawn(pinned(core, ["nginx", "-e", `${folder}/error.log`, "-c", join(folder, "nginx.conf")]), {
    stdout: "ignore",
    stderr: "ignore",
  });
  const base = `http://127.0.0.1:${port}`;
  return {
    name: "nginx",
    pid: server.pid,
    url: `${base}/`,
    body: () => GOOGLE_BODY,
    headers: (weight) => ({ ...JSON_TYPE, "x-weight": weight }),
    startMs: await firstAnswer(base, startedAt),
    async stop() {
      server.kill("SIGTERM");
      await server.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Null unless `bench/` has its own packages installed (`bun install --cwd bench`). */
export async function startPortkey(core: number, upstream: string): Promise<Target | null> {
  const entry = join(import.meta.dir, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js");
  if (!(await Bun.file(entry).exists())) return null;
  const port = await freePort();
  const startedAt = performance.now();
  const server = Bun.spawn(pinned(core, ["bun", entry, `--port=${port}`, "--headless"]), {
    env: { ...process.env, NODE_ENV: "production" },
    stdout: "ignore",
    stderr: "ignore",
  });
  const base = `http://127.0.0.1:${port}`;
  const messages = [{ role: "user", content: "a fox in the snow" }];
  return {
    name: "Portkey (under Bun)",
    pid: server.pid,
    url: `${base}/v1/chat/completions`,
    body: (weight) => JSON.stringify({ model: MODELS[weight], messages }),
    headers: () => ({
      ...JSON_TYPE,
      "x-portkey-provider": "google",
      "x-portkey-custom-host": `${upstream}/v1beta`,
      authorization: "Bearer bench-token-one",
    }),
    startMs: await firstAnswer(base, startedAt),
    stop: () => stop(server),
  };
}
