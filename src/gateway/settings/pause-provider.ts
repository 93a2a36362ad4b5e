// Pause of a provider: one switch for all of its tokens, whose own switches stay as they are.

import { AppError } from "../../errors.ts";
import type { By } from "../audit/audit.ts";
import type { UndoLog } from "../audit/undo.ts";
import type { SettingsAdmin } from "./manage-settings.ts";

const SETTING = "pool.paused_providers";

type Dependencies = {
  settings: Pick<SettingsAdmin, "apply">;
  /** Providers that are paused now. */
  paused(): readonly string[];
  /** Providers that there are. */
  providers: ReadonlyMap<string, unknown>;
  undo: Pick<UndoLog, "record">;
};

/**
 * Pauses a provider or resumes it: while paused, none of its tokens is asked; calls under way end, checks continue. Resumed, each token is
 * on or off as before. Resolves with the id to undo it by; null: nothing changed.
 * @throws {AppError} `not_found` for an unknown provider; `conflict` or `invalid_request` where the environment sets the list
 */
export async function pauseProvider({ settings, paused, providers, undo }: Dependencies, provider: string, isPaused: boolean, by: By) {
  if (!providers.has(provider)) throw new AppError("not_found", `There is no provider ${provider}.`);
  const before = paused();
  if (before.includes(provider) === isPaused) return null;
  const after = isPaused ? [...before, provider] : before.filter((one) => one !== provider);
  await settings.apply({ [SETTING]: after }, by);
  const action = isPaused ? "provider.pause" : "provider.resume";
  const steps = [{ kind: "settings" as const, before: { [SETTING]: [...before] }, after: { [SETTING]: after } }];
  return undo.record({ action, count: 1, name: provider, steps }, by);
}
