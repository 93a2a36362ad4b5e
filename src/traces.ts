// Traces: what the server reports of a request while OpenTelemetry is on. The implementation (otlp-traces.ts) is loaded only then.
import type { Kind, Usage } from "./domain/generation.ts";
import type { AttemptRow, RequestRow } from "./domain/request.ts";

/** Of one upstream call, beyond what is stored of it. */
export type CallDetails = {
  /** Time before the call in which it waited for its token. */
  waitedMs: number;
  usage: Usage | null;
  finish?: string;
  /** The upstream's name of the model that was used, if reported. */
  modelVersion?: string;
  /** The upstream's id of its response. */
  responseId?: string;
  images: number;
  videoSeconds: number;
  usd: number;
};

/** `call`: only while traces are on; never stored. */
export type TracedAttempt = AttemptRow & { call?: CallDetails };

/** A generation that has ended. */
export type TracedRow = Omit<RequestRow, "kind" | "attempts"> & { kind: Kind; attempts: TracedAttempt[] };

export interface Traces {
  /** A request of a client has arrived, epoch ms. */
  requestBegan(requestId: string, request: Request, at: number): void;
  /** Its response has a head; `route` is the pattern of its path, null where none serves it. */
  requestEnded(requestId: string, response: { status: number; route: string | null }): void;
  /** The response goes on after its head, until {@link release}: a generation streams into it. */
  hold(requestId: string): void;
  release(requestId: string): void;
  generationEnded(row: TracedRow): void;
  /** Sends what is left, for two seconds at most. */
  close(): Promise<void>;
}

/** Where a trace was begun before it came here. */
export type TraceParent = { traceId: string; spanId: string; traceFlags: number };

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent` header; null: absent or invalid. Source: https://www.w3.org/TR/trace-context/ (2021-11-23) */
export function parseTraceparent(header: string | null): TraceParent | null {
  const [, version, traceId = "", spanId = "", flags = "", rest] = TRACEPARENT.exec(header?.trim() ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}

/** Reads `name=value,name=value` with percent-encoded values. Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ (2026-11-30) */
export function parseHeaders(text: string): Record<string, string> {
  const written = text.split(",").filter((pair) => pair.includes("="));
  const pairs = written.map((pair) => [pair.slice(0, pair.indexOf("=")).trim(), pair.slice(pair.indexOf("=") + 1).trim()] as const);
  return Object.fromEntries(pairs.filter(([name]) => name !== "").map(([name, value]) => [name, decoded(value)]));
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
