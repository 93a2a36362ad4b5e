// What each key may still do: checked and reserved in memory in one act, on record before anything is started.

import type { Clock } from "../../clock.ts";
import type { Amounts, LedgerStore, Reservation, ReservationCall } from "../../db/ledger.ts";
import type { Kind } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Keys } from "../keys/keys.ts";
import { assertMayMake, assertPermitted } from "../keys/permissions.ts";
import {
  type Account,
  addAmounts,
  balanceOf,
  createAccount,
  findLeastShortfall,
  findRateShortfall,
  findShortfall,
  type Hold,
  holdAt,
  nothing,
  reserve,
  settle,
  takeBack,
  toAmounts,
  toCost,
  whole,
} from "./budget.ts";
import type { Admission, AdmissionControl, AdmissionRequest, Cost, GenerationEnd } from "./contract.ts";
import { createLedger } from "./ledger.ts";
import { limitError, rateHeaders } from "./limit-errors.ts";
import { dropOld, hourStart, MINUTE_MS, type Period, periodEnd, periodsAt } from "./periods.ts";
import { UploadQuota } from "./upload-quota.ts";

const KINDS: readonly Kind[] = ["image", "video"];

/** How long rollups are kept. */
const HOURS_KEPT_MS = 400 * 86_400_000;
const SWEEP_INTERVAL_MS = 6 * 3_600_000;
/** Rows deleted in one transaction, so that reservations never wait for a long one. */
const SWEEP_SLICE = 500;

/** What a key has used, for people. */
export type KeyUsage = Record<Period, Cost & { /** Epoch ms; null: never. */ resetsAt: number | null }> & {
  /** Of the total: estimates of generations that run. */
  reserved: Cost;
  inFlight: number;
  requestsLastMinute: number;
  /** Uploaded today (UTC). */
  uploadBytes: number;
};

export type Limits = AdmissionControl & {
  /**
   * Rebuilds everything from the store, and ends the reservations that a crash left open at their estimate.
   * Those that `keep` names stay open until {@link AdmissionControl.resume}. Before this nothing is admitted.
   */
  load(keep?: (reservation: Reservation) => boolean): Promise<void>;
  usage(keyId: number): KeyUsage;
  /** Both return to zero when nothing runs. */
  gauges(): { reservations: number; inFlight: number };
  /** Since when nothing can be put on record, and so nothing is admitted, epoch ms; null: it can. */
  degradedSince(): number | null;
  /** Resolves when every end so far is on record. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

export type LimitsDependencies = {
  keys: Pick<Keys, "get">;
  store: LedgerStore;
  clock: Clock;
  log: Log;
  /** How long ended reservations are kept, in days. */
  retentionDays: () => number;
  /** Whether an outcome that was paid for waits for the key: its request is let in although nothing is left. */
  hasUndelivered?: (keyId: number) => boolean;
};

export function createLimits({ keys, store, clock, log, retentionDays, hasUndelivered = () => false }: LimitsDependencies): Limits {
  const ledger = createLedger({ store, clock, log });
  const uploads = new UploadQuota({ store, clock, log, limitOf: (keyId) => keys.get(keyId)?.limits.uploadMbDay ?? null });
  const accounts = new Map<number, Account>();
  const kept = new Map<number, Reservation & { hold: Hold }>();
  let loaded = false;
  let reservations = 0;
  let sweeping: Promise<void> | null = null;
  let cancelSweep = () => {};
  let closed = false;

  function accountOf(keyId: number): Account {
    let account = accounts.get(keyId);
    if (account) return account;
    account = createAccount();
    accounts.set(keyId, account);
    return account;
  }

  function openAdmission(reservation: Pick<Reservation, "id" | "keyId" | "at">, hold: Hold): Admission {
    let open = true;
    let hasPlace = true;
    const releaseSlot = () => {
      if (hasPlace) accountOf(reservation.keyId).inFlight -= 1;
      hasPlace = false;
    };
    const end = (used: Amounts, state: "settled" | "released", facts?: GenerationEnd) => {
      if (!open) return;
      open = false;
      reservations -= 1;
      releaseSlot();
      settle(hold, used);
      ledger.end({ ...endOf(reservation, clock.now(), facts), state, actual: used });
    };
    return {
      id: reservation.id,
      settle: (used, facts) => end(toAmounts(used), "settled", facts),
      release: (facts) => end(nothing(), "released", facts),
      releaseSlot,
    };
  }

  async function admit(keyId: number, request: AdmissionRequest): Promise<Admission> {
    const key = keys.get(keyId);
    if (!loaded) throw serverFailure("The server is starting.", "starting", { retryAfterMs: 1_000 });
    if (!key) throw new AppError("forbidden", "This API key is not known here any more.");
    assertPermitted(key, request);
    const now = clock.now();
    const account = accountOf(keyId);
    const estimate = toAmounts(request.estimate);
    const shortfall = findShortfall(account, key.limits, estimate, now);
    if (shortfall) throw limitError(shortfall, now);
    const hold = reserve(account, estimate, now);
    reservations += 1;
    const { requestId, kind, family, forJob } = request;
    try {
      const id = await ledger.reserve({ keyId, requestId, kind, family, at: now, estimate, forJob });
      return openAdmission({ id, keyId, at: now }, hold);
    } catch (error) {
      reservations -= 1;
      takeBack(account, hold, now);
      throw error;
    }
  }

  function assertMayStart(keyId: number, kind: Kind | null, counts: boolean): void {
    const key = keys.get(keyId);
    if (!key) throw new AppError("forbidden", "This API key is not known here any more.");
    const kinds: readonly Kind[] = kind === null ? KINDS : [kind];
    const failures = kinds.map((one) => refusalOf(key, one, counts && !hasUndelivered(keyId)));
    if (failures.every((failure) => failure !== null)) throw failures[0]!;
  }

  /** Why the smallest generation of a kind would be refused now, or with `counts` false ever; null: it would not. */
  function refusalOf(key: KeyRow, kind: Kind, counts: boolean): AppError | null {
    try {
      assertMayMake(key, kind);
    } catch (error) {
      return error as AppError;
    }
    const now = clock.now();
    const shortfall = findLeastShortfall(accountOf(key.id), key.limits, kind, now);
    return shortfall && (counts || shortfall.limit === 0) ? limitError(shortfall, now) : null;
  }

  function admitUpload(keyId: number, declaredBytes: number | null): void {
    const now = clock.now();
    const account = accountOf(keyId);
    const shortfall = findRateShortfall(account, keys.get(keyId)?.limits.rpm ?? null, now);
    if (shortfall) throw limitError(shortfall, now);
    uploads.check(keyId, declaredBytes ?? 0);
    account.recent.push(now);
  }

  async function load(keep: (reservation: Reservation) => boolean = () => false): Promise<void> {
    const now = clock.now();
    await uploads.load();
    const periods = recentPeriods(now);
    const { open, recent } = await store.readLedger(periods, now - MINUTE_MS);
    const lost = open.filter((reservation) => !keep(reservation));
    await store.endReservations(lost.map((row) => ({ ...endOf(row, now), state: "settled", actual: row.estimate })));
    if (lost.length > 0) log.warn("Generations that a crash cut off are settled at their estimate", { count: lost.length });
    const { spent } = await store.readLedger(periods, now);
    for (const { keyId, period, amounts } of spent) addAmounts(balanceOf(accountOf(keyId), period).spent, amounts);
    for (const { keyId, at } of recent) accountOf(keyId).recent.push(at);
    for (const row of open.filter(keep)) kept.set(row.id, { ...row, hold: holdAt(accountOf(row.keyId), row.estimate, row.at) });
    reservations = kept.size;
    loaded = true;
    sweeping = sweep();
  }

  /** Deletes what is past its time, slice by slice, now and every few hours. */
  async function sweep(): Promise<void> {
    const now = clock.now();
    const before = { reservations: now - retentionDays() * 86_400_000, hours: now - HOURS_KEPT_MS };
    try {
      while (!closed && (await store.deleteUsageBefore(before, SWEEP_SLICE)) >= SWEEP_SLICE);
    } catch (error) {
      log.error("Old rows of the ledger could not be deleted", { error });
    }
    if (closed) return;
    cancelSweep = clock.after(SWEEP_INTERVAL_MS, () => {
      sweeping = sweep();
    });
  }

  return {
    admit,
    assertMayStart,
    admitUpload,
    countUpload: (keyId, bytes) => uploads.take(keyId, bytes),
    load,
    rateHeaders: (keyId) => rateHeaders(accounts.get(keyId) ?? createAccount(), keys.get(keyId)?.limits.rpm ?? null, clock.now()),
    resume(id) {
      const reservation = kept.get(id);
      if (!reservation) return null;
      kept.delete(id);
      accountOf(reservation.keyId).inFlight += 1;
      return openAdmission(reservation, reservation.hold);
    },
    usage: (keyId) => ({ ...usageOf(accounts.get(keyId) ?? createAccount(), clock.now()), uploadBytes: uploads.bytesToday(keyId) }),
    gauges: () => ({ reservations, inFlight: [...accounts.values()].reduce((sum, { inFlight }) => sum + inFlight, 0) }),
    degradedSince: ledger.degradedSince,
    flush: ledger.flush,
    async close() {
      closed = true;
      cancelSweep();
      await sweeping;
      await uploads.flush();
      await ledger.close();
    },
  };
}

/** Where and as what an end counts: in the periods and the hour of its admission. Without facts nobody knows how it went. */
function endOf({ id, at }: Pick<Reservation, "id" | "at">, endedAt: number, facts?: GenerationEnd) {
  const { ok = false, ms = endedAt - at, inputTokens = 0, outputTokens = 0, calls = [] } = facts ?? {};
  return {
    id,
    endedAt,
    periods: Object.values(periodsAt(at)),
    hour: hourStart(at),
    ok,
    ms: whole(ms),
    inputTokens: whole(inputTokens),
    outputTokens: whole(outputTokens),
    calls: calls.map((call): ReservationCall => ({ tokenId: call.tokenId, ok: call.ok, ms: whole(call.ms), amounts: toAmounts(call) })),
  };
}

/** The periods of now, those before them in case the clock is set back, and those after them in case it was. */
function recentPeriods(now: number): string[] {
  const { month, total } = periodsAt(now);
  const lastMonth = periodsAt(Date.parse(`${month}-01T00:00:00Z`) - 1).month;
  const [yesterday, today, tomorrow] = [-1, 0, 1].map((days) => periodsAt(now + days * 86_400_000));
  return [...new Set([total, lastMonth, month, tomorrow!.month, yesterday!.day, today!.day, tomorrow!.day])];
}

function usageOf(account: Account, now: number): Omit<KeyUsage, "uploadBytes"> {
  const names = periodsAt(now);
  const used = (period: Period) => {
    const balance = account.balances.get(names[period]);
    const sum = nothing();
    if (balance) {
      addAmounts(sum, balance.spent);
      addAmounts(sum, balance.reserved);
    }
    return { ...toCost(sum), resetsAt: periodEnd(period, now) };
  };
  dropOld(account.recent, now);
  return {
    day: used("day"),
    month: used("month"),
    total: used("total"),
    reserved: toCost(account.balances.get("total")?.reserved ?? nothing()),
    inFlight: account.inFlight,
    requestsLastMinute: account.recent.length,
  };
}

export const LIMIT_UNITS = ["images", "videoSeconds", "usd"] as const;

export const LIMIT_PERIODS = ["day", "month", "total"] as const;

export type LimitUse = { unit: (typeof LIMIT_UNITS)[number]; period: (typeof LIMIT_PERIODS)[number]; used: number; limit: number };

/** The limit that is used up the most; null: there is none. Pure. */
export function closestLimit({ limits }: Pick<KeyRow, "limits">, usage: KeyUsage): LimitUse | null {
  const uses = LIMIT_UNITS.flatMap((unit) =>
    LIMIT_PERIODS.flatMap((period): LimitUse[] => {
      const limit = limits[unit][period];
      return limit === null ? [] : [{ unit, period, used: usage[period][unit], limit }];
    }),
  );
  const share = ({ used, limit }: LimitUse) => (limit === 0 ? 1 : used / limit);
  return uses.reduce<LimitUse | null>((closest, use) => (closest && share(closest) >= share(use) ? closest : use), null);
}
