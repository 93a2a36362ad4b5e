// Prometheus metrics in one registry. Labels never name a token, a key or a value of a client.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { VERSION } from "./version.ts";

/** Values that are read when the metrics are requested. */
export type MetricSources = {
  inFlight(): { image: number; video: number };
  queued(): number;
  tokensByState(): Record<string, number>;
  mediaBytes(): number;
  bodyBytes(): number;
  /** Open reservations in keys' limits. */
  reservations(): number;
};

export type Metrics = {
  /** One per inbound generation; `result` is `ok` or an ErrorKind. */
  generations: Counter<"generation_type" | "result">;
  /** Seconds from arrival to the end of the response. */
  generationSeconds: Histogram<"generation_type">;
  /** One per upstream call; `result` is `ok` or an ErrorKind. */
  attempts: Counter<"provider" | "result">;
  /** One per check of a token; `result` is `ok` or an ErrorKind. */
  checks: Counter<"provider" | "result">;
  /** One per answered HTTP request, by route group and status class (`2xx`). */
  http: Counter<"surface" | "status">;
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
    generations: new Counter({
      name: "flow2api_generation_requests_total",
      help: "Generations by kind and result",
      labelNames: ["generation_type", "result"],
      registers,
    }),
    generationSeconds: new Histogram({
      name: "flow2api_generation_duration_seconds",
      help: "Time from arrival to the end of the answer",
      labelNames: ["generation_type"],
      buckets: DURATIONS,
      registers,
    }),
    attempts: new Counter({
      name: "flow2api_upstream_attempts_total",
      help: "Upstream calls by provider and result",
      labelNames: ["provider", "result"],
      registers,
    }),
    checks: new Counter({
      name: "flow2api_token_refresh_total",
      help: "Token checks by provider and result",
      labelNames: ["provider", "result"],
      registers,
    }),
    http: new Counter({
      name: "flow2api_http_requests_total",
      help: "Answered requests by surface and status class",
      labelNames: ["surface", "status"],
      registers,
    }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    connect: (sources) => connectGauges(registry, sources),
  };
}

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
  gauge("flow2api_image_inflight_total", "Image calls in flight", () => sources.inFlight().image);
  gauge("flow2api_video_inflight_total", "Video calls in flight", () => sources.inFlight().video);
  gauge("flow2api_queue_length", "Requests waiting for a token", sources.queued);
  gauge("flow2api_media_bytes", "Stored media", sources.mediaBytes);
  gauge("flow2api_reservations_open", "Reservations of keys that are neither settled nor released", sources.reservations);
  gauge("flow2api_request_body_bytes", "Request bodies held now", sources.bodyBytes);
  gauge("flow2api_tokens_total", "Tokens in the pool", () => Object.values(sources.tokensByState()).reduce((sum, count) => sum + count, 0));
  new Gauge({
    name: "flow2api_tokens",
    help: "Tokens by health",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(sources.tokensByState())) this.set({ state }, count);
    },
  });
}
