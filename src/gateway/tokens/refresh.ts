// Refresher: checks due tokens in the background, a limited number at a time, and reports to the pool.

import { type Clock, type Random, sleep } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError, type ErrorKind } from "../../errors.ts";
import { createHeap } from "../../heap.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import type { Outcome } from "../pool/lease-contract.ts";
import type { Pool } from "../pool/pool.ts";
import type { Credentials } from "./credentials.ts";
import { afterFailure, afterSuccess, type CheckHistory, newHistory, nextCheckAt } from "./refresh-schedule.ts";

type Dependencies = {
  pool: Pick<Pool, "cooldownOf" | "reportOutcome">;
  tokens: Pick<Credentials, "check">;
  settings: () => Settings["refresh"];
  /** Whether this node looks after a token; absent: after all. */
  looksAfter?(tokenId: number): boolean;
  /** Age at which the facts of a provider's token are read again, in ms. */
  intervalMs(provider: string): number;
  metrics: Pick<Metrics, "checkEnded">;
  clock: Clock;
  random: Random;
  log: Log;
};

/** Interval at which due times are computed again, because health, settings and the clock change them, ms. */
const POLL_MS = 1000;
/** Due times computed again in one poll: all of a small pool, a sixteenth of a large one. */
const POLLED = { least: 256, share: 1 / 16 };
/** A token that another node looks after: asked again after this time, ms. */
const OTHERS_MS = 5_000;
/** Tokens that a first load takes in at once: more are taken in by as many, after the start. */
const SLICE = 500;
const CHECK_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 5000;

const CHECKED: Outcome = { ok: true, usage: null, images: 0, videoSeconds: 0, usd: 0 };
/** Failures of the token or of the way to it. Failures of an upstream's control calls do not concern its generating calls. */
const REPORTED: ReadonlySet<ErrorKind> = new Set(["network", "upstream_unauthorized", "upstream_verification"]);
/** Failures that give no information about the token. */
const IGNORED: ReadonlySet<ErrorKind> = new Set(["no_token", "not_found", "cancelled"]);

/** A check that is requested or running. */
type Flight = PromiseWithResolvers<TokenFacts>;
/** `dueAt` as of the last time it was computed; `at` belongs to the heap, which holds the entries without a flight. */
type Entry = { row: TokenRow; history: CheckHistory; flight: Flight | null; dueAt: number; at: number };

const isDueBefore = (one: Entry, other: Entry) => one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.row.id < other.row.id);

/** Empty until {@link Refresher.load}, idle until {@link Refresher.start}. */
export class Refresher {
  readonly #deps: Dependencies;
  readonly #entries = new Map<number, Entry>();
  readonly #due = createHeap<Entry>(isDueBefore);
  /** Entries whose due time is computed again next, and since when this round of polls runs. */
  #unpolled: Iterator<Entry> | null = null;
  #polledAt = Number.NEGATIVE_INFINITY;
  readonly #running = new Set<Entry>();
  /** Entries whose check was requested by {@link Refresher.checkNow}, in order. */
  #requested: Entry[] = [];
  /** Tokens that are not taken in yet, from a first load of many until after the start. */
  #late: readonly TokenRow[] = [];
  #isStarted = false;
  #isStopping = false;
  readonly #stopping = new AbortController();
  #cancelTimer = () => {};

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Replaces the token table; tokens new in it are checked within a second of {@link Refresher.start}. */
  load(rows: readonly TokenRow[]): void {
    this.#late = this.#isStarted || rows.length <= SLICE ? [] : rows;
    if (this.#late.length > 0) return;
    const present = new Set(rows.map((row) => row.id));
    for (const [id, entry] of this.#entries) {
      if (present.has(id)) continue;
      this.#entries.delete(id);
      this.#due.remove(entry);
    }
    for (const row of rows) this.#put(row);
    this.#startDue();
  }

  /** Takes the facts of a check that succeeded elsewhere just now. */
  updateFacts(id: number, facts: TokenFacts): void {
    const entry = this.#entryOf(id);
    if (!entry) return;
    this.#applyFacts(entry, facts);
    this.#schedule(entry);
  }

  start(): void {
    this.#isStarted = true;
    this.#startDue();
    if (this.#late.length > 0) void this.#takeLate(this.#late);
  }

  /** Takes many tokens in, in slices: a start does not wait for what is checked later, and requests come between. */
  async #takeLate(rows: readonly TokenRow[]): Promise<void> {
    for (let at = 0; at < rows.length; at += SLICE) {
      for (const row of rows.slice(at, at + SLICE)) if (!this.#entries.has(row.id)) this.#put(row);
      await sleep(this.#deps.clock, 0);
      // They were loaded again, whole.
      if (this.#late !== rows || this.#isStopping) return;
    }
    this.#late = [];
    this.#startDue();
  }

  #entryOf(id: number): Entry | undefined {
    const row = this.#entries.has(id) ? undefined : this.#late.find((late) => late.id === id);
    if (row) this.#put(row);
    return this.#entries.get(id);
  }

  /**
   * Checks a token before all that are due, whatever the schedule says; joins a running check.
   * @throws {AppError} `not_found`, `cancelled` when the server stops, or as {@link Credentials.check}
   */
  async checkNow(id: number): Promise<TokenFacts> {
    const entry = this.#entryOf(id);
    if (!entry) throw new AppError("not_found", `There is no token ${id}.`);
    if (this.#isStopping) throw new AppError("cancelled", "The server is stopping.");
    if (entry.flight) return entry.flight.promise;
    const flight = this.#newFlight(entry);
    this.#requested.push(entry);
    this.#startDue();
    return flight.promise;
  }

  /** Starts no further check; running ones get {@link STOP_GRACE_MS} (a renewed secret must not be lost), then are aborted. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelTimer();
    const stopped = new AppError("cancelled", "The server is stopping.");
    for (const { flight } of this.#requested) flight?.reject(stopped);
    this.#requested = [];
    const cancelGrace = this.#deps.clock.after(STOP_GRACE_MS, () => this.#stopping.abort(stopped));
    await Promise.allSettled([...this.#running].map(({ flight }) => flight?.promise));
    cancelGrace();
  }

  /** Starts as many requested and due checks as may run, and sets the timer of the next check. */
  #startDue(): void {
    this.#cancelTimer();
    if (this.#isStopping) return;
    const { clock, settings } = this.#deps;
    const { enabled, concurrency } = settings();
    const now = clock.now();
    if (enabled) this.#pollDueTimes(now);
    let waitMs = POLL_MS;
    while (this.#running.size < concurrency) {
      const requested = this.#requested.shift();
      if (requested) {
        this.#run(requested, requested.flight!);
        continue;
      }
      const next = this.#isStarted && enabled ? this.#nextDue(now) : null;
      if (!next || next.at > now) {
        waitMs = Math.min(POLL_MS, (next?.at ?? now + POLL_MS) - now);
        break;
      }
      this.#run(next.entry, this.#newFlight(next.entry));
    }
    if (this.#isStarted) this.#cancelTimer = clock.after(waitMs, () => this.#startDue());
  }

  /** The token that is due first, in the past or in the future. */
  #nextDue(now: number): { entry: Entry; at: number } | null {
    for (let entry = this.#due.peek(); entry; entry = this.#due.peek()) {
      const at = this.#dueAt(entry, now);
      if (at <= entry.dueAt) return { entry, at };
      // A cooldown that began since: the next one may be due before it.
      entry.dueAt = at;
      this.#due.put(entry);
    }
    return null;
  }

  /** Finds tokens that are due earlier than was computed: a cooldown was cleared, an interval shortened, the clock set back. */
  #pollDueTimes(now: number): void {
    if (now >= this.#polledAt && now - this.#polledAt < POLL_MS) return;
    this.#polledAt = now;
    const count = Math.min(this.#entries.size, Math.max(POLLED.least, Math.ceil(this.#entries.size * POLLED.share)));
    for (let left = count; left > 0; left--) {
      let next = this.#unpolled?.next();
      if (!next || next.done) {
        this.#unpolled = this.#entries.values();
        next = this.#unpolled.next();
      }
      if (!next.done) this.#schedule(next.value);
    }
  }

  /** Puts the entry where its due time belongs; one with a flight is in no order. */
  #schedule(entry: Entry): void {
    if (entry.flight) return;
    const dueAt = this.#dueAt(entry, this.#deps.clock.now());
    if (entry.at >= 0 && dueAt === entry.dueAt) return;
    entry.dueAt = dueAt;
    this.#due.put(entry);
  }

  #dueAt({ row, history }: Entry, now: number): number {
    const { pool, intervalMs, looksAfter } = this.#deps;
    if (looksAfter && !looksAfter(row.id)) return now + OTHERS_MS;
    return nextCheckAt({ row, history, condition: pool.cooldownOf(row.id), intervalMs: intervalMs(row.provider) }, now);
  }

  async #run(entry: Entry, flight: Flight): Promise<void> {
    const { clock, tokens } = this.#deps;
    this.#running.add(entry);
    const timeout = new AbortController();
    const cancelTimeout = clock.after(CHECK_TIMEOUT_MS, () => timeout.abort(new AppError("upstream_timeout", "The check took too long.")));
    try {
      const facts = await tokens.check(entry.row, AbortSignal.any([timeout.signal, this.#stopping.signal]));
      this.#onSuccess(entry, facts);
      flight.resolve(facts);
    } catch (error) {
      this.#onFailure(entry, error);
      flight.reject(error);
    } finally {
      cancelTimeout();
      entry.flight = null;
      this.#running.delete(entry);
      if (this.#entries.get(entry.row.id) === entry) this.#schedule(entry);
      this.#startDue();
    }
  }

  #onSuccess(entry: Entry, facts: TokenFacts): void {
    const { metrics, pool, log } = this.#deps;
    const { id, provider, label } = entry.row;
    metrics.checkEnded(provider, "ok");
    const before = pool.cooldownOf(id);
    this.#applyFacts(entry, facts);
    pool.reportOutcome(id, CHECKED);
    if (before && !pool.cooldownOf(id)) log.info("Token works again", { tokenId: id, label, reason: before.reason });
  }

  #onFailure(entry: Entry, error: unknown): void {
    const { metrics, pool, clock, random, log } = this.#deps;
    const { id, provider, label } = entry.row;
    const known = error instanceof AppError ? error : null;
    entry.history = afterFailure(entry.history, known?.retryAfterMs ?? 0, clock.now(), random);
    if (known && IGNORED.has(known.kind)) return;
    metrics.checkEnded(provider, known?.kind ?? "bug");
    const fields = { tokenId: id, label, failures: entry.history.failures };
    if (!known) {
      log.error("Token check failed with a bug", { ...fields, error });
      return;
    }
    const { kind, detail, retryAfterMs, upstreamStatus } = known;
    log.info("Token check failed; it is retried later", { ...fields, kind, reason: detail?.reason });
    if (REPORTED.has(kind)) pool.reportOutcome(id, { ok: false, kind, detail, retryAfterMs, upstreamStatus, charged: false });
  }

  #applyFacts(entry: Entry, { identity, tier, credits, families, renewBefore }: TokenFacts): void {
    const { clock, random } = this.#deps;
    const now = clock.now();
    const facts = Object.entries({ identity, tier, credits, families, renewBefore }).filter(([, value]) => value !== undefined);
    entry.row = { ...entry.row, ...Object.fromEntries(facts), checkedAt: now };
    entry.history = afterSuccess(entry.history, now, random);
  }

  #put(row: TokenRow): void {
    const { clock, random } = this.#deps;
    const known = this.#entries.get(row.id);
    if (!known) {
      const entry = { row, history: newHistory(clock.now(), random), flight: null, dueAt: 0, at: -1 };
      this.#entries.set(row.id, entry);
      this.#schedule(entry);
      return;
    }
    // Another proxy: a check that failed through the former one may be tried again at once.
    if (known.row.proxy !== row.proxy) known.history = newHistory(clock.now(), random);
    const { checkedAt, renewBefore } = known.row;
    known.row = (checkedAt ?? 0) > (row.checkedAt ?? 0) ? { ...row, checkedAt, renewBefore } : row;
    this.#schedule(known);
  }

  #newFlight(entry: Entry): Flight {
    const flight: Flight = Promise.withResolvers();
    // A scheduled check has no listener: without this its rejection would be unhandled.
    flight.promise.catch(() => {});
    entry.flight = flight;
    this.#due.remove(entry);
    return flight;
  }
}
