// Record of one generation: attempts reported to health, the reservation settled, a row of the request log, metrics.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { RequestLog } from "../../db/store.ts";
import type { GenerateEvent, Kind, Media, Usage } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { omit } from "../../domain/omit.ts";
import type { Refusal, RequestPayload } from "../../domain/request.ts";
import { AppError, isRefusal } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { CallDetails, TracedAttempt, TracedRow, Traces } from "../../traces.ts";
import type { Admission, GenerationEnd } from "../limits/contract.ts";
import type { Lease, Outcome } from "../pool/lease-contract.ts";

type Dependencies = { requests: Pick<RequestLog, "append">; metrics: Metrics; traces?: Traces; clock: Clock; log: Log };

/** The facts of a request that are known before it is served. */
export type RecordedRequest = {
  requestId: string;
  dialect: string;
  route: string;
  stream: boolean;
  key: Pick<KeyRow, "id">;
  choice: { requested: string; kind: Kind };
  startedAt: number;
  /** What was asked for, where that is recorded. */
  payload?: RequestPayload;
  /** Its response ends before it does. */
  forJob?: unknown;
};

/** A call of a generation, as its record sees it. */
export type RecordedCall = { readonly lease: Lease; readonly startedAt: number; isRecorded: boolean };

/** What a call made and cost. `reply`: what the upstream said of one that succeeded. */
export type CallEnd = {
  media: readonly Pick<Media, "id">[];
  images: number;
  usd: number;
  reply?: Pick<CallDetails, "finish" | "modelVersion" | "responseId">;
};

const clip = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** What the log says of a failure: an AppError's kind and message; a bug is `internal`, its text stays in the process log. */
function described(error: unknown): { outcome: string; message: string } {
  return error instanceof AppError
    ? { outcome: error.kind, message: clip(error.message) }
    : { outcome: "internal", message: "Internal error" };
}

/** Writes the row of a generation that has ended, counts it in the metrics and traces its calls. */
export function writeRequest({ requests, metrics, traces }: Pick<Dependencies, "requests" | "metrics" | "traces">, row: TracedRow): void {
  requests.append(traces ? withoutCalls(row) : row);
  traces?.generationEnded(row);
  const provider = row.attempts.at(-1)?.provider ?? null;
  metrics.generationEnded({ kind: row.kind, provider, model: row.family, result: row.outcome, ms: row.ms });
}

const withoutCalls = (row: TracedRow) => ({ ...row, attempts: row.attempts.map((attempt) => omit(attempt, ["call"])) });

/** Record of one generation, from its first attempt to its row. */
export class GenerationRecord {
  private readonly attempts: TracedAttempt[] = [];
  private readonly calls: GenerationEnd["calls"][number][] = [];
  private readonly mediaIds: string[] = [];
  private images = 0;
  private usd = 0;
  private tokenId: number | null = null;
  private family: string | null = null;
  private usage: Usage | null = null;
  private outcome = "cancelled";
  private message: string | null = null;
  /** Turned away for what the client sent, before an upstream was called. */
  private refusal: Refusal | null = null;
  private isDecided = false;
  private isClosed = false;

  constructor(
    private readonly deps: Dependencies,
    private readonly request: RecordedRequest,
  ) {
    if (!request.forJob) deps.traces?.hold(request.requestId);
  }

  serve(family: string): void {
    this.family = family;
  }

  /** The end of a call, which counts once: health is reported, the attempt recorded, its cost added. */
  endCall(call: RecordedCall, family: string, outcome: Outcome, end: CallEnd): void {
    if (call.isRecorded) return;
    call.isRecorded = true;
    const { metrics, clock, traces } = this.deps;
    const { lease, startedAt } = call;
    const { media, images, usd } = end;
    lease.report(outcome);
    const result = outcome.ok ? "ok" : outcome.kind;
    const { tokenId, provider } = lease;
    const { kind } = this.request.choice;
    const made = { provider, model: family, kind, result, count: media.length, videoSeconds: 0, usd };
    metrics.attemptEnded(made);
    metrics.madeMedia(made);
    const ms = elapsedMs(startedAt, clock.now());
    this.calls.push({ tokenId, ok: outcome.ok, ms, images, videoSeconds: 0, usd });
    const attempt: TracedAttempt = {
      tokenId,
      provider,
      family,
      startedAt,
      ms,
      outcome: result,
      reason: outcome.ok ? null : (outcome.detail?.reason ?? null),
      upstreamStatus: outcome.ok ? 200 : (outcome.upstreamStatus ?? null),
    };
    if (traces) attempt.call = callDetails(lease, outcome, end);
    this.attempts.push(attempt);
    for (const { id } of media) this.mediaIds.push(id);
    this.images += images;
    this.usd += usd;
    this.tokenId = tokenId;
  }

  finish(done: Extract<GenerateEvent, { type: "done" }>): void {
    this.usage = done.usage;
    const isRefused = done.finish.startsWith("policy");
    this.outcome = isRefused ? "content_policy" : "ok";
    this.message = isRefused ? done.upstreamReason : null;
    this.isDecided = true;
  }

  fail(error: unknown): void {
    if (this.isDecided) return;
    this.isDecided = true;
    if (error instanceof AppError && error.usage) this.usage = error.usage;
    Object.assign(this, described(error));
    const isRefused = error instanceof AppError && isRefusal(error.kind) && this.attempts.length === 0 && error.joined === undefined;
    if (isRefused) this.refusal = { reason: error.reason ?? null, address: null, times: 1 };
  }

  /** Settles or releases the reservation and writes the row. The first call counts. */
  close(admission: Admission | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { request, usage } = this;
    const ms = elapsedMs(request.startedAt, this.deps.clock.now());
    const inputTokens = usage ? usage.inputText + usage.inputImage : 0;
    const outputTokens = usage ? usage.outputText + usage.outputImage + usage.thoughts : 0;
    if (admission) this.endAdmission(admission, { ok: this.outcome === "ok", ms, inputTokens, outputTokens, calls: this.calls });
    // What was admitted counts as a generation that failed.
    if (admission) this.refusal = null;
    this.write(ms, inputTokens, outputTokens);
    if (!request.forJob) this.deps.traces?.release(request.requestId);
  }

  private endAdmission(admission: Admission, end: GenerationEnd): void {
    const { images, usd } = this;
    if (images > 0 || usd > 0) admission.settle({ images, videoSeconds: 0, usd }, end);
    else admission.release(end);
  }

  private write(ms: number, inputTokens: number, outputTokens: number): void {
    const { request, family, outcome, message, mediaIds, attempts, tokenId, refusal } = this;
    const model = clip(request.choice.requested);
    writeRequest(this.deps, {
      id: request.requestId,
      at: request.startedAt,
      ms,
      dialect: request.dialect,
      route: request.route,
      keyId: request.key.id,
      model,
      family,
      kind: request.choice.kind,
      outcome,
      message,
      images: mediaIds.length,
      videoSeconds: 0,
      inputTokens,
      outputTokens,
      usd: this.usd,
      stream: request.stream,
      mediaIds,
      attempts,
      payload: request.payload,
      refusal: refusal ?? undefined,
    });
    const facts = { requestId: request.requestId, model, family, tokenId, attempts: attempts.length, ms, outcome };
    this.deps.log.info("generation", message ? { ...facts, message } : facts);
  }
}

function callDetails({ waitedMs }: Lease, outcome: Outcome, { media, usd, reply }: CallEnd): CallDetails {
  const { finish, modelVersion, responseId } = reply ?? {};
  const usage = outcome.ok ? outcome.usage : null;
  return { waitedMs, usage, finish, modelVersion, responseId, images: media.length, videoSeconds: 0, usd };
}
