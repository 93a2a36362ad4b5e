// Manages alert channels for the admin: create, edit, switch, delete, test; configuration is checked and never shown whole.
import type { AlertStore, ChannelRow } from "../../db/alerts.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Audit } from "../audit/audit.ts";
import { parseGuardedUrl } from "../media/ssrf-guard.ts";
import type { Alerts } from "./alerts.ts";
import type { ChannelConfig, FieldName, Verdict } from "./channels/channel.ts";
import { type ChannelKind, channelOf, isChannelKind } from "./channels/table.ts";
import { isRuleName, type RuleName } from "./facts.ts";

/** What a form says of a channel. An empty secret of an existing channel: it stays as it is. */
export type ChannelForm = { kind: ChannelKind; name: string; enabled: boolean; rules: readonly RuleName[]; config: ChannelConfig };

/** Why a field is refused. */
export type FieldFault = "required" | "url" | "whole";

export type ChannelView = Omit<ChannelRow, "config" | "kind" | "rules"> & {
  kind: ChannelKind;
  rules: RuleName[];
  /** Secrets masked. */
  shown: Partial<Record<FieldName, string>>;
};

type Dependencies = {
  store: Pick<AlertStore, "listChannels" | "putChannel" | "deleteChannel">;
  alerts: Pick<Alerts, "loadChannels" | "sendTest">;
  audit: Pick<Audit, "record">;
  now: () => number;
};

type By = { address: string | null; actor?: string };

/** Of more channels than this nobody wants messages. */
export const MAX_CHANNELS = 50;

export class AlertChannels {
  constructor(private readonly deps: Dependencies) {}

  async list(): Promise<ChannelView[]> {
    return (await this.deps.store.listChannels()).flatMap((row) => viewOf(row) ?? []);
  }

  /** @throws {AppError} `not_found` */
  async get(id: string): Promise<ChannelView> {
    return viewOf(await this.#row(id))!;
  }

  /** Fields that are wrong, by name. @throws {AppError} `not_found` */
  async faults(id: string | null, form: ChannelForm): Promise<Faults> {
    return faultsOf(form.kind, merged(form, keptOf(id === null ? null : await this.#row(id), form)));
  }

  /** Fields that are wrong, by name; empty: none is, and the channel was stored. `id` null: a new one. @throws {AppError} `not_found`, `conflict` */
  async save(id: string | null, form: ChannelForm, by: By): Promise<{ id: string; wrong: Faults }> {
    const rows = await this.deps.store.listChannels();
    const before = id === null ? null : await this.#row(id);
    if (id === null && rows.length >= MAX_CHANNELS) throw new AppError("conflict", `There are ${MAX_CHANNELS} channels already.`);
    const kept = keptOf(before, form);
    const config = merged(form, kept);
    const wrong = faultsOf(form.kind, config);
    if (Object.keys(wrong).length > 0) return { id: id ?? "", wrong };
    const row = {
      ...{ id: id ?? newId(), kind: form.kind, name: form.name, enabled: form.enabled, rules: [...form.rules], config },
      createdAt: before?.createdAt ?? this.deps.now(),
    };
    await this.deps.store.putChannel(row);
    await this.deps.alerts.loadChannels();
    const changed = channelOf(form.kind)
      .fields.map(({ name }) => name)
      .filter((name) => kept[name] !== config[name]);
    await this.deps.audit.record(
      {
        action: before ? "alert_channel.edit" : "alert_channel.create",
        subject: `alert channel ${row.name}`,
        before: before && described(before),
        after: { ...described(row), ...(changed.length > 0 ? { changed_fields: changed } : {}) },
      },
      by,
    );
    return { id: row.id, wrong: {} };
  }

  /** @throws {AppError} `not_found` */
  async setEnabled(id: string, enabled: boolean, by: By): Promise<ChannelView> {
    const row = await this.#row(id);
    await this.deps.store.putChannel({ ...row, enabled });
    await this.deps.alerts.loadChannels();
    const action = enabled ? "alert_channel.enable" : "alert_channel.disable";
    await this.deps.audit.record({ action, subject: `alert channel ${row.name}` }, by);
    return viewOf({ ...row, enabled })!;
  }

  /** @throws {AppError} `not_found` */
  async remove(id: string, by: By): Promise<string> {
    const row = await this.#row(id);
    await this.deps.store.deleteChannel(id);
    await this.deps.alerts.loadChannels();
    await this.deps.audit.record({ action: "alert_channel.delete", subject: `alert channel ${row.name}`, before: described(row) }, by);
    return row.name;
  }

  /** Sends a test message; resolves with what the far side said. @throws {AppError} `not_found` */
  async test(id: string, by: By): Promise<Verdict> {
    const row = await this.#row(id);
    const verdict = await this.deps.alerts.sendTest(id);
    const after = { sent: verdict.ok, ...(verdict.ok ? {} : { said: verdict.said }) };
    await this.deps.audit.record({ action: "alert_channel.test", subject: `alert channel ${row.name}`, after }, by);
    return verdict;
  }

  async #row(id: string): Promise<ChannelRow> {
    const row = (await this.deps.store.listChannels()).find((one) => one.id === id);
    if (!row || !isChannelKind(row.kind)) throw new AppError("not_found", "There is no such alert channel.");
    return row;
  }
}

/** What the audit log shows of a channel. */
const described = ({ kind, name, enabled, rules }: Pick<ChannelRow, "kind" | "name" | "enabled" | "rules">) => ({
  kind,
  name,
  enabled,
  rules,
});

/** Secrets of before, which a form leaves empty. */
const keptOf = (before: ChannelRow | null, { kind }: Pick<ChannelForm, "kind">): ChannelConfig =>
  before && before.kind === kind ? before.config : {};

/** The fields of the kind; a secret that was left empty is the one before. */
function merged({ kind, config }: Pick<ChannelForm, "kind" | "config">, before: ChannelConfig): Record<string, string> {
  const values = channelOf(kind).fields.map(({ name, secret }) => [
    name,
    (config[name] ?? "").trim() || (secret ? (before[name] ?? "") : ""),
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

type Faults = Partial<Record<FieldName, FieldFault>>;

/** What is wrong with a configuration. Pure. */
function faultsOf(kind: ChannelKind, config: ChannelConfig): Faults {
  const faults = channelOf(kind).fields.flatMap(({ name, required, form }): [FieldName, FieldFault][] => {
    const value = config[name] ?? "";
    if (value === "") return required ? [[name, "required"]] : [];
    if (form === "whole" && !/^[1-9]\d{0,11}$/.test(value)) return [[name, "whole"]];
    return form === "url" && !isUrl(value) ? [[name, "url"]] : [];
  });
  return Object.fromEntries(faults);
}

function isUrl(text: string): boolean {
  try {
    parseGuardedUrl(text, undefined, (message) => new AppError("invalid_request", message));
    return true;
  } catch {
    return false;
  }
}

/** Null: a later version made it. */
function viewOf({ config, ...row }: ChannelRow): ChannelView | null {
  if (!isChannelKind(row.kind)) return null;
  const shown = channelOf(row.kind).fields.flatMap(({ name, secret }): [FieldName, string][] => {
    const value = config[name] ?? "";
    return value === "" ? [] : [[name, secret ? masked(value) : value]];
  });
  return { ...row, kind: row.kind, rules: row.rules.filter(isRuleName), shown: Object.fromEntries(shown) };
}

const SHOWN_CHARS = 4;

/** Host and last characters of an address; last characters of anything else that is long enough. */
export function masked(value: string): string {
  const end = value.length >= 4 * SHOWN_CHARS ? value.slice(-SHOWN_CHARS) : "";
  const host = /^https?:/.test(value) ? URL.parse(value)?.host : undefined;
  return host ? `${host}/…${end}` : `…${end}`;
}
