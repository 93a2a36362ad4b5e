// What a target of the bench is; the mock upstream, and the ceiling: a bare Elysia proxy on the same runtime.
import { join } from "node:path";
import type { Subprocess } from "bun";

export type Weight = "small" | "large" | "huge";

/** A request of some form, and the image that its response must hold. */
export type Shape = {
  name: string;
  path: string;
  body: string;
  headers: Record<string, string>;
  /** The image of a 200 answer as bytes; null: there is none. */
  imageIn(response: Response): Promise<Uint8Array | null>;
};

export type Target = {
  name: string;
  pid: number;
  origin: string;
  /** The form that all targets are compared by: one image of this weight. */
  shape(weight: Weight): Shape;
  /** Ms from the start of the process to its first response. */
  startMs: number;
  stop(): Promise<void>;
};

const KEY = "bench-key";
export const JSON_TYPE = { "content-type": "application/json" };
export const MODELS: Record<Weight, string> = {
  small: "gemini-nano-banana-2.1",
  large: "gemini-3.1-flash-image",
  huge: "gemini-3-pro-image",
};
/** The mock reads nothing of it, so the same words do for every target that passes bodies through. */
export const GOOGLE_BODY = JSON.stringify({ contents: [{ role: "user", parts: [{ text: "a fox in the snow" }] }] });

type GoogleAnswer = { candidates?: { content?: { parts?: { inlineData?: { data?: string } }[] } }[] };

/** The image of a response in Google's own form. */
export async function googleImage(response: Response): Promise<Uint8Array | null> {
  const { candidates } = (await response.json()) as GoogleAnswer;
  const data = candidates?.[0]?.content?.parts?.find(({ inlineData }) => inlineData)?.inlineData?.data;
  return data ? Uint8Array.fromBase64(data) : null;
}

export const pinned = (cores: string, command: string[]) => ["taskset", "-c", cores, ...command];

export async function freePort(): Promise<number> {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port } = server;
  await server.stop(true);
  return port!;
}

/** Ms until `url` answers anything. */
export async function firstAnswer(url: string, startedAt: number): Promise<number> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await Bun.sleep(2)) {
    const ok = await fetch(url).then(
      () => true,
      () => false,
    );
    if (ok) return performance.now() - startedAt;
  }
  throw new Error(`${url} never answered`);
}

export async function stop(process: Subprocess): Promise<void> {
  process.kill("SIGKILL");
  await process.exited;
}

export type Mock = { url: string; pid: number; stop(): Promise<void> };

export async function startMock(cores: string): Promise<Mock> {
  const port = await freePort();
  const process = Bun.spawn(pinned(cores, ["bun", join(import.meta.dir, "mock.ts"), String(port)]), {
    stdout: "ignore",
    stderr: "inherit",
  });
  const url = `http://127.0.0.1:${port}`;
  await firstAnswer(url, 0);
  return { url, pid: process.pid, stop: () => stop(process) };
}

export async function startCeiling(cores: string, upstream: string): Promise<Target> {
  const port = await freePort();
  const startedAt = performance.now();
  const process = Bun.spawn(pinned(cores, ["bun", join(import.meta.dir, "ceiling.ts"), String(port), upstream]), {
    stdout: "ignore",
    stderr: "inherit",
  });
  const origin = `http://127.0.0.1:${port}`;
  return {
    name: "ceiling (bare Elysia proxy)",
    pid: process.pid,
    origin,
    shape: (weight) => ({
      name: "proxied",
      path: "/v1/chat/completions",
      body: GOOGLE_BODY,
      headers: { ...JSON_TYPE, authorization: `Bearer ${KEY}`, "x-weight": weight },
      imageIn: googleImage,
    }),
    startMs: await firstAnswer(`${origin}/health`, startedAt),
    stop: () => stop(process),
  };
}

const AN_IMAGE = { small: 60, large: 1_000_000, huge: 10_000_000 } as const;

/** A target that answers quickly with something else than the image is not measured. @throws {Error} naming what came */
export async function verify(target: Target, shape: Shape, weight: Weight): Promise<void> {
  const { body, headers } = shape;
  const response = await fetch(`${target.origin}${shape.path}`, { method: "POST", body, headers });
  const shown = response.clone();
  const image = response.ok ? await shape.imageIn(response).catch(() => null) : null;
  const isPng = image !== null && image.length >= AN_IMAGE[weight] && new TextDecoder().decode(image.subarray(1, 4)) === "PNG";
  if (!isPng)
    throw new Error(
      `${target.name}, ${shape.name}, ${weight}: expected a PNG, got ${response.status} ${(await shown.text()).slice(0, 300)}`,
    );
}
