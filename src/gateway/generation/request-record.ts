// What one generation leaves behind: attempts told to health, a settled reservation, a row in the request log, metrics.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { RequestLog } from "../../db/store.ts";
import type { GenerateEvent, Kind, Media, Usage } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import type { AttemptRow, RequestPayload } from "../../domain/request.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { Admission, GenerationEnd } from "../limits/contract.ts";
import type { Lease, Outcome } from "../pool/lease-contract.ts";

type Dependencies = { requests: Pick<RequestLog, "append">; metrics: Metrics; clock: Clock; log: Log };

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
};

export type AttemptEnd = (outcome: Outcome, images: Media[], cost: { images: number; usd: number }) => void;

export type GenerationRecord = {
  serve(family: string): void;
  /** Opens an attempt. Calling the result closes it, once: health is told, the attempt is written down, its cost is added. */
  attempt(lease: Lease, startedAt: number): AttemptEnd;
  finish(done: Extract<GenerateEvent, { type: "done" }>): void;
  fail(error: unknown): void;
  /** Settles or releases the reservation and writes the row. The first call counts. */
  close(admission: Admission | null): void;
};

const clip = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** What the log says of a failure: an AppError's kind and message; a bug is `internal`, its text stays in the process log. */
function described(error: unknown): { outcome: string; message: string } {
  return error instanceof AppError
    ? { outcome: error.kind, message: clip(error.message) }
    : { outcome: "internal", message: "Internal error" };
}

export function createRecord({ requests, metrics, clock, log }: Dependencies, request: RecordedRequest): GenerationRecord {
  const { kind } = request.choice;
  const attempts: AttemptRow[] = [];
  const calls: GenerationEnd["calls"][number][] = [];
  const mediaIds: string[] = [];
  const used = { images: 0, usd: 0, tokenId: null as number | null };
  let family: string | null = null;
  let usage: Usage | null = null;
  let ended = { outcome: "cancelled", message: null as string | null };
  let decided = false;
  let closed = false;

  const inputTokens = () => (usage ? usage.inputText + usage.inputImage : 0);
  const outputTokens = () => (usage ? usage.outputText + usage.outputImage + usage.thoughts : 0);

  const endAdmission = (admission: Admission) => {
    const ms = elapsedMs(request.startedAt, clock.now());
    const end = { ok: ended.outcome === "ok", ms, inputTokens: inputTokens(), outputTokens: outputTokens(), calls };
    const { images, usd } = used;
    if (images > 0 || usd > 0) admission.settle({ images, videoSeconds: 0, usd }, end);
    else admission.release(end);
  };

  const write = () => {
    const row = {
      id: request.requestId,
      at: request.startedAt,
      ms: elapsedMs(request.startedAt, clock.now()),
      dialect: request.dialect,
      route: request.route,
      keyId: request.key.id,
      model: clip(request.choice.requested),
      family,
      kind,
      outcome: ended.outcome,
      message: ended.message,
      images: mediaIds.length,
      videoSeconds: 0,
      inputTokens: inputTokens(),
      outputTokens: outputTokens(),
      usd: used.usd,
      stream: request.stream,
      mediaIds,
      attempts,
      payload: request.payload,
    };
    requests.append(row);
    metrics.generations.inc({ generation_type: kind, result: ended.outcome });
    metrics.generationSeconds.observe({ generation_type: kind }, row.ms / 1000);
    const { id, ms, model, outcome, message } = row;
    log.info("generation", {
      requestId: id,
      model,
      family,
      tokenId: used.tokenId,
      attempts: attempts.length,
      ms,
      outcome,
      ...(message ? { message } : {}),
    });
  };

  return {
    serve: (name) => {
      family = name;
    },
    attempt(lease, startedAt) {
      let open = true;
      return (outcome, images, cost) => {
        if (!open) return;
        open = false;
        lease.report(outcome);
        const result = outcome.ok ? "ok" : outcome.kind;
        metrics.attempts.inc({ provider: lease.provider, result });
        const { tokenId, provider } = lease;
        const ms = elapsedMs(startedAt, clock.now());
        calls.push({ tokenId, ok: outcome.ok, ms, images: cost.images, videoSeconds: 0, usd: cost.usd });
        attempts.push({
          tokenId,
          provider,
          family: family ?? "",
          startedAt,
          ms,
          outcome: result,
          reason: outcome.ok ? null : (outcome.detail?.reason ?? null),
          upstreamStatus: outcome.ok ? 200 : (outcome.upstreamStatus ?? null),
        });
        mediaIds.push(...images.map((media) => media.id));
        used.images += cost.images;
        used.usd += cost.usd;
        used.tokenId = lease.tokenId;
      };
    },
    finish(done) {
      usage = done.usage;
      ended = done.finish.startsWith("policy")
        ? { outcome: "content_policy", message: done.upstreamReason }
        : { outcome: "ok", message: null };
      decided = true;
    },
    fail(error) {
      if (decided) return;
      decided = true;
      if (error instanceof AppError && error.usage) usage = error.usage;
      ended = described(error);
    },
    close(admission) {
      if (closed) return;
      closed = true;
      if (admission) endAdmission(admission);
      write();
    },
  };
}
