// Pacific time: per-day quotas end at midnight in America/Los_Angeles.
// https://ai.google.dev/gemini-api/docs/rate-limits, read 2026-11-23.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The first day of a month that is a Sunday. @param month from 0 */
const firstSunday = (year: number, month: number): number => 1 + ((7 - new Date(Date.UTC(year, month, 1)).getUTCDay()) % 7);

/** From the second Sunday of March to the first of November, each time at 2:00 of the wall clock (15 U.S.C. 260a, since 2007). */
function summerOf(year: number): { from: number; until: number } {
  return {
    from: Date.UTC(year, 2, firstSunday(year, 2) + 7, 10),
    until: Date.UTC(year, 10, firstSunday(year, 10), 9),
  };
}

/** Ms that the wall clock in Los Angeles is behind UTC. By rule: the first use of the runtime's time zones takes a start 25 ms. */
function behindAt(time: number): number {
  const { from, until } = summerOf(new Date(time).getUTCFullYear());
  return (time >= from && time < until ? 7 : 8) * HOUR_MS;
}

/** From when on the last midnight that was asked for is the next one, epoch ms. */
let latest = { from: Number.POSITIVE_INFINITY, midnight: 0 };

/** Epoch ms of the first midnight in America/Los_Angeles after `now`. A day has 23 or 25 hours when the clocks change. */
export function nextPacificMidnight(now: number): number {
  if (now < latest.from || now >= latest.midnight) latest = { from: now, midnight: midnightAfter(now) };
  return latest.midnight;
}

function midnightAfter(now: number): number {
  const behind = behindAt(now);
  const midnight = (Math.floor((now - behind) / DAY_MS) + 1) * DAY_MS;
  // The clocks may change between now and then: take the offset that holds at midnight itself.
  return midnight + behindAt(midnight + behind);
}
