// Heartbeat of a token: 48 half-hours, each with the calls that were served and failed, and whether the token was held back. Pure.

import type { TokenBeat } from "../../db/ledger.ts";
import { BEAT_MS, type CooldownRow } from "../../domain/token.ts";
import { HEALTH_REASONS, isHealthReason } from "../pool/health/reasons.ts";
import type { PoolTokenView } from "../pool/snapshot.ts";

export const BEATS = 48;

/** `held`: the token, or one of its models, cooled; or it was blocked as a whole. */
export type Beat = { served: number; failed: number; held: "cooling" | "blocked" | null };

export type Heartbeat = Beat[];

/** Start of the first half-hour that is shown, epoch ms. */
export const firstBeat = (now: number): number => now - (now % BEAT_MS) - (BEATS - 1) * BEAT_MS;

type Known = { beats: readonly TokenBeat[]; cooldowns: readonly CooldownRow[]; view: Pick<PoolTokenView, "health" | "models"> };

/** @param known calls and cooldowns of this token and its group, in any order */
export function heartbeatOf({ beats, cooldowns, view }: Known, now: number): Heartbeat {
  const start = firstBeat(now);
  const strip: Heartbeat = Array.from({ length: BEATS }, () => ({ served: 0, failed: 0, held: null }));
  const placeOf = (time: number) => Math.floor((time - start) / BEAT_MS);
  for (const { at, served, failed } of beats) {
    const beat = strip[placeOf(at)];
    if (beat) Object.assign(beat, { served, failed });
  }
  const hold = (from: number, to: number, held: "cooling" | "blocked") => {
    const last = Math.min(BEATS - 1, placeOf(to));
    for (let place = Math.max(0, placeOf(from)); place <= last; place++) if (strip[place]!.held !== "blocked") strip[place]!.held = held;
  };
  for (const cooldown of cooldowns) hold(cooldown.at, endOf(cooldown, strip, { start, now }), isBlock(cooldown) ? "blocked" : "cooling");
  // What lasts is known, whatever the history has.
  const { health, models } = view;
  if (health.since !== null && health.state === "blocked") hold(health.since, now, "blocked");
  if (health.since !== null && health.state === "cooling") hold(health.since, now, "cooling");
  for (const { since } of models) if (since !== null) hold(since, now, "cooling");
  return strip;
}

const isBlock = ({ family, reason }: CooldownRow): boolean =>
  family === null &&
  isHealthReason(reason) &&
  typeof HEALTH_REASONS[reason].effect === "object" &&
  HEALTH_REASONS[reason].effect.state === "blocked";

/** Ends by itself at its time; earlier where a call was served meanwhile: an operator or a success has ended it. */
function endOf({ at, until }: CooldownRow, strip: Heartbeat, { start, now }: { start: number; now: number }): number {
  const end = Math.min(until ?? now, now);
  const first = Math.max(0, Math.floor((at - start) / BEAT_MS) + 1);
  for (let place = first; place < BEATS; place++) {
    const time = start + place * BEAT_MS;
    if (time > end) break;
    if (strip[place]!.served > 0) return time - 1;
  }
  return end;
}

/** What the strip says in a word, for who cannot see it. */
export function wordOf(strip: Heartbeat): "quiet" | "well" | "some" | "cooling" | "failing" {
  const last = strip.at(-1)!;
  if (last.held === "blocked") return "failing";
  if (last.held === "cooling") return "cooling";
  const [served, failed] = [strip.reduce((sum, beat) => sum + beat.served, 0), strip.reduce((sum, beat) => sum + beat.failed, 0)];
  if (served + failed === 0) return "quiet";
  if (served === 0) return "failing";
  return failed === 0 ? "well" : "some";
}
