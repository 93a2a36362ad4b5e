// Cast of a simulated world: its tokens, keys and settings, and how its operator changes them, from the seed.

import { loadConfig } from "../../src/config/config.ts";
import type { Settings } from "../../src/config/settings-schema.ts";
import { type KeyLimits, type KeyRow, NO_LIMITS } from "../../src/domain/key.ts";
import type { TokenRow } from "../../src/domain/token.ts";
import { keyRow } from "../../src/gateway/limits/testing.ts";
import { tokenRow } from "../pool.ts";
import type { Dice } from "./chronicle.ts";
import { VIDEO_FAMILY } from "./clients.ts";

const IMAGE_FAMILIES = ["gemini-nano-banana-2.1", "gemini-3.1-flash-image", "gemini-3-pro-image"];
const STRATEGIES = ["least_busy", "round_robin", "random", "weighted", "fill_first", "most_credits"] as const;
const PROXIES = ["http://proxy-one:3128", "http://proxy-two:3128"];

/** A token with what the operator may choose of it. */
export function castToken(dice: Dice, id: number): TokenRow {
  const families = IMAGE_FAMILIES.filter(() => dice.chance(0.85));
  const caps = dice.chance(0.15) ? { requestsPerMinute: dice.between(2, 6) } : null;
  return {
    ...tokenRow(id, {
      provider: dice.chance(0.75) ? "gemini" : "flow",
      group: dice.chance(0.5) ? `project-${dice.between(1, 3)}` : null,
      families: [...families, ...(dice.chance(0.6) ? [VIDEO_FAMILY] : [])],
      tier: dice.pick([null, 0, 1, 2]),
      credits: dice.pick([null, 10, 1000]),
      proxy: dice.chance(0.2) ? dice.pick(PROXIES) : null,
      caps: dice.chance(0.08) ? { ...caps, group: { requestsPerMinute: dice.between(4, 10) } } : caps,
    }),
    ...chosen(dice),
  };
}

/** What an operator changes of a token that is there already. */
export const chosen = (dice: Dice) => ({
  enabled: dice.chance(0.93),
  imageEnabled: dice.chance(0.97),
  videoEnabled: dice.chance(0.95),
  imageConcurrency: dice.pick([1, 1, 2, 2, 3, 4, -1]),
  videoConcurrency: dice.pick([0, 1, 1, 2, -1]),
  weight: dice.between(0, 4),
  priority: dice.chance(0.8) ? 0 : 1,
});

export const castKey = (dice: Dice, id: number): KeyRow => keyRow({ id, limits: castLimits(dice) });

function castLimits(dice: Dice): KeyLimits {
  const maybe = (share: number, low: number, high: number) => (dice.chance(share) ? dice.between(low, high) : null);
  return {
    ...NO_LIMITS,
    rpm: maybe(0.4, 2, 40),
    concurrency: maybe(0.5, 1, 12),
    images: { day: maybe(0.2, 50, 600), month: maybe(0.1, 200, 6_000), total: maybe(0.05, 1_000, 9_000) },
    videoSeconds: { day: maybe(0.2, 8, 200), month: null, total: null },
    usd: { day: maybe(0.1, 5, 60), month: maybe(0.1, 40, 400), total: null },
  };
}

export const castSettings = (): Settings => structuredClone(loadConfig({ file: null, env: {}, flags: {} }).settings);

/** Changes the settings that act on pool and generations, in place, as the admin does. */
export function changeSettings(dice: Dice, { pool, generation }: Settings): void {
  pool.strategy = dice.pick(STRATEGIES);
  pool.wait_ms = dice.pick([0, 500, 5_000, 30_000, 30_000, 120_000]);
  pool.queue_limit = dice.pick([0, 3, 20, 200, 1_000]);
  generation.image_timeout = dice.pick([20, 60, 120, 300]);
  generation.max_attempts = dice.between(1, 6);
  generation.on_disconnect = dice.pick(["finish", "finish", "abort"]);
  generation.retry_unknown_images = dice.chance(0.1);
}
