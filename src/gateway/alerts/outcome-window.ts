// Outcome window: generations of the last hour by minute and outcome, for the share that fails.

const MINUTE_MS = 60_000;
const MINUTES = 60;
/** A share of fewer generations than this says nothing. */
const LEAST = 10;

/** Outcomes that are the client's own doing: they count as generations and not as failures. */
const OF_THE_CLIENT: ReadonlySet<string> = new Set([
  ...["ok", "invalid_request", "not_found", "conflict", "payload_too_large", "request_timeout", "unsupported_media_type"],
  ...["unauthorized", "forbidden", "limit_exceeded", "content_policy", "cancelled"],
]);

/** Generations of a time. `mostly`: outcome of most failures. */
export type OutcomeSums = { total: number; failed: number; mostly: string };

export type FailureShare = { percent: number; failed: number; total: number /** Of most failures. */; outcome: string };

export class OutcomeWindow {
  /** By minute of the epoch. */
  readonly #minutes = new Map<number, Map<string, number>>();

  constructor(private readonly now: () => number) {}

  /** `outcome`: `ok` or an ErrorKind. */
  add(outcome: string): void {
    const minute = Math.floor(this.now() / MINUTE_MS);
    let counts = this.#minutes.get(minute);
    if (!counts) {
      counts = new Map();
      this.#minutes.set(minute, counts);
      for (const old of this.#minutes.keys()) if (Math.abs(old - minute) > MINUTES) this.#minutes.delete(old);
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }

  /** Of the last minutes, the running one included. */
  sums(minutes: number): OutcomeSums {
    const last = Math.floor(this.now() / MINUTE_MS);
    const sums = new Map<string, number>();
    for (const [minute, counts] of this.#minutes) {
      if (minute > last || minute <= last - minutes) continue;
      for (const [outcome, count] of counts) sums.set(outcome, (sums.get(outcome) ?? 0) + count);
    }
    const failures = [...sums].filter(([outcome]) => !OF_THE_CLIENT.has(outcome)).sort((a, b) => b[1] - a[1]);
    return {
      total: [...sums.values()].reduce((sum, count) => sum + count, 0),
      failed: failures.reduce((sum, [, count]) => sum + count, 0),
      mostly: failures[0]?.[0] ?? "ok",
    };
  }
}

/** Of several nodes together; null: too few generations. */
export function shareOf(sums: readonly OutcomeSums[]): FailureShare | null {
  const total = sums.reduce((sum, one) => sum + one.total, 0);
  if (total < LEAST) return null;
  const failed = sums.reduce((sum, one) => sum + one.failed, 0);
  const { mostly: outcome } = sums.reduce((worst, one) => (one.failed > worst.failed ? one : worst));
  return { percent: (100 * failed) / total, failed, total, outcome };
}
