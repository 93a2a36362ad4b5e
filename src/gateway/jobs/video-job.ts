// Video job: its row, what this process knows of it, the lease of its token, reports, and failed ends.

import { type Clock, elapsedMs, type Random, sleep, withTimeout } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobChange, JobRow } from "../../db/jobs.ts";
import type { JobState } from "../../domain/job.ts";
import { AppError, type ErrorKind, knownFailure } from "../../errors.ts";
import type { KeyedSemaphore } from "../../keyed-semaphore.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { CallContext, Provider, ProviderToken } from "../../providers/provider.ts";
import type { TracedAttempt, Traces } from "../../traces.ts";
import { TriedTokens } from "../generation/tried-tokens.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { Lease, Outcome } from "../pool/lease-contract.ts";
import type { Pool } from "../pool/pool.ts";
import type { Credentials } from "../tokens/credentials.ts";
import type { JobEnd, JobLifecycle } from "./job-lifecycle.ts";
import { deadlineAfter, toJobError } from "./job-state.ts";

export type VideoJobDependencies = {
  lifecycle: JobLifecycle;
  pool: Pick<Pool, "lease" | "isFree" | "adopt" | "reportOutcome">;
  providers: ReadonlyMap<string, Provider>;
  tokens: Pick<Credentials, "open" | "callContext">;
  media: Pick<MediaStore, "open" | "store" | "remove">;
  /** Jobs of one key and family that wait in the pool at once. */
  waitingJobs: KeyedSemaphore;
  settings: () => Settings;
  catalogue: () => Catalogue;
  metrics: Metrics;
  /** Absent: OpenTelemetry is off. */
  traces?: Traces;
  clock: Clock;
  random: Random;
  log: Log;
};

export type StopSignals = {
  /** Aborts when the server stops: the job stays in its state, on disk. */
  stopping: AbortSignal;
  /** Aborts when submissions under way are cut as well; their outcome is unknown then. */
  aborted: AbortSignal;
};

/** Kinds of failed polls and downloads that say something of the token or the way to it. Others say nothing of paid calls. */
const REPORTED: ReadonlySet<ErrorKind> = new Set([
  "network",
  "upstream_unauthorized",
  "upstream_verification",
  "upstream_rate_limited",
  "upstream_quota",
]);

const HEALTHY: Outcome = { ok: true, usage: null, images: 0, videoSeconds: 0, usd: 0 };

export class VideoJob {
  /** As read at the start of the current step, with what the step has decided since. */
  row!: JobRow;
  lease: Lease | null = null;
  /** Tokens that refused it. */
  readonly tried = new TriedTokens();
  submissions = 0;
  /** Polls made; null: none by this process. */
  polls: number | null = null;
  failedDownloads = 0;
  /** Why the last poll or download failed; null when it did not. */
  lastFailure: AppError | null = null;
  /** Whether the upstream was asked to cancel it. */
  isCancelSent = false;
  readonly #attempts: TracedAttempt[] = [];
  #wake = new AbortController();

  constructor(
    readonly deps: VideoJobDependencies,
    readonly id: string,
    readonly signals: StopSignals,
  ) {}

  get isStopping(): boolean {
    return this.signals.stopping.aborted;
  }

  /** Aborts when the job was changed elsewhere, or the server stops. */
  get interrupted(): AbortSignal {
    return AbortSignal.any([this.signals.stopping, this.#wake.signal]);
  }

  /** Reads the row; null when the job was deleted. */
  async load(): Promise<JobRow | null> {
    const row = await this.deps.lifecycle.read(this.id);
    if (row) this.row = row;
    return row;
  }

  /** The job was changed elsewhere: ends its pause or wait. */
  wake(): void {
    this.#wake.abort();
  }

  /** Whether `wake` was called since the last time. */
  takeWake(): boolean {
    const isAwake = this.#wake.signal.aborted;
    if (isAwake) this.#wake = new AbortController();
    return isAwake;
  }

  /** False when the pause ended early: the job was changed elsewhere, or the server stops. */
  async pause(ms: number): Promise<boolean> {
    try {
      await sleep(this.deps.clock, ms, this.interrupted);
      return true;
    } catch {
      this.takeWake();
      return false;
    }
  }

  move(from: readonly JobState[], change: JobChange, options?: { durable: boolean }): Promise<JobRow | null> {
    return this.deps.lifecycle.move(this.id, from, change, options);
  }

  /** Ends the job; null when it was in another state, or gone. */
  end(from: readonly JobState[], change: JobEnd): Promise<JobRow | null> {
    return this.deps.lifecycle.end(this.id, from, change, this.#attempts);
  }

  /** Ends the job as failed; charged when an upstream may have charged for it. */
  async fail(error: AppError): Promise<void> {
    await this.end([this.row.state], { state: "failed", error: toJobError(error), charged: error.charged });
  }

  async releaseLease(): Promise<void> {
    const { lease } = this;
    this.lease = null;
    await lease?.[Symbol.asyncDispose]();
  }

  /** Makes one call with the job's token. @throws {AppError} `no_token` when that was deleted, `upstream_timeout` after `ms` */
  async call<T>(
    stop: AbortSignal,
    ms: number,
    action: (provider: Provider, token: ProviderToken, context: CallContext) => Promise<T>,
  ): Promise<T> {
    const { providers, tokens, clock } = this.deps;
    const provider = providers.get(this.row.provider ?? "");
    if (!provider || this.row.tokenId === null) throw new AppError("no_token", "The token of this job is not in the pool any more.");
    const token = await tokens.open(this.row.tokenId, this.lease ?? undefined);
    return withTimeout(clock, stop, ms, (signal) => action(provider, token, tokens.callContext(token, signal)));
  }

  /** Any thrown value as an AppError; a bug is logged whole and becomes "Internal error". */
  asFailure(error: unknown): AppError {
    const known = knownFailure(error);
    if (known) return known;
    this.deps.log.error("A job met an internal error", { jobId: this.id, error });
    return new AppError("upstream_unavailable", "Internal error");
  }

  /** Reports the end of the job's calls to health, and records an attempt for the request log. Needs a lease. */
  report(ended: { usage: JobRow["usage"] } | AppError): void {
    const { lease, row } = this;
    const { clock, metrics, traces } = this.deps;
    if (!lease) return;
    const isFailed = ended instanceof AppError;
    if (isFailed) {
      const { kind, detail, retryAfterMs, upstreamStatus, charged } = ended;
      lease.report({ ok: false, kind, detail, retryAfterMs, upstreamStatus, charged });
    } else lease.report({ ok: true, usage: ended.usage, images: 0, videoSeconds: row.seconds ?? 0, usd: row.usd });
    const outcome = isFailed ? ended.kind : "ok";
    metrics.attemptEnded({ provider: lease.provider, model: row.family, result: outcome });
    const now = clock.now();
    const startedAt = row.submittedAt ?? now;
    this.#attempts.push({
      tokenId: lease.tokenId,
      provider: lease.provider,
      family: row.family,
      startedAt,
      ms: elapsedMs(startedAt, now),
      outcome,
      reason: isFailed ? (ended.detail?.reason ?? null) : null,
      upstreamStatus: isFailed ? (ended.upstreamStatus ?? null) : 200,
      ...(traces ? { call: { waitedMs: lease.waitedMs, usage: null, images: 0, videoSeconds: 0, usd: 0 } } : {}),
    });
  }

  /**
   * Remembers how a poll or a download ended (null: well), and reports to health what that says of the token: a failure, or that it
   * works again. The end of the video itself is reported by {@link report}.
   */
  reportFreeCall(failure: AppError | null): void {
    const { pool } = this.deps;
    const { tokenId } = this.row;
    const hadFailed = this.lastFailure !== null;
    this.lastFailure = failure;
    if (tokenId === null) return;
    if (!failure) {
      if (hadFailed) pool.reportOutcome(tokenId, HEALTHY);
      return;
    }
    const { kind, detail, retryAfterMs, upstreamStatus } = failure;
    if (REPORTED.has(kind)) pool.reportOutcome(tokenId, { ok: false, kind, detail, retryAfterMs, upstreamStatus, charged: false });
  }

  /** Deadline of a phase that starts now, epoch ms. */
  newDeadline(): number {
    const { clock, settings } = this.deps;
    return deadlineAfter(clock.now(), settings().generation.video_timeout);
  }
}
