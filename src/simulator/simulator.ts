// The stand-in for Google's upstreams: a real HTTP server that speaks Gemini, Flow and Vertex, misbehaves on demand and counts.

import { controlReply } from "./control.ts";
import { type Counts, createCounter } from "./counts.ts";
import { deliver } from "./deliver.ts";
import { type Incoming, isFields, jsonReply, Refusal, type Reply, type Route } from "./exchange.ts";
import type { Fired } from "./faults.ts";
import { routeFlow } from "./flow/flow.ts";
import { routeGemini } from "./gemini/gemini.ts";
import { googleError, refusalReply } from "./google-errors.ts";
import { OPERATIONS } from "./operations.ts";
import { createRecorder, describeRequest, type RecordedCall } from "./recorder.ts";
import type { Running } from "./running.ts";
import { type AccountFacts, serviceAccountKey } from "./vertex/accounts.ts";
import { routeVertex } from "./vertex/vertex.ts";
import { createWorld, DEFAULT_OPTIONS, type SimulatorOptions } from "./world.ts";

export type { Counts, SecretTally, Tally } from "./counts.ts";
export type { FaultInfo } from "./fault-table.ts";
export { FAULTS, parseFaults } from "./faults.ts";
export { OPERATIONS, type OperationInfo } from "./operations.ts";
export type { RecordedCall } from "./recorder.ts";
export type { SimulatorOptions } from "./world.ts";

export type StartOptions = Partial<SimulatorOptions> & {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** Images, ids and chances repeat with it. Default 1. */
  seed?: number;
  /** Fault specification, see `parseFaults`. */
  faults?: string;
};

export type Simulator = {
  url: string;
  geminiBaseUrl: string;
  flowLabsBaseUrl: string;
  flowApiBaseUrl: string;
  vertexBaseUrl: string;
  vertexTokenUrl: string;
  /** The JSON of a service account whose signatures this simulator accepts. */
  serviceAccount(facts?: AccountFacts): string;
  counts(): Counts;
  /** @throws {Error} when the specification is not understood; the old one stays */
  setFaults(spec: string): void;
  setOptions(options: Partial<SimulatorOptions>): void;
  /** Lets so many milliseconds pass at once, for all that takes its time: videos, files, tokens and links. Replies that wait go on waiting. */
  advance(ms: number): void;
  /** The last calls, oldest first. */
  calls(): RecordedCall[];
  /** Forgets counts, calls, faults and everything made; options stay. */
  reset(): void;
  stop(): Promise<void>;
};

/** Larger than any upstream takes, so that the refusal is the upstream's own. */
const MAX_BODY_BYTES = 160 * 1024 * 1024;

/** Starts the simulator. @throws {Error} when the faults are not understood or the port is taken */
export async function startSimulator(options: StartOptions = {}): Promise<Simulator> {
  const { host = "127.0.0.1", port = 0, seed = 1, faults = "", ...rest } = options;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const settings: SimulatorOptions = { ...DEFAULT_OPTIONS, ...given };
  const counter = createCounter();
  const recorder = createRecorder();
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const running: Running = {
    world: createWorld(seed, settings, faults, now),
    counter,
    recorder,
    stopping: new AbortController(),
    advance(ms) {
      aheadMs += ms;
    },
    reset() {
      counter.reset();
      recorder.reset();
      running.world = createWorld(seed, settings, "", now);
    },
  };
  const server = Bun.serve({
    hostname: host,
    port,
    idleTimeout: 0,
    maxRequestBodySize: MAX_BODY_BYTES,
    fetch: (request) => answer(request, running),
  });
  const url = server.url.origin;
  return {
    url,
    geminiBaseUrl: `${url}/gemini`,
    flowLabsBaseUrl: `${url}/labs/fx/api`,
    flowApiBaseUrl: `${url}/flow/v1`,
    vertexBaseUrl: `${url}/vertex`,
    vertexTokenUrl: `${url}/vertex/token`,
    serviceAccount: serviceAccountKey,
    counts: counter.counts,
    setFaults: (spec) => running.world.plan.set(spec),
    setOptions: (changed) => void Object.assign(settings, changed),
    advance: running.advance,
    calls: recorder.calls,
    reset: running.reset,
    async stop() {
      running.stopping.abort();
      await server.stop(true);
    },
  };
}

async function answer(request: Request, running: Running): Promise<Response> {
  const arrived = performance.now();
  const incoming = await read(request);
  if (incoming.path.startsWith("/__simulator/")) return controlReply(incoming, running);
  const route = routeGemini(incoming, running.world) ?? routeFlow(incoming, running.world) ?? routeVertex(incoming, running.world);
  if (!route) {
    const reply = googleError(404, `The simulator has nothing at ${incoming.method} ${incoming.path}`);
    record(incoming, running, null, []).status = reply.status;
    return new Response(reply.body as string, { status: reply.status, ...(reply.headers ? { headers: reply.headers } : {}) });
  }
  const meter = running.counter.begin(route.operation, route.secret);
  const fired = route.denied ? [] : running.world.plan.strike(route.operation, route.secret, route.model);
  for (const { fault } of fired) running.counter.struck(fault);
  const call = record(incoming, running, route, fired);
  const reply = await replyTo(route, { incoming, running, fired, accept: meter.accept });
  call.status = reply.status;
  const slow = OPERATIONS[route.operation].synchronous && reply.status === 200 ? running.world.options.latencyMs : 0;
  return deliver(reply, {
    faults: fired.filter(({ stage }) => stage === "delivery"),
    signal: AbortSignal.any([request.signal, running.stopping.signal]),
    notBefore: arrived + slow,
    ended: meter.end,
  });
}

type RunningCall = { incoming: Incoming; running: Running; fired: Fired[]; accept: (submissions: number, charged: boolean) => void };

async function replyTo(route: Route, { incoming, running, fired, accept }: RunningCall): Promise<Reply> {
  if (route.denied) return route.denied;
  const refusal = fired.find(({ stage }) => stage === "refusal");
  if (refusal) {
    if (refusal.fault === "504" && OPERATIONS[route.operation].generating) accept(1, true);
    return refusalReply(refusal.fault, { model: route.model ?? "gemini", argument: refusal.argument });
  }
  const content = fired.find(({ stage }) => stage === "content") ?? null;
  try {
    const { secret, project = secret.split(".", 1)[0]! } = route;
    return await route.run({ incoming, world: running.world, content, fired, secret, project, accept });
  } catch (error) {
    if (error instanceof Refusal) return error.reply;
    console.error(error);
    return jsonReply({ error: { code: 500, message: `Simulator bug: ${String(error)}`, status: "INTERNAL" } }, 500);
  }
}

async function read(request: Request): Promise<Incoming> {
  const url = new URL(request.url);
  const bytes = request.body ? new Uint8Array(await request.arrayBuffer()) : new Uint8Array();
  let parsed: Record<string, unknown> | null | undefined;
  return {
    method: request.method,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: request.headers,
    bytes,
    origin: url.origin,
    json() {
      if (parsed === undefined) parsed = parseObject(bytes);
      return parsed;
    },
  };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

function record(incoming: Incoming, running: Running, route: Route | null, fired: Fired[]): RecordedCall {
  const call: RecordedCall = {
    at: Date.now(),
    operation: route?.operation ?? null,
    secret: route?.secret ?? "",
    ...describeRequest(incoming),
    faults: fired.map(({ fault }) => fault),
    status: 0,
  };
  running.recorder.add(call);
  return call;
}
