// Limits that several nodes share: what the store is to check, and its refusal as a shortfall. Pure.
import type { Amounts, KeyChecks, Refusal, SharedChecks } from "../../db/ledger.ts";
import type { KeyLimits } from "../../domain/key.ts";
import { COSTS, type Shortfall, UNITS } from "./budget.ts";
import { PERIODS, periodEnd, periodsAt } from "./periods.ts";

/** What the store checks of a key's limits, in the order in which this program does. */
export function sharedChecks(limits: KeyLimits, now: number): SharedChecks {
  const names = periodsAt(now);
  const budgets: KeyChecks["budgets"][number][] = [];
  for (const cost of COSTS) {
    const { amount, scale } = UNITS[cost];
    for (const period of PERIODS) {
      const limit = limits[cost][period];
      if (limit !== null) budgets.push({ period: names[period], of: amount, limit: Math.round(limit * scale) });
    }
  }
  return { periods: Object.values(names), limits: { rpm: limits.rpm, concurrency: limits.concurrency, budgets } };
}

/** The limit that the store named, as this program words it. */
export function shortfallOf(by: Refusal, { limits, estimate, now }: { limits: KeyLimits; estimate: Amounts; now: number }): Shortfall {
  if (by.of === "rpm") return { of: "rpm", limit: limits.rpm ?? 0, until: by.until };
  if (by.of === "concurrency") return { of: "concurrency", limit: limits.concurrency ?? 0 };
  const cost = COSTS.find((one) => UNITS[one].amount === by.of)!;
  const names = periodsAt(now);
  const period = PERIODS.find((one) => names[one] === by.period) ?? "total";
  const { scale } = UNITS[cost];
  const limit = limits[cost][period] ?? 0;
  return { of: cost, period, limit, used: by.used / scale, wanted: estimate[by.of] / scale, until: periodEnd(period, now) };
}
