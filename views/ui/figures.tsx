// Numbers and times inline: aligned, localized, exact value on hover.
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatElapsed,
  formatExact,
  formatHour,
  formatPercent,
  formatRelative,
  formatUsd,
} from "./format.ts";
import type { View } from "./view.ts";

type Figure<Value> = { view: View; value: Value };

/** The reader's clock time, UTC on hover; a dash for null. `ago`: and how long ago or ahead that is. Epoch ms. */
export function Time({ view, value, ago }: Figure<number | null> & { ago?: boolean }) {
  if (value === null) return <Dash />;
  const clock = formatClock(value, view);
  return (
    <time dateTime={new Date(value).toISOString()} title={formatExact(value)} data-time={ago ? "both" : "clock"}>
      {ago ? `${clock} · ${formatRelative(value, view.now, view.locale)}` : clock}
    </time>
  );
}

/** What is left until a time, counted down by `app.js`; without it the relative time stands. Epoch ms. */
export function Countdown({ view, value }: Figure<number | null>) {
  if (value === null) return <Dash />;
  return (
    <time dateTime={new Date(value).toISOString()} title={formatExact(value)} data-time="countdown">
      {formatRelative(value, view.now, view.locale)}
    </time>
  );
}

/** A time of the day to the minute: `21:40`, in the reader's zone by app.js. Epoch ms. */
export function ClockTime({ view, value }: Figure<number>) {
  return (
    <time dateTime={new Date(value).toISOString()} title={formatExact(value)} data-time="minute">
      {formatHour(value, view)}
    </time>
  );
}

/** How long something runs already, counted up by app.js. Epoch ms. */
export function Elapsed({ view, value }: Figure<number>) {
  return (
    <time dateTime={new Date(value).toISOString()} title={formatExact(value)} data-time="elapsed">
      {formatElapsed(view.now - value)}
    </time>
  );
}

export const Count = ({ view, value }: Figure<number>) => <span class="nw">{formatCount(value, view.locale)}</span>;
export const Percent = ({ view, value }: Figure<number>) => <span class="nw">{formatPercent(value, view.locale)}</span>;
export const Money = ({ view, value }: Figure<number>) => <span class="nw">{formatUsd(value, view.locale)}</span>;
export const Bytes = ({ view, value }: Figure<number>) => (
  <span class="nw" title={`${formatCount(value, view.locale)} B`}>
    {formatBytes(value, view.locale)}
  </span>
);
/** A length of time in ms. */
export const Duration = ({ value }: { value: number | null }) =>
  value === null ? <Dash /> : <span class="nw">{formatDuration(value)}</span>;

/** Nothing to show, reported to nobody. */
export const Dash = () => <span class="soft dash">–</span>;

/** How far something is; without a maximum, that it goes on. `label` is for who cannot see it. */
export function Progress({ value, max, label }: { value?: number; max?: number; label: string }) {
  return <progress value={value} max={max} aria-label={label} />;
}
