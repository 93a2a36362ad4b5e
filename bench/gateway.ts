// The gateway as a target of the bench: the executable on a folder of its own, or on one that is given.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstAnswer, freePort, JSON_TYPE, MODELS, pinned, type Shape, stop, type Target, type Weight } from "./targets.ts";

export type Gateway = Target & {
  /** Chat, chat streamed, images and generateContent, each one small image. */
  shapes: readonly Shape[];
  /** Stops it and starts it again; ms to its first response. */
  restart(): Promise<number>;
};

export type GatewayOptions = {
  name?: string;
  /** Options of the key, as `key create` takes them. */
  limits?: readonly string[];
  /** A folder that stays, with tokens in it; absent: an empty one with three tokens, which goes at the end. */
  folder?: string;
  env?: Record<string, string>;
};

/** Limits of every kind, none of which is ever reached. */
export const LIMITS = ["--rpm", "100000", "--concurrency", "1000", "--limit-images-day", "999999999", "--limit-usd-month", "999999999"];

/** A new key has limits of its own. */
const NO_LIMITS = ["--rpm=", "--concurrency="];

const executable = join(import.meta.dir, "..", "dist", "flow2api");

export async function startFlow2api(cores: string, upstream: string, options: GatewayOptions = {}): Promise<Gateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "flow2api-bench-"));
  const port = await freePort();
  const env = {
    ...process.env,
    FLOW2API_GEMINI_BASE_URL: upstream,
    FLOW2API_STORAGE_DATA_DIR: folder,
    FLOW2API_LOG_LEVEL: "info",
    FLOW2API_POOL_IMAGE_CONCURRENCY: "-1",
    FLOW2API_MEDIA_MIN_FREE_MB: "0",
    ...options.env,
  };
  const cli = async (...args: string[]): Promise<string> => {
    const child = Bun.spawn([executable, ...args, "--data", folder], { env, stderr: "pipe" });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    if ((await child.exited) !== 0) throw new Error(err);
    return out.trim();
  };
  if (options.folder === undefined) {
    for (const secret of ["one", "two", "three"])
      await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", `bench-token-${secret}`, "--image-concurrency", "-1");
  }
  const key = await cli("key", "create", "--name", "bench", ...(options.limits ?? NO_LIMITS));
  const origin = `http://127.0.0.1:${port}`;
  const serve = () =>
    Bun.spawn(pinned(cores, [executable, "serve", "--host", "127.0.0.1", "--port", String(port)]), {
      env,
      cwd: folder,
      stdout: "ignore",
      stderr: Bun.file(join(folder, "server.log")),
    });
  const responses = async () => {
    const startedAt = performance.now();
    server = serve();
    return firstAnswer(`${origin}/health`, startedAt);
  };
  // The very first start hashes a password, which takes long on purpose; every later one is as measured.
  let server = serve();
  await firstAnswer(`${origin}/health`, 0);
  const restart = async () => {
    server.kill("SIGTERM");
    await server.exited;
    return responses();
  };
  const startMs = await restart();
  const headers = { ...JSON_TYPE, authorization: `Bearer ${key}` };
  return {
    name: options.name ?? "flow2api (compiled)",
    get pid() {
      return server.pid;
    },
    origin,
    startMs,
    restart,
    shape: (weight) => chat(weight, headers),
    shapes: shapesWith(headers),
    async stop() {
      await stop(server);
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

const PROMPT = "a fox in the snow";
const messages = [{ role: "user", content: PROMPT }];

function chat(weight: Weight, headers: Record<string, string>): Shape {
  const body = JSON.stringify({ model: MODELS[weight], messages, ...(weight === "small" ? {} : { modalities: ["image"] }) });
  return { name: "chat", path: "/v1/chat/completions", body, headers, imageIn };
}

function shapesWith(headers: Record<string, string>): Shape[] {
  const model = MODELS.small;
  const bodies: [name: string, path: string, body: object][] = [
    ["chat", "/v1/chat/completions", { model, messages }],
    ["chat, streamed", "/v1/chat/completions", { model, messages, stream: true }],
    ["images", "/v1/images/generations", { model, prompt: PROMPT }],
    ["generateContent", `/v1beta/models/${model}:generateContent`, { contents: [{ role: "user", parts: [{ text: PROMPT }] }] }],
  ];
  return bodies.map(([name, path, body]) => ({ name, path, body: JSON.stringify(body), headers, imageIn }));
}

/** The base64 of every PNG begins so. */
const PNG_BASE64 = /iVBORw0KGgo[A-Za-z0-9+/]+=*/;
const LINK = /https?:\/\/[\w.:-]+\/media\/[a-z2-7]{26}\.png/;

/** An image inside the response, in whatever form, or behind the link in it. */
async function imageIn(response: Response): Promise<Uint8Array | null> {
  const text = await response.text();
  const data = PNG_BASE64.exec(text)?.[0];
  if (data) return Uint8Array.fromBase64(data);
  const link = LINK.exec(text)?.[0];
  return link ? await (await fetch(link)).bytes() : null;
}
