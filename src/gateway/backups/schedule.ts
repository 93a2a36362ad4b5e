// Backup schedule: when the next backup is due. Pure.

/** The last try. Times are epoch ms. */
export type LastTry = { at: number; ok: boolean };

const HOUR_MS = 3_600_000;
/** A failed one is tried again after this, ms. */
const RETRY_MS = HOUR_MS;

/**
 * Epoch ms; in the past: now. Null: none are scheduled. Slots are counted from `hour` (UTC) of the first day of the epoch; a slot that was
 * missed while the server was off is made up for once.
 */
export function nextBackupAt(
  { every_hours: every, hour }: { every_hours: number; hour: number },
  last: LastTry | null,
  now: number,
): number | null {
  if (every === 0) return null;
  if (last === null || last.at > now + HOUR_MS) return now;
  const [step, offset] = [every * HOUR_MS, hour * HOUR_MS];
  const slotAfter = (Math.floor((last.at - offset) / step) + 1) * step + offset;
  return last.ok ? slotAfter : Math.min(slotAfter, last.at + RETRY_MS);
}
