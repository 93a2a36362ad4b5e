// The end of a reservation as the ledger records it, and the periods that limits are rebuilt from. Pure.
import type { ReservationCall, ReservationEnd } from "../../db/ledger.ts";
import { toAmounts, toCount } from "./budget.ts";
import type { GenerationEnd } from "./contract.ts";
import { hourStart, periodNames, periodsAt } from "./periods.ts";

const DAY_MS = 86_400_000;

type Result = Pick<ReservationEnd, "state" | "actual" | "endedAt">;

/** The end of a reservation admitted `at`; it counts in the periods and the hour of that. Without facts its outcome is not known. */
export function endOf(id: number, at: number, { state, actual, endedAt }: Result, facts?: GenerationEnd): ReservationEnd {
  return {
    id,
    state,
    endedAt,
    actual,
    periods: periodNames(at),
    hour: hourStart(at),
    ok: facts?.ok ?? false,
    ms: toCount(facts?.ms ?? endedAt - at),
    inputTokens: toCount(facts?.inputTokens ?? 0),
    outputTokens: toCount(facts?.outputTokens ?? 0),
    calls: facts ? callsOf(facts) : NO_CALLS,
  };
}

const NO_CALLS: readonly ReservationCall[] = [];

function callsOf({ calls }: GenerationEnd): ReservationCall[] {
  const ended: ReservationCall[] = [];
  for (const call of calls) ended.push({ tokenId: call.tokenId, ok: call.ok, ms: toCount(call.ms), amounts: toAmounts(call) });
  return ended;
}

/** The periods of now, those before them in case the clock is set back, and those after them in case it was. */
export function recentPeriods(now: number): string[] {
  const { month, total } = periodsAt(now);
  const lastMonth = periodsAt(Date.parse(`${month}-01T00:00:00Z`) - 1).month;
  const [yesterday, today, tomorrow] = [-1, 0, 1].map((days) => periodsAt(now + days * DAY_MS));
  return [...new Set([total, lastMonth, month, tomorrow!.month, yesterday!.day, today!.day, tomorrow!.day])];
}
