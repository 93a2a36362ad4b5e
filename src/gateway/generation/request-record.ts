// Record of one generation: attempts reported to health, the reservation settled, a row of the request log, metrics.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { RequestLog } from "../../db/store.ts";
import type { GenerateEvent, Json, Kind, Media, Usage } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import { omit } from "../../domain/omit.ts";
import type { RequestPayload } from "../../domain/request.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { CallDetails, TracedAttempt, TracedRow, Traces } from "../../traces.ts";
import type { Admission, GenerationEnd } from "../limits/contract.ts";
import type { Lease, Outcome } from "../pool/lease-contract.ts";
import type { ImageSpec } from "./contract.ts";

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

export type GenerationRecord = {
  serve(family: string): void;
  /** Opens an attempt. Calling the result closes it, once: health is reported, the attempt recorded, its cost added. */
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

/** Writes the row of a generation that has ended, counts it in the metrics and traces its calls. */
export function writeRequest({ requests, metrics, traces }: Pick<Dependencies, "requests" | "metrics" | "traces">, row: TracedRow): void {
  requests.append(traces ? { ...row, attempts: row.attempts.map((attempt) => omit(attempt, ["call"])) } : row);
  traces?.generationEnded(row);
  const provider = row.attempts.at(-1)?.provider ?? null;
  metrics.generationEnded({ kind: row.kind, provider, model: row.family, result: row.outcome, ms: row.ms });
}

export function createRecord({ requests, metrics, traces, clock, log }: Dependencies, request: RecordedRequest): GenerationRecord {
  if (!request.forJob) traces?.hold(request.requestId);
  const { kind } = request.choice;
  const attempts: TracedAttempt[] = [];
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
    writeRequest({ requests, metrics, traces }, row);
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
      const asked = family ?? "";
      return (outcome, images, cost, reply) => {
        if (!open) return;
        open = false;
        lease.report(outcome);
        const result = outcome.ok ? "ok" : outcome.kind;
        const { tokenId, provider } = lease;
        const served = { provider, model: asked };
        metrics.attemptEnded({ ...served, result });
        metrics.madeMedia({ ...served, kind, count: images.length, videoSeconds: 0, usd: cost.usd });
        const ms = elapsedMs(startedAt, clock.now());
        calls.push({ tokenId, ok: outcome.ok, ms, images: cost.images, videoSeconds: 0, usd: cost.usd });
        attempts.push({
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
          attempts.at(-1)!.call = { waitedMs: lease.waitedMs, usage, finish, modelVersion, responseId, ...made };
        }
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
      if (!request.forJob) traces?.release(request.requestId);
    },
  };
}

// The payload: text and parameters, where the operator records them (`requests.record_payloads`); neither images nor links.

/** Characters of a prompt that are recorded. */
const PROMPT_LENGTH = 2000;

const cut = (text: string) => (text.length > PROMPT_LENGTH ? `${text.slice(0, PROMPT_LENGTH - 1)}…` : text);

/** The text of the last turn, what shapes the result, and how much else came with it. */
export function imagePayload(request: Pick<ImageSpec, "turns" | "options" | "n">): RequestPayload {
  const { turns, n } = request;
  const { aspect, size, pixels, seed, thinking, system } = request.options;
  const parts = turns.flatMap((turn) => turn.parts);
  const prompt = (turns.at(-1)?.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  const pictures = parts.filter((part) => part.type === "image").length;
  return {
    prompt: cut(prompt),
    parameters: present({ aspect, size, pixels, n, seed, thinking, turns: turns.length, pictures, system_characters: system?.length }),
  };
}

export function videoPayload(job: Pick<Job, "prompt" | "mode" | "aspect" | "resolution" | "seconds" | "sourceJobId">): RequestPayload {
  const { prompt, mode, aspect, resolution, seconds, sourceJobId } = job;
  return { prompt: cut(prompt), parameters: present({ mode, aspect, resolution, seconds, source_job: sourceJobId }) };
}

const present = (values: Record<string, unknown>): Record<string, Json> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null)) as Record<string, Json>;
