// Slots and reservations of tokens: taken when a lease begins, given back exactly once when it ends, whatever happens between.
import type { Clock } from "../../clock.ts";
import type { Kind } from "../../domain/generation.ts";
import { isHalfOpen } from "./health.ts";
import { groupOwnerOf } from "./health-codec.ts";
import type { HealthTracker } from "./health-tracker.ts";
import type { LatencyEstimate } from "./latency-estimate.ts";
import type { Lease, LeaseRequest, Outcome } from "./lease-contract.ts";
import { countersFor, type PoolToken } from "./pool-token.ts";
import { type Counter, release, reserve, type Spend, settle } from "./token-quota.ts";

export type Slots = {
  /**
   * Takes a slot of the token, whether or not one is free, and reserves the estimate against its caps. Without an estimate the call
   * was counted already: it goes on from before a restart.
   */
  take(member: PoolToken, request: Call, waitedMs: number): Lease;
  /** Calls under way in the whole pool. */
  readonly inFlight: Readonly<Record<Kind, number>>;
};

type Call = Pick<LeaseRequest, "kind" | "family"> & { estimate: LeaseRequest["estimate"] | null };

type SlotsDependencies = {
  clock: Clock;
  judge: HealthTracker;
  pace: LatencyEstimate;
  touch(member: PoolToken): void;
  mark(member: PoolToken): void;
  /** A slot came free, or health has changed: someone who waits may go on. */
  changed(): void;
  /** The last call of a token has ended. */
  idle(member: PoolToken): void;
};

type Reservation = { counter: Counter; spend: Spend };

export function createSlots({ clock, judge, pace, touch, mark, changed, idle }: SlotsDependencies): Slots {
  const inFlight: Record<Kind, number> = { image: 0, video: 0 };
  let leases = 0;

  /** Settles what was reserved by how the call ended; true when that makes room under a cap. */
  function account(reservations: readonly Reservation[], outcome: Outcome | null): boolean {
    let hasRoom = false;
    for (const { counter, spend } of reservations) {
      if (outcome === null || !wasMade(outcome)) {
        release(counter, spend);
        hasRoom = true;
        continue;
      }
      const used = outcome.ok ? outcome : outcome.charged ? spend : { images: 0, usd: 0 };
      hasRoom ||= used.usd < spend.usd || used.images < spend.images;
      settle(counter, spend, used);
    }
    return hasRoom;
  }

  const isGroupCapped = ({ group }: PoolToken) => group.cap !== null || group.models.size > 0;

  /** What was counted is to be kept; a group's counts are with its keeper. */
  function markCounted(member: PoolToken): void {
    mark(member);
    const keeper = isGroupCapped(member) ? groupOwnerOf(member.group) : null;
    if (keeper) mark(keeper);
  }

  /** Room under the cap of a group is room for all its tokens. */
  function touchCapped(member: PoolToken): void {
    if (isGroupCapped(member)) for (const other of member.group.members) touch(other);
    else touch(member);
  }

  return {
    inFlight,
    take(member, { kind, family, estimate }, waitedMs) {
      const startedAt = clock.now();
      const ofGroup = estimate !== null && isHalfOpen(member.group.health, startedAt);
      const isProbe = ofGroup || (estimate !== null && isHalfOpen(member.health, startedAt));
      const counters = estimate === null ? [] : countersFor(member, family);
      const reservations = counters.map(({ counter }) => ({ counter, spend: reserve(counter, estimate!, startedAt) }));
      if (isProbe) member.probing = true;
      if (reservations.length > 0) markCounted(member);
      member.inFlight[kind]++;
      inFlight[kind]++;
      member.used = ++leases;
      member.usedAt = startedAt;
      if (ofGroup) for (const other of member.group.members) touch(other);
      else touch(member);

      const settleAll = (outcome: Outcome | null) => {
        if (reservations.length === 0) return;
        if (account(reservations, outcome)) touchCapped(member);
        markCounted(member);
      };
      /** Measures the call; false when it was cut before its own fair time was over. */
      const isTelling = (outcome: Outcome, ms: number): boolean => {
        if (outcome.ok) pace.note(kind, family, provider, ms);
        if (outcome.ok || outcome.cutAfterMs === undefined) return true;
        const isFair = pace.isFair(kind, family, provider, ms, outcome.cutAfterMs);
        pace.noteCut(kind, family, provider, ms);
        return isFair;
      };
      let isReported = false;
      let hasEnded = false;
      const { id: tokenId, provider, label, proxy } = member.row;
      return {
        tokenId,
        provider,
        label,
        proxy,
        waitedMs,
        sharesAccount: (id) => id === tokenId || member.group.members.values().some(({ row }) => row.id === id),
        report(outcome) {
          if (isReported || hasEnded) return;
          isReported = true;
          const now = clock.now();
          settleAll(outcome);
          // Before the probe's slot is free: a failed probe closes the door again, a good one opens it.
          if (isTelling(outcome, now - startedAt)) judge.judge(member, family, outcome, now);
          changed();
        },
        async [Symbol.asyncDispose]() {
          if (hasEnded) return;
          hasEnded = true;
          if (!isReported) settleAll(null);
          if (isProbe) member.probing = false;
          member.inFlight[kind]--;
          inFlight[kind]--;
          if (ofGroup) for (const other of member.group.members) touch(other);
          else touch(member);
          if (member.removed) idle(member);
          changed();
        },
      };
    },
  };
}

/** Whether the upstream counts the call: it does unless the call never left or was given up before anything could be charged. */
function wasMade(outcome: Outcome): boolean {
  return outcome.ok || outcome.charged || (outcome.kind !== "network" && outcome.kind !== "cancelled");
}
