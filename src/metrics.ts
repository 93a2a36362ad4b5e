// Prometheus metrics in one registry. Labels never name a token, a key or a value of a client.
// One by one: prom-client's index also loads OpenTelemetry's API.
import Gauge from "prom-client/lib/gauge.js";
import Registry from "prom-client/lib/registry.js";
import { registerCounter, registerHistogram } from "./counters.ts";
import type { Kind } from "./domain/generation.ts";
import { JOB_STATES, TERMINAL_STATES } from "./domain/job.ts";
import { VERSION } from "./version.ts";

/** Values that are read when the metrics are requested. */
export type MetricSources = {
  inFlight(): { image: number; video: number };
  queued(): number;
  tokensByState(): Record<string, number>;
  cooldowns(): readonly CooldownCount[];
  isNetworkDown(): boolean;
  /** Jobs that have not ended, by state. */
  openJobs(): Promise<Record<string, number>>;
  /** The money book cannot be written. */
  isLedgerDegraded(): boolean;
  /** Of the disk that media are stored on. */
  diskFreeBytes(): number;
  mediaBytes(): number;
  bodyBytes(): number;
  /** Open reservations in keys' limits. */
  reservations(): number;
};

/** Tokens whose cooldown or block has one reason. */
export type CooldownCount = { provider: string; reason: string; count: number };

/** What served a generation; `none` for what was not reached. Models are families of the catalogue, never what a client wrote. */
export type Served = { provider: string | null; model: string | null };

export type Metrics = {
  /** One per inbound generation; `result` is `ok` or an ErrorKind. */
  generationEnded(generation: Served & { kind: Kind; result: string; ms: number }): void;
  /** One per upstream call; `result` is `ok` or an ErrorKind. */
  attemptEnded(attempt: Served & { result: string }): void;
  /** What one call made and cost, in US dollars. */
  madeMedia(made: Served & { kind: Kind; count: number; videoSeconds: number; usd: number }): void;
  /** A token, a group or one model of them begins to cool down, or is blocked. */
  cooldownBegan(provider: string, reason: string): void;
  /** One per check of a token; `result` is `ok` or an ErrorKind. */
  checkEnded(provider: string, result: string): void;
  /** One per answered HTTP request, by path group and status class (`2xx`). */
  requestEnded(pathGroup: string, statusClass: string): void;
  /** Prometheus text, and its content type. */
  text(): Promise<string>;
  contentType: string;
  /** Connects the gauges to their sources. */
  connect(sources: MetricSources): void;
};

const DURATIONS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800];

/** One registry per server, so that several can run in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: "flow2api_up", help: "1 while the process runs", registers }).set(1);
  new Gauge({ name: "flow2api_build_info", help: "Version as a label", labelNames: ["version"], registers }).set({ version: VERSION }, 1);
  new Gauge({ name: "flow2api_process_start_time_seconds", help: "Start time", registers }).set(Math.floor(Date.now() / 1000));
  new Gauge({
    name: "flow2api_process_resident_memory_bytes",
    help: "Resident memory",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });

  return {
    ...createCounters(registry),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    connect: (sources) => connectGauges(registry, sources),
  };
}

const NONE = "none";

function createCounters(registry: Registry) {
  const counter = (name: string, help: string, labels: readonly string[]) => registerCounter({ name, help, registry }, labels);
  const generations = counter("flow2api_generation_requests_total", "Generations by kind, provider, model and result", [
    "generation_type",
    "provider",
    "model",
    "result",
  ]);
  const seconds = registerHistogram(
    { name: "flow2api_generation_duration_seconds", help: "Time from arrival to the end of the response", registry },
    ["generation_type", "provider", "model"],
    DURATIONS,
  );
  const attempts = counter("flow2api_upstream_attempts_total", "Upstream calls by provider, model and result", [
    "provider",
    "model",
    "result",
  ]);
  const cost = counter("flow2api_cost_usd_total", "What upstream calls cost by the price list, in US dollars", ["provider", "model"]);
  const media = counter("flow2api_media_made_total", "Images and videos made", ["kind", "provider", "model"]);
  const videoSeconds = counter("flow2api_video_seconds_total", "Seconds of video made", ["provider", "model"]);
  const cooldowns = counter("flow2api_token_cooldowns_total", "Cooldowns and blocks begun, by reason", ["provider", "reason"]);
  const checks = counter("flow2api_token_refresh_total", "Token checks by provider and result", ["provider", "result"]);
  const http = counter("flow2api_http_requests_total", "Answered requests by path group and status class", ["surface", "status"]);
  return {
    generationEnded({ kind, provider, model, result, ms }) {
      generations.add(1, kind, provider ?? NONE, model ?? NONE, result);
      seconds.observe(ms / 1000, kind, provider ?? NONE, model ?? NONE);
    },
    attemptEnded: ({ provider, model, result }) => attempts.add(1, provider ?? NONE, model ?? NONE, result),
    madeMedia({ kind, provider, model, count, videoSeconds: made, usd }) {
      if (count > 0) media.add(count, kind, provider ?? NONE, model ?? NONE);
      if (made > 0) videoSeconds.add(made, provider ?? NONE, model ?? NONE);
      if (usd > 0) cost.add(usd, provider ?? NONE, model ?? NONE);
    },
    cooldownBegan: (provider, reason) => cooldowns.add(1, provider, reason),
    checkEnded: (provider, result) => checks.add(1, provider, result),
    requestEnded: (pathGroup, statusClass) => http.add(1, pathGroup, statusClass),
  } satisfies Omit<Metrics, "text" | "contentType" | "connect">;
}

const OPEN_STATES = JOB_STATES.filter((state) => !TERMINAL_STATES.has(state));

function connectGauges(registry: Registry, sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge("flow2api_image_inflight", "Image calls in flight", () => sources.inFlight().image);
  gauge("flow2api_video_inflight", "Video calls in flight", () => sources.inFlight().video);
  gauge("flow2api_queue_length", "Requests waiting for a token", sources.queued);
  gauge("flow2api_media_bytes", "Stored media", sources.mediaBytes);
  gauge("flow2api_reservations_open", "Reservations of keys that are neither settled nor released", sources.reservations);
  gauge("flow2api_request_body_bytes", "Request bodies held now", sources.bodyBytes);
  gauge("flow2api_network_down", "1 while no upstream can be reached", () => (sources.isNetworkDown() ? 1 : 0));
  new Gauge({
    name: "flow2api_tokens",
    help: "Tokens by health",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(sources.tokensByState())) this.set({ state }, count);
    },
  });
  gauge("flow2api_ledger_degraded", "1 while the ledger cannot be written", () => (sources.isLedgerDegraded() ? 1 : 0));
  gauge("flow2api_disk_free_bytes", "Free bytes where media are stored", () => sources.diskFreeBytes());
  new Gauge({
    name: "flow2api_jobs",
    help: "Jobs that have not ended, by state; unknown waits for the operator",
    labelNames: ["state"],
    registers: [registry],
    async collect() {
      this.reset();
      // The other metrics are wanted all the more when the store fails.
      const jobs = await sources.openJobs().catch(() => null);
      if (jobs) for (const state of OPEN_STATES) this.set({ state }, jobs[state] ?? 0);
    },
  });
  new Gauge({
    name: "flow2api_tokens_cooling",
    help: "Tokens that cool down or are blocked as a whole, by reason",
    labelNames: ["provider", "reason"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { provider, reason, count } of sources.cooldowns()) this.set({ provider, reason }, count);
    },
  });
}
