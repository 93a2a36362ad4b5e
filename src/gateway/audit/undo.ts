// Undo: what the last actions replaced, for ten minutes, across pages, restarts and nodes.

import type { Store } from "../../db/store.ts";
import type { UndoAction, UndoStep } from "../../domain/undo.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Audit, By } from "./audit.ts";

/** How long an action can be undone, ms. */
export const UNDO_MS = 10 * 60_000;

/** What was done, with what it replaced. */
export type Undoable = Pick<UndoAction, "action" | "count" | "name" | "steps">;

type Dependencies = {
  store: Pick<
    Store,
    | "insertUndo"
    | "listUndo"
    | "takeUndo"
    | "listTokens"
    | "updateToken"
    | "setTokensDeleted"
    | "listKeys"
    | "updateKey"
    | "readSettings"
    | "writeSettings"
  >;
  audit: Pick<Audit, "recordMany">;
  now: () => number;
  /** Loads what was written into memory. */
  refresh(): Promise<void>;
};

export class UndoLog {
  readonly #deps: Dependencies;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Stores what undoes an action. Resolves with the id to undo it by; null: it replaced nothing. */
  async record({ action, count, name, steps }: Undoable, { actor = "admin" }: By): Promise<string | null> {
    if (steps.length === 0) return null;
    const id = newId();
    await this.#deps.store.insertUndo({ id, at: this.#deps.now(), actor, action, count, name, steps });
    return id;
  }

  /** What can be undone now, newest first. */
  list(): Promise<UndoAction[]> {
    return this.#deps.store.listUndo(this.#deps.now() - UNDO_MS);
  }

  /**
   * Puts back what an action replaced, once. A value that was changed since then stays as it is; `skipped` counts those.
   * @throws {AppError} `not_found` (`undo_over`) after ten minutes, and the second time
   */
  async undo(id: string, by: By): Promise<{ action: UndoAction; skipped: number }> {
    const { store, audit, now, refresh } = this.#deps;
    const action = await store.takeUndo(id, now() - UNDO_MS);
    if (!action) throw new AppError("not_found", "It is too late to undo this.", { reason: "undo_over" });
    const current = await this.#current(action.steps);
    const done = await Promise.all(action.steps.map((step) => this.#putBack(step, current)));
    await refresh();
    const skipped = done.reduce((sum, count) => sum + count, 0);
    await audit.recordMany({ action: "undo", subject: action.action, items: action.steps.flatMap(itemsOf) }, by);
    return { action, skipped };
  }

  async #current(steps: readonly UndoStep[]): Promise<Current> {
    const { store } = this.#deps;
    const has = (kind: UndoStep["kind"]) => steps.some((step) => step.kind === kind);
    const [tokens, keys, settings] = await Promise.all([
      has("token") ? store.listTokens() : [],
      has("key") ? store.listKeys() : [],
      has("settings") ? store.readSettings() : {},
    ]);
    return { tokens: new Map(tokens.map((row) => [row.id, row])), keys: new Map(keys.map((row) => [row.id, row])), settings };
  }

  /** Resolves with how many values or rows could not be put back. */
  async #putBack(step: UndoStep, { tokens, keys, settings }: Current): Promise<number> {
    const { store } = this.#deps;
    if (step.kind === "tokens_deleted") return step.ids.length - (await store.setTokensDeleted(step.ids, null)).length;
    if (step.kind === "settings") {
      const { change, skipped } = unchanged(step, settings);
      await store.writeSettings(change);
      return skipped;
    }
    const row = (step.kind === "token" ? tokens : keys).get(step.id);
    if (!row) return 1;
    const { change, skipped } = unchanged(step as Compared, row as Record<string, unknown>);
    if (Object.keys(change).length > 0)
      await (step.kind === "token" ? store.updateToken(step.id, change) : store.updateKey(step.id, change));
    return skipped;
  }
}

/** What an undone step did, for the audit log. */
function itemsOf(step: UndoStep) {
  if (step.kind === "tokens_deleted") return step.ids.map((id) => ({ subject: `token ${id}` }));
  const subject = step.kind === "settings" ? "settings" : `${step.kind} ${step.id}`;
  return [{ subject, before: step.after, after: step.before }];
}

type Current = {
  tokens: ReadonlyMap<number, object>;
  keys: ReadonlyMap<number, object>;
  settings: Record<string, unknown>;
};
type Compared = { before: Record<string, unknown>; after: Record<string, unknown> };

/** The former values of fields that still are as the action left them. Pure. */
export function unchanged(
  { before, after }: Compared,
  current: Record<string, unknown>,
): { change: Record<string, unknown>; skipped: number } {
  const names = Object.keys(before);
  const same = names.filter((name) => Bun.deepEquals(current[name] ?? null, after[name] ?? null));
  return { change: Object.fromEntries(same.map((name) => [name, before[name]])), skipped: names.length - same.length };
}
