// Pacific time: per-day quotas end at midnight in America/Los_Angeles.
// https://ai.google.dev/gemini-api/docs/rate-limits, read 2026-11-23.

const DAY_MS = 86_400_000;

/** Created at first use: it loads the time zone database. */
let wallClock: Intl.DateTimeFormat | undefined;

const openWallClock = () =>
  new Intl.DateTimeFormat("en-US", {
    timeZone: "America/Los_Angeles",
    calendar: "iso8601",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });

/** The wall clock in Los Angeles at `time`, written as if it were UTC, in epoch ms; whole seconds. */
function wallTime(time: number): number {
  const part: Record<string, number> = {};
  wallClock ??= openWallClock();
  for (const { type, value } of wallClock.formatToParts(time)) part[type] = Number(value);
  return Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!);
}

/** From when on the last midnight that was asked for is the next one, epoch ms. */
let latest = { from: Number.POSITIVE_INFINITY, midnight: 0 };

/** Epoch ms of the first midnight in America/Los_Angeles after `now`. A day has 23 or 25 hours when the clocks change. */
export function nextPacificMidnight(now: number): number {
  // Each call asks for it, and the time zone costs it 30 µs.
  if (now < latest.from || now >= latest.midnight) latest = { from: now, midnight: midnightAfter(now) };
  return latest.midnight;
}

function midnightAfter(now: number): number {
  const second = Math.floor(now / 1000) * 1000;
  const wall = wallTime(second);
  const midnight = (Math.floor(wall / DAY_MS) + 1) * DAY_MS;
  const guess = midnight - (wall - second);
  // The clocks may change between now and then: take the offset that holds at midnight itself.
  return midnight - (wallTime(guess) - guess);
}
