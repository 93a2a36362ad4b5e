// Figures of alert texts in the page's language.
import type { AlertFormat } from "../../src/gateway/alerts/facts.ts";
import { formatBytes, formatCount, formatDuration, formatExact, formatUsd } from "../ui/format.ts";
import type { View } from "../ui/view.ts";

export const alertFormat = ({ t, locale }: Pick<View, "t" | "locale">): AlertFormat => ({
  time: (at) => formatExact(at),
  duration: (ms) => formatDuration(ms),
  bytes: (count) => formatBytes(count, locale),
  usd: (amount) => formatUsd(amount, locale),
  count: (value) => (Number.isInteger(value) ? formatCount(value, locale) : String(value)),
  provider: (name) => t.overview.providers[name] ?? name,
});
