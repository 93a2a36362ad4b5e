// Outbox: sends stored messages, each at least once, with pauses between attempts and no faster than a channel bears.
import type { Clock } from "../../clock.ts";
import type { AlertStore, ChannelRow, MessageChange, MessageRow } from "../../db/alerts.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { GuardedSend } from "../media/ssrf-guard.ts";
import type { AlertMessage, Verdict } from "./channels/channel.ts";
import { ATTEMPT_MS, sendMessage } from "./channels/send.ts";
import { channelOf, isChannelKind } from "./channels/table.ts";

export type OutboxDependencies = {
  store: Pick<AlertStore, "listChannels" | "claimMessages" | "nextMessageAt" | "updateMessage" | "updateChannelState">;
  guardedSend: GuardedSend;
  clock: Clock;
  log: Log;
  /** Of several nodes one sends, so that a channel gets no more than it bears. Default: this one. */
  isOwner?: () => boolean;
  /** What a channel is like has changed. */
  onAttempt?: () => void;
};

/** Pauses between attempts, ms; the last one is repeated. */
const PAUSES_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
/** A message that could not be sent for so long is given up, ms. */
const GIVE_UP_MS = 24 * 3_600_000;
/** For how long a claim holds, ms: what is not begun an attempt before its end is left to the next claim. */
const CLAIM_MS = 4 * ATTEMPT_MS;
/** What waits behind a failed attempt is tried after this at the latest, ms: the far side may have refused that message alone. */
const BEHIND_MS = 30_000;
const CLAIMED = 20;
const MINUTE_MS = 60_000;
/** Checked at least this often. */
const IDLE_MS = 30_000;

export class Outbox {
  readonly #stopping = new AbortController();
  /** Times of sends of the last minute, by channel. */
  readonly #sends = new Map<string, number[]>();
  /** Channels that messages are sent through now: none is claimed for them meanwhile. */
  readonly #sending = new Map<string, Promise<void>>();
  #working: Promise<void> | null = null;
  #isDirty = false;
  #started = false;
  #cancelTimer = () => {};

  constructor(private readonly deps: OutboxDependencies) {}

  start(): void {
    this.#started = true;
    this.wake();
  }

  /** A message may be due. */
  wake(): void {
    if (!this.#started || this.#stopping.signal.aborted) return;
    this.#isDirty = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#isDirty) this.wake();
    });
  }

  /** Ends attempts under way; what was not sent is sent after the next start. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#isDirty = false;
    this.#stopping.abort(new AppError("cancelled", "The server is stopping."));
    this.#cancelTimer();
    await this.#working;
    await Promise.all(this.#sending.values());
  }

  async #work(): Promise<void> {
    const { clock, store, log } = this.deps;
    this.#cancelTimer();
    let pause = IDLE_MS;
    try {
      this.#isDirty = false;
      const isOwner = this.deps.isOwner?.() !== false;
      while (isOwner && !this.#stopping.signal.aborted && (await this.#sendDue()) > 0);
      const next = isOwner ? await store.nextMessageAt([...this.#sending.keys()]) : null;
      if (next !== null) pause = Math.min(IDLE_MS, Math.max(next - clock.now(), 100));
    } catch (error) {
      log.error("Alert messages could not be read or recorded", { error });
    }
    if (!this.#stopping.signal.aborted) this.#cancelTimer = clock.after(pause, () => this.wake());
  }

  /** Begins to send what is due, channel beside channel, each in order: one that hangs holds up no other. Returns how many were due. */
  async #sendDue(): Promise<number> {
    const { clock, store, log } = this.deps;
    const now = clock.now();
    const until = now + CLAIM_MS;
    const due = await store.claimMessages({ now, limit: CLAIMED, until, except: [...this.#sending.keys()] });
    if (due.length === 0) return 0;
    const channels = new Map((await store.listChannels()).map((channel) => [channel.id, channel]));
    for (const [channelId, messages] of Map.groupBy(due, ({ channelId }) => channelId)) {
      const sending = this.#sendAll(messages, channels.get(channelId), until)
        .catch((error) => log.error("Alert messages could not be recorded", { error }))
        .finally(() => {
          this.#sending.delete(channelId);
          this.wake();
        });
      this.#sending.set(channelId, sending);
    }
    return due.length;
  }

  async #sendAll(messages: readonly MessageRow[], channel: ChannelRow | undefined, until: number): Promise<void> {
    const { clock } = this.deps;
    for (const [at, message] of messages.entries()) {
      // What is left comes due when the claim ends.
      if (this.#stopping.signal.aborted || clock.now() > until - ATTEMPT_MS) return;
      const retryAt = await this.#attempt(message, channel);
      if (retryAt === null) continue;
      const behind = Math.min(retryAt, clock.now() + BEHIND_MS);
      for (const other of messages.slice(at + 1)) await this.#putOff(other, behind);
      return;
    }
  }

  /** Null: it is sent, or will never be. Else when this channel is to be tried again, epoch ms. */
  async #attempt(message: MessageRow, channel: ChannelRow | undefined): Promise<number | null> {
    const { clock, store, log, guardedSend, onAttempt } = this.deps;
    if (!channel || !isChannelKind(channel.kind)) {
      await this.#end(message, failed(message.attempts, clock.now(), "The channel is gone."));
      return null;
    }
    const notBefore = channel.enabled ? this.#roomAt(channel.id, channelOf(channel.kind).perMinute) : clock.now() + MINUTE_MS;
    if (notBefore > clock.now()) {
      await this.#putOff(message, notBefore);
      return notBefore;
    }
    this.#sends.get(channel.id)?.push(clock.now());
    const target = { kind: channel.kind, config: channel.config };
    const options = { message: message.payload as unknown as AlertMessage, id: message.id, stopping: this.#stopping.signal };
    const verdict = await sendMessage({ guardedSend, clock }, target, options);
    // Cut by a stop of the server: sent again after the next start.
    if (!verdict.ok && this.#stopping.signal.aborted) return null;
    const now = clock.now();
    await store.updateChannelState(channel.id, stateAfter(verdict, now));
    const change = changeAfter(verdict, message, now);
    if (change.state === "failed") log.warn("An alert message could not be sent", { channel: channel.name, attempts: change.attempts });
    await this.#end(message, change);
    onAttempt?.();
    return change.nextAt;
  }

  #end(message: MessageRow, change: MessageChange): Promise<void> {
    return this.deps.store.updateMessage(message.id, change);
  }

  /** Without an attempt: the channel is switched off, or has had its share of the minute. */
  #putOff({ id, attempts, createdAt, error }: MessageRow, nextAt: number): Promise<void> {
    const now = this.deps.clock.now();
    const isOld = now - createdAt >= GIVE_UP_MS;
    return this.deps.store.updateMessage(
      id,
      isOld
        ? failed(attempts, now, error ?? "It was never sent: the channel was switched off.")
        : { state: "waiting", attempts, nextAt, endedAt: null, error },
    );
  }

  /** Epoch ms from which on a channel takes one more; in the past: now. */
  #roomAt(channelId: string, perMinute: number): number {
    const now = this.deps.clock.now();
    const sends = (this.#sends.get(channelId) ?? []).filter((time) => now - time < MINUTE_MS && time <= now);
    this.#sends.set(channelId, sends);
    return sends.length < perMinute ? 0 : sends[sends.length - perMinute]! + MINUTE_MS;
  }
}

const failed = (attempts: number, now: number, error: string): MessageChange => ({
  ...{ state: "failed", attempts, nextAt: null, endedAt: now, error },
});

/** What a message becomes by an attempt. Pure. */
export function changeAfter(
  verdict: Verdict,
  { attempts: before, createdAt }: Pick<MessageRow, "attempts" | "createdAt">,
  now: number,
): MessageChange {
  const attempts = before + 1;
  if (verdict.ok) return { state: "sent", attempts, nextAt: null, endedAt: now, error: null };
  const pause = Math.max(PAUSES_MS[Math.min(before, PAUSES_MS.length - 1)]!, verdict.afterMs ?? 0);
  if (!verdict.retry || now + pause - createdAt > GIVE_UP_MS) return failed(attempts, now, verdict.said);
  return { state: "waiting", attempts, nextAt: now + pause, endedAt: null, error: verdict.said };
}

/** What a channel's state becomes by an attempt. Pure. */
export const stateAfter = (verdict: Verdict, now: number) =>
  verdict.ok ? { okAt: now, failedAt: null, error: null } : { failedAt: now, error: verdict.said };
