// The pool: leases tokens, lets requests wait for them, and learns from how calls end. The rules live in the files it wires together.

import type { Clock, Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { type AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import { availabilityOf, refusal } from "./availability.ts";
import { type Cooldown, HEALTHY, type Health, reanchored } from "./health.ts";
import { createHealthTracker } from "./health-tracker.ts";
import { createHealthSaver, type SaveHealth } from "./health-writer.ts";
import { createLatencyEstimate } from "./latency-estimate.ts";
import { createSlots } from "./lease.ts";
import type { Lease, LeaseOptions, LeaseRequest, Leases, Outcome } from "./lease-contract.ts";
import type { CandidateSet, PoolToken } from "./pool-token.ts";
import type { HealthReason } from "./reasons.ts";
import { createTokenRegistry } from "./registry.ts";
import { createIndex } from "./scheduler.ts";
import {
  blockedViews,
  countStates,
  countUsable,
  groupViews,
  heldBy,
  type PoolGauges,
  type PoolGroupView,
  type PoolTokenView,
  tokenView,
} from "./snapshot.ts";
import { createWaitQueue } from "./wait-queue.ts";

export type Pool = Leases & {
  /**
   * Takes the token table as it is now: the first time with the health that was saved, later merged with what is known here,
   * which is newer. Calls under way go on; a token that is gone ends them and vanishes.
   */
  load(rows: readonly TokenRow[]): void;
  /** What a check learned; absent facts change nothing. */
  updateFacts(id: number, facts: TokenFacts): void;
  /** How a call of a token without a lease ended: a check, a look at what it makes. Success ends a block for an invalid key or a dead session. */
  reportOutcome(id: number, outcome: Outcome): void;
  /** What holds the token as a whole back now, itself or with its group; null when nothing does. Costs no I/O. */
  cooldownOf(id: number): Cooldown | null;
  /** Ends what holds the token, or only one of its models, back; its group's too. False when there is no such token. */
  clearCooldown(id: number, family?: string): boolean;
  /** Takes a slot, free or not, for a call that already runs upstream: a job found after a restart. Null when the token is gone. */
  adopt(id: number, kind: Kind, family: string): Lease | null;
  snapshot(): PoolTokenView[];
  /** Those that need the operator, `limit` at most, without making a view of every other one. */
  blocked(limit: number): PoolTokenView[];
  /** One token of the snapshot; null when there is none. */
  view(id: number): PoolTokenView | null;
  /** Rows in the order of the snapshot, with what checks have learned since they were read; `health` in them is not current. */
  rows(): TokenRow[];
  /** Groups that have a name. */
  groups(): PoolGroupView[];
  gauges(): PoolGauges;
  /** Tokens that nothing holds back for longer than a request waits. */
  countUsable(): number;
  /** Saves changed health now. */
  flush(): Promise<void>;
  /** Refuses who waits and whoever comes, and saves health. Leases that are out may still end. */
  close(): Promise<void>;
};

export type PoolDependencies = {
  clock: Clock;
  random: Random;
  settings: () => Settings["pool"];
  log: Log;
  saveHealth: SaveHealth;
  /** Families that a token of the provider is taken to serve before it has learned its own. Default: any. */
  assumed?(provider: string): readonly string[] | null;
  /** Whether tokens are checked by themselves soon after they come. Default: they are not. */
  awaitsCheck?(): boolean;
};

/** Blocks that a successful check disproves. */
const DISPROVED_BY_CHECK: ReadonlySet<HealthReason> = new Set(["key_invalid", "session_dead"]);
/** A clock that goes back by more than this was set; less is measurement. */
const SET_BACK_MS = 2_000;

/** An empty pool; {@link Pool.load} fills it. */
export function createPool({ clock, random, settings, log, saveHealth, ...options }: PoolDependencies): Pool {
  const { assumed = () => null, awaitsCheck = () => false } = options;
  let isClosed = false;
  let lastNow = clock.now();

  const saver = createHealthSaver({ clock, log, save: saveHealth });
  const touch = (member: PoolToken) => index.touch(member, clock.now());
  const roster = createTokenRegistry({ touch, mark: saver.mark, assumed, awaitsCheck, now: clock.now });
  const { members } = roster;
  const index = createIndex({ random, strategy: () => settings().strategy, members, hasCaps: roster.hasCaps });
  const judge = createHealthTracker({ random, log, members, routes: roster.routes, touch, mark: saver.mark, denied: roster.noteDenied });
  const pace = createLatencyEstimate();
  const slots = createSlots({ clock, judge, pace, touch, mark: saver.mark, changed: () => room.serve(), idle: roster.sweep });
  const room = createWaitQueue({ clock, log, index, pace, refuse, now, take: slots.take });

  /** The time, with whatever it ends ended, and those served who waited for that. */
  function now(): number {
    const time = clock.now();
    const isSetBack = time < lastNow - SET_BACK_MS;
    if (isSetBack) setBack(time);
    lastNow = time;
    if (index.wake(time) || isSetBack) room.serve();
    return time;
  }

  /** No pause grows because the clock was set back. */
  function setBack(time: number): void {
    log.warn("The clock was set back", { ms: lastNow - time });
    const again = (health: Health) => reanchored(health, time, lastNow);
    for (const member of members.values()) {
      for (const holder of [member, member.group]) {
        holder.health = again(holder.health);
        for (const [family, health] of holder.families) holder.families.set(family, again(health));
      }
    }
    for (const member of members.values()) {
      index.touch(member, time);
      saver.mark(member);
    }
  }

  function refuse(lane: CandidateSet, exclude: ReadonlySet<number>, time: number): AppError {
    const outlook = availabilityOf(lane, exclude, time);
    const poolIsEmpty = !members.values().some((member) => member.row.enabled && !member.removed);
    return refusal({ want: lane.want, now: time, outlook, hasTried: exclude.size > 0, poolIsEmpty });
  }

  async function lease(request: LeaseRequest, options: LeaseOptions): Promise<Lease> {
    options.signal.throwIfAborted();
    if (isClosed) throw serverFailure("The server is stopping.", "stopping");
    const time = now();
    const lane = index.candidateSetOf(request, time);
    const member = index.pick(lane, request, time);
    if (member) {
      if (options.deadline) room.assertInTime(lane, member, request, options.deadline, time);
      return slots.take(member, request, 0);
    }
    const { wait_ms, queue_limit } = settings();
    return room.enter(lane, request, { ...options, waitMs: options.waitMs ?? wait_ms }, queue_limit);
  }

  function soonestMs(request: LeaseRequest): number | null {
    const time = now();
    const { soonest } = availabilityOf(index.candidateSetOf(request, time), request.exclude, time);
    return Number.isFinite(soonest) ? soonest - time : null;
  }

  const present = (id: number): PoolToken | null => {
    const member = members.get(id);
    return member && !member.removed ? member : null;
  };

  const allPresent = (): PoolToken[] => [...members.values()].filter((member) => !member.removed);

  return {
    lease,
    soonestMs,
    isFree(request) {
      const time = now();
      return index.hasReady(index.candidateSetOf(request, time), request.exclude);
    },
    canServe: roster.canServe,
    families: roster.families,
    deniedFor: roster.deniedFor,
    usualMs: pace.usual,
    load(rows) {
      roster.load(rows, now());
      room.serve();
    },
    updateFacts(id, { identity, tier, credits, families, renewBefore }) {
      const member = present(id);
      if (!member) return;
      const facts = Object.entries({ identity, tier, credits, families, renewBefore }).filter(([, value]) => value !== undefined);
      roster.change(member, { ...Object.fromEntries(facts), checkedAt: clock.now() });
      room.serve();
    },
    reportOutcome(id, outcome) {
      const member = present(id);
      if (!member) return;
      const reason = member.health.condition?.reason;
      if (outcome.ok) judge.answered();
      if (!outcome.ok) judge.judge(member, null, outcome, now());
      else if (reason && DISPROVED_BY_CHECK.has(reason)) {
        member.health = HEALTHY;
        saver.mark(member);
        touch(member);
      }
      room.serve();
    },
    cooldownOf(id) {
      const member = present(id);
      return member && heldBy(member, clock.now());
    },
    clearCooldown(id, family) {
      const member = present(id);
      if (!member) return false;
      judge.clear(member, family);
      room.serve();
      return true;
    },
    adopt(id, kind, family) {
      const member = present(id);
      return member && slots.take(member, { kind, family, estimate: null }, 0);
    },
    snapshot() {
      const time = now();
      return allPresent().map((member) => tokenView(member, time));
    },
    blocked: (limit) => blockedViews(members.values(), now(), limit),
    rows: () => allPresent().map(({ row }) => row),
    view(id) {
      const member = present(id);
      return member && tokenView(member, now());
    },
    groups: () => groupViews(members.values(), now()),
    gauges() {
      const time = now();
      return {
        inFlight: { ...slots.inFlight },
        queued: room.size(),
        tokens: countStates(members.values(), time),
        networkDegradedSince: judge.network().degradedSince,
      };
    },
    countUsable: () => countUsable(members.values(), now() + settings().wait_ms),
    flush: saver.flush,
    async close() {
      isClosed = true;
      room.close();
      await saver.flush();
    },
  };
}
