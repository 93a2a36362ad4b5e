// Store contract: what several nodes decide together. A store that one process owns has none of it: memory decides there.
import type { Kind } from "../domain/generation.ts";
import type { LoginTry } from "../domain/login-failures.ts";

/** The operator's own caps, shared by the calls of a token, a group, or one of their models; null: none. */
export type SlotCap = {
  /** `token 3`, `token 3 nano`, `group gemini alpha`, … */
  counter: string;
  /** In any 60 s. */
  requestsPerMinute: number | null;
  imagesPerMinute: number | null;
  /** Until `SlotRequest.dayUntil`. Millionths of a dollar. */
  requestsPerDay: number | null;
  microUsdPerDay: number | null;
};

export type SlotCandidate = {
  tokenId: number;
  /** Calls of the kind at once, over all nodes; null: any number. They are counted in any case. */
  limit: number | null;
  /** What the call counts against; empty: nothing. */
  caps: readonly SlotCap[];
};

/** Asks for a slot of the first candidate that has one. At most three, best first. */
export type SlotRequest = {
  kind: Kind;
  candidates: readonly SlotCandidate[];
  /** Reserved against caps. */
  images: number;
  microUsd: number;
  /** End of the day of caps, epoch ms. */
  dayUntil: number;
  /** Whose call it is for. Where its reservation is asked for at the same time and is refused, no slot is taken. */
  requestId?: string;
};

/** `spend`: names what was reserved against caps; null: the candidate had none. */
export type Slot = { tokenId: number; spend: number | null };

/** `full`: no candidate has room. `limit`: the request's reservation was refused. `node`: the asking node is dead. */
export type SlotOutcome = Slot | { refused: "full" | "limit" | "node" };

/** A slot is given back; once. */
export type SlotEnd = Slot & {
  kind: Kind;
  /** What counts against caps from now on; null: the call was never made, and does not count. */
  used: { images: number; microUsd: number } | null;
};

/** Calls of a kind with a token. */
export type HeldSlots = { tokenId: number; kind: Kind; count: number };

/** Failures of logins, counted over all nodes. */
export interface LoginCounts {
  /** Counts a try unless it comes too early: of several at once each sees those before it. Resolves with the ms to wait; 0: counted. */
  countLoginTry(tried: LoginTry): Promise<number>;
  /** After a success: takes away the failures of its account, and of no other. */
  endLoginFailures(tried: LoginTry): Promise<void>;
}

export interface SharedStore extends LoginCounts {
  /** In order. One transaction over the batch, not durable against the death of the machine. */
  takeSlots(node: number, batch: readonly SlotRequest[]): Promise<SlotOutcome[]>;
  giveSlots(node: number, batch: readonly SlotEnd[]): Promise<void>;
  /**
   * The node holds exactly this: further slots that the store counts for it go back, and so does what was reserved against caps under other
   * names. For when an answer was lost, so that nobody knows whether its action took effect.
   */
  correctSlots(node: number, held: readonly HeldSlots[], spends: readonly number[]): Promise<void>;
  /** These reservations stay open, but hold none of their key's concurrency any more. */
  releaseConcurrency(reservations: readonly number[]): Promise<void>;

  /** True: the name is this node's until it unlocks it; it is taken from a dead node, and after `maxMs` from any. */
  tryLock(node: number, name: string, maxMs: number): Promise<boolean>;
  unlock(node: number, name: string): Promise<void>;

  /** Tells every node, this one too, at once and at most once: a poll stands behind whatever is told. At most 7,000 bytes. */
  notify(message: string): Promise<void>;
  /** `onMessage` from then on; `onReady` now and after each time that messages may have been lost. Resolves with the way to stop. */
  listen(onMessage: (message: string) => void, onReady: () => void): Promise<() => Promise<void>>;

  /** Unlogged: a crash of the store may lose them. Says how many went. */
  deleteLoginFailuresBefore(at: number): Promise<number>;
}
