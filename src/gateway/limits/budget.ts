// Budget of one key: used and reserved amounts, and whether more fits its limits. Integers, so that sums are exact.

import type { Amounts } from "../../db/ledger.ts";
import type { KeyLimits } from "../../domain/key.ts";
import type { Cost } from "./contract.ts";
import { dropOld, MINUTE_MS, PERIODS, type Period, periodEnd, periodNames, periodsAt } from "./periods.ts";

/** `spent` by generations that have ended, `reserved` by those that run. */
export type Balance = { spent: Amounts; reserved: Amounts };

export type Account = {
  /** By the name of the period. A period that is not there was not used. */
  balances: Map<string, Balance>;
  /** Admissions of the last minute, epoch ms, ascending. */
  recent: number[];
  /** Generations that hold one of the key's concurrency slots. */
  inFlight: number;
  /** The balances of a day's periods, by the list of their names. */
  latest: { names: readonly string[]; balances: readonly Balance[] } | null;
};

/** An estimate reserved in the periods in which the generation was admitted (`at`, epoch ms); it is settled in the same ones. */
export type Hold = { at: number; estimate: Amounts; balances: readonly Balance[] };

/** Why a generation does not fit. Times are epoch ms. */
export type Shortfall =
  | { of: "rpm"; limit: number; until: number }
  | { of: "concurrency"; limit: number }
  | { of: keyof Cost; period: Period; limit: number; used: number; wanted: number /** Null: never. */; until: number | null };

export const UNITS = {
  images: { amount: "images", scale: 1 },
  videoSeconds: { amount: "videoMs", scale: 1000 },
  usd: { amount: "microUsd", scale: 1_000_000 },
} as const satisfies Record<keyof Cost, { amount: keyof Amounts; scale: number }>;

export const COSTS = Object.keys(UNITS) as (keyof Cost)[];

/** Days, and months, retained in memory: a clock that is set back finds them, and settlements need none. */
const PERIODS_RETAINED = 3;

/** Clamps to a non-negative integer; NaN becomes 0. */
export const toCount = (value: number): number => (value > 0 ? Math.min(Math.round(value), 1e15) : 0);

export function toAmounts({ images, videoSeconds, usd }: Cost): Amounts {
  return { images: toCount(images), videoMs: toCount(videoSeconds * 1000), microUsd: toCount(usd * 1_000_000) };
}

export function toCost({ images, videoMs, microUsd }: Amounts): Cost {
  return { images, videoSeconds: videoMs / 1000, usd: microUsd / 1_000_000 };
}

export const zeroAmounts = (): Amounts => ({ images: 0, videoMs: 0, microUsd: 0 });

export function addAmounts(sum: Amounts, more: Amounts, sign: 1 | -1 = 1): void {
  sum.images += sign * more.images;
  sum.videoMs += sign * more.videoMs;
  sum.microUsd += sign * more.microUsd;
}

export function createAccount(): Account {
  return { balances: new Map(), recent: [], inFlight: 0, latest: null };
}

/** The balance of a period, created where there is none. Changes `account`. */
export function balanceOf(account: Account, period: string): Balance {
  return account.balances.get(period) ?? newBalance(account, period);
}

function newBalance(account: Account, period: string): Balance {
  const balance = { spent: zeroAmounts(), reserved: zeroAmounts() };
  account.balances.set(period, balance);
  const ofSameForm = [...account.balances.keys()].filter(({ length }) => length === period.length);
  if (ofSameForm.length > PERIODS_RETAINED) account.balances.delete(ofSameForm[0]!);
  return balance;
}

/** The first limit that one more generation of this cost would break, or null. Takes nothing; drops minutes that are over. */
export function findShortfall(account: Account, limits: KeyLimits, wanted: Amounts, now: number): Shortfall | null {
  const { rpm, concurrency } = limits;
  const rateShortfall = findRateShortfall(account, rpm, now);
  if (rateShortfall) return rateShortfall;
  if (concurrency !== null && account.inFlight >= concurrency) return { of: "concurrency", limit: concurrency };
  return findAmountShortfall(account, limits, wanted, now);
}

const LEAST = {
  image: { images: 1, videoMs: 0, microUsd: 0 },
  video: { images: 0, videoMs: 1000, microUsd: 0 },
} as const satisfies Record<string, Amounts>;

/** The first limit that forbids even the smallest generation of a kind, concurrency apart unless it is none at all. Takes nothing. */
export function findLeastShortfall(account: Account, limits: KeyLimits, kind: "image" | "video", now: number): Shortfall | null {
  if (limits.concurrency === 0) return { of: "concurrency", limit: 0 };
  return findAmountShortfall(account, limits, LEAST[kind], now) ?? findRateShortfall(account, limits.rpm, now);
}

/** Whether one more request is too many for its minute. Drops minutes that are over. */
export function findRateShortfall({ recent }: Account, rpm: number | null, now: number): Shortfall | null {
  dropOld(recent, now);
  if (rpm === null || recent.length < rpm) return null;
  // The youngest that has to grow old first: more than one where the limit was lowered.
  return { of: "rpm", limit: rpm, until: (recent[recent.length - rpm] ?? now) + MINUTE_MS };
}

function findAmountShortfall(account: Account, limits: KeyLimits, wanted: Amounts, now: number): Shortfall | null {
  const names = periodsAt(now);
  for (const of of COSTS) {
    const { amount, scale } = UNITS[of];
    const more = wanted[amount];
    for (const period of PERIODS) {
      const limit = limits[of][period];
      if (limit === null || more === 0) continue;
      const balance = account.balances.get(names[period]);
      const used = balance ? balance.spent[amount] + balance.reserved[amount] : 0;
      if (used + more <= Math.round(limit * scale)) continue;
      return { of, period, limit, used: used / scale, wanted: more / scale, until: periodEnd(period, now) };
    }
  }
  return null;
}

/** Takes a concurrency slot and reserves the estimate. Changes `account`. */
export function reserve(account: Account, estimate: Amounts, now: number): Hold {
  account.recent.push(now);
  account.inFlight += 1;
  return holdAt(account, estimate, now);
}

function balancesAt(account: Account, time: number): readonly Balance[] {
  const names = periodNames(time);
  if (account.latest?.names !== names) account.latest = { names, balances: balancesOf(account, names) };
  return account.latest.balances;
}

const balancesOf = (account: Account, names: readonly string[]) => names.map((period) => balanceOf(account, period));

/** Reserves the estimate alone, as of `time`. Changes `account`. */
export function holdAt(account: Account, estimate: Amounts, time: number): Hold {
  const balances = balancesAt(account, time);
  for (const { reserved } of balances) addAmounts(reserved, estimate);
  return { at: time, estimate, balances };
}

/** Replaces the estimate by what was used; zero amounts are a release. Changes the balances. */
export function settle({ estimate, balances }: Hold, used: Amounts): void {
  for (const { spent, reserved } of balances) {
    addAmounts(reserved, estimate, -1);
    addAmounts(spent, used);
  }
}

/** Undoes {@link reserve} as if it had never been. Changes `account`. */
export function undoReserve(account: Account, hold: Hold, admittedAt: number): void {
  settle(hold, zeroAmounts());
  account.inFlight -= 1;
  const at = account.recent.lastIndexOf(admittedAt);
  if (at >= 0) account.recent.splice(at, 1);
}
