// What guard, access log and response headers cost of one request, in microseconds: `bun bench/way-in.ts`, part of `bun run bench`.
import type { Context } from "../src/context.ts";
import { Late } from "../src/late.ts";
import { RequestPipeline } from "../src/request-pipeline.ts";
import { KEY, startRig } from "../test/rig.ts";
import { median } from "./load.ts";

const REQUESTS = 20_000;
const ROUNDS = 8;
const WARM_UP = 3;

export async function wayInMicroseconds(): Promise<number> {
  await using rig = await startRig();
  rig.context.log.setLevel("info");
  const pipeline = pipelineOf(rig.context);
  const all = Array.from({ length: ROUNDS }, () => round(pipeline));
  return median(all.slice(WARM_UP));
}

const NO_PAGES = new Late<never>(() => Promise.reject(new Error("There are no pages here.")));

const pipelineOf = (context: Context) =>
  new RequestPipeline(
    context,
    { isAdminOpenTo: () => true, admin: { pages: NO_PAGES, headers: {} }, refresh: async () => {} },
    { handle: async () => new Response(), server: () => null },
  );

/** Requests and responses are made before the clock runs. */
function round(pipeline: RequestPipeline): number {
  const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json", "user-agent": "bench" };
  const url = "http://127.0.0.1:8000/v1/chat/completions";
  const requests = Array.from({ length: REQUESTS }, () => new Request(url, { method: "POST", headers, body: "{}" }));
  const responses = requests.map(() => Response.json({}));
  Bun.gc(true);
  const before = process.cpuUsage();
  for (const [index, request] of requests.entries()) {
    if (pipeline.admit(request) !== undefined) throw new Error("The bench's own request was refused");
    pipeline.callOf(request);
    pipeline.finish(request, responses[index]!, { headers: {}, status: 200 });
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REQUESTS;
}

if (import.meta.main) {
  console.log(`guard, access log and headers: ${(await wayInMicroseconds()).toFixed(1)} µs a request (aim: 10)`);
  process.exit(0);
}
