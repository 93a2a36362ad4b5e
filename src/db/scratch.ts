// Store contract: scratch values that every node may need for minutes: previews of imports, notices, responses to be repeated.
import type { Json } from "../domain/generation.ts";

export interface ScratchStore {
  /** Writes the value, or over it. Sealed at rest: it may carry a secret. */
  putScratch(name: string, value: Json, expiresAt: number): Promise<void>;
  /** Writes the value where there is none, or one that has expired, and resolves with null; else with the value that is there. */
  claimScratch(name: string, value: Json, times: { expiresAt: number; now: number }): Promise<Json | null>;
  /** Null: there is none, or it has expired. */
  getScratch(name: string, now: number): Promise<Json | null>;
  /** The value, which is gone from then on: of several that take it one gets it. */
  takeScratch(name: string, now: number): Promise<Json | null>;
  deleteScratch(name: string): Promise<void>;
  /** Says how many went. */
  deleteScratchBefore(now: number): Promise<number>;
}
