// Key usage: what a key has used of its limits, for the admin pages. Pure.

import type { KeyRow } from "../../domain/key.ts";
import { type Account, addAmounts, toCost, zeroAmounts } from "./budget.ts";
import type { Cost } from "./contract.ts";
import { dropOld, PERIODS, type Period, periodEnd, periodsAt } from "./periods.ts";

export type KeyUsage = Record<Period, Cost & { /** Epoch ms; null: never. */ resetsAt: number | null }> & {
  /** Of the total: estimates of generations that run. */
  reserved: Cost;
  inFlight: number;
  requestsLastMinute: number;
  /** Uploaded today (UTC). */
  uploadBytes: number;
};

/** Drops minutes that are over from `account`. */
export function usageOf(account: Account, uploadBytes: number, now: number): KeyUsage {
  const names = periodsAt(now);
  const used = (period: Period) => {
    const balance = account.balances.get(names[period]);
    const sum = zeroAmounts();
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
    reserved: toCost(account.balances.get("total")?.reserved ?? zeroAmounts()),
    inFlight: account.inFlight,
    requestsLastMinute: account.recent.length,
    uploadBytes,
  };
}

const UNITS = ["images", "videoSeconds", "usd"] as const satisfies readonly (keyof Cost)[];

export type LimitUse = { unit: keyof Cost; period: Period; used: number; limit: number };

/** The limit of which the largest share is used; null: there is none. */
export function closestLimit({ limits }: Pick<KeyRow, "limits">, usage: KeyUsage): LimitUse | null {
  const uses = UNITS.flatMap((unit) =>
    PERIODS.flatMap((period): LimitUse[] => {
      const limit = limits[unit][period];
      return limit === null ? [] : [{ unit, period, used: usage[period][unit], limit }];
    }),
  );
  const share = ({ used, limit }: LimitUse) => (limit === 0 ? 1 : used / limit);
  return uses.reduce<LimitUse | null>((closest, use) => (closest && share(closest) >= share(use) ? closest : use), null);
}
