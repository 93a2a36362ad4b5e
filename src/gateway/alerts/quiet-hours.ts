// Quiet hours: whether a moment lies between two clock times of a time zone. Pure.

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Minutes since midnight in a time zone; empty: the machine's own. */
function minuteOfDay(time: number, zone: string): number {
  let clock = clocks.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone || undefined, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    clocks.set(zone, clock);
  }
  return minutesOf(clock.format(time));
}

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

export type QuietHours = { from: string; to: string; zone: string };

/** `from` or `to` empty, or both the same: there are no quiet hours. They may pass midnight. @param now epoch ms */
export function isQuietAt({ from, to, zone }: QuietHours, now: number): boolean {
  if (from === "" || to === "" || from === to) return false;
  const [start, end, minute] = [minutesOf(from), minutesOf(to), minuteOfDay(now, zone)];
  return start < end ? minute >= start && minute < end : minute >= start || minute < end;
}
