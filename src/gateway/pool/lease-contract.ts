// Lease contract: how the gateway leases upstream tokens, and how a lease ends. Implemented by pool.ts.

import type { Kind, Tier, Usage } from "../../domain/generation.ts";
import type { ErrorKind, FailureDetail } from "../../errors.ts";
import type { HealthReason } from "./health/reasons.ts";
import type { Deadline } from "./latency-estimate.ts";

/** What one upstream call needs of a token. */
export type LeaseRequest = {
  kind: Kind;
  /** Public family id that the token must be able to serve. */
  family: string;
  /** Providers that can express the request, e.g. its size; a token of another is not considered. */
  providers: readonly string[];
  /** Lowest tier needed, by provider; absent: any. */
  minTier?: Readonly<Record<string, Tier>>;
  /** Credits that a token must still have, by provider; absent: any. */
  credits?: Readonly<Record<string, number>>;
  /** The client's key: waiting is fair between keys. */
  keyId: number;
  /** Tokens that have refused this request. */
  exclude: ReadonlySet<number>;
  /** Tokens on which this request just failed: taken only when no other is free. */
  avoid?: ReadonlySet<number>;
  /**
   * Estimated cost of the call by provider, in USD: among tokens of one priority those of a cheaper provider come first. Absent: the
   * strategy decides among them all.
   */
  costs?: Readonly<Record<string, number>>;
  /** Only this token may serve, e.g. because the upstream object belongs to it. */
  pinned?: number;
  /** Preferred when it is free: the token that served the conversation before. */
  prefer?: number;
  /** Cost of the call, for caps that we count ourselves. */
  estimate: { images: number; videoSeconds: number; usd: number };
};

export type LeaseOptions = {
  /** Leaves the wait queue; its reason is thrown. */
  signal: AbortSignal;
  /** Longest wait, in ms; absent: the setting `pool.wait_ms`. */
  waitMs?: number;
  /** No lease is given that leaves less time than a call takes: `busy` then. Absent: a call may take as long as it takes. */
  deadline?: Deadline;
  /** Called when the request has to wait, and again when its queue position changes. Positions start at 1. */
  onWait?(position: number, estimateMs: number | null): void;
};

/** How one upstream call ended. */
export type Outcome =
  | { ok: true; usage: Usage | null; images: number; videoSeconds: number; usd: number }
  | {
      ok: false;
      kind: ErrorKind;
      detail?: FailureDetail;
      retryAfterMs?: number;
      upstreamStatus?: number;
      charged: boolean;
      /** The request's own deadline aborted the call: the whole time that the request had, in ms. */
      cutAfterMs?: number;
    };

/** The right to use one token for one upstream call. Disposing releases it; a lease not reported counts as cancelled. */
export type Lease = AsyncDisposable & {
  readonly tokenId: number;
  readonly provider: string;
  readonly label: string;
  readonly proxy: string | null;
  readonly location: string | null;
  /** Ms spent waiting. */
  readonly waitedMs: number;
  /** Whether another token, or this one, is of the same upstream account. */
  sharesAccount(tokenId: number): boolean;
  /** Reports how the call ended. The first report counts, later ones are ignored. */
  report(outcome: Outcome): void;
};

export interface Leases {
  /**
   * Reserves one token.
   * @throws {AppError} `no_token` when no token of the pool could ever serve this (403-like for the pool: nothing to wait for),
   * `upstream_quota` when all that could are out of quota until `retryAfterMs`, `upstream_rate_limited` when all are cooling longer
   * than the wait, `upstream_unavailable` when all cool after repeated failures, `busy` when the queue is full or the wait
   * ran over; `retryAfterMs` is the soonest slot or cooldown end
   */
  lease(request: LeaseRequest, options: LeaseOptions): Promise<Lease>;
  /** As {@link lease}, for a token that is free now; null: there is none, and `lease` decides about waiting. Absent: `lease` does it all. */
  leaseNow?(request: LeaseRequest, options: Pick<LeaseOptions, "signal" | "deadline">): Lease | null;
  /**
   * Where nodes share the tokens: a lease of a token that is free now, for a request whose admission is asked for in the same turn, so that the
   * store decides about both at once. Null, also later: there is none, and `lease` decides after the admission. Never rejects. Where the
   * admission is refused, it is null or to be disposed of.
   */
  leaseEarly?(request: LeaseRequest, options: Pick<LeaseOptions, "signal" | "deadline">, requestId: string): Promise<Lease | null> | null;
  /**
   * Changes whenever `canServe` or `isOff` may say something else of one of these families; null: it depends on the time as well.
   * Absent: nobody knows.
   */
  revision?(families: readonly string[]): number | null;
  /** Ms until the first cooldown or cap of a token that could serve this ends; null: there is none, or none by itself. Costs no I/O. */
  soonestMs(request: LeaseRequest): number | null;
  /** Whether a lease would be given at once. Costs no I/O. */
  isFree(request: LeaseRequest): boolean;
  /**
   * Whether any enabled token could ever serve this family, blocked and cooling ones included; those whose upstream denies them this very
   * family are not. Costs no I/O.
   */
  canServe(kind: Kind, family: string, providers?: readonly string[]): boolean;
  /** Why no token may use a family that some have by their facts (no quota, not in the plan, gone); null: some may, or none has it. */
  deniedFor?(kind: Kind, family: string): HealthReason | null;
  /** Families that at least one enabled token can serve. */
  families(kind: Kind): Set<string>;
  /** Mean time of recent calls of this family, in ms; null: none has ended yet. */
  usualMs?(kind: Kind, family: string): number | null;
  /** Whether the operator has switched the family off; then the two above do not know it. Absent: none is. */
  isOff?(family: string): boolean;
}
