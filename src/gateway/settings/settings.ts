// Settings in force, read on each use so that a change applies from the next request on.
import type { Settings } from "../../config/settings-schema.ts";

export type SettingsStore = {
  current(): Settings;
  /** Replaces all settings and notifies the listeners. */
  replace(settings: Settings): void;
  /** Calls `listener` after each change, until the result is called. */
  onChange(listener: (settings: Settings) => void): () => void;
};

export function createSettings(initial: Settings): SettingsStore {
  let settings = initial;
  const listeners = new Set<(settings: Settings) => void>();
  return {
    current: () => settings,
    replace(next) {
      settings = next;
      for (const listener of listeners) listener(next);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
