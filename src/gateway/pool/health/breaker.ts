// Circuit breaker of one token: repeated failures open it, time half-opens it, one success closes it. Pure.

const FAILURES_TO_OPEN = 5;
const WINDOW_MS = 120_000;
const FIRST_OPEN_MS = 30_000;
const LONGEST_OPEN_MS = 600_000;

export type BreakerStep = {
  /** Epoch ms of the failures in a row that still count, oldest first. */
  failures: number[];
  /** Times it has opened since the last success. */
  consecutiveFailures: number;
  /** Epoch ms until which it is open now, or null while closed. */
  openUntil: number | null;
};

/**
 * One more failure in a row. Five within two minutes open it for 30 s, doubled at every further opening up to 10 minutes;
 * a failed probe (`halfOpen`) opens it again at once. Pure.
 */
export function afterFailure(failures: readonly number[], consecutiveFailures: number, halfOpen: boolean, now: number): BreakerStep {
  const recent = [...failures.filter((at) => at <= now && now - at <= WINDOW_MS), now].slice(-FAILURES_TO_OPEN);
  if (!halfOpen && recent.length < FAILURES_TO_OPEN) return { failures: recent, consecutiveFailures, openUntil: null };
  return {
    failures: [],
    consecutiveFailures: consecutiveFailures + 1,
    openUntil: now + Math.min(FIRST_OPEN_MS * 2 ** consecutiveFailures, LONGEST_OPEN_MS),
  };
}
