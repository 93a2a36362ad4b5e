// Formats numbers, sizes, durations and times in the page's language. Pure.
import { LANGUAGE_TAGS, type LocaleName, type View } from "./view.ts";

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: LocaleName, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const name = `${locale}${JSON.stringify(options)}`;
  let format = formats.get(name);
  if (!format) {
    format = new Intl.NumberFormat(LANGUAGE_TAGS[locale], options);
    formats.set(name, format);
  }
  return format;
}

/** 12345 as `12,345`. */
export const formatCount = (value: number, locale: LocaleName): string => numberFormat(locale, { maximumFractionDigits: 0 }).format(value);

/** 0.421 as `42.1%`. */
export const formatPercent = (share: number, locale: LocaleName): string =>
  numberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(share);

/** US dollars; small amounts keep four digits, so that one image is not `$0.00`. */
export function formatUsd(usd: number, locale: LocaleName): string {
  const digits = usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2;
  return numberFormat(locale, {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(usd);
}

/** A price of one image or second: as many digits as it has, at most four. */
export const formatPrice = (usd: number, locale: LocaleName): string =>
  numberFormat(locale, {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: 2,
    maximumFractionDigits: 4,
  }).format(usd);

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** 1536 as `1.5 KiB`. */
export function formatBytes(bytes: number, locale: LocaleName): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), BYTE_UNITS.length - 1);
  const digits = power === 0 ? 0 : 1;
  return `${numberFormat(locale, { maximumFractionDigits: digits }).format(bytes / 1024 ** power)} ${BYTE_UNITS[power]}`;
}

/** A length of time in ms: `840 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  const units: readonly [number, string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const start = units.findIndex(([size]) => seconds >= size);
  const parts = units.slice(start, start + 2).map(([size, unit], index) => {
    const rest = index === 0 ? seconds : seconds % units[start]![0];
    return [Math.floor(rest / size), unit] as const;
  });
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

const RELATIVE_UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relativeFormats = new Map<LocaleName, Intl.RelativeTimeFormat>();

/** `5m ago`, `in 2h`; both in epoch ms. `app.js` keeps it current by the same rule. */
export function formatRelative(time: number, now: number, locale: LocaleName): string {
  let format = relativeFormats.get(locale);
  if (!format) {
    format = new Intl.RelativeTimeFormat(LANGUAGE_TAGS[locale], { numeric: "auto", style: "narrow" });
    relativeFormats.set(locale, format);
  }
  const seconds = Math.round((time - now) / 1000);
  const [unit, size] = RELATIVE_UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return format.format(Math.trunc(seconds / size), unit);
}

const clockFormats = new Map<string, Intl.DateTimeFormat>();

function clockFormat(locale: LocaleName, timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${locale} ${timeZone} ${JSON.stringify(options)}`;
  const known = clockFormats.get(name);
  if (known) return known;
  const format = new Intl.DateTimeFormat(LANGUAGE_TAGS[locale], { timeZone, ...options });
  // One set for each zone of a browser: more are of nobody.
  if (clockFormats.size < 1_000) clockFormats.set(name, format);
  return format;
}

const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const DAY = { year: "numeric", month: "2-digit", day: "2-digit" } as const;

/**
 * `14:05:09` for today, `Nov 23, 14:05` within the year around, else the day; in the reader's zone, or in UTC with that word.
 * `app.js` says the same by the same rule.
 */
export function formatClock(time: number, { now, locale, timeZone }: Pick<View, "now" | "locale" | "timeZone">): string {
  const zone = timeZone ?? "UTC";
  const day = clockFormat(locale, zone, DAY);
  const isToday = day.format(time) === day.format(now);
  const isNear = Math.abs(time - now) < 300 * 86_400_000;
  const date = { month: "short", day: "numeric" } as const;
  const options = isToday ? { ...TIME, second: "2-digit" as const } : isNear ? { ...date, ...TIME } : { ...date, year: "numeric" as const };
  const text = clockFormat(locale, zone, options).format(time);
  return timeZone === null && (isToday || isNear) ? `${text} UTC` : text;
}

/** Epoch ms as `14:05` in the reader's zone, or in UTC. */
export const formatHour = (time: number, { locale, timeZone }: Pick<View, "locale" | "timeZone">): string =>
  clockFormat(locale, timeZone ?? "UTC", TIME).format(time);

/** Epoch ms as `14:05:09.123` in the reader's zone, or in UTC. */
export const formatFine = (time: number, { locale, timeZone }: Pick<View, "locale" | "timeZone">): string =>
  clockFormat(locale, timeZone ?? "UTC", { ...TIME, second: "2-digit", fractionalSecondDigits: 3 }).format(time);

/** What runs already, ms: `0:09`, `1:31`, `1:02:07`; counts on in `app.js` by the same rule. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => `${value}`.padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Epoch ms as `2026-11-23 14:05:09 UTC`. */
export const formatExact = (time: number): string => `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
