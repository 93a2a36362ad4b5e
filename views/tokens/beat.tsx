// Heartbeat strip of a token: up is served, height is how many; down is failed; amber cools, red is blocked, grey is no traffic.
import type { Beat } from "../../src/gateway/tokens/heartbeat.ts";
import type { TokenRowFacts } from "../../src/gateway/tokens/row-facts.ts";
import type { View } from "../ui/view.ts";

const [STEP, AXIS, UP, DOWN] = [4, 15, 14, 6];
/** Fewer calls than this in the busiest half-hour fill no strip. */
const LEAST = 4;

export function BeatStrip({ view, facts: { beats, word } }: { view: View; facts: Pick<TokenRowFacts, "beats" | "word"> }) {
  const most = Math.max(LEAST, ...beats.map(({ served, failed }) => served + failed));
  const path = (draw: (beat: Beat) => string) => beats.map((beat, place) => at(place, draw(beat))).join("");
  const up = path(({ served }) => (served > 0 ? `${AXIS}v-${height(served, most, UP)}` : ""));
  const down = path(({ failed, held }) => (failed > 0 ? `17v${height(failed, most, DOWN)}` : held === "blocked" ? "17v1.5" : ""));
  const cool = path(({ held }) => (held === "cooling" ? "17v2" : ""));
  const none = path(({ served, failed, held }) => (served + failed === 0 && held === null ? `${AXIS}v1` : ""));
  return (
    <svg class="beat" viewBox="0 0 192 24" preserveAspectRatio="none" role="img" aria-label={view.t.tokens.beats[word]}>
      {up && <path class="a" d={up} />}
      {down && <path class="b" d={down} />}
      {cool && <path class="c" d={cool} />}
      {none && <path class="z" d={none} />}
    </svg>
  );
}

const at = (place: number, drawn: string): string => (drawn === "" ? "" : `M${place * STEP + 2} ${drawn}`);

const height = (count: number, most: number, full: number): number => Math.max(1, Math.round((count / most) * full));
