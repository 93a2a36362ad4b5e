// SoftDelete: ids hidden at once under a deletion's name, erased by the owner when the undo time is over.

import type { Clock } from "./clock.ts";
import { AppError } from "./errors.ts";

/** One deletion that can be undone by its name. */
export type Deletion<Id> = { readonly name: string; readonly ids: readonly Id[] };

export class SoftDelete<Id, D extends Deletion<Id> = Deletion<Id>> {
  readonly #clock: Clock;
  readonly #onExpire: (deletion: D) => void;
  readonly #stopping: AbortSignal;
  readonly #pending = new Map<string, { deletion: D; cancel(): void }>();
  readonly #hidden = new Set<Id>();

  /**
   * @param onExpire called once per deletion that was not undone; it erases the ids and calls {@link SoftDelete.show} for each
   * @param stopping the server stops: what is pending stays so
   */
  constructor(clock: Clock, onExpire: (deletion: D) => void, stopping: AbortSignal) {
    this.#clock = clock;
    this.#onExpire = onExpire;
    this.#stopping = stopping;
    const cancelAll = () => {
      for (const { cancel } of this.#pending.values()) cancel();
    };
    stopping.addEventListener("abort", cancelAll, { once: true });
  }

  /** Hides the ids; the deletion can be undone for `undoMs`. */
  add(deletion: D, undoMs: number): void {
    for (const id of deletion.ids) this.#hidden.add(id);
    const cancel = this.#stopping.aborted ? () => {} : this.#clock.after(undoMs, () => this.#onExpire(deletion));
    this.#pending.set(deletion.name, { deletion, cancel });
  }

  /** Hidden: deleted, whether or not erased yet. */
  has(id: Id): boolean {
    return this.#hidden.has(id);
  }

  pending(): D[] {
    return [...this.#pending.values()].map(({ deletion }) => deletion);
  }

  isPending(name: string): boolean {
    return this.#pending.has(name);
  }

  /** Ends the undo time of a deletion; its ids stay hidden. @throws {AppError} `not_found` when it is over already */
  take(name: string): D {
    const found = this.#pending.get(name);
    if (!found) throw new AppError("not_found", "It is too late to undo this.", { reason: "undo_over" });
    found.cancel();
    this.#pending.delete(name);
    return found.deletion;
  }

  /** Ends the hiding of ids that were restored or erased. */
  show(ids: readonly Id[]): void {
    for (const id of ids) this.#hidden.delete(id);
  }
}
