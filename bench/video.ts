// Videos through the gateway: 16 of 200 MB from the upstream to disk at once, then 16 from disk to clients at once, and the memory of it:
// `bun bench/video.ts [--videos 16] [--mb 200] [--gbit 1]`. Aim: at most 128 MB over idle. Needs as much free disk as all videos together.
// The upstream sends at the rate of a line of so many Gbit/s; 0: as fast as it is read.
import { parseArgs } from "node:util";
import { build } from "../scripts/build.ts";
import { startFlow2api } from "./gateway.ts";
import { memoryOf, peakWhile } from "./memory.ts";

const { values } = parseArgs({
  options: { videos: { type: "string", default: "16" }, mb: { type: "string", default: "200" }, gbit: { type: "string", default: "1" } },
});
const VIDEOS = Number(values.videos);
const MIB = 1024 * 1024;
const BYTES = Number(values.mb) * MIB;
const MOST_MEMORY_MB = 128;
/** What the upstream sends at a time, and how long each of its streams rests after it. */
const PIECE = 256 * 1024;
const REST_MS = Number(values.gbit) === 0 ? 0 : (VIDEOS * PIECE * 8 * 1000) / (Number(values.gbit) * 1e9);
const MODEL = "gemini-omni-1.2-flash";

process.env.FLOW2API_POOL_VIDEO_CONCURRENCY = "-1";

type Video = { id: string; status: string; error: { message: string } | null };

const upstream = startUpstream();
const root = new URL("..", import.meta.url).pathname;
await build(`${root}dist/flow2api`);
const target = await startFlow2api("0", upstream.url);
const base = target.origin;
try {
  await call("/v1/models");
  const idle = memoryOf(target.pid);
  const ids = await Promise.all(
    Array.from({ length: VIDEOS }, async () => ((await (await call("/v1/videos", { model: MODEL, prompt: "a fox" })).json()) as Video).id),
  );
  const inward = await timed(() => Promise.all(ids.map(completed)));
  const outward = await timed(() => Promise.all(ids.map(download)));
  const rows = [
    { way: "upstream to disk", ...inward },
    { way: "disk to clients", ...outward },
  ];
  console.table(
    rows.map(({ way, seconds, peak }) => ({
      way,
      videos: VIDEOS,
      "MB each": BYTES / MIB,
      "MB/s": ((VIDEOS * BYTES) / MIB / seconds).toFixed(0),
      "idle MB": idle.toFixed(0),
      "peak MB": peak.toFixed(0),
      "over idle MB": (peak - idle).toFixed(0),
    })),
  );
  if (rows.some(({ peak }) => peak - idle > MOST_MEMORY_MB)) {
    console.error(`more than ${MOST_MEMORY_MB} MB over idle`);
    process.exitCode = 1;
  }
} finally {
  await target.stop();
  upstream.stop();
}

async function timed(work: () => Promise<unknown>): Promise<{ seconds: number; peak: number }> {
  const startedAt = performance.now();
  const peak = await peakWhile(target.pid, work);
  return { seconds: (performance.now() - startedAt) / 1000, peak };
}

async function call(path: string, body?: object): Promise<Response> {
  const response = await fetch(`${base}${path}`, {
    headers: target.shape("small").headers,
    ...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

async function completed(id: string): Promise<void> {
  for (const deadline = Date.now() + 600_000; Date.now() < deadline; await Bun.sleep(200)) {
    const { status, error } = (await (await call(`/v1/videos/${id}`)).json()) as Video;
    if (status === "failed") throw new Error(error?.message);
    if (status === "completed") return;
  }
  throw new Error(`${id} was never completed`);
}

/** Reads a whole video and stores nothing of it. */
async function download(id: string): Promise<void> {
  let bytes = 0;
  for await (const chunk of (await call(`/v1/videos/${id}/content`)).body!) bytes += chunk.byteLength;
  if (bytes !== BYTES) throw new Error(`${id}: ${bytes} of ${BYTES} bytes`);
}

/** Interactions that are done when they are first polled, each with a file of the wanted size. */
function startUpstream() {
  const head = new Uint8Array(PIECE);
  head.set(Buffer.from("\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "latin1"));
  const piece = new Uint8Array(PIECE);
  let count = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request, { url }) {
      const { pathname } = new URL(request.url);
      if (request.method === "POST") {
        await request.arrayBuffer();
        return Response.json({ id: `v1_${++count}`, object: "interaction", model: MODEL, status: "in_progress" });
      }
      if (pathname.endsWith("/models"))
        return Response.json({ models: [{ name: `models/${MODEL}`, supportedGenerationMethods: ["createInteraction"] }] });
      if (pathname.includes("/interactions/")) {
        const id = pathname.split("_").at(-1);
        const content = [{ type: "video", mime_type: "video/mp4", uri: `${url.origin}/v1beta/files/${id}:download?alt=media` }];
        return Response.json({
          id: `v1_${id}`,
          object: "interaction",
          model: MODEL,
          status: "completed",
          steps: [{ type: "model_output", content }],
          usage: { total_tokens: 1 },
        });
      }
      if (!pathname.endsWith(":download"))
        return Response.json({ name: pathname.slice(1), state: "ACTIVE", mimeType: "video/mp4", sizeBytes: String(BYTES) });
      let sent = 0;
      const startedAt = performance.now();
      const body = new ReadableStream({
        async pull(controller) {
          if (sent === BYTES) return controller.close();
          const due = startedAt + (sent / PIECE) * REST_MS - performance.now();
          if (due > 1) await Bun.sleep(due);
          controller.enqueue(sent === 0 ? head.slice() : piece.slice());
          sent += PIECE;
        },
      });
      return new Response(body, { headers: { "content-type": "video/mp4", "content-length": String(BYTES) } });
    },
  });
  return { url: server.url.origin, stop: () => server.stop(true) };
}
