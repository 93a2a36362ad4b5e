// Formats figures of alert messages in a language and a time zone.
import type { AlertFormat } from "./facts.ts";

const TAGS = { en: "en-GB", zh: "zh-CN" } as const;
const PROVIDERS: Readonly<Record<string, string>> = { gemini: "Gemini", flow: "Flow", vertex: "Vertex" };
const GB = 1_000_000_000;

export function formatOf(language: keyof typeof TAGS, zone: string): AlertFormat {
  const tag = TAGS[language];
  const moment = new Intl.DateTimeFormat(tag, {
    ...{ timeZone: zone || undefined, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  });
  const unit = (name: "day" | "hour" | "minute" | "gigabyte", value: number, digits = 0) =>
    new Intl.NumberFormat(tag, {
      style: "unit",
      unit: name,
      unitDisplay: name === "gigabyte" ? "short" : "long",
      maximumFractionDigits: digits,
    }).format(value);
  return {
    time: (at) => moment.format(at),
    duration(ms) {
      const minutes = Math.max(1, Math.round(ms / 60_000));
      if (minutes < 90) return unit("minute", minutes);
      return minutes < 48 * 60 ? unit("hour", minutes / 60, 1) : unit("day", minutes / 1440, 1);
    },
    bytes: (count) => unit("gigabyte", count / GB, 1),
    usd: (amount) => `$${amount.toFixed(2)}`,
    count: (value) => new Intl.NumberFormat(tag, { maximumFractionDigits: 1 }).format(value),
    provider: (name) => PROVIDERS[name] ?? name,
  };
}
