// Settings management: origins, preview of a change, the change and its undo.

import type { Config, Origin } from "../../config/config.ts";
import {
  findSetting,
  parseSetting,
  SETTINGS,
  type Setting,
  type SettingKey,
  type SettingValue,
  showValue,
} from "../../config/settings-keys.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { AuditAction } from "../../domain/audit.ts";
import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import type { Audit } from "../audit/audit.ts";

/** Settings below the stored ones, and what comes of putting those over them. */
export type SettingsLayers = { base: Config; merge(stored: Record<string, unknown>): Config };

export type SettingState = Omit<Setting, "accepts"> & {
  /** Null for a secret. */
  value: SettingValue | null;
  /** Of a secret: whether it is set. */
  isSet: boolean;
  origin: Origin;
  /** What counts once the stored value is forgotten; null when none is stored. A secret has no value here. */
  below: { value: SettingValue | null; origin: Origin } | null;
  /** Why it cannot be edited here; null when it can. */
  locked: "boot" | "environment" | "flag" | null;
};

/** One line of a comparison. Values of secrets are reported as words. */
export type SettingDifference = {
  key: SettingKey;
  description: string;
  before: string;
  after: string;
  /** The stored value is forgotten. */
  resets: boolean;
};

/** What a form asks for: text as typed, or that the stored value be forgotten. */
export type SettingChange = { key: string; text: string } | { key: string; reset: true };

export type SettingsReview = {
  differences: SettingDifference[];
  /** Changes to hand to {@link SettingsAdmin.apply}. */
  changes: StoredChanges;
  /** Keys whose text means no accepted value. */
  wrong: SettingKey[];
  /** The state that was compared with. */
  revision: number;
};

/** Values by name; null forgets one. */
export type StoredChanges = Record<string, unknown>;

type By = { address: string | null; actor?: string };

export type SettingsAdmin = {
  states(): Promise<SettingState[]>;
  review(requested: readonly SettingChange[]): Promise<SettingsReview>;
  /**
   * Writes changes and takes them into force.
   * @param revision from the review; absent: whatever is there is replaced
   * @throws {AppError} `conflict` when settings changed since then, `invalid_request` for what a review would not let through
   */
  apply(changes: StoredChanges, by: By, revision?: number): Promise<void>;
  /** The same for what is stored beside the settings and read by who owns it. */
  applyOther(changes: StoredChanges, by: By): Promise<void>;
  /** What the last change was; null when there was none, or it was undone twice by time. Epoch ms. */
  lastChange(): Promise<{ at: number; names: string[] } | null>;
  /** Puts back what the last change replaced; again: does it again. @throws {AppError} `conflict` when there is nothing */
  undo(by: By): Promise<string[]>;
};

type Dependencies = {
  store: Pick<Store, "readSettings" | "writeSettings" | "revisions">;
  layers: SettingsLayers;
  audit: Pick<Audit, "record">;
  /** Takes what was written into memory. */
  refresh(): Promise<void>;
  now(): number;
};

/** What the last change replaced, stored beside the settings because it may hold a secret. */
const LAST_CHANGE = "last_change";
type LastChange = { at: number; before: StoredChanges };

export function createSettingsAdmin({ store, layers, audit, refresh, now }: Dependencies): SettingsAdmin {
  const write = async (action: AuditAction, changes: StoredChanges, stored: Record<string, unknown>, by: By) => {
    const before: StoredChanges = Object.fromEntries(Object.keys(changes).map((name) => [name, stored[name] ?? null]));
    const last: LastChange = { at: now(), before };
    await store.writeSettings({ ...changes, [LAST_CHANGE]: last });
    await audit.record({ action, subject: "settings", before: redacted(before), after: redacted(changes) }, by);
    await refresh();
  };
  return {
    async states() {
      return statesOf(layers, await store.readSettings());
    },
    async review(requested) {
      const { settings: revision } = await store.revisions();
      return { ...compare(layers, await store.readSettings(), requested), revision };
    },
    async apply(changes, by, revision) {
      if (revision !== undefined && (await store.revisions()).settings !== revision)
        throw new AppError("conflict", "Settings were changed meanwhile: review them again.", { reason: "settings_changed" });
      for (const [name, value] of Object.entries(changes)) assertEditable(layers, name, value);
      await write("settings.change", changes, await store.readSettings(), by);
    },
    async applyOther(changes, by) {
      await write("settings.change", changes, await store.readSettings(), by);
    },
    async lastChange() {
      const last = (await store.readSettings())[LAST_CHANGE] as LastChange | undefined;
      return last ? { at: last.at, names: Object.keys(last.before) } : null;
    },
    async undo(by) {
      const stored = await store.readSettings();
      const last = stored[LAST_CHANGE] as LastChange | undefined;
      if (!last) throw new AppError("conflict", "There is no change to undo.", { reason: "nothing_to_undo" });
      await write("settings.undo", last.before, stored, by);
      return Object.keys(last.before);
    },
  };
}

/** Every setting with its value, where that comes from, and what lies below. Pure. */
export function statesOf({ base, merge }: SettingsLayers, stored: Record<string, unknown>): SettingState[] {
  const merged = merge(stored);
  return SETTINGS.map((known) => {
    const setting = omit(known, ["accepts"]);
    const value = currentValue(merged.settings, setting);
    const origin = merged.origins[setting.key];
    const shown = (one: SettingValue) => (setting.secret ? null : one);
    const below = origin === "database" ? { value: shown(currentValue(base.settings, setting)), origin: base.origins[setting.key] } : null;
    return { ...setting, value: shown(value), isSet: value !== "", origin, below, locked: lockOf(setting, base.origins[setting.key]) };
  });
}

const currentValue = (settings: Settings, { section, name }: Pick<Setting, "section" | "name">): SettingValue =>
  (settings[section] as Record<string, SettingValue>)[name]!;

function lockOf({ boot }: Pick<Setting, "boot">, origin: Origin): SettingState["locked"] {
  if (boot) return "boot";
  return origin === "environment" || origin === "flag" ? origin : null;
}

function compare(
  layers: SettingsLayers,
  stored: Record<string, unknown>,
  requested: readonly SettingChange[],
): Omit<SettingsReview, "revision"> {
  const now = layers.merge(stored);
  const differences: SettingDifference[] = [];
  const changes: StoredChanges = {};
  const wrong: SettingKey[] = [];
  for (const change of requested) {
    const setting = findSetting(change.key);
    if (!setting || lockOf(setting, layers.base.origins[setting.key])) continue;
    const { key } = setting;
    const before = currentValue(now.settings, setting);
    const resets = "reset" in change;
    const after = resets ? currentValue(layers.base.settings, setting) : parseSetting(setting, change.text);
    if (!setting.accepts(after)) wrong.push(key);
    else if (resets ? now.origins[key] === "database" : !Bun.deepEquals(before, after)) {
      changes[key] = resets ? null : after;
      differences.push({
        key,
        description: setting.description,
        before: showValue(setting, before),
        after: showValue(setting, after),
        resets,
      });
    }
  }
  return { differences, changes, wrong };
}

/** The last word before anything is written, whatever a form was made to send. */
function assertEditable({ base }: SettingsLayers, name: string, value: unknown): void {
  const setting = findSetting(name);
  if (!setting) throw new AppError("invalid_request", `There is no setting ${JSON.stringify(name.slice(0, 80))}.`);
  const lock = lockOf(setting, base.origins[setting.key]);
  if (lock) throw new AppError("invalid_request", `${setting.key} is not edited here: ${lock}.`);
  if (value !== null && !setting.accepts(value)) throw new AppError("invalid_request", `${setting.key}: expected ${setting.expected}.`);
}

/** Values for the audit log, without those of secrets. */
function redacted(changes: StoredChanges): Record<string, unknown> {
  const shown = (name: string, value: unknown) => (findSetting(name)?.secret && value ? "a hidden value" : value);
  return Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, shown(name, value)]));
}
