// Band of the overview: for images and videos whether they can be made, until when at today's pace, and the level of what is left. Pure.

import type { Kind } from "../../domain/generation.ts";
import type { Capacity, PoolCapacity } from "../pool/capacity.ts";
import type { ProviderTokens } from "../pool/held.ts";
import { nextPacificMidnight } from "../pool/pacific-time.ts";
import { stateOf, type TileState } from "./board.ts";
import { type DayOfKind, HOURS, type Today } from "./today.ts";

const HOUR_MS = 3_600_000;

/** Of one kind. Times are epoch ms. */
export type KindBand = {
  kind: Kind;
  state: TileState;
  /** Made today. */
  made: number;
  /** When all of what is left will be used at today's pace, before it begins anew; null: not today, or nothing is known. */
  runsOutAt: number | null;
} & Pick<Capacity, "tokens" | "ready" | "busy" | "until" | "reason" | "left" | "credits">;

export type TokenCounts = Omit<ProviderTokens, "provider">;

/** Shares of 1 at the start of each hour until now, then now; `end`: where it leads until the end of the day. */
export type Level = { shares: number[]; end: number; of: Kind | null };

export type Band = { image: KindBand; video: KindBand; tokens: TokenCounts; level: Level };

export function bandOf(capacity: PoolCapacity, providers: readonly ProviderTokens[], today: Today, now: number): Band {
  const [image, video] = (["image", "video"] as const).map((kind) => kindOf(kind, capacity.kinds[kind], today.kinds[kind], now)) as [
    KindBand,
    KindBand,
  ];
  const tokens = countTokens(providers);
  return { image, video, tokens, level: levelOf({ image, video, tokens }, today, now) };
}

function kindOf(kind: Kind, capacity: Capacity, day: DayOfKind, now: number): KindBand {
  const { tokens, ready, busy, until, reason, left, credits } = capacity;
  return {
    ...{ kind, state: stateOf(capacity), tokens, ready, busy, until, reason, left, credits, made: day.served },
    runsOutAt: left === null || credits !== null ? null : runsOutAt(left.requests, day, now),
  };
}

/** Hours that count for the pace, the running one included. */
const PACE_HOURS = 3;

/** At the pace of the last hours; null: it lasts until the caps begin anew, at midnight in Los Angeles. */
export function runsOutAt(left: number, { hours }: Pick<DayOfKind, "hours">, now: number): number | null {
  const recent = hours.slice(-PACE_HOURS);
  const made = recent.reduce((sum, { served }) => sum + served, 0);
  // The running hour has only begun.
  const length = (recent.length - 1) * HOUR_MS + Math.max(1, now % HOUR_MS);
  if (made === 0) return null;
  const at = now + (left * length) / made;
  return at < nextPacificMidnight(now) ? at : null;
}

function countTokens(providers: readonly ProviderTokens[]): TokenCounts {
  const sum = { total: 0, healthy: 0, cooling: 0, blocked: 0, disabled: 0, partly: 0 };
  for (const one of providers) for (const name of Object.keys(sum) as (keyof TokenCounts)[]) sum[name] += one[name];
  return sum;
}

/** Of the kind that has least left; where nothing is known, the tokens that are ready. */
function levelOf({ image, video, tokens }: Pick<Band, "image" | "video" | "tokens">, today: Today, now: number): Level {
  const share = ({ left }: KindBand) => (left && left.of > 0 ? left.requests / left.of : Number.POSITIVE_INFINITY);
  const least = [image, video].filter(({ left }) => left && left.of > 0).sort((a, b) => share(a) - share(b))[0];
  const passed = Math.min(HOURS, Math.max(0, (now - today.from) / HOUR_MS));
  if (!least?.left) {
    const enabled = tokens.total - tokens.disabled;
    const ready = enabled === 0 ? 0 : tokens.healthy / enabled;
    return { shares: Array.from({ length: Math.floor(passed) + 2 }, () => ready), end: ready, of: null };
  }
  const { requests, of } = least.left;
  const { hours } = today.kinds[least.kind];
  const usedFrom = (hour: number) => hours.slice(hour).reduce((sum, { served }) => sum + served, 0);
  const at = (left: number) => Math.min(1, Math.max(0, left / of));
  const shares = [...hours.keys()].map((hour) => at(requests + usedFrom(hour)));
  const recent = hours.slice(-PACE_HOURS);
  const pace = recent.reduce((sum, { served }) => sum + served, 0) / Math.max(1, recent.length);
  return { shares: [...shares, at(requests)], end: at(requests - pace * (HOURS - passed)), of: least.kind };
}
