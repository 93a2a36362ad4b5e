// Node: this process among those on the store: joins at the start, leaves at the end. Its id marks what it owns.
import type { Inheritance, NodeStore } from "../../db/nodes.ts";

/** What owns reservations and jobs: 0 before {@link Node.join}. */
export type NodeIdentity = { readonly id: number };

/** Of a program without nodes, and of tests. */
export const NO_NODE: NodeIdentity = { id: 0 };

type Dependencies = {
  store: Pick<NodeStore, "joinNode" | "leaveNode" | "takeOver">;
  version: string;
  /** Where other nodes reach this one; null: they cannot. */
  url: string | null;
};

/** A node that was not heard of for this time is dead, by the store's clock. */
const DEAD_AFTER_MS = 10_000;

export class Node implements NodeIdentity {
  #id = 0;

  constructor(private readonly deps: Dependencies) {}

  get id(): number {
    return this.#id;
  }

  /** Becomes a node. Resolves with what dead ones have left. */
  async join(): Promise<Inheritance> {
    const { store, url, version } = this.deps;
    const { id } = await store.joinNode({ url, version });
    this.#id = id;
    return store.takeOver(id, DEAD_AFTER_MS);
  }

  /** Everything is on record. */
  leave(): Promise<void> {
    return this.deps.store.leaveNode(this.#id);
  }
}
