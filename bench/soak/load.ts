// The mixed load of a soak: what clients of both dialects and the operator do, each in proportion, some of them leaving half-way.
import type { Random } from "../../src/clock.ts";

export type Served = {
  url: string;
  keys: readonly string[];
  /** Signed in to the admin. */
  cookie: string;
};

/** How often each status came, by act; 0: the connection broke, or we left. */
export type Counts = Map<string, Map<number, number>>;

type Call = (path: string, init?: RequestInit & { json?: unknown }) => Promise<Response>;
type Act = { name: string; share: number; run(call: Call, random: Random): Promise<number> };

export const IMAGE_MODEL = "gemini-nano-banana-2.1";
const VIDEO_MODEL = "gemini-omni-1.2-flash";
/** Clients that leave while their response is made or read. */
const LEAVING = 0.05;
const VIDEO_POLLS = 120;

let prompts = 0;
const prompt = () => `a fox in the snow, number ${++prompts}, painted in oil`;
const user = (content: unknown) => [{ role: "user", content }];

/** Reads the whole body; its length decides nothing. */
async function drain(response: Response): Promise<number> {
  for await (const _ of response.body ?? []);
  return response.status;
}

/** @param image base64 of an image that the server made, for edits and uploads */
export const actsWith = (image: string): readonly Act[] => [
  {
    name: "chat",
    share: 20,
    run: async (call) => drain(await call("/v1/chat/completions", { json: { model: IMAGE_MODEL, messages: user(prompt()) } })),
  },
  {
    name: "chat stream",
    share: 20,
    run: async (call) =>
      drain(await call("/v1/chat/completions", { json: { model: IMAGE_MODEL, messages: user(prompt()), stream: true } })),
  },
  {
    name: "images",
    share: 10,
    run: async (call, random) =>
      drain(
        await call("/v1/images/generations", {
          json: { model: IMAGE_MODEL, prompt: prompt(), n: random() < 0.2 ? 2 : 1, response_format: random() < 0.5 ? "b64_json" : "url" },
        }),
      ),
  },
  {
    name: "edit",
    share: 10,
    run: async (call) =>
      drain(
        await call("/v1/chat/completions", {
          json: {
            model: IMAGE_MODEL,
            messages: user([
              { type: "text", text: prompt() },
              { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } },
            ]),
          },
        }),
      ),
  },
  {
    name: "gemini",
    share: 10,
    run: async (call, random) =>
      drain(
        await call(`/v1beta/models/${IMAGE_MODEL}:${random() < 0.5 ? "generateContent" : "streamGenerateContent?alt=sse"}`, {
          json: { contents: [{ role: "user", parts: [{ text: prompt() }] }] },
        }),
      ),
  },
  { name: "video", share: 2, run: video },
  { name: "image job", share: 3, run: imageJob },
  { name: "file", share: 4, run: (call) => file(call, image) },
  { name: "repeated", share: 3, run: repeated },
  { name: "models", share: 4, run: async (call) => drain(await call("/v1/models")) },
  {
    name: "invalid",
    share: 4,
    run: async (call) => drain(await call("/v1/images/generations", { json: { model: "no-such-model", prompt: 1 } })),
  },
  {
    name: "unknown key",
    share: 2,
    run: async (call) => drain(await call("/v1/models", { headers: { authorization: "Bearer sk-unknown" } })),
  },
  { name: "admin", share: 4, run: async (call, random) => drain(await call(PAGES[Math.floor(random() * PAGES.length)]!)) },
  { name: "metrics", share: 2, run: async (call) => drain(await call("/metrics")) },
];

const PAGES = ["/admin", "/admin/tokens", "/admin/requests", "/admin/jobs", "/admin/gallery", "/admin/usage", "/admin/system"];

async function video(call: Call, random: Random): Promise<number> {
  const made = await call("/v1/videos", { json: { model: VIDEO_MODEL, prompt: prompt(), seconds: "4" } });
  const { id } = (await made.json()) as { id?: string };
  if (!id) return made.status;
  for (let polls = 0; polls < VIDEO_POLLS; polls++) {
    const { status } = (await (await call(`/v1/videos/${id}`)).json()) as { status?: string };
    if (status === "completed") return drain(await call(`/v1/videos/${id}/content`));
    if (status === "failed") break;
    await Bun.sleep(500);
  }
  if (random() < 0.5) await drain(await call(`/v1/videos/${id}`, { method: "DELETE" }));
  return made.status;
}

async function imageJob(call: Call): Promise<number> {
  const made = await call("/v1/images/generations", { json: { model: IMAGE_MODEL, prompt: prompt(), background: true } });
  const { id } = (await made.json()) as { id?: string };
  return id ? drain(await call(`/v1/images/generations/${id}/events`)) : made.status;
}

async function file(call: Call, image: string): Promise<number> {
  const body = new FormData();
  body.set("purpose", "vision");
  body.set("file", new File([Uint8Array.fromBase64(image)], "soak.png"));
  const made = await call("/v1/files", { method: "POST", body });
  const { id } = (await made.json()) as { id?: string };
  if (!id) return made.status;
  await drain(await call(`/v1/files/${id}/content`));
  return drain(await call(`/v1/files/${id}`, { method: "DELETE" }));
}

async function repeated(call: Call): Promise<number> {
  const headers = { "idempotency-key": crypto.randomUUID() };
  const json = { model: IMAGE_MODEL, prompt: prompt() };
  const [first] = await Promise.all([0, 1].map(async () => drain(await call("/v1/images/generations", { json, headers }))));
  return first!;
}

type Work = { served: Served; acts: readonly Act[]; random: Random; counts: Counts; stopping: AbortSignal };

/** One client after the other, until `stopping` aborts. Never throws for what a server may do. */
export async function work({ served, acts, random, counts, stopping }: Work): Promise<void> {
  const lots = acts.flatMap((act) => Array.from({ length: act.share }, () => act));
  while (!stopping.aborted) {
    const act = lots[Math.floor(random() * lots.length)]!;
    const left = new AbortController();
    const leaves = random() < LEAVING ? setTimeout(() => left.abort(), random() * 1_500) : null;
    const status = await act.run(callAs(served, random, left.signal), random).catch(() => 0);
    if (leaves !== null) clearTimeout(leaves);
    const of = counts.get(act.name) ?? new Map<number, number>();
    counts.set(act.name, of.set(status, (of.get(status) ?? 0) + 1));
    await Bun.sleep(random() * 50);
  }
}

function callAs({ url, keys, cookie }: Served, random: Random, signal: AbortSignal): Call {
  const key = keys[Math.floor(random() * keys.length)]!;
  return (path, { json, headers, ...init } = {}) =>
    fetch(`${url}${path}`, {
      signal,
      ...init,
      ...(json === undefined ? {} : { method: "POST", body: JSON.stringify(json) }),
      headers: {
        ...(path.startsWith("/admin") ? { cookie } : { authorization: `Bearer ${key}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(headers as Record<string, string>),
      },
    });
}
