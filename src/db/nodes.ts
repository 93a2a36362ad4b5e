// Store contract: nodes, the processes that work on one store: heartbeat, death, and what is taken over from a dead one.
import type { Json } from "../domain/generation.ts";
import type { JobRow } from "./jobs.ts";
import type { Reservation } from "./ledger.ts";

/** `left`: it has stopped by itself. Of a dead one, or one that left, nothing is accepted any more. */
export type NodeState = "serving" | "draining" | "dead" | "left";

/** A process on this store. Its id is new at each start, so that it fences: an action of a dead node is refused. */
export type NodeRow = {
  id: number;
  state: NodeState;
  /** Where other nodes reach it; null: they cannot. */
  url: string | null;
  version: string;
  /** Of the store's clock, epoch ms. */
  startedAt: number;
  beatAt: number;
  /** What it reports of itself; opaque JSON of the gateway. */
  gauges: Json;
};

/** Jobs that have not ended, or whose reservation is open, oldest first; and open reservations, of these and of others. */
export type Inheritance = { jobs: JobRow[]; reservations: Reservation[] };

export interface NodeStore {
  /** A new node. `now`: the store's clock. Where one process owns the store, every earlier node is dead from then on. */
  joinNode(node: Pick<NodeRow, "url" | "version">): Promise<{ id: number; now: number }>;
  /** Reports that it lives. `isDraining`: the operator wants it to stop serving. Null: it is dead or has left, and must not go on. */
  beatNode(id: number, gauges: Json): Promise<{ now: number; isDraining: boolean } | null>;
  /** Nodes heard of within a day, the newest first. */
  listNodes(): Promise<NodeRow[]>;
  /** The node is to stop serving, or to serve again. False: it is not there any more. */
  drainNode(id: number, isDraining: boolean): Promise<boolean>;
  /** It has stopped. What is still its own can be taken over at once. */
  leaveNode(id: number): Promise<void>;
  /**
   * Declares nodes dead that were not heard of for `silentMs` of the store's clock, and gives `me` what dead nodes and those that left
   * still own, with their slots given back. Each is taken over by one node only. Nothing when `me` is dead itself.
   */
  takeOver(me: number, silentMs: number): Promise<Inheritance>;
  /** Gives up this job, or all that have not ended, with their reservations: `claimJobs` of any node takes them. Resolves with how many. */
  handOver(me: number, jobId?: string): Promise<number>;
  /** Takes at most `limit` jobs that were handed over, oldest first. Nothing when `me` is dead. */
  claimJobs(me: number, limit: number): Promise<Inheritance>;
}
