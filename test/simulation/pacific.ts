// Pacific midnight, found by search of a calendar: slow, and independent of the gateway's code.

const DAY_MS = 86_400_000;
const calendar = new Intl.DateTimeFormat("en-CA", { timeZone: "America/Los_Angeles", dateStyle: "short" });
const known = new Map<number, number>();

/** The first ms after `time` at which the calendar in Los Angeles shows another day. */
export function pacificMidnightAfter(time: number): number {
  const hour = Math.floor(time / 3_600_000);
  const cached = known.get(hour);
  if (cached !== undefined && cached > time) return cached;
  const today = calendar.format(time);
  let [low, high] = [time, time + DAY_MS + 2 * 3_600_000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (calendar.format(middle) === today) low = middle;
    else high = middle;
  }
  known.set(hour, high);
  return high;
}
