// 2,000 chat streams held at once, every frame counted: `bun bench/streams.ts [--streams 2000] [--seconds 30]`. Aim: no frame is lost.
import http from "node:http";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.ts";
import { startFlow2api } from "./gateway.ts";
import { median } from "./load.ts";
import { memoryOf, peakWhile } from "./memory.ts";

const { values } = parseArgs({ options: { streams: { type: "string", default: "2000" }, seconds: { type: "string", default: "30" } } });
const STREAMS = Number(values.streams);
const SECONDS = Number(values.seconds);
/** Streams that begin in each step of 20 ms: clients come one after another. */
const STEP = 20;
/** Silence after which a client or a proxy may give up; a comment comes before. */
const LONGEST_SILENCE_MS = 15_000;

// Bun's fetch holds 256 calls at once and lets the others wait, unless set otherwise when the process starts.
process.env.BUN_CONFIG_MAX_HTTP_REQUESTS ??= "65535";

const upstream = startUpstream();
const root = new URL("..", import.meta.url).pathname;
await build(`${root}dist/flow2api`);
const target = await startFlow2api("0", upstream.url);
try {
  const idle = memoryOf(target.pid);
  const streams: Promise<Seen>[] = [];
  const peak = await peakWhile(target.pid, async () => {
    while (streams.length < STREAMS) {
      for (let count = 0; count < STEP && streams.length < STREAMS; count++) streams.push(readStream());
      await Bun.sleep(20);
    }
    await Promise.all(streams);
  });
  print(await Promise.all(streams), idle, peak);
} finally {
  await target.stop();
  upstream.stop();
}

type Seen = { status: number; lost: string[]; comments: number; firstMs: number; silenceMs: number };

/** Answers each call with an image, a given time after it came: the calls' own pace is that of their ends. */
function startUpstream() {
  const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const response = JSON.stringify({
    candidates: [
      {
        content: { role: "model", parts: [{ text: "A fox." }, { inlineData: { mimeType: "image/png", data: pixel } }] },
        finishReason: "STOP",
        index: 0,
      },
    ],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1120, totalTokenCount: 1130 },
  });
  const held = { now: 0, most: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === "GET")
        return Response.json({ models: [{ name: "models/gemini-nano-banana-2.1", supportedGenerationMethods: ["generateContent"] }] });
      await request.arrayBuffer();
      held.most = Math.max(held.most, ++held.now);
      await Bun.sleep(SECONDS * 1000);
      held.now--;
      return new Response(response, { headers: { "content-type": "application/json" } });
    },
  });
  return { url: server.url.origin, held, stop: () => server.stop(true) };
}

/** One stream from its request to its end. By node:http, which holds as many as it is asked to. */
function readStream(): Promise<Seen> {
  const startedAt = performance.now();
  const body = JSON.stringify({
    model: "gemini-nano-banana-2.1",
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: "user", content: "a fox in the snow" }],
  });
  return new Promise((resolve, reject) => {
    const request = http.request(
      `${target.origin}/v1/chat/completions`,
      { method: "POST", headers: target.shape("small").headers, agent: false },
      (response) => {
        let text = "";
        let firstMs = 0;
        let silenceMs = 0;
        let lastAt = startedAt;
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          const now = performance.now();
          firstMs ||= now - startedAt;
          silenceMs = Math.max(silenceMs, now - lastAt);
          lastAt = now;
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode!, lost: lostOf(text), comments: text.match(/^:/gm)?.length ?? 0, firstMs, silenceMs }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** What must be in every stream, once, and is not. */
function lostOf(text: string): string[] {
  const data = text
    .split("\n\n")
    .filter((frame) => frame.startsWith("data: "))
    .map((frame) => frame.slice(6));
  const wanted: [string, (frame: string) => boolean][] = [
    ["role", (frame) => frame.includes('"role":"assistant"')],
    ["generating", (frame) => frame.includes("Drawing") && !frame.includes("so far")],
    ["text", (frame) => frame.includes('"content":"A fox.')],
    ["image", (frame) => frame.includes("![image](")],
    ["finish", (frame) => frame.includes('"finish_reason":"stop"')],
    ["usage", (frame) => frame.includes('"choices":[]') && frame.includes('"total_tokens":1130')],
    ["done", (frame) => frame === "[DONE]"],
  ];
  return wanted.filter(([, isIt]) => data.filter(isIt).length !== 1).map(([name]) => name);
}

function print(seen: Seen[], idle: number, peak: number): void {
  const lost = seen.flatMap((one) => one.lost);
  const first = seen.map(({ firstMs }) => firstMs).toSorted((a, b) => a - b);
  const silence = Math.max(...seen.map(({ silenceMs }) => silenceMs));
  console.table([
    {
      streams: seen.length,
      "held at once upstream": upstream.held.most,
      "not 200": seen.filter(({ status }) => status !== 200).length,
      "lost frames": lost.length,
      comments: seen.reduce((sum, { comments }) => sum + comments, 0),
      "first frame p50 ms": median(first).toFixed(0),
      "p99 ms": first[Math.floor(first.length * 0.99)]!.toFixed(0),
      "longest silence s": (silence / 1000).toFixed(1),
      "idle MB": idle.toFixed(0),
      "peak MB": peak.toFixed(0),
      "KB a stream": (((peak - idle) * 1024) / seen.length).toFixed(0),
    },
  ]);
  const failures = [
    lost.length > 0 && `frames were lost: ${[...new Set(lost)].join(", ")}`,
    seen.some(({ status }) => status !== 200) && "streams were refused",
    silence > LONGEST_SILENCE_MS && "a stream was silent for too long",
    upstream.held.most < STREAMS && SECONDS * 1000 > (STREAMS / STEP) * 40 && "the upstream never held all of them at once",
  ].filter((one) => one !== false);
  if (failures.length > 0) {
    console.error(failures.join("; "));
    process.exitCode = 1;
  }
}
