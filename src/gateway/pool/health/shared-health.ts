// Shared health: saves changes over the version that they were made on, and takes in what other nodes have saved.
import type { Store } from "../../../db/store.ts";
import type { HealthChange, HealthRow, TokenRow } from "../../../domain/token.ts";
import type { Announcer } from "../../nodes/announcer.ts";
import { mergeHealth } from "./merge-health.ts";

/** What it needs of the pool. */
export interface HealthHolder {
  /** As it would be stored now; null also for a token that is gone. */
  storedHealth(id: number): unknown;
  /** Takes what is stored. `isNews`: it is to be saved, because it is not what is stored. */
  takeHealth(id: number, health: unknown, isNews: boolean): void;
}

type Dependencies = {
  store: Pick<Store, "saveHealth" | "listHealth">;
  holder: () => HealthHolder;
  announcer: Pick<Announcer, "tell">;
};

export class SharedHealth {
  /** As this node last saw it stored, by token. */
  readonly #known = new Map<number, Pick<HealthRow, "health" | "version">>();

  constructor(private readonly deps: Dependencies) {}

  /** As `Store.saveHealth`; what another node has changed meanwhile is merged, and saved again soon. */
  readonly save = async (changes: readonly HealthChange[]): Promise<void> => {
    const made = changes.map((change) => ({ ...change, version: this.#known.get(change.id)?.version ?? 0 }));
    const refused = await this.deps.store.saveHealth(made);
    const others = new Set(refused.map(({ id }) => id));
    const saved = made.filter(({ id }) => !others.has(id));
    for (const { id, health, version } of saved) this.#known.set(id, { health, version: version + 1 });
    this.deps.announcer.tell({ health: saved.map(({ id }) => id) });
    for (const row of refused) this.#take(row);
  };

  /** After the pool has loaded these rows: their versions, and the health of those that changed. */
  async load(rows: readonly Pick<TokenRow, "id">[]): Promise<void> {
    for (const row of await this.deps.store.listHealth(rows.map(({ id }) => id))) {
      if (this.#known.has(row.id)) this.#take(row);
      else this.#known.set(row.id, row);
    }
  }

  /** Other nodes have saved the health of these tokens. */
  async take(ids: readonly number[]): Promise<void> {
    for (const row of await this.deps.store.listHealth(ids)) this.#take(row);
  }

  /** Of all known tokens. */
  takeAll(): Promise<void> {
    return this.take([...this.#known.keys()]);
  }

  #take(row: HealthRow): void {
    const known = this.#known.get(row.id);
    if (known && known.version >= row.version) return;
    const { holder } = this.deps;
    const merged = mergeHealth(known?.health, holder().storedHealth(row.id), row.health);
    this.#known.set(row.id, row);
    holder().takeHealth(row.id, merged, !Bun.deepEquals(merged, row.health));
  }
}
