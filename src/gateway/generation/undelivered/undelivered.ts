// Undelivered outcomes: given to the next identical request of the key, 10 minutes, across restarts.

import { type Clock, sleep } from "../../../clock.ts";
import type { UndeliveredRow, UndeliveredStore } from "../../../db/undelivered.ts";
import type { ImageOutput, Json, Usage } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import { newId } from "../../../ids.ts";
import type { Log } from "../../../log.ts";
import type { NodeIdentity } from "../../nodes/node.ts";
import type { RunUnderWay } from "../contract.ts";

/** How long an outcome is offered. */
export const UNDELIVERED_MS = 600_000;

export type StoredResult = {
  family: string;
  successorOf: string | null;
  provider: string;
  usage: Usage;
  answer: ImageOutput;
  mediaIds: string[];
};
export type StoredFailure = Pick<AppError, "kind" | "message" | "reason" | "detail" | "param" | "customer">;

export type Outcome =
  | { type: "running" }
  | { type: "job"; jobId: string }
  | { type: "result"; result: StoredResult }
  /** Nothing to give, and it may have been charged: returned to each identical request. */
  | { type: "failure"; failure: StoredFailure };

export type Lost = {
  keyId: number;
  requestId: string;
  /** Of the decoded request; called at once. */
  hash(): Promise<string>;
  outcome: Outcome;
  /** The generation under way, when the outcome is `running`. */
  run?: RunUnderWay;
};

type EntryFacts = Pick<Entry, "id" | "keyId" | "requestId" | "hash" | "at" | "outcome" | "run">;

/** One outcome on offer. */
export class Entry {
  isGone = false;
  /** Ends when the reader that took it is served or has left; null: not taken. */
  private taken: PromiseWithResolvers<void> | null = null;
  /** Writes follow each other. */
  saving: Promise<void> = Promise.resolve();

  readonly id: string;
  readonly keyId: number;
  readonly requestId: string;
  readonly hash: Promise<string>;
  at: number;
  outcome: Outcome;
  /** The generation under way. */
  run: RunUnderWay | null;

  constructor({ id, keyId, requestId, hash, at, outcome, run }: EntryFacts) {
    this.id = id;
    this.keyId = keyId;
    this.requestId = requestId;
    this.hash = hash;
    this.at = at;
    this.outcome = outcome;
    this.run = run;
  }

  get isTaken(): boolean {
    return this.taken !== null;
  }

  take(): void {
    this.taken ??= Promise.withResolvers();
  }

  free(): void {
    this.taken?.resolve();
    this.taken = null;
  }

  /** Resolves when its reader is done with it, at once where there is none. */
  get freed(): Promise<void> {
    return this.taken?.promise ?? Promise.resolve();
  }
}

type Dependencies = {
  store: UndeliveredStore;
  clock: Clock;
  log: Log;
  /** Whose outcomes they are; absent: there are no nodes. */
  node?: NodeIdentity & { living?(): Promise<ReadonlySet<number>> };
};

/** Failures after which nobody knows whether there was a charge, or there was one and nothing is left to give. */
const ANSWERED: ReadonlySet<string> = new Set(["content_policy", "no_result", "invalid_request"]);
export const isLost = (error: unknown): error is AppError => error instanceof AppError && error.charged && !ANSWERED.has(error.kind);

export class Undelivered {
  private readonly byKey = new Map<number, Set<Entry>>();
  /** Generations without a reader. */
  private readonly forsaken = new Set<RunUnderWay>();
  private cancelSweep: (() => void) | null = null;

  constructor(private readonly deps: Dependencies) {}

  /** Takes in what an earlier run of the program left. What was under way then was cut off: its outcome is unknown. */
  async load(): Promise<void> {
    const now = this.deps.clock.now();
    const rows = await this.deps.store.listUndelivered();
    const living = rows.some(({ node }) => node) ? await this.deps.node?.living?.() : undefined;
    for (const row of rows) {
      if (row.node && living?.has(row.node)) continue;
      const stored = row.outcome as Outcome;
      const isCut = stored.type === "running";
      // Its end is offered from its end on, which is not known: at the latest now.
      const at = isCut && now - row.at < LONGEST_RUN_MS ? now : row.at;
      const outcome: Outcome = isCut ? { type: "failure", failure: CUT_OFF } : stored;
      const { id, keyId, requestId } = row;
      const entry = new Entry({ id, keyId, requestId, hash: Promise.resolve(row.hash), at, outcome, run: null });
      this.keep(entry);
      // Another crash must not restart the time.
      if (isCut) this.save(entry);
    }
  }

  /** Whether a key has anything on offer. Costs a look-up. */
  has(keyId: number): boolean {
    return this.byKey.has(keyId);
  }

  add({ keyId, requestId, hash, outcome, run }: Lost): Entry {
    const hashed = hash().catch((error) => {
      this.deps.log.warn("A request could not be hashed: its outcome is not offered again", { requestId, error });
      return "";
    });
    const entry = new Entry({ id: newId(), keyId, requestId, hash: hashed, at: this.deps.clock.now(), outcome, run: run ?? null });
    this.keep(entry);
    if (run) this.watch(run);
    this.save(entry);
    return entry;
  }

  /** The outcome of an entry has changed; it is offered from now on. */
  change(entry: Entry, outcome: Outcome): void {
    this.forget(entry);
    if (entry.isGone) return;
    entry.outcome = outcome;
    // A failure is for all.
    if (outcome.type === "failure") entry.free();
    entry.at = this.deps.clock.now();
    this.save(entry);
  }

  remove(entry: Entry): void {
    this.forget(entry);
    if (entry.isGone) return;
    entry.isGone = true;
    entry.free();
    const own = this.byKey.get(entry.keyId);
    own?.delete(entry);
    if (own?.size === 0) this.byKey.delete(entry.keyId);
    this.write(entry, () => this.deps.store.deleteUndelivered(entry.id));
  }

  /** A reader that took the entry has left. */
  release(entry: Entry): void {
    entry.free();
    if (entry.isGone) return;
    entry.at = this.deps.clock.now();
    this.save(entry);
  }

  /**
   * The outcome for an identical request, taken; a failure is not taken, so that each request gets it. Results go before what is under way.
   * @param insist forgets what is on offer for this request instead
   */
  async claim(keyId: number, hash: () => Promise<string>, insist: boolean): Promise<Entry | null> {
    this.prune(keyId);
    const own = this.byKey.get(keyId);
    if (!own) return null;
    const wanted = await hash();
    const same: Entry[] = [];
    for (const entry of [...own]) if ((await entry.hash) === wanted) same.push(entry);
    if (insist) for (const entry of same) this.remove(entry);
    const rank = ({ outcome }: Entry) => ORDER.indexOf(outcome.type);
    const pick = () => same.filter(({ isGone, isTaken }) => !isGone && !isTaken).sort((a, b) => rank(a) - rank(b))[0] ?? null;
    const isHeld = same.some(({ isTaken }) => isTaken);
    if (isHeld && !pick()) await this.oneFreed(same.filter(({ isGone }) => !isGone));
    const first = pick();
    if (first && first.outcome.type !== "failure") first.take();
    return first;
  }

  /** A reader that was cut is known to be gone a moment after its client has come again. */
  private async oneFreed(entries: readonly Entry[]): Promise<void> {
    const late = new AbortController();
    const wait = sleep(this.deps.clock, LAG_MS, late.signal).catch(() => {});
    await Promise.race([wait, ...entries.map(({ freed }) => freed)]);
    late.abort();
  }

  /** Waits up to `graceMs` for generations without a reader, then cuts them. */
  async finish(graceMs: number): Promise<void> {
    const late = this.deps.clock.after(graceMs, () => {
      for (const run of this.forsaken) run.stopWithServer();
    });
    while (this.forsaken.size > 0) await Promise.all([...this.forsaken].map((run) => run.ended));
    late();
  }

  /** Ends the sweeping; resolves when everything is on disk. */
  async close(): Promise<void> {
    this.cancelSweep?.();
    await this.flush();
  }

  /** Resolves when everything is on disk. */
  async flush(): Promise<void> {
    for (const own of this.byKey.values()) for (const entry of own) await entry.saving;
  }

  /** A generation without a reader ends by itself, or with the server. */
  private watch(run: RunUnderWay): void {
    this.forsaken.add(run);
    void run.ended.then(() => this.forsaken.delete(run));
  }

  /** Its generation has ended, or is offered no more: nothing holds what it was asked for. */
  private forget(entry: Entry): void {
    if (entry.run?.isOver || entry.outcome.type !== "running") entry.run = null;
  }

  private keep(entry: Entry): void {
    const own = this.byKey.get(entry.keyId) ?? new Set();
    this.byKey.set(entry.keyId, own.add(entry));
    this.setSweep();
  }

  private setSweep(): void {
    this.cancelSweep ??= this.deps.clock.after(UNDELIVERED_MS, () => {
      this.cancelSweep = null;
      for (const keyId of [...this.byKey.keys()]) this.prune(keyId);
      if (this.byKey.size > 0) this.setSweep();
    });
  }

  /** Drops what has been offered long enough. What is under way stays; a job's end decides, which its reader looks up. */
  private prune(keyId: number): void {
    const oldest = this.deps.clock.now() - UNDELIVERED_MS;
    for (const entry of this.byKey.get(keyId) ?? []) {
      const isUnderWay = entry.outcome.type === "running";
      const age = entry.outcome.type === "job" ? LONGEST_JOB_MS : 0;
      if (!isUnderWay && entry.at + age < oldest) this.remove(entry);
    }
  }

  private save(entry: Entry): void {
    this.write(entry, async () => {
      const hash = await entry.hash;
      const { id, keyId, requestId, at, outcome } = entry;
      const row: UndeliveredRow = { id, keyId, requestId, hash, at, outcome: outcome as unknown as Json, node: this.deps.node?.id };
      if (hash !== "" && !entry.isGone) await this.deps.store.putUndelivered(row);
    });
  }

  private write(entry: Entry, act: () => Promise<void>): void {
    entry.saving = entry.saving
      .then(act)
      .catch((error) => this.deps.log.error("An undelivered outcome could not be written", { requestId: entry.requestId, error }));
  }
}

const ORDER: readonly Outcome["type"][] = ["result", "job", "running", "failure"];
/** Longest time between a cut and the notice of it. */
const LAG_MS = 250;
/** `generation.video_timeout` at its largest, twice: waiting, then making. */
const LONGEST_JOB_MS = 2 * 14_400_000;

/** `generation.image_timeout` at its largest, and as long as an outcome is offered. */
const LONGEST_RUN_MS = 3_600_000 + UNDELIVERED_MS;

const CUT_OFF: StoredFailure = {
  kind: "upstream_unknown_outcome",
  message: "A restart cut this request off after it was sent.",
};

/** The failure of an entry as the next identical request gets it. */
export const repeatedFailure = (failure: StoredFailure, requestId: string): AppError =>
  new AppError(failure.kind, failure.message, { ...failure, charged: true, joined: requestId });
