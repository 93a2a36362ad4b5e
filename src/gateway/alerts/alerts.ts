// Alerts: looks at the rules every few seconds, keeps incidents, and queues one message per channel for what is due of them.
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { AlertStore, ChannelRow, NewMessage } from "../../db/alerts.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { withoutEndSlashes } from "../../http.ts";
import { newTimeId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { createSerial } from "../../serial.ts";
import type { GuardedSend } from "../media/ssrf-guard.ts";
import { sendMessage } from "./channels/send.ts";
import { isChannelKind } from "./channels/table.ts";
import { type AlertTexts, isRuleName, type RuleName, type Signal } from "./facts.ts";
import { formatOf } from "./format.ts";
import { fromRow, toRow } from "./incident-row.ts";
import { type DigestItem, EMPTY_MEMORY, type Incident, identityOf, type Memory, type Policy, step } from "./incidents.ts";
import { messageOf } from "./message.ts";
import { Outbox, stateAfter } from "./outbox.ts";
import { isQuietAt } from "./quiet-hours.ts";
import { RETURN_MS } from "./rules.ts";

export type AlertDependencies = {
  store: AlertStore;
  /** What the rules see now; their thresholds are settings. */
  readSignals(): Promise<Signal[]>;
  guardedSend: GuardedSend;
  texts: Readonly<Record<Settings["alerts"]["language"], AlertTexts>>;
  settings: () => Settings;
  clock: Clock;
  log: Log;
  /** Of several nodes one looks at the rules. Default: this one. */
  isOwner?: () => boolean;
};

/** Between two looks at the rules, ms. */
const LOOK_MS = 5_000;
const DAY_MS = 86_400_000;
const RETENTION_MS = 90 * DAY_MS;
const SWEEP_MS = 6 * 3_600_000;
const SWEEP_ROWS = 500;
/** Events that wait to be stored while the store fails. */
const MAX_EVENTS = 100;

export class Alerts {
  readonly #oneByOne = createSerial();
  readonly #outbox: Outbox;
  readonly #stopping = new AbortController();
  /** Time of the last dead-man ping, by channel. */
  readonly #pings = new Map<string, number>();
  #memory: Memory = EMPTY_MEMORY;
  #events: Signal[] = [];
  #channels: readonly ChannelRow[] = [];
  #isFailing = false;
  /** At the last look. */
  #isOwner = false;
  #looks: Repeated | null = null;
  #sweep: Repeated | null = null;

  constructor(private readonly deps: AlertDependencies) {
    const { store, guardedSend, clock, log } = deps;
    const isOwner = () => this.#owns();
    this.#outbox = new Outbox({ store, guardedSend, clock, log, isOwner, onAttempt: () => void this.loadChannels().catch(() => {}) });
  }

  async start(): Promise<void> {
    const { clock } = this.deps;
    await this.loadChannels();
    if (this.#owns()) await this.#takeOver();
    this.#looks = repeat(clock, LOOK_MS, () => this.look(), LOOK_MS);
    this.#sweep = repeat(clock, SWEEP_MS, (stopping) => this.#deleteOldRows(stopping), LOOK_MS);
    this.#outbox.start();
  }

  #owns(): boolean {
    return this.deps.isOwner?.() !== false;
  }

  /** Learns what was sent within the hour: by an earlier run, or by the node that did it before. */
  async #takeOver(): Promise<void> {
    const { store, clock } = this.deps;
    const now = clock.now();
    const [last, messages] = await Promise.all([
      store.listIncidents({ limit: 1000, since: now - DAY_MS }),
      store.listMessages({ limit: 200 }),
    ]);
    const sentAt = [...new Set(messages.map(({ createdAt }) => createdAt))].filter((time) => now - time < RETURN_MS).reverse();
    const recent = last
      .map(fromRow)
      .flatMap((one) => (one && one.endedAt !== null ? [[identityOf(one), { endedAt: one.endedAt, returns: one.returns }] as const] : []));
    this.#memory = { ...EMPTY_MEMORY, sentAt, recent: new Map(recent.reverse()) };
    this.#isOwner = true;
    this.#outbox.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new AppError("cancelled", "The server is stopping."));
    await Promise.all([this.#looks?.stop(), this.#sweep?.stop(), this.#outbox.stop()]);
    await this.#oneByOne(async () => {});
  }

  /** Incidents that last, urgent ones first, then the latest. */
  open(): Incident[] {
    const open = this.#memory.incidents.filter(({ endedAt }) => endedAt === null);
    return open.sort((a, b) => Number(b.urgent) - Number(a.urgent) || b.beganAt - a.beganAt);
  }

  /** As last read. */
  channels(): readonly ChannelRow[] {
    return this.#channels;
  }

  /** Channels whose last attempt failed. */
  failing(): { id: string; name: string; error: string; since: number }[] {
    return this.#channels.flatMap(({ id, name, enabled, failedAt, error }) =>
      enabled && failedAt !== null ? [{ id, name, error: error ?? "", since: failedAt }] : [],
    );
  }

  async loadChannels(): Promise<void> {
    this.#channels = await this.deps.store.listChannels();
  }

  /** Something that happened at one moment. Resolves when it is stored; never rejects. */
  async note(event: Signal): Promise<void> {
    if (this.#events.length < MAX_EVENTS) this.#events.push(event);
    await this.look();
  }

  /** One look at the rules; failures are logged. */
  look(): Promise<void> {
    return this.#oneByOne(async () => {
      try {
        if (this.#owns()) {
          if (!this.#isOwner) await this.#takeOver();
          await this.#evaluate();
          await this.#sendPings();
        } else await this.#follow();
        this.#isFailing = false;
      } catch (error) {
        // Each look would say the same.
        if (!this.#isFailing) this.deps.log.error("Alert rules could not be evaluated", { error });
        this.#isFailing = true;
      }
    });
  }

  /** A message that says that the channel works, sent at once. @throws {AppError} `not_found` */
  async sendTest(id: string): Promise<Awaited<ReturnType<typeof sendMessage>>> {
    const { clock, store, settings, texts } = this.deps;
    await this.loadChannels();
    const channel = this.#channels.find((one) => one.id === id);
    if (!channel || !isChannelKind(channel.kind)) throw new AppError("not_found", "There is no such alert channel.");
    const now = clock.now();
    const { test } = texts[settings().alerts.language];
    const message = {
      title: `flow2api: ${test.title}`,
      lines: [test.text(channel.name)],
      urgent: false,
      isOver: false,
      url: this.#url(),
      at: now,
    };
    const verdict = await sendMessage(
      this.deps,
      { kind: channel.kind, config: channel.config },
      { message: { ...message, incidents: [] }, id: `msg_${newTimeId(now)}`, stopping: this.#stopping.signal },
    );
    await store.updateChannelState(id, stateAfter(verdict, clock.now()));
    await this.loadChannels();
    return verdict;
  }

  async #evaluate(): Promise<void> {
    const { store, readSignals, clock } = this.deps;
    const [signals, rows] = await Promise.all([readSignals(), store.listUnsettledIncidents(), this.loadChannels()]);
    const known = new Set(this.#memory.incidents.map(({ id }) => id));
    // Of before a start, or of another node.
    const others = rows.filter(({ id }) => !known.has(id)).flatMap((row) => fromRow(row) ?? []);
    const memory = { ...this.#memory, incidents: [...this.#memory.incidents, ...others] };
    const now = clock.now();
    const events = this.#events;
    const next = step(memory, { signals, events }, this.#policy(now), { now, newId: () => `inc_${newTimeId(now)}` });
    const messages = this.#messagesOf(next.digest, now);
    if (next.changed.length > 0 || messages.length > 0) await this.#save(next.changed, messages);
    this.#memory = next.memory;
    this.#events = this.#events.slice(events.length);
    if (messages.length > 0) this.#outbox.wake();
  }

  async #save(changed: readonly Incident[], messages: readonly NewMessage[]): Promise<void> {
    try {
      await this.deps.store.saveIncidents(changed.map(toRow), messages);
    } catch (error) {
      // Another node has opened the same incident: what is stored counts.
      if (error instanceof AppError && error.kind === "conflict") this.#memory = { ...this.#memory, incidents: [] };
      throw error;
    }
  }

  /** Another node looks at the rules: what it has found is shown here, and what has happened here is stored for it. */
  async #follow(): Promise<void> {
    const { store, clock } = this.deps;
    this.#isOwner = false;
    const now = clock.now();
    const events = this.#events;
    if (events.length > 0) {
      const { changed } = step(EMPTY_MEMORY, { signals: [], events }, this.#policy(now), { now, newId: () => `inc_${newTimeId(now)}` });
      await store.saveIncidents(changed.map(toRow), []);
      this.#events = this.#events.slice(events.length);
    }
    const [rows] = await Promise.all([store.listUnsettledIncidents(), this.loadChannels()]);
    this.#memory = { ...EMPTY_MEMORY, incidents: rows.flatMap((row) => fromRow(row) ?? []) };
  }

  #policy(now: number): Policy {
    const { alerts } = this.deps.settings();
    const off = new Set(alerts.rules_off.filter(isRuleName));
    return {
      isOn: (rule: RuleName) => !off.has(rule),
      remindMs: alerts.remind_hours * 3_600_000,
      isQuiet: isQuietAt({ from: alerts.quiet_from, to: alerts.quiet_to, zone: alerts.time_zone }, now),
      urgentInQuiet: alerts.quiet_except === "urgent",
    };
  }

  /** One for each channel that takes something of the digest. */
  #messagesOf(digest: readonly DigestItem[], now: number): NewMessage[] {
    if (digest.length === 0) return [];
    const { settings, texts } = this.deps;
    const { language, time_zone: zone } = settings().alerts;
    const words = { texts: texts[language], format: formatOf(language, zone) };
    return this.#channels
      .filter(({ enabled, kind }) => enabled && kind !== "ping")
      .flatMap(({ id, rules }) => {
        const items = rules.length === 0 ? digest : digest.filter(({ incident }) => rules.includes(incident.rule));
        if (items.length === 0) return [];
        const payload = messageOf(items, words, { url: this.#url(), at: now }) as unknown as Json;
        return [{ id: `msg_${newTimeId(now)}`, channelId: id, payload, createdAt: now }];
      });
  }

  #url(): string | null {
    const { public_url: url } = this.deps.settings().server;
    return url === "" ? null : `${withoutEndSlashes(url)}/admin/settings/alerts`;
  }

  /** Pings tell a far side that this server still looks at its rules. */
  async #sendPings(): Promise<void> {
    const { clock, store } = this.deps;
    const due = this.#channels.filter(({ id, kind, enabled, config }) => {
      const last = this.#pings.get(id) ?? 0;
      return kind === "ping" && enabled && Math.abs(clock.now() - last) >= (Number(config.minutes) || 5) * 60_000;
    });
    for (const { id, config } of due) {
      this.#pings.set(id, clock.now());
      const message = { title: "", lines: [], urgent: false, isOver: false, url: null, at: clock.now(), incidents: [] };
      // Beside the looks: a far side that hangs must not hold them up.
      void sendMessage(this.deps, { kind: "ping", config }, { message, id, stopping: this.#stopping.signal })
        .then((verdict) => (this.#stopping.signal.aborted ? undefined : store.updateChannelState(id, stateAfter(verdict, clock.now()))))
        .catch((error) => this.deps.log.error("The state of a ping could not be stored", { error }));
    }
  }

  async #deleteOldRows(stopping: AbortSignal): Promise<void> {
    const { store, clock, log } = this.deps;
    try {
      while (!stopping.aborted && (await store.deleteAlertsBefore(clock.now() - RETENTION_MS, SWEEP_ROWS)) >= SWEEP_ROWS);
    } catch (error) {
      log.error("Deleting old incidents failed", { error });
    }
  }
}
