// Node: this process among those on the store: joins, reports that it lives, takes over from dead ones, leaves.
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { Inheritance, NodeRow, NodeStore } from "../../db/nodes.ts";
import type { Store } from "../../db/store.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { ownerOf } from "./rendezvous.ts";

/** What owns reservations and jobs: 0 before {@link Node.join}. */
export type NodeIdentity = { readonly id: number };

export type NodeDependencies = {
  store: NodeStore & Pick<Store, "shared">;
  clock: Clock;
  log: Log;
  version: string;
  /** Where other nodes reach this one; null: they cannot. */
  url: string | null;
  /** Monotonic ms; tests pass another. */
  elapsed?: () => number;
};

/** What the program does for its node. */
export type NodeWork = {
  /** What is reported with each beat. */
  gauges(): Json;
  /** Goes on with what a dead node, or one that stopped, has left. */
  inherit(inheritance: Inheritance): Promise<void>;
  /** This node was declared dead: others do its work, so it must not go on. */
  fenced(): void;
};

const BEAT_MS = 2_000;
/** A node that was not heard of for this time is dead, by the store's clock. */
const DEAD_AFTER_MS = 10_000;
/** At its start a node takes over only what is surely dead: after an outage of the store the others need a moment to be heard again. */
const DEAD_AT_START_MS = 30_000;
/** Largest difference between this machine's clock and the store's. */
const MAX_SKEW_MS = 2_000;
/** Jobs that were handed over, taken with one beat. */
const CLAIMED = 50;

export class Node implements NodeIdentity {
  #id = 0;
  #work: NodeWork | null = null;
  #beats: Repeated | null = null;
  #isDraining = false;
  #isStopping = false;
  /** The store has refused this node before there was anybody to tell. */
  #isFenced = false;
  /** Ids of living nodes, as of the last beat; a node that drains looks after nothing. */
  #peers: number[] = [];
  /** The oldest of living nodes, those that drain only where no other serves; 0 before the first beat. */
  #leader = 0;
  /** Since when each beat was heard, and the last one; ms of `elapsed`. */
  #heardSince: number | null = null;
  #heardAt: number | null = null;
  readonly #elapsed: () => number;

  constructor(private readonly deps: NodeDependencies) {
    this.#elapsed = deps.elapsed ?? performance.now.bind(performance);
  }

  get id(): number {
    return this.#id;
  }

  /** Whether there may be other nodes. */
  get isShared(): boolean {
    return this.deps.store.shared !== null;
  }

  /** The operator wants this node to serve no more. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** It stops: it takes no jobs any more, and says that it is not ready. */
  stopServing(): void {
    this.#isStopping = true;
  }

  /** Why requests are better sent to another node; null: they are not. */
  get unready(): string | null {
    if (this.#isStopping) return "This node is stopping.";
    if (this.#isDraining) return "This node is drained: the operator has taken it out of service.";
    return this.isInTouch ? null : "The database has not heard of this node lately.";
  }

  /** Whether the store has heard of this node lately. Always true where there are no others. */
  get isInTouch(): boolean {
    if (!this.isShared || this.#beats === null) return true;
    return this.#heardAt !== null && this.#elapsed() - this.#heardAt < 3 * BEAT_MS;
  }

  /**
   * Becomes a node. Resolves with what dead ones have left.
   * @throws {AppError} `conflict` when the clock of this machine is not that of the store
   */
  async join(): Promise<Inheritance> {
    const { store, url, version, clock } = this.deps;
    const askedAt = clock.now();
    const { id, now } = await store.joinNode({ url, version });
    const skew = Math.max(askedAt - now, now - clock.now());
    if (this.isShared && skew > MAX_SKEW_MS) {
      await store.leaveNode(id);
      throw clockIsOff(skew);
    }
    this.#id = id;
    const inheritance = await store.takeOver(id, DEAD_AT_START_MS);
    // From now on, however long the rest of the start takes. Where one process owns the store there is nobody to hear it.
    if (this.isShared) {
      this.#heardAt = this.#heardSince = this.#elapsed();
      this.#beats = repeat(clock, BEAT_MS, () => this.#beat());
    }
    return inheritance;
  }

  /** Takes over, claims and reports from now on. */
  start(work: NodeWork): void {
    this.#work = work;
    if (this.#isFenced) work.fenced();
  }

  /** Whether what one node does for all is done here: the oldest one does it. Two may think so for the time of a beat. */
  get leads(): boolean {
    return !this.isShared || (this.isInTouch && this.#leader > 0 && this.#leader === this.#id);
  }

  /** Whether this node looks after a token: checks of one are made by one node. */
  looksAfter(tokenId: number): boolean {
    return this.#peers.length < 2 || ownerOf(tokenId, this.#peers) === this.#id;
  }

  /** Ids of the nodes that live, as of now; this one among them. */
  async living(): Promise<ReadonlySet<number>> {
    const rows = this.isShared ? await this.deps.store.listNodes() : [];
    return new Set([this.#id, ...rows.filter(isLiving).map(({ id }) => id)]);
  }

  /** Jobs were handed over. */
  async claim(): Promise<void> {
    if (this.#isDraining || this.#isStopping) return;
    const claimed = await this.deps.store.claimJobs(this.#id, CLAIMED);
    if (claimed.jobs.length > 0) await this.#work?.inherit(claimed);
  }

  /** Gives up this job, or all that have not ended. */
  handOver(jobId?: string): Promise<number> {
    return this.deps.store.handOver(this.#id, jobId);
  }

  async leave(): Promise<void> {
    await this.#beats?.stop();
    await this.deps.store.leaveNode(this.#id);
  }

  /** The store has refused this node: it is dead. */
  fence(): void {
    this.#isFenced = true;
    this.#work?.fenced();
  }

  async #beat(): Promise<void> {
    const { store, log } = this.deps;
    const work = this.#work;
    try {
      const beat = await store.beatNode(this.#id, work?.gauges() ?? null);
      if (beat === null) return this.fence();
      this.#heard();
      this.#isDraining = beat.isDraining;
      const living = (await store.listNodes()).filter(isLiving);
      this.#peers = living.filter(({ state }) => state === "serving").map(({ id }) => id);
      this.#leader = Math.min(...(this.#peers.length > 0 ? this.#peers : living.map(({ id }) => id)));
      if (!work || this.#isDraining || this.#isStopping) return;
      await this.claim();
      // After an outage of the store the others may not have been heard again yet.
      if (this.#elapsed() - this.#heardSince! < DEAD_AFTER_MS) return;
      const left = await store.takeOver(this.#id, DEAD_AFTER_MS);
      if (left.jobs.length + left.reservations.length === 0) return;
      log.warn("Taking over from a dead node", { jobs: left.jobs.length, reservations: left.reservations.length });
      await work.inherit(left);
    } catch (error) {
      log.error("This node could not report to the store", { error });
    }
  }

  #heard(): void {
    const now = this.#elapsed();
    if (this.#heardAt === null || now - this.#heardAt > 3 * BEAT_MS) this.#heardSince = now;
    this.#heardAt = now;
  }
}

export const isLiving = ({ state }: Pick<NodeRow, "state">): boolean => state === "serving" || state === "draining";

function clockIsOff(ms: number): AppError {
  const message = `The clock of this machine is ${(ms / 1000).toFixed(1)} s off the database's: expected at most ${MAX_SKEW_MS / 1000} s. Set it, by NTP for example.`;
  return new AppError("conflict", message, { reason: "clock_off" });
}
