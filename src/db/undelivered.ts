// Store contract: undelivered outcomes, one row each.
import type { Json } from "../domain/generation.ts";

export type UndeliveredRow = {
  id: string;
  keyId: number;
  /** Request that made it. */
  requestId: string;
  /** Of the decoded request. */
  hash: string;
  /** Epoch ms from which on it is offered. */
  at: number;
  /** Opaque JSON of the gateway. */
  outcome: Json;
  /** The node whose client it was; absent: 0. */
  node?: number;
};

export interface UndeliveredStore {
  /** Writes the row, or writes over it. */
  putUndelivered(row: UndeliveredRow): Promise<void>;
  deleteUndelivered(id: string): Promise<void>;
  /** Oldest first. */
  listUndelivered(): Promise<UndeliveredRow[]>;
}
