// Record of one generation: attempts reported to health, the reservation settled, a row of the request log, metrics.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { RequestLog } from "../../db/store.ts";
import type { GenerateEvent, Kind, Media, Usage } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { omit } from "../../domain/omit.ts";
import type { RequestPayload } from "../../domain/request.ts";
import { AppError } from "../../errors.ts";
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

/** `reply`: what the upstream said of a call that succeeded. */
export type AttemptEnd = (
  outcome: Outcome,
  images: Media[],
  cost: { images: number; usd: number },
  reply?: Pick<CallDetails, "finish" | "modelVersion" | "responseId">,
) => void;

const clip = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** What the log says of a failure: an AppError's kind and message; a bug is `internal`, its text stays in the process log. */
function described(error: unknown): { outcome: string; message: string } {
  return error instanceof AppError
    ? { outcome: error.kind, message: clip(error.message) }
    : { outcome: "internal", message: "Internal error" };
}

/** Writes the row of a generation that has ended, counts it in the metrics and traces its calls. */
export function writeRequest({ requests, metrics, traces }: Pick<Dependencies, "requests" | "metrics" | "traces">, row: TracedRow): void {
  requests.append(traces ? { ...row, attempts: row.attempts.map((attempt) => omit(attempt, ["call"])) } : row);
  traces?.generationEnded(row);
  const provider = row.attempts.at(-1)?.provider ?? null;
  metrics.generationEnded({ kind: row.kind, provider, model: row.family, result: row.outcome, ms: row.ms });
}

/** Record of one generation, from its first attempt to its row. */
export class GenerationRecord {
  private attempts: TracedAttempt[] = [];
  private calls: GenerationEnd["calls"][number][] = [];
  private mediaIds: string[] = [];
  private used = { images: 0, usd: 0, tokenId: null as number | null };
  private family: string | null = null;
  private usage: Usage | null = null;
  private ended = { outcome: "cancelled", message: null as string | null };
  private decided = false;
  private closed = false;

  constructor(
    private readonly deps: Dependencies,
    private readonly request: RecordedRequest,
  ) {
    if (!request.forJob) deps.traces?.hold(request.requestId);
  }

  /** Tokens of the model, as the upstream counted them. */
  private tokens(): { inputTokens: number; outputTokens: number } {
    const { usage } = this;
    if (!usage) return { inputTokens: 0, outputTokens: 0 };
    return { inputTokens: usage.inputText + usage.inputImage, outputTokens: usage.outputText + usage.outputImage + usage.thoughts };
  }

  private endAdmission(admission: Admission) {
    const ms = elapsedMs(this.request.startedAt, this.deps.clock.now());
    const end = { ok: this.ended.outcome === "ok", ms, ...this.tokens(), calls: this.calls };
    const { images, usd } = this.used;
    if (images > 0 || usd > 0) admission.settle({ images, videoSeconds: 0, usd }, end);
    else admission.release(end);
  }

  private write() {
    const { family, request } = this;
    const { kind } = request.choice;
    const row = {
      id: request.requestId,
      at: request.startedAt,
      ms: elapsedMs(request.startedAt, this.deps.clock.now()),
      dialect: request.dialect,
      route: request.route,
      keyId: request.key.id,
      model: clip(request.choice.requested),
      family,
      kind,
      outcome: this.ended.outcome,
      message: this.ended.message,
      images: this.mediaIds.length,
      videoSeconds: 0,
      ...this.tokens(),
      usd: this.used.usd,
      stream: request.stream,
      mediaIds: this.mediaIds,
      attempts: this.attempts,
      payload: request.payload,
    };
    writeRequest(this.deps, row);
    const { id, ms, model, outcome, message } = row;
    this.deps.log.info("generation", {
      requestId: id,
      model,
      family,
      tokenId: this.used.tokenId,
      attempts: this.attempts.length,
      ms,
      outcome,
      ...(message ? { message } : {}),
    });
  }

  serve(family: string): void {
    this.family = family;
  }

  /** Opens an attempt. Calling the result closes it, once: health is reported, the attempt recorded, its cost added. */
  attempt(lease: Lease, startedAt: number): AttemptEnd {
    let open = true;
    const asked = this.family ?? "";
    return (outcome, images, cost, reply) => {
      if (!open) return;
      open = false;
      lease.report(outcome);
      const result = outcome.ok ? "ok" : outcome.kind;
      const { metrics, traces, clock } = this.deps;
      const { tokenId, provider } = lease;
      const served = { provider, model: asked };
      metrics.attemptEnded({ ...served, result });
      metrics.madeMedia({ ...served, kind: this.request.choice.kind, count: images.length, videoSeconds: 0, usd: cost.usd });
      const ms = elapsedMs(startedAt, clock.now());
      this.calls.push({ tokenId, ok: outcome.ok, ms, images: cost.images, videoSeconds: 0, usd: cost.usd });
      this.attempts.push({
        tokenId,
        provider,
        family: asked,
        startedAt,
        ms,
        outcome: result,
        reason: outcome.ok ? null : (outcome.detail?.reason ?? null),
        upstreamStatus: outcome.ok ? 200 : (outcome.upstreamStatus ?? null),
      });
      if (traces) {
        const usage = outcome.ok ? outcome.usage : null;
        const { finish, modelVersion, responseId } = reply ?? {};
        const made = { images: images.length, videoSeconds: 0, usd: cost.usd };
        this.attempts.at(-1)!.call = { waitedMs: lease.waitedMs, usage, finish, modelVersion, responseId, ...made };
      }
      this.mediaIds.push(...images.map((media) => media.id));
      this.used.images += cost.images;
      this.used.usd += cost.usd;
      this.used.tokenId = lease.tokenId;
    };
  }

  finish(done: Extract<GenerateEvent, { type: "done" }>): void {
    this.usage = done.usage;
    this.ended = done.finish.startsWith("policy")
      ? { outcome: "content_policy", message: done.upstreamReason }
      : { outcome: "ok", message: null };
    this.decided = true;
  }

  fail(error: unknown): void {
    if (this.decided) return;
    this.decided = true;
    if (error instanceof AppError && error.usage) this.usage = error.usage;
    this.ended = described(error);
  }

  /** Settles or releases the reservation and writes the row. The first call counts. */
  close(admission: Admission | null): void {
    if (this.closed) return;
    this.closed = true;
    if (admission) this.endAdmission(admission);
    this.write();
    if (!this.request.forJob) this.deps.traces?.release(this.request.requestId);
  }
}
