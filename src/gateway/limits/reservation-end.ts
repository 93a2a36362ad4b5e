// The end of a reservation as the ledger records it, and the periods that limits are rebuilt from. Pure.
import type { Reservation, ReservationCall } from "../../db/ledger.ts";
import { toAmounts, toCount } from "./budget.ts";
import type { GenerationEnd } from "./contract.ts";
import { hourStart, periodsAt } from "./periods.ts";

const DAY_MS = 86_400_000;

/** The end of a reservation; it counts in the periods and the hour of its admission. Without facts its outcome is not known. */
export function endOf({ id, at }: Pick<Reservation, "id" | "at">, endedAt: number, facts?: GenerationEnd) {
  const { ok = false, ms = endedAt - at, inputTokens = 0, outputTokens = 0, calls = [] } = facts ?? {};
  return {
    id,
    endedAt,
    periods: Object.values(periodsAt(at)),
    hour: hourStart(at),
    ok,
    ms: toCount(ms),
    inputTokens: toCount(inputTokens),
    outputTokens: toCount(outputTokens),
    calls: calls.map((call): ReservationCall => ({ tokenId: call.tokenId, ok: call.ok, ms: toCount(call.ms), amounts: toAmounts(call) })),
  };
}

/** The periods of now, those before them in case the clock is set back, and those after them in case it was. */
export function recentPeriods(now: number): string[] {
  const { month, total } = periodsAt(now);
  const lastMonth = periodsAt(Date.parse(`${month}-01T00:00:00Z`) - 1).month;
  const [yesterday, today, tomorrow] = [-1, 0, 1].map((days) => periodsAt(now + days * DAY_MS));
  return [...new Set([total, lastMonth, month, tomorrow!.month, yesterday!.day, today!.day, tomorrow!.day])];
}
