// Leases that are out: take a slot and reserve against caps, give both back exactly once when the call ends.

import { type Clock, monotonicNow } from "../../clock.ts";
import type { Slot } from "../../db/shared.ts";
import type { Kind } from "../../domain/generation.ts";
import type { SlotArbiter } from "../nodes/slot-arbiter.ts";
import { isHalfOpen } from "./health/cooldown.ts";
import { groupOwnerOf } from "./health/health-codec.ts";
import type { HealthTracker } from "./health/health-tracker.ts";
import type { LatencyEstimate } from "./latency-estimate.ts";
import type { Lease, LeaseRequest, Outcome } from "./lease-contract.ts";
import { countersFor, type Group, isGroupCapped, type PoolToken } from "./pool-token.ts";
import { type Counter, release, reserve, type Spend, settle } from "./token-quota.ts";

/** Without an estimate the call was counted already: it continues from before a restart. */
type CallRequest = Pick<LeaseRequest, "kind" | "family"> & { estimate: LeaseRequest["estimate"] | null };

type Dependencies = {
  clock: Clock;
  /** The time, after it was noticed if the clock was set back: a cooldown that begins now is not one from before that. */
  now(): number;
  tracker: HealthTracker;
  latency: LatencyEstimate;
  reindex(token: PoolToken): void;
  markDirty(token: PoolToken): void;
  /** A slot came free, or health has changed: a waiting request may be served. */
  onChange(): void;
  /** The last call of a removed token has ended. */
  onIdle(token: PoolToken): void;
  /** Gives a slot back that nodes share; absent: there are no other nodes. */
  giveSlot?: SlotArbiter["give"];
};

type Reservation = { counter: Counter; spend: Spend };

/** `probes`: whether the call shows that its half-open token, or its whole group, works again. */
type Call = {
  token: PoolToken;
  /** In which it began: the token may move to another. */
  group: Group;
  kind: Kind;
  family: string;
  provider: string;
  /** By {@link monotonicNow}. */
  startedAt: number;
  /** When its outcome was reported, epoch ms. */
  now: number;
  reservations: readonly Reservation[];
  probes: "token" | "group" | null;
  estimate: CallRequest["estimate"];
  /** Of those that nodes share. */
  slot: Slot | null;
  /** What the call used; null: it was not made, or not yet. */
  used: { images: number; usd: number } | null;
};

/** What a lease sets off; its owner's. */
type LeaseEnds = {
  report(call: Call, outcome: Outcome): void;
  settleUnreported(call: Call): void;
  end(call: Call): void;
  give(call: Call): void;
};

const RELEASED = Promise.resolve();
const NOTHING = { images: 0, usd: 0 };

/** A lease with its token, to which a slot is added that nodes share. */
export type HeldLease = Lease & {
  readonly token: PoolToken;
  /** Given back at the end, at once where that is over. */
  hold(slot: Slot): void;
};

const holdsToken = ({ group }: PoolToken, id: number) => group.tokens.values().some(({ row }) => row.id === id);

class ActiveLease implements HeldLease {
  readonly tokenId: number;
  readonly provider: string;
  readonly label: string;
  readonly proxy: string | null;
  readonly location: string | null;
  #isReported = false;
  #hasEnded = false;

  constructor(
    private readonly call: Call,
    readonly waitedMs: number,
    private readonly ends: LeaseEnds,
  ) {
    const { id, provider, label, proxy, location } = call.token.row;
    this.tokenId = id;
    this.provider = provider;
    this.label = label;
    this.proxy = proxy;
    this.location = location;
  }

  get token(): PoolToken {
    return this.call.token;
  }

  hold(slot: Slot): void {
    this.call.slot = slot;
    if (this.#hasEnded) this.ends.give(this.call);
  }

  sharesAccount(id: number): boolean {
    return id === this.tokenId || holdsToken(this.call.token, id);
  }

  report(outcome: Outcome): void {
    if (this.#isReported || this.#hasEnded) return;
    this.#isReported = true;
    this.ends.report(this.call, outcome);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return RELEASED;
    this.#hasEnded = true;
    if (!this.#isReported) this.ends.settleUnreported(this.call);
    this.ends.end(this.call);
    return RELEASED;
  }
}

export class ActiveLeases {
  readonly #inFlight: Record<Kind, number> = { image: 0, video: 0 };
  #count = 0;
  readonly #ends: LeaseEnds = {
    report: (call, outcome) => this.#report(call, outcome),
    settleUnreported: (call) => this.#settle(call, null),
    end: (call) => this.#end(call),
    give: (call) => this.#give(call),
  };

  constructor(private readonly deps: Dependencies) {}

  /** Calls under way in the whole pool. */
  get inFlight(): Record<Kind, number> {
    return { ...this.#inFlight };
  }

  /** Takes a slot of the token, whether or not one is free, and reserves the estimate against its caps. */
  take(token: PoolToken, request: CallRequest, waitedMs: number): HeldLease {
    const call = this.#begin(token, request);
    return new ActiveLease(call, waitedMs, this.#ends);
  }

  #begin(token: PoolToken, { kind, family, estimate }: CallRequest): Call {
    const { clock, reindex } = this.deps;
    const now = clock.now();
    const probes = estimate === null ? null : probedBy(token, now);
    const reservations = estimate === null ? NOTHING_RESERVED : reserveIn(countersFor(token, family), estimate, now);
    const { group } = token;
    if (probes) token.probing = true;
    if (reservations.length > 0) this.#markCounted(token, group);
    token.inFlight[kind]++;
    this.#inFlight[kind]++;
    token.used = ++this.#count;
    token.usedAt = now;
    if (probes === "group") this.#reindexGroup(group);
    else reindex(token);
    const { provider } = token.row;
    const startedAt = monotonicNow(clock);
    return { token, group, kind, family, provider, startedAt, now, reservations, probes, estimate, slot: null, used: null };
  }

  #report(call: Call, outcome: Outcome): void {
    const { clock, now, tracker, onChange } = this.deps;
    call.now = now();
    if (wasMade(outcome)) call.used = outcome.ok ? outcome : outcome.charged ? call.estimate : NOTHING;
    this.#settle(call, outcome);
    // Before the probe's slot is free: a failed probe opens the breaker again, a good one closes it.
    if (this.#measure(call, outcome, monotonicNow(clock) - call.startedAt)) tracker.reportOutcome(call, outcome);
    onChange();
  }

  #give(call: Call): void {
    const { slot, kind, used } = call;
    call.slot = null;
    if (slot) this.deps.giveSlot?.({ ...slot, kind, used: used && slotUse(used) });
  }

  #end(call: Call): void {
    const { token, kind, probes } = call;
    const { reindex, onChange, onIdle } = this.deps;
    if (call.slot) this.#give(call);
    if (probes) token.probing = false;
    token.inFlight[kind]--;
    this.#inFlight[kind]--;
    // While it ran no other token of a half-open group could be probed.
    if (probes) this.#reindexGroups(call);
    else reindex(token);
    if (token.removed) onIdle(token);
    onChange();
  }

  /** Notes the latency; false when the call was aborted before it had a fair time, so that it says nothing of its token. */
  #measure(call: Call, outcome: Outcome, ms: number): boolean {
    const { latency } = this.deps;
    if (outcome.ok) latency.note(call, ms);
    if (outcome.ok || outcome.cutAfterMs === undefined) return true;
    const isFair = latency.isFair(call, ms, outcome.cutAfterMs);
    latency.noteAborted(call, ms);
    return isFair;
  }

  /** Settles what was reserved by how the call ended; null: it was never reported. */
  #settle(call: Call, outcome: Outcome | null): void {
    const { token, group, reservations } = call;
    if (reservations.length === 0) return;
    // What comes free under the cap of a group is free for all its tokens.
    if (settleAll(reservations, outcome)) {
      if (isGroupCapped(group)) this.#reindexGroups(call);
      else this.deps.reindex(token);
    }
    this.#markCounted(token, group);
  }

  /** The counts of a group are stored with its owner. */
  #markCounted(token: PoolToken, group: Group): void {
    this.deps.markDirty(token);
    const owner = isGroupCapped(group) ? groupOwnerOf(group) : null;
    if (owner) this.deps.markDirty(owner);
  }

  /** The group in which the call began, and the one in which its token is now. */
  #reindexGroups({ token, group }: Call): void {
    this.#reindexGroup(group);
    if (token.group !== group) this.#reindexGroup(token.group);
  }

  #reindexGroup({ tokens }: Group): void {
    for (const token of tokens) this.deps.reindex(token);
  }
}

const NOTHING_RESERVED: readonly Reservation[] = [];

function reserveIn(counted: ReturnType<typeof countersFor>, estimate: LeaseRequest["estimate"], now: number): readonly Reservation[] {
  if (counted.length === 0) return NOTHING_RESERVED;
  const reserved: Reservation[] = [];
  for (const { counter } of counted) reserved.push({ counter, spend: reserve(counter, estimate, now) });
  return reserved;
}

function probedBy(token: PoolToken, now: number): Call["probes"] {
  if (isHalfOpen(token.group.health, now)) return "group";
  return isHalfOpen(token.health, now) ? "token" : null;
}

/** True when less is reserved than before under some cap. */
function settleAll(reservations: readonly Reservation[], outcome: Outcome | null): boolean {
  let isFreed = false;
  for (const { counter, spend } of reservations) {
    if (outcome === null || !wasMade(outcome)) {
      release(counter, spend);
      isFreed = true;
      continue;
    }
    const used = outcome.ok ? outcome : outcome.charged ? spend : { images: 0, usd: 0 };
    isFreed ||= used.usd < spend.usd || used.images < spend.images;
    settle(counter, spend, used);
  }
  return isFreed;
}

/** As the store has it: whole millionths of a dollar. */
const slotUse = ({ images, usd }: { images: number; usd: number }) => ({ images, microUsd: Math.round(usd * 1_000_000) });

/** Whether the upstream counts the call: it does unless the call never left or was aborted before anything could be charged. */
function wasMade(outcome: Outcome): boolean {
  return outcome.ok || outcome.charged || (outcome.kind !== "network" && outcome.kind !== "cancelled");
}
