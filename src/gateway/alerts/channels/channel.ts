// Channel contract: what one kind of channel asks of the operator, how it writes a message, and how it reads the reply.

/** A field of a channel's configuration. */
export type ChannelField = {
  name: FieldName;
  /** Never shown again: addresses of channels hold their secret. */
  secret: boolean;
  required: boolean;
  /** What it has to be. */
  form: "url" | "whole" | "text";
  /** Where it is left empty. */
  fallback?: string;
};

export type FieldName = "url" | "secret" | "token" | "chat" | "thread" | "topic" | "device" | "minutes";

export type ChannelConfig = Readonly<Partial<Record<FieldName, string>>>;

/** A message as it is stored, in the language it is sent in. Times are epoch ms. */
export type AlertMessage = {
  title: string;
  /** One line an incident. */
  lines: string[];
  urgent: boolean;
  /** Every incident in it has ended. */
  isOver: boolean;
  /** Page of the admin; null: the server's public address is not set. */
  url: string | null;
  at: number;
  /** For programs. */
  incidents: {
    id: string;
    rule: string;
    subject: string;
    telling: string;
    headline: string;
    began_at: string;
    ended_at: string | null;
    facts: Record<string, unknown>;
  }[];
};

export type ChannelCall = { method: "GET" | "POST"; url: string; headers: Record<string, string>; body?: string };

/** What a far side replied. */
export type ChannelReply = { status: number; text: string; headers: Headers };

/** `retry`: the same message may succeed later, after `afterMs` where the far side names a time. `said`: its own words. */
export type Verdict = { ok: true } | { ok: false; said: string; retry: boolean; afterMs?: number };

export type Channel = {
  fields: readonly ChannelField[];
  /** Messages that the far side takes in a minute. */
  perMinute: number;
  /** @param id of the message, the same on every attempt. @param now epoch ms */
  call(message: AlertMessage, config: ChannelConfig, context: { id: string; now: number }): ChannelCall;
  verdict(reply: ChannelReply): Verdict;
};
