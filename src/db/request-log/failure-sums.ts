// Sums of failures: what rows of the request log add to them, and which sums answer a question. Pure; shared by the engines.

import { callReason, type FailureQuery, failureReason, type RequestRow } from "../../domain/request.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** By `step`. Of keys and tokens, hours would be as many rows as failures. */
const STEPS = [HOUR_MS, DAY_MS] as const;

type Dimension = "all" | "key" | "token";
type Failure = { dimension: Dimension; subject: number; family: string; outcome: string; reason: string; refused: boolean; n: number };

/** What a row adds. Calls that failed count also where another token then served the request. */
function failuresOf(row: RequestRow): Failure[] {
  const { keyId, family, outcome, refusal, attempts } = row;
  const whole = { family: family ?? "", outcome, reason: failureReason(row), refused: refusal !== undefined, n: refusal?.times ?? 1 };
  return [
    ...(outcome === "ok" ? [] : [{ ...whole, dimension: "all" as const, subject: 0 }]),
    ...(outcome === "ok" || keyId === null ? [] : [{ ...whole, dimension: "key" as const, subject: keyId }]),
    ...attempts
      .filter((attempt) => attempt.outcome !== "ok")
      .map((attempt) => {
        const { tokenId, family, outcome } = attempt;
        return { dimension: "token" as const, subject: tokenId, family, outcome, reason: callReason(attempt), refused: false, n: 1 };
      }),
  ];
}

/** A row of sums. `step` 1: by UTC day; 0: by hour, in all only. `start` in epoch ms. */
export type FailureRow = Failure & { step: number; start: number };

/** What rows of a batch failed for; those alike put together. */
export function sumFailures(rows: readonly RequestRow[]): FailureRow[] {
  const sums = new Map<string, FailureRow>();
  for (const row of rows) {
    const ended = Math.round(row.at) + Math.round(row.ms);
    for (const failure of failuresOf(row)) {
      for (const [step, length] of STEPS.entries()) {
        if (step === 0 && failure.dimension !== "all") continue;
        const start = ended - (ended % length);
        const { dimension, subject, family, outcome, reason, refused, n } = failure;
        const name = [step, dimension, subject, start, family, outcome, reason, refused].join("\0");
        const sum = sums.get(name);
        if (sum) sum.n += n;
        else sums.set(name, { ...failure, step, start });
      }
    }
  }
  return [...sums.values()];
}

/** The sums that answer: those of one step and dimension, from the start of the first. `byHour`, `byToken`: grouped so. */
export function sumsFor({ from, to, of }: FailureQuery, { byHour = false, byToken = false } = {}) {
  const isWholeDays = from % DAY_MS === 0 && to % DAY_MS === 0;
  const dimension: Dimension = byToken ? "token" : of === undefined ? "all" : "key" in of ? "key" : "token";
  const step = dimension === "all" && (byHour || !isWholeDays) ? 0 : 1;
  const subject = of === undefined ? 0 : "key" in of ? of.key : of.token;
  return { step, dimension, subject, from: from - (from % STEPS[step]), to };
}
