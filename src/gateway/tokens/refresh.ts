// Refresher: checks due tokens in the background, a limited number at a time, and reports to the pool.

import type { Clock, Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError, type ErrorKind } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import type { Outcome } from "../pool/lease-contract.ts";
import type { Pool } from "../pool/pool.ts";
import type { Tokens } from "./credentials.ts";
import { afterFailure, afterSuccess, type CheckHistory, newHistory, nextCheckAt } from "./refresh-schedule.ts";

export type Refresher = {
  /** Takes the token table as it is now; tokens that are new in it are checked within a second of {@link Refresher.start}. */
  load(rows: readonly TokenRow[]): void;
  /** A token was checked by somebody else just now, successfully. */
  learn(id: number, facts: TokenFacts): void;
  start(): void;
  /** Begins nothing more, gives checks under way some seconds (a renewed secret must not be lost), then aborts them. */
  stop(): Promise<void>;
  /**
   * Checks a token before all that are due, whatever the schedule says; joins a check that is under way.
   * @throws {AppError} `not_found`, `cancelled` when the server stops, or as {@link Tokens.check}
   */
  checkNow(id: number): Promise<TokenFacts>;
};

type Dependencies = {
  pool: Pick<Pool, "cooldownOf" | "reportOutcome">;
  tokens: Pick<Tokens, "check">;
  settings: () => Settings["refresh"];
  /** Age at which what is known of a provider's token is learned again, in ms. */
  intervalMs(provider: string): number;
  checks: Pick<Metrics["checks"], "inc">;
  clock: Clock;
  random: Random;
  log: Log;
};

/** How often changes made elsewhere (health, settings) are looked at. */
const LOOK_MS = 1000;
const CHECK_LIMIT_MS = 60_000;
const STOP_GRACE_MS = 5000;

const CHECKED: Outcome = { ok: true, usage: null, images: 0, videoSeconds: 0, usd: 0 };
/** Failures that speak of the token or the way to it. Trouble of an upstream's control calls says nothing about its generating ones. */
const TOLD: ReadonlySet<ErrorKind> = new Set(["network", "upstream_unauthorized", "upstream_verification"]);
const UNTOLD: ReadonlySet<ErrorKind> = new Set(["no_token", "not_found", "cancelled"]);

type Flight = PromiseWithResolvers<TokenFacts>;
type Watched = { row: TokenRow; history: CheckHistory; flight: Flight | null };

/** An empty refresher; {@link Refresher.load} fills it, {@link Refresher.start} sets it going. */
export function createRefresher(deps: Dependencies): Refresher {
  const { pool, tokens, settings, intervalMs, checks, clock, random, log } = deps;
  const watched = new Map<number, Watched>();
  const running = new Set<Watched>();
  let asked: Watched[] = [];
  let isStarted = false;
  const stopping = new AbortController();
  let isStopping = false;
  let cancelTimer = () => {};

  const dueAt = ({ row, history }: Watched, now: number): number =>
    nextCheckAt({ row, history, condition: pool.cooldownOf(row.id), intervalMs: intervalMs(row.provider) }, now);

  /** The token that is due first, in the past or in the future. */
  function nextDue(now: number): { entry: Watched; at: number } | null {
    let first: { entry: Watched; at: number } | null = null;
    for (const entry of watched.values()) {
      if (entry.flight) continue;
      const at = dueAt(entry, now);
      if (!first || at < first.at) first = { entry, at };
    }
    return first;
  }

  /** Begins as many checks as may run and sees to it that somebody looks again. */
  function look(): void {
    cancelTimer();
    if (isStopping) return;
    const { enabled, concurrency } = settings();
    const now = clock.now();
    let waitMs = LOOK_MS;
    while (running.size < concurrency) {
      const entry = asked.shift();
      if (entry) {
        run(entry, entry.flight!);
        continue;
      }
      const next = isStarted && enabled ? nextDue(now) : null;
      if (!next || next.at > now) {
        waitMs = Math.min(LOOK_MS, (next?.at ?? now + LOOK_MS) - now);
        break;
      }
      run(next.entry, newFlight(next.entry));
    }
    if (isStarted) cancelTimer = clock.after(waitMs, look);
  }

  function newFlight(entry: Watched): Flight {
    const flight: Flight = Promise.withResolvers();
    // Nobody has to listen.
    flight.promise.catch(() => {});
    entry.flight = flight;
    return flight;
  }

  async function run(entry: Watched, flight: Flight): Promise<void> {
    running.add(entry);
    const late = new AbortController();
    const cancelLimit = clock.after(CHECK_LIMIT_MS, () => late.abort(new AppError("upstream_timeout", "The check took too long.")));
    try {
      const facts = await tokens.check(entry.row, AbortSignal.any([late.signal, stopping.signal]));
      succeeded(entry, facts);
      flight.resolve(facts);
    } catch (error) {
      failed(entry, error);
      flight.reject(error);
    } finally {
      cancelLimit();
      entry.flight = null;
      running.delete(entry);
      look();
    }
  }

  function succeeded(entry: Watched, facts: TokenFacts): void {
    const { id, provider, label } = entry.row;
    checks.inc({ provider, result: "ok" });
    const before = pool.cooldownOf(id);
    learn(entry, facts);
    pool.reportOutcome(id, CHECKED);
    if (before && !pool.cooldownOf(id)) log.info("A token works again", { tokenId: id, label, reason: before.reason });
  }

  function failed(entry: Watched, error: unknown): void {
    const { id, provider, label } = entry.row;
    const known = error instanceof AppError ? error : null;
    entry.history = afterFailure(entry.history, known?.retryAfterMs ?? 0, clock.now(), random);
    // Deleted or given another secret meanwhile, or stopped by ourselves: nothing was learned.
    if (known && UNTOLD.has(known.kind)) return;
    checks.inc({ provider, result: known?.kind ?? "bug" });
    const fields = { tokenId: id, label, failures: entry.history.failures };
    if (!known) {
      log.error("A token's check failed by a bug", { ...fields, error });
      return;
    }
    const { kind, detail, retryAfterMs, upstreamStatus } = known;
    log.info("A token's check failed; it is repeated later", { ...fields, kind, reason: detail?.reason });
    if (TOLD.has(kind)) pool.reportOutcome(id, { ok: false, kind, detail, retryAfterMs, upstreamStatus, charged: false });
  }

  function learn(entry: Watched, { identity, tier, credits, families, renewBefore }: TokenFacts): void {
    const now = clock.now();
    const facts = Object.entries({ identity, tier, credits, families, renewBefore }).filter(([, value]) => value !== undefined);
    entry.row = { ...entry.row, ...Object.fromEntries(facts), checkedAt: now };
    entry.history = afterSuccess(entry.history, now, random);
  }

  function put(row: TokenRow): void {
    const known = watched.get(row.id);
    if (!known) {
      watched.set(row.id, { row, history: newHistory(clock.now(), random), flight: null });
      return;
    }
    // Another way to the upstream: what failed on the former one may be tried at once.
    if (known.row.proxy !== row.proxy) known.history = newHistory(clock.now(), random);
    const { checkedAt, renewBefore } = known.row;
    known.row = (checkedAt ?? 0) > (row.checkedAt ?? 0) ? { ...row, checkedAt, renewBefore } : row;
  }

  return {
    load(rows) {
      const present = new Set(rows.map((row) => row.id));
      for (const id of watched.keys()) if (!present.has(id)) watched.delete(id);
      for (const row of rows) put(row);
      look();
    },
    learn(id, facts) {
      const entry = watched.get(id);
      if (entry) learn(entry, facts);
    },
    start() {
      isStarted = true;
      look();
    },
    async checkNow(id) {
      const entry = watched.get(id);
      if (!entry) throw new AppError("not_found", `There is no token ${id}.`);
      if (isStopping) throw new AppError("cancelled", "The server is stopping.");
      if (entry.flight) return entry.flight.promise;
      const flight = newFlight(entry);
      asked.push(entry);
      look();
      return flight.promise;
    },
    async stop() {
      isStopping = true;
      cancelTimer();
      const stopped = new AppError("cancelled", "The server is stopping.");
      for (const { flight } of asked) flight?.reject(stopped);
      asked = [];
      const cancelGrace = clock.after(STOP_GRACE_MS, () => stopping.abort(stopped));
      await Promise.allSettled([...running].map(({ flight }) => flight?.promise));
      cancelGrace();
    },
  };
}
