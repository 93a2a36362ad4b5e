// Store contract: alert channels, incidents, and the outbox of messages about them.
import type { Json } from "../domain/generation.ts";

/** Where messages go. Times are epoch ms. */
export type NewChannel = {
  id: string;
  /** Of the table of channels, e.g. `telegram`. */
  kind: string;
  name: string;
  enabled: boolean;
  /** Rules whose incidents it is sent; empty: all. */
  rules: string[];
  /** Address, secrets and the rest by name; sealed at rest as a whole. */
  config: Record<string, string>;
  createdAt: number;
};

/** What the last attempts came to. */
export type ChannelState = {
  /** Of the last success. */
  okAt: number | null;
  /** Of the last failure since then; null: there was none. */
  failedAt: number | null;
  /** What the far side said then, without secrets. */
  error: string | null;
};

export type ChannelRow = NewChannel & ChannelState;

/** One condition from its beginning to its end. At most one of a rule and subject is without an end. */
export type IncidentRow = {
  id: string;
  rule: string;
  /** What the rule met, e.g. `key_invalid`. */
  subject: string;
  beganAt: number;
  endedAt: number | null;
  /** Nothing of it is left to be sent, and it has ended: never changed again. */
  settled: boolean;
  /** Figures and names for its words, and what was sent of it; opaque JSON of the gateway. */
  state: Json;
};

export type NewMessage = {
  /** The same on every attempt. */
  id: string;
  channelId: string;
  /** Title, text and the rest; opaque JSON of the gateway, without secrets. */
  payload: Json;
  createdAt: number;
};

/** A message of the outbox: waiting until it is sent or failed. */
export type MessageRow = NewMessage & {
  state: "waiting" | "sent" | "failed";
  attempts: number;
  /** Epoch ms of the next attempt; null when there is none. */
  nextAt: number | null;
  endedAt: number | null;
  /** What the far side said last, without secrets. */
  error: string | null;
};

export type MessageChange = Pick<MessageRow, "state" | "attempts" | "nextAt" | "endedAt" | "error">;

/** Times are epoch ms. */
export type MessageClaim = { now: number; limit: number; until: number; except?: readonly string[] };

export interface AlertStore {
  /** Oldest first. */
  listChannels(): Promise<ChannelRow[]>;
  /** Makes or replaces one; its state stays. */
  putChannel(channel: NewChannel): Promise<void>;
  /** Its messages go with it. */
  deleteChannel(id: string): Promise<void>;
  /** Skips a channel that is gone; fields left out stay. */
  updateChannelState(id: string, state: Partial<ChannelState>): Promise<void>;

  /**
   * Makes or replaces incidents and adds messages about them, in one transaction: safe from a power failure. Messages of channels that are
   * gone are skipped.
   * @throws {AppError} `conflict` when another incident of the same rule and subject has no end; nothing is written then
   */
  saveIncidents(incidents: readonly IncidentRow[], messages: readonly NewMessage[]): Promise<void>;
  /** Those that are not settled, oldest first. */
  listUnsettledIncidents(): Promise<IncidentRow[]>;
  /** Newest first. `before` is the last id of the page before; one that is gone: an empty page. */
  listIncidents(query: { limit: number; before?: string; since?: number }): Promise<IncidentRow[]>;

  /**
   * Waiting messages due at `now`, earliest first, then in the order in which they were added, each put off until `until`: who asks next
   * does not get it before that. None of the channels `except`.
   */
  claimMessages(claim: MessageClaim): Promise<MessageRow[]>;
  /** When the next waiting message of other channels than `except` is due, epoch ms; null: none waits. */
  nextMessageAt(except?: readonly string[]): Promise<number | null>;
  /** One that is gone is skipped. */
  updateMessage(id: string, change: MessageChange): Promise<void>;
  /** Newest first. */
  listMessages(query: { limit: number; channelId?: string }): Promise<MessageRow[]>;

  /** Deletes at most `limit` settled incidents and ended messages each that ended before `time`; returns how many. */
  deleteAlertsBefore(time: number, limit: number): Promise<number>;
}
