// What is made once for this process among those on the store: node, news, slots and health that are shared.
import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { Log } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { Announcer } from "../nodes/announcer.ts";
import { Node } from "../nodes/node.ts";
import { NodeHop } from "../nodes/node-hop.ts";
import { StoreSlots } from "../nodes/slot-arbiter.ts";
import { TokenTurns } from "../nodes/token-turns.ts";
import { type HealthHolder, SharedHealth } from "./health/shared-health.ts";

export type NodeParts = {
  /** This process among those on the store. */
  node: Node;
  announcer: Announcer;
  /** Slots of tokens that nodes share; null: there are no other nodes. */
  slots: StoreSlots | null;
  sharedHealth: SharedHealth | null;
  turns: TokenTurns | null;
  /** Sends requests on to the node that holds what they are about. */
  hop: NodeHop;
};

type Options = {
  settings: Pick<Settings, "server">;
  store: Store;
  clock: Clock;
  log: Log;
  pool: () => HealthHolder;
  /** Shared by all nodes. */
  sessionSecret: Uint8Array;
};

/** On SQLite there are no other nodes. */
export function createNodeParts({ settings, store, clock, log, pool, sessionSecret }: Options): NodeParts {
  const node = new Node({ store, clock, log, url: settings.server.node_url || null, version: VERSION });
  const { shared } = store;
  const announcer = new Announcer({ shared, node, clock, log });
  const onGiven = () => announcer.tell({ slots: true });
  return {
    node,
    announcer,
    slots: shared && new StoreSlots({ shared, node, clock, log, onGiven }),
    turns: shared && new TokenTurns({ shared, node, announcer, clock }),
    hop: new NodeHop({ node, store, secret: sessionSecret, clock, log }),
    sharedHealth: shared && new SharedHealth({ store, holder: pool, announcer }),
  };
}

/** A job came to a node that stops: others take it. What runs here goes on. */
export function giveAway({ node, announcer }: Pick<NodeParts, "node" | "announcer">, jobId: string, log: Log): void {
  if (!node.isShared) return;
  node.handOver(jobId).then(
    () => announcer.tell({ handedOver: true }),
    (error) => log.error("A job could not be handed over", { jobId, error }),
  );
}
