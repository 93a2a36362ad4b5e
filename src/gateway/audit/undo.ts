// Undo: what the last actions replaced, for ten minutes, across pages, restarts and nodes.

import type { Store } from "../../db/store.ts";
import type { UndoAction, UndoEntry, UndoStep } from "../../domain/undo.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { Audit, By } from "./audit.ts";

/** How long an action can be undone, ms. */
export const UNDO_MS = 10 * 60_000;

/** The menu shows no more. */
const MAX_LISTED = 20;

/** What was done, with what it replaced: only what an operator may do, who may undo it too. Settings have an undo of their own. */
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
  log: Pick<Log, "error">;
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

  /** What can be undone now, newest first; the latest of a busy time. */
  list(): Promise<UndoEntry[]> {
    return this.#deps.store.listUndo(this.#deps.now() - UNDO_MS, MAX_LISTED);
  }

  /**
   * Puts back what an action replaced, once. A value that was changed since then stays as it is, and what is gone stays gone; `skipped`
   * counts those. Where the store fails half-way, the rest can be undone again. What was put back is in the audit log before it is loaded.
   * @throws {AppError} `not_found` (`undo_over`) after ten minutes, and the second time
   */
  async undo(id: string, by: By): Promise<{ action: UndoEntry; skipped: number }> {
    const { store, now, refresh } = this.#deps;
    const action = await store.takeUndo(id, now() - UNDO_MS);
    if (!action) throw new AppError("not_found", "It is too late to undo this.", { reason: "undo_over" });
    const parts = action.steps.flatMap(inSlices);
    const left = new Set(parts);
    const done: PutBack[] = [];
    try {
      const current = await this.#current(parts);
      for (let at = 0; at < parts.length; at += AT_ONCE) {
        const slice = parts.slice(at, at + AT_ONCE).map(async (step) => {
          done.push(await this.#putBack(step, current));
          left.delete(step);
        });
        const failed = (await Promise.allSettled(slice)).find((one) => one.status === "rejected");
        if (failed) throw failed.reason;
      }
    } catch (error) {
      await this.#finishFailed({ ...action, steps: [...left] }, done, by);
      throw error;
    }
    await this.#writeDown(action, done, by);
    await refresh();
    const { steps: _steps, ...entry } = action;
    return { action: entry, skipped: done.reduce((sum, one) => sum + one.skipped, 0) };
  }

  /** What was put back before the failure is written down and loaded. What fails here is logged: the first failure is the one to report. */
  async #finishFailed(rest: UndoAction, done: readonly PutBack[], by: By): Promise<void> {
    const { store, refresh, log } = this.#deps;
    const tryTo = (what: string, run: () => Promise<void>) =>
      run().catch((error: unknown) => log.error(`After an undo that failed, ${what}`, { action: rest.action, error }));
    await tryTo("the rest of it could not be stored to be undone again", () => store.insertUndo(rest));
    await tryTo("what it had put back could not be written into the audit log", () => this.#writeDown(rest, done, by));
    await tryTo("what it had put back could not be loaded", refresh);
  }

  async #writeDown({ action }: Pick<UndoAction, "action">, done: readonly PutBack[], by: By): Promise<void> {
    await this.#deps.audit.recordMany({ action: "undo", subject: action, items: done.flatMap((one) => one.items) }, by);
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

  async #putBack(step: UndoStep, { tokens, keys, settings }: Current): Promise<PutBack> {
    const { store } = this.#deps;
    if (step.kind === "tokens_deleted") {
      const back = await store.setTokensDeleted(step.ids, null);
      return { items: back.map((id) => ({ subject: `token ${id}` })), skipped: step.ids.length - back.length };
    }
    if (step.kind === "settings") {
      const { change, skipped } = unchanged(step, settings);
      if (Object.keys(change).length > 0) await store.writeSettings(change);
      return { items: itemOf("settings", step, change), skipped };
    }
    const row = (step.kind === "token" ? tokens : keys).get(step.id);
    if (!row) return GONE;
    const { change, skipped } = unchanged(step as Compared, row as Record<string, unknown>);
    if (Object.keys(change).length === 0) return { items: [], skipped };
    try {
      await (step.kind === "token" ? store.updateToken(step.id, change) : store.updateKey(step.id, change));
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return GONE;
      throw error;
    }
    return { items: itemOf(`${step.kind} ${step.id}`, step as Compared, change), skipped };
  }
}

/** What changed, for the audit log, and how many values or rows could not be put back. */
type PutBack = { items: { subject: string; before?: unknown; after?: unknown }[]; skipped: number };
const GONE: PutBack = { items: [], skipped: 1 };

function itemOf(subject: string, { after }: Compared, change: Record<string, unknown>): PutBack["items"] {
  const names = Object.keys(change);
  if (names.length === 0) return [];
  return [{ subject, before: Object.fromEntries(names.map((name) => [name, after[name]])), after: change }];
}

/** Rows of one transaction: others wait no longer than so many take. */
const SLICE = 500;
/** Steps that wait for the store together. */
const AT_ONCE = 100;

function inSlices(step: UndoStep): UndoStep[] {
  if (step.kind !== "tokens_deleted") return [step];
  const slices: UndoStep[] = [];
  for (let at = 0; at < step.ids.length; at += SLICE) slices.push({ ...step, ids: step.ids.slice(at, at + SLICE) });
  return slices;
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
