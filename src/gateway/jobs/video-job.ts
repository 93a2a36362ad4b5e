// What the steps of a video job share: what they need, what lives with the process, pauses, reports and bad ends.

import { type Clock, elapsedMs, type Random, sleep } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { AttemptRow } from "../../domain/request.ts";
import { AppError, asCharged, type ErrorKind, knownFailure } from "../../errors.ts";
import type { KeyedSemaphore } from "../../keyed-semaphore.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { Provider } from "../../providers/provider.ts";
import type { TriedTokens } from "../generation/tried-tokens.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Prices } from "../models/prices.ts";
import type { Lease, Outcome } from "../pool/lease-contract.ts";
import type { Pool } from "../pool/pool.ts";
import type { Credentials } from "../tokens/credentials.ts";
import type { JobLifecycle } from "./job-lifecycle.ts";
import { deadlineAfter, toJobError } from "./job-state.ts";

export type VideoJobDependencies = {
  lifecycle: JobLifecycle;
  pool: Pick<Pool, "lease" | "isFree" | "adopt" | "reportOutcome">;
  providers: ReadonlyMap<string, Provider>;
  tokens: Pick<Credentials, "open" | "callContext">;
  media: Pick<MediaStore, "open" | "keep" | "remove">;
  waitingJobs: KeyedSemaphore;
  settings: () => Settings;
  /** Absent: the catalogue's. */
  prices?: () => Prices;
  metrics: Metrics;
  clock: Clock;
  random: Random;
  log: Log;
};

/** What lives only as long as this process works on the job. */
export type VideoRun = {
  readonly id: string;
  /** Aborts when the job is to be left as it is: the server stops. */
  readonly parked: AbortSignal;
  /** Aborts when even a submission may not go on; its outcome is unknown then. */
  readonly killed: AbortSignal;
  /** Aborts pauses and waits: the job has changed elsewhere. */
  wake: AbortController;
  /** The slot of its token. */
  lease: Lease | null;
  attempts: AttemptRow[];
  /** Tokens that refused it. */
  readonly tried: TriedTokens;
  /** Submissions made. */
  tries: number;
  /** Polls made; null: none by this process. */
  polls: number | null;
  /** Downloads that failed. */
  downloads: number;
  /** Why the upstream could not be asked, last. */
  failure: AppError | null;
  /** Whether the upstream was asked to stop it. */
  cancelTold: boolean;
};

export async function releaseSlot(run: VideoRun): Promise<void> {
  const { lease } = run;
  run.lease = null;
  await lease?.[Symbol.asyncDispose]();
}

/** A pause that ends early when the job changed elsewhere or the server stops; false when it did. */
export async function pause({ clock }: Pick<VideoJobDependencies, "clock">, run: VideoRun, ms: number): Promise<boolean> {
  try {
    await sleep(clock, ms, AbortSignal.any([run.parked, run.wake.signal]));
    return true;
  } catch {
    if (run.wake.signal.aborted) run.wake = new AbortController();
    return false;
  }
}

/** The token of a job, with its secret. @throws {AppError} `no_token` when it was deleted */
export async function openToken({ tokens, providers }: Pick<VideoJobDependencies, "tokens" | "providers">, run: VideoRun, job: JobRow) {
  const provider = providers.get(job.provider ?? "");
  if (!provider || job.tokenId === null) throw new AppError("no_token", "The token of this job is not in the pool any more.");
  return { provider, token: await tokens.open(job.tokenId, run.lease?.proxy ?? null) };
}

/** Whatever was thrown, as a failure to be told: a bug is logged whole and told as nothing more than that. */
export function asFailure(log: Log, jobId: string, error: unknown): AppError {
  const known = knownFailure(error);
  if (known) return known;
  log.error("A job met an internal error", { jobId, error });
  return new AppError("upstream_unavailable", "Internal error");
}

/** Tells health how the calls for this job ended, and remembers it for the request log. */
export function report(
  { clock, metrics }: Pick<VideoJobDependencies, "clock" | "metrics">,
  run: VideoRun,
  job: Pick<JobRow, "family" | "seconds" | "usd" | "submittedAt">,
  ended: { usage: JobRow["usage"] } | AppError,
): void {
  const { lease } = run;
  if (!lease) return;
  const isFailed = ended instanceof AppError;
  if (isFailed) {
    const { kind, detail, retryAfterMs, upstreamStatus, charged } = ended;
    lease.report({ ok: false, kind, detail, retryAfterMs, upstreamStatus, charged });
  } else lease.report({ ok: true, usage: ended.usage, images: 0, videoSeconds: job.seconds ?? 0, usd: job.usd });
  const outcome = isFailed ? ended.kind : "ok";
  metrics.attempts.inc({ provider: lease.provider, result: outcome });
  const now = clock.now();
  const startedAt = job.submittedAt ?? now;
  run.attempts.push({
    tokenId: lease.tokenId,
    provider: lease.provider,
    family: job.family,
    startedAt,
    ms: elapsedMs(startedAt, now),
    outcome,
    reason: isFailed ? (ended.detail?.reason ?? null) : null,
    upstreamStatus: isFailed ? (ended.upstreamStatus ?? null) : 200,
  });
}

/** What a look or a download that failed can say of the token or the way to it. Other trouble of free calls says nothing of paid ones. */
const TELLING: ReadonlySet<ErrorKind> = new Set([
  "network",
  "upstream_unauthorized",
  "upstream_verification",
  "upstream_rate_limited",
  "upstream_quota",
]);

const WELL: Outcome = { ok: true, usage: null, images: 0, videoSeconds: 0, usd: 0 };

/**
 * Remembers how a look or a download went, and tells health what that says of the token, by the table of all calls: a failure, or that
 * what failed before works again. How the video itself ends is told by {@link report}.
 */
export function learn(
  { pool }: Pick<VideoJobDependencies, "pool">,
  run: VideoRun,
  { tokenId }: Pick<JobRow, "tokenId">,
  failure: AppError | null,
): void {
  const hadFailed = run.failure !== null;
  run.failure = failure;
  if (tokenId === null) return;
  if (!failure) {
    if (hadFailed) pool.reportOutcome(tokenId, WELL);
    return;
  }
  const { kind, detail, retryAfterMs, upstreamStatus } = failure;
  if (TELLING.has(kind)) pool.reportOutcome(tokenId, { ok: false, kind, detail, retryAfterMs, upstreamStatus, charged: false });
}

/** Ends the job as failed; `charged` when an upstream may have taken money for it. */
export async function failVideo(
  { lifecycle }: Pick<VideoJobDependencies, "lifecycle">,
  run: VideoRun,
  job: JobRow,
  error: AppError,
): Promise<void> {
  const { charged } = error;
  await lifecycle.end(run.id, [job.state], { state: "failed", error: toJobError(error), charged }, run.attempts);
}

/** Nobody knows what became of the submission: a person decides. Its reservation stays. */
export async function markUnknown(
  { lifecycle }: Pick<VideoJobDependencies, "lifecycle">,
  run: Pick<VideoRun, "id">,
  error: AppError,
): Promise<void> {
  await lifecycle.move(run.id, ["submitting"], { state: "unknown", error: toJobError(asCharged(error)), charged: true });
}

/** The moment at which what begins now is given up. */
export function freshDeadline({ clock, settings }: Pick<VideoJobDependencies, "clock" | "settings">): number {
  return deadlineAfter(clock.now(), settings().generation.video_timeout);
}
