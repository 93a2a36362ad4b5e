// Admission control, the contract of limits: a generation is admitted before it starts, then settled or released.
import type { Kind } from "../../domain/generation.ts";

/** What a generation costs, in images, seconds of video and US dollars. */
export type Cost = { images: number; videoSeconds: number; usd: number };

/** How an admitted generation ended, for the sums that the operator sees. */
export type GenerationEnd = {
  ok: boolean;
  /** From arrival to the end. */
  ms: number;
  inputTokens: number;
  outputTokens: number;
  /** Its upstream calls. */
  calls: readonly (Cost & { tokenId: number; ok: boolean; ms: number })[];
};

/** A concurrency slot and an estimate reserved for a key. It is settled or released once; later calls are ignored. */
export type Admission = {
  /** Of its reservation, which outlives this process. See {@link AdmissionControl.resume}. */
  readonly id: number;
  /** Replaces the estimate by what was really used. */
  settle(used: Cost, end?: GenerationEnd): void;
  /** Gives the estimate back: nothing was charged. */
  release(end?: GenerationEnd): void;
  /** Releases the concurrency slot and retains the estimate: nothing runs, and the cost is not known yet. */
  releaseSlot(): void;
};

export type AdmissionRequest = {
  requestId: string;
  kind: Kind;
  /** As the client wrote it. */
  model: string;
  /** Public family id that serves it. */
  family: string;
  estimate: Cost;
  /** It belongs to a job: nothing is sent upstream before the job is on disk. */
  forJob?: boolean;
};

export interface AdmissionControl {
  /**
   * Checks the key's permissions and limits and reserves the estimate, in one act before the first `await`; resolves once the
   * reservation outlives this process. Nothing that costs money is started before that.
   * @throws {AppError} `forbidden` (model or kind not allowed), `limit_exceeded` with what, how much and `retryAfterMs`
   * (reason `rate_limit_exceeded`: worth another try; `insufficient_quota`: not soon), `unavailable` when the ledger cannot be written
   */
  admit(keyId: number, request: AdmissionRequest): Promise<Admission>;
  /**
   * Asked before a request is read and before what it names is fetched; reserves nothing. `kind` null: either. A key that may make nothing
   * is refused always, one that has no more left for now only with `counts`, and not while an outcome waits for it.
   * @throws {AppError} `forbidden`, `limit_exceeded`
   */
  assertMayStart(keyId: number, kind: Kind | null, counts: boolean): void;
  /**
   * Counts an upload as one of the key's requests of a minute. Asked before its body is read.
   * @param declaredBytes as the client announced; null: it did not
   * @throws {AppError} `limit_exceeded`
   */
  admitUpload(keyId: number, declaredBytes: number | null): void;
  /** Counts bytes that a key has sent, against its limit of a day. @throws {AppError} `limit_exceeded` */
  countUpload(keyId: number, bytes: number): void;
  /** `x-ratelimit-*` headers of this key as of now; none where it has no limit per minute. */
  rateHeaders(keyId: number): Readonly<Record<string, string>>;
  /** The admission of a job that continues after a restart, if its reservation is open; null: it was settled, or is resumed already. */
  resume(id: number): Admission | null;
}
