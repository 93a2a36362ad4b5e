// Times of a reader: from what a field of date and time sends to epoch ms and back, in an IANA time zone. Pure.

const MINUTE_MS = 60_000;

/** Names are few; a format costs far more to make than to use. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en", {
    timeZone,
    hourCycle: "h23",
    ...({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const),
  });
  if (formats.size < 100) formats.set(timeZone, format);
  return format;
}

/** The name as it is known here; null: it is none. */
export function knownZone(name: string | null): string | null {
  if (name === null || !/^[\w+-]{1,32}(\/[\w+-]{1,32}){0,2}$/.test(name)) return null;
  try {
    formatOf(name);
    return name;
  } catch {
    return null;
  }
}

/** Ms that clocks of the zone are ahead of UTC at `time` (epoch ms). */
function offsetAt(time: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(time)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
}

/** `2026-11-23T14:00` of the zone, or with `Z` of UTC, as epoch ms; null: it is no time. */
export function timeIn(text: string | undefined, timeZone: string | null): number | null {
  const match = text && /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z?)$/.exec(text);
  if (!match) return null;
  const asUtc = Date.parse(`${match[1]}Z`);
  if (!Number.isFinite(asUtc)) return null;
  if (match[2] === "Z" || timeZone === null) return asUtc;
  // Twice: the offset of the time itself, where clocks change between.
  const near = asUtc - offsetAt(asUtc, timeZone);
  return asUtc - offsetAt(near, timeZone);
}

/** Epoch ms as a field of date and time has it, to the minute, in the zone or in UTC. */
export function fieldTime(time: number, timeZone: string | null): string {
  const local = time + (timeZone === null ? 0 : offsetAt(time, timeZone));
  return new Date(local - (local % MINUTE_MS)).toISOString().slice(0, 16);
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Start of the running day of the zone, or of UTC, at the full hour of UTC that it lies in: sums are of whole hours. Epoch ms. */
export function startOfDayIn(now: number, timeZone: string | null): number {
  const offset = timeZone === null ? 0 : offsetAt(now, timeZone);
  const local = now + offset;
  const midnight = local - (local % DAY_MS) - offset;
  return midnight - (midnight % HOUR_MS);
}
