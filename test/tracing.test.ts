// Traces of a server that has served, as an OpenTelemetry collector receives them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json";
import { readLocked } from "../scripts/release/lockfile.ts";
import { silentLog } from "../src/log.ts";
import { OtlpTraces } from "../src/otlp-traces.ts";
import { parseHeaders, parseTraceparent } from "../src/traces.ts";
import { type CollectedSpan, type Collector, startCollector } from "./collector.ts";
import { GEMINI, GEMINI_TWO, hurriedClock, KEY, type Rig, type RigOptions, startRig } from "./rig.ts";

const PROMPT = "a fox whose prompt must stay here";
const body = (change = {}) => ({ messages: [{ role: "user", content: PROMPT }], ...change });

const TRACED: RigOptions = { tokens: [GEMINI, GEMINI_TWO], clock: hurriedClock() };

async function startTraced(settings: RigOptions["settings"], options: RigOptions = TRACED) {
  const collector = startCollector();
  const rig = await startRig({ ...options, settings: { "tracing.endpoint": collector.url, ...settings } });
  return { collector, rig };
}

const traceparent = (id: string, flags = "01") => ({ traceparent: `00-${id.repeat(32)}-${id.repeat(16)}-${flags}` });

let rig: Rig;
let collector: Collector;
/** Spans by the first digit of the trace that the client began; `random` for the rest. */
let traces: Record<string, CollectedSpan[]>;

beforeAll(async () => {
  ({ rig, collector } = await startTraced({ "tracing.headers": "x-api-key=secret%20one, x-team=two", "tracing.service_name": "our pool" }));
  await (await rig.chat(body())).text();
  await (await rig.chat(body({ stream: true }), { headers: traceparent("a") })).text();
  rig.simulator.setFaults("gemini.generate=429-minute:once");
  await (await rig.chat(body(), { headers: traceparent("b") })).text();
  rig.simulator.setFaults("");
  await (await rig.chat(body(), { headers: traceparent("c", "00") })).text();
  await (await rig.chat({ model: "no-such-model" }, { headers: traceparent("d") })).text();
  const generate = { contents: [{ parts: [{ text: PROMPT }] }] };
  await (await rig.call("/v1beta/models/gemini-3.1-flash-image:generateContent", { json: generate, headers: traceparent("e") })).text();
  const video = { model: "gemini-omni-1.2-flash", prompt: PROMPT, seconds: "4" };
  const { id } = await (await rig.call("/v1/videos", { json: video, headers: traceparent("f") })).json();
  for (let polls = 0; polls < 500; polls++) {
    const { status } = await (await rig.call(`/v1/videos/${id}`, { headers: traceparent("1") })).json();
    if (status === "completed") break;
    await Bun.sleep(10);
  }
  await fetch(`${rig.url}/v1/models`, { headers: { authorization: "Bearer wrong", ...traceparent("2") } });
  await fetch(`${rig.url}/health`, { headers: traceparent("3") });
  const tool = { method: "tools/call", params: { name: "generate_image", arguments: { prompt: PROMPT, model: "gemini-3.1-flash-image" } } };
  const accept = { accept: "application/json, text/event-stream" };
  await (await rig.call("/mcp", { json: { jsonrpc: "2.0", id: 1, ...tool }, headers: { ...accept, ...traceparent("4") } })).text();
  await rig.stopGateway();
  traces = Object.groupBy(collector.spans, ({ traceId }) => (/^(.)\1+$/.test(traceId) ? traceId[0]! : "random")) as typeof traces;
});

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
});

const shape = (spans: CollectedSpan[]) => spans.map(({ name, kind }) => `${kind} ${name}`).sort();
const serverOf = (spans: CollectedSpan[]) => spans.find(({ kind }) => kind === "server")!;

const CALL = "client generate_content gemini-3.1-flash-image";
const CHAT = "server POST /v1/chat/completions";

test("a generation is one trace: the request, under it the lease and the upstream call", () => {
  const spans = traces.random!;
  expect(shape(spans)).toEqual([CALL, "internal pool.lease", CHAT]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const server = serverOf(spans);
  expect(server.parentId).toBe("");
  expect(spans.filter((span) => span !== server).map(({ parentId }) => parentId)).toEqual([server.spanId, server.spanId]);
});

test("a trace that a client began goes on", () => {
  expect(shape(traces.a!)).toEqual([CALL, "internal pool.lease", CHAT]);
  expect(serverOf(traces.a!).parentId).toBe("a".repeat(16));
});

test("the span of a streamed response lasts until its generation has ended", () => {
  const call = traces.a!.find(({ kind }) => kind === "client")!;
  expect(serverOf(traces.a!).end).toBeGreaterThanOrEqual(call.end);
  for (const { start, end } of collector.spans) expect(end).toBeGreaterThanOrEqual(start);
});

test("only the upstream's span has attributes of GenAI", () => {
  const call = traces.a!.find(({ kind }) => kind === "client")!;
  expect(call.attributes).toMatchObject({
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "gcp.gemini",
    "gen_ai.output.type": "image",
    "gen_ai.request.model": "gemini-3.1-flash-image",
    "gen_ai.response.id": expect.stringMatching(/./),
    "gen_ai.response.model": "gemini-3.1-flash-image",
    "gen_ai.response.finish_reasons": ["stop"],
    "flow2api.images": 1,
  });
  for (const name of ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "flow2api.cost.usd"])
    expect([name, Number(call.attributes[name]) > 0]).toEqual([name, true]);
  const others = collector.spans.filter(({ kind }) => kind !== "client");
  expect(others.flatMap(({ attributes }) => Object.keys(attributes)).filter((name) => name.startsWith("gen_ai."))).toEqual([]);
});

test("the span of the request has those of HTTP, the lease has its token", () => {
  expect(serverOf(traces.e!)).toMatchObject({
    name: expect.stringMatching(/^POST \/v1beta\/models\/(:|\*)/),
    attributes: {
      "http.request.method": "POST",
      "http.response.status_code": 200,
      "url.path": "/v1beta/models/gemini-3.1-flash-image:generateContent",
      "http.route": expect.stringMatching(/^\/v1beta\/models\/(:|\*)/),
    },
  });
  const lease = traces.a!.find(({ name }) => name === "pool.lease")!;
  expect([1, 2]).toContain(lease.attributes["flow2api.token.id"] as number);
});

test("over a fail-over there is a lease and a call for each token, the failed one in error", () => {
  expect(shape(traces.b!)).toEqual([CALL, CALL, "internal pool.lease", "internal pool.lease", CHAT]);
  const calls = traces.b!.filter(({ kind }) => kind === "client").sort((a, b) => a.start - b.start);
  expect(calls.map(({ isError, attributes }) => [isError, attributes["error.type"], attributes["flow2api.attempt"]])).toEqual([
    [true, "upstream_rate_limited", 1],
    [false, undefined, 2],
  ]);
  expect(calls[0]!.attributes["flow2api.token.id"]).not.toBe(calls[1]!.attributes["flow2api.token.id"]);
  expect(serverOf(traces.b!).isError).toBe(false);
});

test("what the client does not sample is not sent", () => {
  expect(traces.c).toBeUndefined();
});

test("a refused request is a span of its own, without a call", () => {
  expect(shape(traces.d!)).toEqual([CHAT]);
  expect(serverOf(traces.d!).attributes["http.response.status_code"]).toBe(404);
  expect(shape(traces["2"]!)).toEqual(["server GET"]);
  expect(serverOf(traces["2"]!).attributes["http.response.status_code"]).toBe(401);
});

test("a video's call belongs to the request that created it, whose span has ended before", () => {
  expect(shape(traces.f!)).toEqual(["client generate_content gemini-omni-1.2-flash", "internal pool.lease", "server POST /v1/videos"]);
  const call = traces.f!.find(({ kind }) => kind === "client")!;
  expect(call.attributes).toMatchObject({ "gen_ai.output.type": "video", "flow2api.video.seconds": 4 });
  expect(Number(call.attributes["flow2api.cost.usd"])).toBeGreaterThan(0);
  expect(serverOf(traces.f!).end).toBeLessThan(call.end);
  expect(shape(traces["1"]!).every((name) => name.startsWith("server GET /v1/videos/:"))).toBe(true);
});

test("a generation that an MCP client asks for is in the trace of its request", () => {
  expect(shape(traces["4"]!)).toEqual([CALL, "internal pool.lease", "server POST /mcp"]);
});

test("only the API is traced", () => {
  expect(traces["3"]).toBeUndefined();
});

test("spans name the server, and headers of the settings go along", () => {
  expect(collector.spans[0]!.resource).toMatchObject({ "service.name": "our pool", "service.version": expect.any(String) });
  const [headers] = collector.headers;
  expect([headers!.get("x-api-key"), headers!.get("x-team")]).toEqual(["secret one", "two"]);
});

test("neither prompt nor key nor secret leaves with them", () => {
  const sent = Buffer.concat(collector.bodies).toString("latin1");
  for (const secret of [PROMPT, KEY, GEMINI.secret, GEMINI_TWO.secret]) expect(sent).not.toContain(secret);
});

test("upstreams learn nothing of the trace", () => {
  const calls = rig.simulator.calls();
  expect(calls.length).toBeGreaterThan(5);
  expect(JSON.stringify(calls)).not.toContain("traceparent");
});

describe("sampling", () => {
  test("at 0 percent nothing is sent, unless a client decides so", async () => {
    const { rig, collector } = await startTraced({ "tracing.sample_percent": 0 });
    await (await rig.chat(body())).text();
    await (await rig.chat(body(), { headers: traceparent("a") })).text();
    await rig[Symbol.asyncDispose]();
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set(["a".repeat(32)]));
    await collector[Symbol.asyncDispose]();
  });
});

describe("a collector that is gone", () => {
  test("costs no request, is said once, and holds up no stop", async () => {
    await using rig = await startRig({ ...TRACED, settings: { "tracing.endpoint": "http://127.0.0.1:1" } });
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await rig.chat(body())).status));
    expect(statuses).toEqual(Array(20).fill(200));
    await rig.stopGateway();
    expect(rig.logged.filter((line) => line.includes("could not be delivered"))).toHaveLength(1);
  });

  test("one that never answers holds up a stop for two seconds, not for the ten of the exporter", async () => {
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await using rig = await startRig({ ...TRACED, settings: { "tracing.endpoint": `http://127.0.0.1:${silent.port}` } });
    expect((await rig.chat(body())).status).toBe(200);
    await rig.stopGateway();
    expect(rig.logged.filter((line) => line.includes("could not be delivered"))).toHaveLength(1);
  });

  test("one that does not answer gets no more than what waits for it: the rest is dropped", async () => {
    const responses = Promise.withResolvers<void>();
    await using collector = startCollector(responses.promise);
    const settings = { endpoint: collector.url, headers: "", sample_percent: 100, service_name: "test" };
    const traces = new OtlpTraces(settings, { log: silentLog, now: Date.now });
    const attempt = { tokenId: 1, provider: "gemini", family: "m", startedAt: 0, ms: 1, outcome: "ok", reason: null, upstreamStatus: 200 };
    const counts = { images: 1, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0 };
    const asked = { dialect: "openai", route: "chat", keyId: 1, model: "m", family: "m", stream: false, mediaIds: [] };
    for (let index = 0; index < 10_000; index++) {
      const row = { id: `req_${index}`, at: 0, ms: 1, kind: "image" as const, outcome: "ok", message: null, attempts: [attempt] };
      traces.generationEnded({ ...row, ...asked, ...counts });
    }
    responses.resolve();
    await traces.close();
    // Of 20,000: the queue of 4,096, and a batch of 512 under way.
    expect(collector.spans.length).toBeGreaterThan(0);
    expect(collector.spans.length).toBeLessThanOrEqual(4096 + 512);
  });

  test("one that refuses is named in the log with its response", async () => {
    await using refusing = {
      server: Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("no", { status: 403 }) }),
      [Symbol.asyncDispose]() {
        return this.server.stop(true);
      },
    };
    await using rig = await startRig({ ...TRACED, settings: { "tracing.endpoint": `http://127.0.0.1:${refusing.server.port}/v1/traces` } });
    await (await rig.chat(body())).text();
    await rig.stopGateway();
    expect(rig.logged.filter((line) => line.includes("Traces cannot be delivered"))).toEqual([expect.stringContaining("403")]);
  });
});

describe("OpenTelemetry is loaded", () => {
  const loadedWith = async (endpoint: string) => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "loaded-modules.ts"), endpoint], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const [text] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    return (JSON.parse(text) as string[]).filter((path) => path.includes("@opentelemetry")).length;
  };

  test("by nothing while it is off, and nothing else of a server needs it", async () => {
    expect(await loadedWith("")).toBe(0);
  });

  test("by three packages, which bring no gRPC and no script of an installation", () => {
    const direct = Object.keys(manifest.dependencies).filter((name) => name.startsWith("@opentelemetry/"));
    expect(direct.map((name) => name.slice("@opentelemetry/".length)).sort()).toEqual([
      "api",
      "exporter-trace-otlp-proto",
      "sdk-trace-base",
    ]);
    const all = readLocked().packages;
    expect(all.filter(({ name }) => /grpc|protobufjs/.test(name))).toEqual([]);
    const manifests = all.map(({ folder }) => JSON.parse(readFileSync(join(import.meta.dir, "..", folder, "package.json"), "utf8")));
    expect(manifests.filter(({ scripts = {} }) => scripts.install || scripts.preinstall || scripts.postinstall)).toEqual([]);
    const versions = Map.groupBy(
      all.filter(({ name }) => name.startsWith("@opentelemetry/")),
      ({ name }) => name,
    );
    expect([...versions.values()].filter((copies) => copies.length > 1)).toEqual([]);
  });

  test("once a collector is named", async () => {
    expect(await loadedWith("http://127.0.0.1:1")).toBeGreaterThan(0);
  });
});

describe("traceparent", () => {
  const ID = "4bf92f3577b34da6a3ce929d0e0e4736";
  const SPAN = "00f067aa0ba902b7";
  test.each([
    [`00-${ID}-${SPAN}-01`, { traceId: ID, spanId: SPAN, traceFlags: 1 }],
    [`00-${ID}-${SPAN}-00`, { traceId: ID, spanId: SPAN, traceFlags: 0 }],
    [` 00-${ID}-${SPAN}-03 `, { traceId: ID, spanId: SPAN, traceFlags: 1 }],
    [`cc-${ID}-${SPAN}-01-what-comes-later`, { traceId: ID, spanId: SPAN, traceFlags: 1 }],
    [`00-${ID}-${SPAN}-01-more`, null],
    [`ff-${ID}-${SPAN}-01`, null],
    [`00-${"0".repeat(32)}-${SPAN}-01`, null],
    [`00-${ID}-${"0".repeat(16)}-01`, null],
    [`00-${ID.toUpperCase()}-${SPAN}-01`, null],
    ["00-1-2-01", null],
    ["", null],
    [null, null],
  ])("%p", (header, expected) => {
    expect(parseTraceparent(header)).toEqual(expected);
  });

  test.each([
    ["", {}],
    ["a=b", { a: "b" }],
    [" api-key = x%20y , b=c=d,", { "api-key": "x y", b: "c=d" }],
    ["a=100%", { a: "100%" }],
    ["nothing", {}],
  ])("headers %p", (text, expected) => {
    expect(parseHeaders(text)).toEqual(expected);
  });
});
