// OpenTelemetry traces over OTLP/HTTP: a server span per request, and under it its leases and upstream calls. Loaded only while on.
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  type TracerConfig,
} from "@opentelemetry/sdk-trace-base";
import { splitUrl } from "./api/dialect.ts";
import type { Settings } from "./config/settings-schema.ts";
import type { Kind } from "./domain/generation.ts";
import { withoutEndSlashes } from "./http.ts";
import type { Log } from "./log.ts";
import { parseHeaders, parseTraceparent, type TracedAttempt, type TracedRow, type Traces } from "./traces.ts";
import { VERSION } from "./version.ts";

/** Requests whose spans can still get children. Older ones are forgotten: what they make later begins a trace of its own. */
const MAX_REQUESTS = 4096;

/** Spans that wait for the collector; more are dropped. */
const QUEUE = { maxQueueSize: 4096, maxExportBatchSize: 512, scheduledDelayMillis: 2000, exportTimeoutMillis: 10_000 };

const CLOSE_MS = 2000;

/** Names of the GenAI conventions. Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ (1.45, 2026-11-30) */
const PROVIDERS: Readonly<Record<string, string>> = { gemini: "gcp.gemini", vertex: "gcp.vertex_ai", flow: "gcp.gen_ai" };

/** `open`: its response, and what holds that; at 0 the span has ended, and only the context is left, for calls that come later. */
type Traced = { span: Span | null; context: Context; method: string; open: number; isSampled: boolean };

export class OtlpTraces implements Traces {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #requests = new Map<string, Traced>();

  constructor(
    settings: Settings["tracing"],
    private readonly deps: { log: Log; now: () => number },
  ) {
    const exporter = new OTLPTraceExporter({
      url: tracesUrl(settings.endpoint),
      headers: parseHeaders(settings.headers),
      timeoutMillis: 10_000,
    });
    this.#provider = new BasicTracerProvider({
      resource: resourceOf({ "service.name": settings.service_name, "service.version": VERSION }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.sample_percent / 100) }),
      spanProcessors: [new BatchSpanProcessor(new LoggedExporter(exporter, deps.log), QUEUE)],
    });
    this.#tracer = this.#provider.getTracer("flow2api", VERSION);
  }

  requestBegan(requestId: string, request: Request, at: number): void {
    const { path } = splitUrl(request.url);
    if (!/^\/(v1|v1beta|mcp)(\/|$)/.test(path)) return;
    const { method } = request;
    const parent = parseTraceparent(request.headers.get("traceparent"));
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true }) : ROOT_CONTEXT;
    const attributes = { "http.request.method": method, "url.path": path.slice(0, 500), "flow2api.request.id": requestId };
    const span = this.#tracer.startSpan(method, { kind: SpanKind.SERVER, startTime: at, attributes }, context);
    const spanContext = span.spanContext();
    const isSampled = (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0;
    this.#requests.set(requestId, { span, context: trace.setSpanContext(ROOT_CONTEXT, spanContext), method, open: 1, isSampled });
    if (this.#requests.size > MAX_REQUESTS) this.#forgetOldest();
  }

  requestEnded(requestId: string, { status, route }: { status: number; route: string | null }): void {
    const traced = this.#requests.get(requestId);
    if (!traced?.span) return;
    const { span } = traced;
    span.setAttribute("http.response.status_code", status);
    if (route) {
      span.setAttribute("http.route", route);
      span.updateName(`${traced.method} ${route}`);
    }
    if (status >= 500) {
      span.setAttribute("error.type", String(status));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#close(traced);
  }

  hold(requestId: string): void {
    const traced = this.#requests.get(requestId);
    if (traced && traced.open > 0) traced.open++;
  }

  release(requestId: string): void {
    const traced = this.#requests.get(requestId);
    if (traced) this.#close(traced);
  }

  generationEnded(row: TracedRow): void {
    const traced = this.#requests.get(row.id);
    if (traced && !traced.isSampled) return;
    const context = traced?.context ?? ROOT_CONTEXT;
    if (row.attempts.length === 0) this.#waited(row, context);
    for (const [index, attempt] of row.attempts.entries()) this.#called(row, attempt, { index, context });
  }

  async close(): Promise<void> {
    for (const { span } of this.#requests.values()) span?.end(this.deps.now());
    this.#requests.clear();
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const timer = setTimeout(() => resolve("late"), CLOSE_MS);
    const end = await Promise.race([this.#provider.shutdown().catch(() => {}), late]);
    clearTimeout(timer);
    if (end === "late") this.deps.log.warn("Traces that were left could not be delivered");
  }

  #close(traced: Traced): void {
    if (traced.open === 0) return;
    traced.open--;
    if (traced.open > 0) return;
    traced.span?.end(this.deps.now());
    traced.span = null;
  }

  #forgetOldest(): void {
    const [requestId = "", traced] = this.#requests.entries().next().value ?? [];
    traced?.span?.end(this.deps.now());
    this.#requests.delete(requestId);
  }

  /** A generation that got no token. */
  #waited({ id, at, ms, outcome, family }: TracedRow, context: Context): void {
    if (outcome !== "no_token" && outcome !== "busy") return;
    const attributes = { "flow2api.request.id": id, "flow2api.model": family ?? "none", "error.type": outcome };
    const span = this.#tracer.startSpan("pool.lease", { startTime: at, attributes }, context);
    span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
    span.end(at + ms);
  }

  #called(row: TracedRow, attempt: TracedAttempt, { index, context }: { index: number; context: Context }): void {
    const { startedAt, ms, outcome } = attempt;
    const own = { "flow2api.request.id": row.id, "flow2api.attempt": index + 1, "flow2api.token.id": attempt.tokenId };
    const waited = { ...own, "flow2api.provider": attempt.provider };
    const lease = this.#tracer.startSpan(
      "pool.lease",
      { startTime: startedAt - (attempt.call?.waitedMs ?? 0), attributes: waited },
      context,
    );
    lease.end(startedAt);
    const attributes = { ...own, ...genAi(row.kind, attempt) };
    const name = `generate_content ${attempt.family}`;
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime: startedAt, attributes }, context);
    if (outcome !== "ok") span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
    span.end(startedAt + ms);
  }
}

/** Attributes of the upstream call. Only it has those of GenAI, so that tokens and cost are counted once; the prompt is never among them. */
function genAi(kind: Kind, { provider, family, outcome, reason, upstreamStatus, call }: TracedAttempt): Attributes {
  const usage = call?.usage;
  return present({
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": PROVIDERS[provider] ?? provider,
    "gen_ai.output.type": kind,
    "gen_ai.request.model": family,
    "gen_ai.response.id": call?.responseId,
    "gen_ai.response.model": call?.modelVersion,
    "gen_ai.response.finish_reasons": call?.finish ? [call.finish] : undefined,
    "gen_ai.usage.input_tokens": usage ? usage.inputText + usage.inputImage : undefined,
    "gen_ai.usage.output_tokens": usage ? usage.outputText + usage.outputImage + usage.thoughts : undefined,
    "gen_ai.usage.reasoning.output_tokens": usage?.thoughts || undefined,
    "http.response.status_code": upstreamStatus ?? undefined,
    "error.type": outcome === "ok" ? undefined : outcome,
    "flow2api.reason": reason ?? undefined,
    "flow2api.images": call?.images || undefined,
    "flow2api.video.seconds": call?.videoSeconds || undefined,
    "flow2api.cost.usd": call?.usd || undefined,
  });
}

const present = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));

/** The path of traces is added to a bare host, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it. */
const tracesUrl = (endpoint: string): string => (/\/v1\/traces\/?$/.test(endpoint) ? endpoint : `${withoutEndSlashes(endpoint)}/v1/traces`);

type Resource = NonNullable<TracerConfig["resource"]>;

function resourceOf(attributes: Attributes): Resource {
  const resource: Resource = {
    attributes,
    asyncAttributesPending: false,
    merge: (other) => resourceOf({ ...attributes, ...other?.attributes }),
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}

/** Logs when the collector cannot be reached, and when it can again: once each. */
class LoggedExporter implements SpanExporter {
  #isFailing = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly log: Log,
  ) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter["export"]>[1]): void {
    this.exporter.export(spans, (result) => {
      const isFailing = result.error !== undefined;
      if (isFailing && !this.#isFailing) this.log.warn("Traces cannot be delivered and are dropped", failureOf(result.error));
      if (!isFailing && this.#isFailing) this.log.info("Traces are delivered again");
      this.#isFailing = isFailing;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }
}

/** What the collector answered, or why it could not be reached. */
function failureOf(error: (Error & { code?: unknown }) | undefined): Record<string, unknown> {
  return { code: error?.code, reason: error?.message };
}
