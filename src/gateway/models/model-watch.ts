// ModelWatch: logs models without a price and retirements that are near, each once.

import type { Log } from "../../log.ts";
import type { Pool } from "../pool/pool.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import { type Retirement, retirementsOf } from "./list-models.ts";

const DAY_MS = 86_400_000;

type Dependencies = {
  catalogue: () => Catalogue;
  pool: Pick<Pool, "canServe">;
  log: Log;
  /** Epoch ms. */
  now(): number;
};

export class ModelWatch {
  /** What was checked last. */
  #seen: { catalogue: Catalogue; day: number } | null = null;
  #unpriced = "";
  readonly #told = new Set<string>();

  constructor(private readonly deps: Dependencies) {}

  /** Checks the catalogue; once a day, and after it has changed. */
  check(): void {
    const { catalogue, pool, now } = this.deps;
    const current = catalogue();
    const day = Math.floor(now() / DAY_MS);
    if (this.#seen?.catalogue === current && this.#seen.day === day) return;
    this.#seen = { catalogue: current, day };
    this.#checkPrices(current);
    for (const retirement of retirementsOf(current, pool, now())) this.#tell(retirement);
  }

  #checkPrices(catalogue: Catalogue): void {
    const all = [...catalogue.families("image"), ...catalogue.families("video")].filter(({ isOff }) => !isOff);
    const models = all.filter(({ providers }) => Object.values(providers).some(({ price }) => price.isAssumed)).map(({ id }) => id);
    if (models.join() !== this.#unpriced && models.length > 0)
      this.deps.log.warn("Models without a price cost the dearest of their kind", { models });
    this.#unpriced = models.join();
  }

  #tell({ family, provider, day, daysLeft, stage }: Retirement): void {
    const key = `${family} ${provider} ${day} ${stage}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    if (stage === "over") this.deps.log.warn("A model has retired", { model: family, provider, day });
    else this.deps.log.warn("A model retires soon", { model: family, provider, day, daysLeft });
  }
}
