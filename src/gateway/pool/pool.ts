// Pool: leases upstream tokens, queues requests that wait for one, and tracks health from how calls end.

import type { Clock, Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { type AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import type { SlotArbiter } from "../nodes/slot-arbiter.ts";
import { refusal } from "./availability.ts";
import type { CandidateSet } from "./candidate-set.ts";
import type { Cooldown } from "./health/cooldown.ts";
import { parseHealth, serializeHealth } from "./health/health-codec.ts";
import { HealthTracker } from "./health/health-tracker.ts";
import { HealthWriter, type SaveHealth } from "./health/health-writer.ts";
import type { HealthReason } from "./health/reasons.ts";
import { LatencyEstimate } from "./latency-estimate.ts";
import { ActiveLeases } from "./lease.ts";
import type { Lease, LeaseOptions, LeaseRequest, Leases, Outcome } from "./lease-contract.ts";
import { isOn, type PoolToken } from "./pool-token.ts";
import { PoolViews } from "./pool-views.ts";
import { TokenRegistry } from "./registry.ts";
import { Scheduler } from "./scheduler.ts";
import { SharedLeases } from "./shared-leases.ts";
import { countStates, countUsable, currentCooldown, type PoolGauges, type ServingCandidate, servingCandidate } from "./snapshot.ts";
import { type WaitOptions, WaitQueue } from "./wait-queue.ts";
import { WallClock } from "./wall-clock.ts";

export type PoolDependencies = {
  clock: Clock;
  random: Random;
  settings: () => Settings["pool"];
  log: Log;
  saveHealth: SaveHealth;
  /** Families that a token has by what its check has read, or is assumed to have before. Default: those that were read, else any. */
  familiesOf?(row: Pick<TokenRow, "provider" | "families">): readonly string[] | null;
  /** Whether new tokens are checked in the background. Default: they are not. */
  awaitsCheck?(): boolean;
  /** Decides about slots that nodes share; absent: there are no other nodes. */
  arbiter?: SlotArbiter;
  /** A cooldown or a block begins. */
  onCooldown?(provider: string, reason: string): void;
};

/** Empty at first; {@link Pool.load} fills it. */
export class Pool extends PoolViews implements Leases {
  #isClosed = false;
  readonly #wall: WallClock;
  readonly #writer: HealthWriter;
  protected readonly registry: TokenRegistry;
  readonly #scheduler: Scheduler;
  readonly #tracker: HealthTracker;
  readonly #latency = new LatencyEstimate();
  readonly #leases: ActiveLeases;
  readonly #queue: WaitQueue;
  readonly #shared: SharedLeases | null;
  readonly leaseEarly: Leases["leaseEarly"];

  constructor(private readonly deps: PoolDependencies) {
    super();
    const { clock, random, settings, log, saveHealth, familiesOf = ({ families }) => families, awaitsCheck = () => false } = deps;
    this.#wall = new WallClock(clock);
    const writer = new HealthWriter({ clock, log, save: saveHealth });
    const latency = this.#latency;
    const reindex = (token: PoolToken) => this.#scheduler.reindex(token, clock.now());
    const markDirty = (token: PoolToken) => writer.markDirty(token);
    const isPaused = (provider: string) => settings().paused_providers.includes(provider);
    const registry = new TokenRegistry({ reindex, markDirty, familiesOf, awaitsCheck, isPaused, now: () => clock.now() });
    const { tokens } = registry;
    this.#writer = writer;
    this.registry = registry;
    this.#scheduler = new Scheduler({ random, strategy: () => settings().strategy, tokens, hasCaps: () => registry.hasCaps() });
    this.#tracker = new HealthTracker({
      ...{ random, log, writer, tokens, reindex },
      routes: () => registry.routes(),
      noteDenied: (family) => registry.noteDenied(family),
      onCooldown: deps.onCooldown,
    });
    this.#leases = new ActiveLeases({
      ...{ clock, latency, reindex, markDirty },
      now: () => this.now(),
      tracker: this.#tracker,
      onChange: () => this.#queue.serve(),
      onIdle: (token) => registry.sweep(token),
      giveSlot: deps.arbiter && ((end) => deps.arbiter!.give(end)),
    });
    this.#queue = new WaitQueue({
      ...{ clock, log, latency },
      scheduler: this.#scheduler,
      now: () => this.now(),
      take: (token, request, waitedMs) => this.#leases.take(token, request, waitedMs),
      refusal: (candidates, exclude, now) => this.#refusal(candidates, exclude, now),
    });
    this.#shared = deps.arbiter ? this.#shareSlots(deps.arbiter) : null;
    this.leaseEarly = this.#shared?.leaseEarly.bind(this.#shared);
  }

  #shareSlots(arbiter: SlotArbiter): SharedLeases {
    return new SharedLeases({
      ...{ arbiter, clock: this.deps.clock, leases: this.#leases },
      pick: (request, options) => this.#pickNow(request, options),
      wait: (request, options) => this.#wait(request, options),
      reindex: (token) => this.#scheduler.reindex(token, this.deps.clock.now()),
      serve: () => this.#queue.serve(),
    });
  }

  async lease(request: LeaseRequest, options: LeaseOptions): Promise<Lease> {
    const { wait_ms } = this.deps.settings();
    const waiting = { ...options, waitMs: options.waitMs ?? wait_ms };
    if (this.#shared) return this.#shared.lease(request, waiting);
    return this.leaseNow(request, options) ?? this.#wait(request, waiting);
  }

  #wait(request: LeaseRequest, options: WaitOptions): Promise<Lease> {
    const candidates = this.#scheduler.candidateSetOf(request, this.now());
    return this.#queue.enter(candidates, request, options, this.deps.settings().queue_limit);
  }

  /** Where nodes share the tokens, `lease` decides. */
  leaseNow(request: LeaseRequest, options: Pick<LeaseOptions, "signal" | "deadline">): Lease | null {
    if (this.#shared) return null;
    const token = this.#pickNow(request, options);
    return token && this.#leases.take(token, request, 0);
  }

  #pickNow(request: LeaseRequest, { deadline, signal }: Pick<LeaseOptions, "signal" | "deadline">): PoolToken | null {
    signal.throwIfAborted();
    if (this.#isClosed) throw serverFailure("The server is stopping.", "stopping");
    const now = this.now();
    const candidates = this.#scheduler.candidateSetOf(request, now);
    const token = this.#scheduler.pick(candidates, request, now);
    if (!token) return null;
    if (deadline) this.#queue.assertInTime(candidates, token, deadline, now);
    return token;
  }

  slotsFreed = (): void => this.#shared?.freed();

  revision(families: readonly string[]): number | null {
    return this.registry.revision(families);
  }

  soonestMs(request: LeaseRequest): number | null {
    const now = this.now();
    const { soonest } = this.#scheduler.candidateSetOf(request, now).availability(request.exclude, now);
    return Number.isFinite(soonest) ? soonest - now : null;
  }

  isFree(request: LeaseRequest): boolean {
    return this.#scheduler.candidateSetOf(request, this.now()).hasReady(request.exclude);
  }

  canServe(kind: Kind, family: string, providers?: readonly string[]): boolean {
    return this.registry.canServe(kind, family, providers);
  }

  families(kind: Kind): Set<string> {
    return this.registry.families(kind);
  }

  deniedFor(kind: Kind, family: string): HealthReason | null {
    return this.registry.deniedFor(kind, family);
  }

  usualMs(kind: Kind, family: string): number | null {
    return this.#latency.mean(kind, family);
  }

  /** Time within which nearly every call of the model ends, ms; null: none has ended yet. */
  mostMs(kind: Kind, family: string, provider: string | null): number | null {
    return this.#latency.most(kind, family, provider);
  }

  /**
   * Takes the token table as it is now: the first time with the health that was saved, later merged with what is known here,
   * which is newer. Calls under way continue; a removed token ends with the last of them.
   */
  load(rows: readonly TokenRow[]): void {
    const hadCaps = this.registry.hasCaps();
    this.registry.load(rows, this.now());
    if (!hadCaps && this.registry.hasCaps()) this.#queue.regroup();
    this.#queue.serve();
  }

  /** Takes what `familiesOf` and the settings' list of paused providers say now. Calls under way continue. */
  refresh(): void {
    this.registry.refresh();
    this.#queue.serve();
  }

  /** What a check found; absent facts change nothing. */
  updateFacts(id: number, { identity, tier, credits, families, renewBefore }: TokenFacts): void {
    const token = this.registry.get(id);
    if (!token) return;
    const facts = Object.entries({ identity, tier, credits, families, renewBefore }).filter(([, value]) => value !== undefined);
    this.registry.change(token, { ...Object.fromEntries(facts), checkedAt: this.deps.clock.now() });
    this.#queue.serve();
  }

  /** How a call of a token without a lease ended: a check or a poll. Success ends a block for an invalid key or a dead session. */
  reportOutcome(id: number, outcome: Outcome): void {
    const token = this.registry.get(id);
    if (!token) return;
    this.#tracker.reportCheck(token, outcome, this.now());
    this.#queue.serve();
  }

  /** The cooldown of the token as a whole, its own or its group's; null when there is none. Costs no I/O. */
  cooldownOf(id: number): Cooldown | null {
    const token = this.registry.get(id);
    return token && currentCooldown(token, this.deps.clock.now());
  }

  /** Ends the cooldown of the token, or of only one of its models, and its group's. False when there is no such token. */
  clearCooldown(id: number, family?: string): boolean {
    const token = this.registry.get(id);
    if (!token) return false;
    this.#tracker.clear(token, family);
    this.#queue.serve();
    return true;
  }

  /** Takes a slot, free or not, for a call that already runs upstream: a job found after a restart. Null for a deleted token. */
  adopt(id: number, kind: Kind, family: string): Lease | null {
    const token = this.registry.get(id);
    const lease = token && this.#leases.take(token, { kind, family, estimate: null }, 0);
    return lease && this.#shared ? this.#shared.adopt(lease, kind) : lease;
  }

  /** The tokens that could serve the request, in the order in which they would be taken now. Walks its candidate set. */
  preview(request: LeaseRequest): ServingCandidate[] {
    const now = this.now();
    return this.#scheduler.preview(request, now).map(({ token, state }) => servingCandidate(token, request.family, state, now));
  }

  gauges(): PoolGauges {
    const [now, { registry }] = [this.now(), this];
    return {
      inFlight: this.#leases.inFlight,
      queued: this.#queue.size,
      /** Walks the pool: counted for who reads it. */
      get tokens() {
        return countStates(registry.tokens.values(), now);
      },
      networkDegradedSince: this.#tracker.networkDegradedSince,
    };
  }

  /** Enabled tokens without a cooldown that is longer than a request waits. */
  countUsable(): number {
    return countUsable(this.registry.tokens.values(), this.now() + this.deps.settings().wait_ms);
  }

  /** As it would be stored now; null also for a token that is gone. */
  storedHealth(id: number): unknown {
    const token = this.registry.get(id);
    return token && serializeHealth(token, this.deps.clock.now());
  }

  /** Another node has saved it. `isNews`: it is saved again, because it is not what is stored. */
  takeHealth(id: number, health: unknown, isNews: boolean): void {
    const token = this.registry.get(id);
    if (!token) return;
    this.registry.takeHealth(token, parseHealth(health, this.now()));
    if (isNews) this.#writer.markDirty(token);
    this.#queue.serve();
  }

  /** Saves changed health now. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Refuses waiting and new requests, and saves health. Leases that are out may still end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#queue.close();
    await this.flush();
  }

  /** The time, after cooldowns and caps that are over by then have ended and requests that waited for that are served. */
  protected now(): number {
    const now = this.#wall.read();
    const before = this.#wall.setBackFrom;
    if (before !== null) {
      this.deps.log.warn("Clock was set back", { ms: before - now });
      this.#tracker.reanchor(now, before);
    }
    if (this.#scheduler.wake(now) || before !== null) this.#queue.serve();
    return now;
  }

  #refusal(candidates: CandidateSet, exclude: ReadonlySet<number>, now: number): AppError {
    const availability = candidates.availability(exclude, now);
    const poolIsEmpty = !this.registry.tokens.values().some((token) => isOn(token) && !token.removed);
    return refusal({ want: candidates.want, now, availability, hasTried: exclude.size > 0, poolIsEmpty });
  }
}
