// Gathers what the rules look at: needs each time, keys' and tokens' limits twice a minute.
import type { Settings } from "../../config/settings-schema.ts";
import type { Keys } from "../keys/keys.ts";
import type { Limits } from "../limits/limits.ts";
import type { MediaStore } from "../media/contract.ts";
import type { CatalogueLayers } from "../models/catalogue/layers.ts";
import { retirementsOf } from "../models/list-models.ts";
import type { PoolCapacity } from "../pool/capacity.ts";
import type { Pool } from "../pool/pool.ts";
import { countedFamilies } from "../reports/board.ts";
import type { NeedFacts } from "../reports/needs.ts";
import { needsOf } from "../reports/needs.ts";
import type { Signal } from "./facts.ts";
import type { NodeFigures } from "./node-figures.ts";
import { type OutcomeWindow, shareOf } from "./outcome-window.ts";
import { type SignalFacts, signalsOf } from "./signals.ts";

export type SignalDependencies = {
  readNeedFacts(): Promise<NeedFacts>;
  pool: Pick<Pool, "readCapUses" | "canServe" | "readCapacity" | "hasCaps">;
  keys: Pick<Keys, "rows">;
  limits: Pick<Limits, "usage">;
  media: Pick<MediaStore, "freeBytes">;
  models: Pick<CatalogueLayers, "current">;
  outcomes: Pick<OutcomeWindow, "sums">;
  /** What other nodes report of themselves; absent: there are none. */
  others?: () => Promise<NodeFigures[]>;
  backup(): { madeAt: number | null; since: number };
  settings: () => Settings;
  now: () => number;
};

/** Walking ten thousand keys is not done every five seconds. */
const LIMITS_MS = 30_000;

/** Reads everything that the rules look at, each time it is called. */
export function createSignalReader(deps: SignalDependencies): () => Promise<Signal[]> {
  let walked: { at: number } & Pick<SignalFacts, "keys" | "caps" | "imagesLeft"> = { at: 0, keys: [], caps: [], imagesLeft: null };
  return async () => {
    const { pool, limits, media, models, outcomes, now } = deps;
    const { alerts } = deps.settings();
    const [own, others] = await Promise.all([deps.readNeedFacts(), deps.others?.() ?? []]);
    const leastFree = Math.min(media.freeBytes(), ...others.map(({ freeBytes }) => freeBytes));
    // 0 where the operator wants to hear nothing of it.
    const facts = { ...own, freeBytes: Math.min(own.freeBytes, leastFree) };
    if (Math.abs(now() - walked.at) >= LIMITS_MS) {
      const keys = deps.keys.rows().filter(({ enabled, limits: own }) => enabled && hasLimit(own));
      walked = {
        at: now(),
        keys: keys.map((key) => ({ key, usage: limits.usage(key.id) })),
        caps: await pool.readCapUses(alerts.limit_percent / 100),
        // Without caps nothing is counted down, and ten thousand tokens need not be walked.
        imagesLeft: pool.hasCaps() ? imagesLeft(await pool.readCapacity(countedFamilies(models.current()))) : null,
      };
    }
    return signalsOf(
      {
        needs: needsOf(facts),
        providers: facts.held.providers,
        ...walked,
        failures: shareOf([outcomes.sums(alerts.error_minutes), ...others]),
        freeBytes: leastFree,
        backup: { ...deps.backup(), error: facts.failedBackup?.error ?? null },
        retirements: retirementsOf(models.current(), pool, now(), alerts.retire_days),
        failingChannels: facts.failingChannels,
      },
      alerts,
      now(),
    );
  };
}

/** Tokens that serve no image have nothing left of it either. */
const imagesLeft = ({ kinds: { image } }: PoolCapacity): number | null => (image.tokens === 0 ? null : (image.left?.requests ?? null));

const hasLimit = ({ images, videoSeconds, usd }: SignalFacts["keys"][number]["key"]["limits"]): boolean =>
  [images, videoSeconds, usd].some(({ day, month, total }) => day !== null || month !== null || total !== null);
