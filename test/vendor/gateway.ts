// A gateway in front of the stand-in, and what one recorded answer does to it, asked in both dialects.

import { type Clock, systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/config.ts";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import type { NewToken } from "../../src/domain/token.ts";
import { createLog } from "../../src/log.ts";
import { start } from "../../src/server.ts";
import { temporaryFolder } from "../../src/testing.ts";
import { type Expected, type Recorded, startStandIn } from "./stand-in.ts";

const KEY = "sk-f2a-test-key-of-the-vendor-0000000000000000000";
const SPEED = 40;

/** Pauses between tries are seconds; the tests do not wait for them. What is held back stays so for its real time. */
const IMPATIENT: Clock = { now: systemClock.now, after: (ms, task) => systemClock.after(ms / SPEED, task) };

export const GEMINI: NewToken = { provider: "gemini", label: "alpha", secret: "alpha-key" };
export const GEMINI_TWO: NewToken = { provider: "gemini", label: "beta", secret: "beta-key" };
export const FLOW: NewToken = { provider: "flow", label: "flow", secret: "flow-session" };

export async function startGateway(tokens: NewToken[]) {
  const folder = temporaryFolder();
  const standIn = startStandIn();
  const store = await openStore({ dataDir: folder.path, secretKey: loadSecretKey(folder.path, {}) });
  for (const token of tokens) await store.insertToken(token, Date.now());
  await store.close();
  const lines: string[] = [];
  const flags = {
    "server.host": "127.0.0.1",
    "server.port": 0,
    "server.drain_timeout": 1,
    "storage.data_dir": folder.path,
    "gemini.base_url": standIn.geminiBaseUrl,
    "flow.labs_base_url": standIn.flowLabsBaseUrl,
    "flow.api_base_url": standIn.flowApiBaseUrl,
    "media.min_free_mb": 0,
    "refresh.enabled": false,
  };
  const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  const server = await start({ config: loadConfig({ file: null, env: {}, flags }), log, firstKey: KEY, clock: IMPATIENT });
  const call = (path: string, json?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}`, {
      ...(json === undefined ? {} : { method: "POST", body: JSON.stringify(json) }),
      headers: { "content-type": "application/json", ...headers },
    });
  return {
    standIn,
    lines,
    context: server.context,
    openai: (path: string, json?: unknown) => call(path, json, { authorization: `Bearer ${KEY}` }),
    gemini: (path: string, json?: unknown) => call(path, json, { "x-goog-api-key": KEY }),
    async [Symbol.asyncDispose]() {
      await server.stop();
      standIn.stop();
      folder[Symbol.dispose]();
    },
  };
}

export type Gateway = Awaited<ReturnType<typeof startGateway>>;

type Completion = { error?: { code: string }; choices?: { finish_reason: string }[] };
type Content = {
  error?: { status: string };
  promptFeedback?: { blockReason: string };
  candidates?: { finishReason?: string }[];
  usageMetadata?: { totalTokenCount: number };
};
type Video = { id: string; status: string; error?: { code: string } | null };
type Operation = {
  name: string;
  done?: boolean;
  error?: { status: string };
  response?: { generateVideoResponse?: { generatedSamples?: unknown[] } };
};

const isVideo = ({ at }: Pick<Recorded, "at">) => at.includes("video") || at.includes("interaction");
const modelOf = (recorded: Recorded) =>
  recorded.model ?? (!isVideo(recorded) ? "gemini-3.1-flash-image" : recorded.at.startsWith("flow") ? "veo-3.1" : "gemini-omni-1.2-flash");

/** What the answer comes to, in the terms that the recordings expect. */
export async function effectOf(gateway: Gateway, recorded: Recorded): Promise<Expected & { text: string }> {
  const { context, standIn } = gateway;
  standIn.load(recorded);
  const asked = isVideo(recorded) ? await videoByOpenAi(gateway, recorded) : await imageByOpenAi(gateway, recorded);
  const calls = standIn.generating();
  await context.requests.flush();
  const [row] = await context.requests.list({ limit: 1 });
  const [token] = context.pool.snapshot();
  const model = token!.models.map(({ state, reason }) => `${state} ${reason}`).join();
  const news = context.vendorNews.list().map(({ kind, word }) => `${kind} ${word}`);
  context.pool.clearCooldown(token!.id);
  standIn.load(recorded);
  const { tokens, ...gemini } = isVideo(recorded) ? await videoByGemini(gateway, recorded) : await imageByGemini(gateway, recorded);
  return {
    openai: [asked.status, asked.word],
    gemini: [gemini.status, gemini.word],
    token: [token!.health.state, token!.health.reason].filter(Boolean).join(" "),
    ...(model ? { model } : {}),
    calls,
    usd: Number((row?.usd ?? 0).toFixed(6)),
    ...(tokens ? { tokens } : {}),
    ...(news.length > 0 ? { news } : {}),
    text: asked.text,
  };
}

async function imageByOpenAi({ openai }: Gateway, recorded: Recorded) {
  const content =
    recorded.at === "flow.upload"
      ? [
          { type: "text", text: "make it blue" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } },
        ]
      : "a red fox in the snow";
  const response = await openai("/v1/chat/completions", { model: modelOf(recorded), messages: [{ role: "user", content }] });
  const text = await response.text();
  const body = JSON.parse(text) as Completion;
  return { status: response.status, word: body.error?.code ?? body.choices?.[0]?.finish_reason ?? "?", text };
}

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function imageByGemini({ gemini }: Gateway, recorded: Recorded) {
  const parts: object[] = [{ text: "a blue fox in the snow" }];
  if (recorded.at === "flow.upload") parts.push({ inlineData: { mimeType: "image/png", data: PIXEL } });
  const response = await gemini(`/v1beta/models/${modelOf(recorded)}:generateContent`, { contents: [{ role: "user", parts }] });
  const body = (await response.json()) as Content;
  const word = body.error?.status ?? body.promptFeedback?.blockReason ?? body.candidates?.[0]?.finishReason ?? "?";
  return { status: response.status, word, tokens: body.usageMetadata?.totalTokenCount ?? 0 };
}

const TRIES = 400;

async function videoByOpenAi({ openai }: Gateway, recorded: Recorded) {
  const started = await openai("/v1/videos", { model: modelOf(recorded), prompt: "waves", seconds: "8" });
  let text = await started.text();
  let body = JSON.parse(text) as Video;
  for (let tries = 0; started.ok && tries < TRIES && ["queued", "in_progress"].includes(body.status); tries++) {
    await Bun.sleep(10);
    text = await (await openai(`/v1/videos/${body.id}`)).text();
    body = JSON.parse(text) as Video;
  }
  return { status: started.status, word: body.error?.code ?? body.status, text };
}

async function videoByGemini({ gemini }: Gateway, recorded: Recorded) {
  const path = `/v1beta/models/${modelOf(recorded)}:predictLongRunning`;
  const started = await gemini(path, { instances: [{ prompt: "more waves" }], parameters: { durationSeconds: 8 } });
  let body = (await started.json()) as Operation;
  for (let tries = 0; started.ok && tries < TRIES && body.done !== true; tries++) {
    await Bun.sleep(10);
    body = (await (await gemini(`/v1beta/${body.name}`)).json()) as Operation;
  }
  const made = body.response?.generateVideoResponse;
  const word = body.error?.status ?? (made?.generatedSamples?.length ? "done" : made ? "filtered" : "?");
  return { status: started.status, word, tokens: 0 };
}
