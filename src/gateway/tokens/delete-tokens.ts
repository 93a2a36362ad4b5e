// Soft delete of tokens: out of service at once, out of the store after the undo time.
// The secret stays in the store until then, and pending deletions survive a restart.
import type { Clock } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { createSerial } from "../../serial.ts";
import { type Deletion, SoftDelete } from "../../soft-delete.ts";

/** How long a deletion can be undone, ms. */
export const UNDO_MS = 30_000;
/** Wait before another try when the store refused to erase, ms. */
const ERASE_RETRY_MS = 60_000;

type Dependencies = {
  store: Pick<Store, "listTokens" | "updateToken" | "deleteToken" | "readFact" | "writeFact">;
  clock: Clock;
  log: Log;
  /** Aborts when the server stops: what is pending is ended after the next start. */
  stopping: AbortSignal;
  /** Loads the written tokens into memory. */
  refresh(): Promise<void>;
};

/** `until`: end of the undo time, epoch ms. `enabled`: those of its tokens that were enabled. */
type TokenDeletion = Deletion<number> & { readonly until: number; readonly enabled: readonly number[] };

/** Fact that stores the pending deletions as JSON. */
const FACT = "token_removals";

export class TokenDeletions {
  readonly #deps: Dependencies;
  readonly #serial = createSerial();
  readonly #deletions: SoftDelete<number, TokenDeletion>;

  /** Resumes the deletions of an earlier process with the rest of their undo time. */
  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#deletions = new SoftDelete(deps.clock, (deletion) => this.#expire(deletion), deps.stopping);
    this.#serial(() => this.#resume()).catch((error) => deps.log.error("Pending token deletions could not be read", { error }));
  }

  /** Deleted, whether or not it is out of the store yet. */
  readonly isRemoved = (id: number): boolean => this.#deletions.has(id);

  /** Takes tokens out of service; the name undoes it for {@link UNDO_MS}. Unknown ids are skipped. */
  remove(wanted: readonly number[]): Promise<{ name: string; ids: readonly number[] }> {
    return this.#serial(async () => {
      const { store, clock, refresh } = this.#deps;
      const rows = new Map((await store.listTokens()).map((row) => [row.id, row]));
      const ids = [...new Set(wanted)].filter((id) => rows.has(id) && !this.isRemoved(id));
      const enabled = ids.filter((id) => rows.get(id)!.enabled);
      const deletion: TokenDeletion = { name: newId(), until: clock.now() + UNDO_MS, ids, enabled };
      if (ids.length === 0) return deletion;
      await this.#save([...this.#deletions.pending(), deletion]);
      this.#deletions.add(deletion, UNDO_MS);
      await this.#setEnabled(enabled, false);
      await refresh();
      return deletion;
    });
  }

  /** Restores the tokens of one deletion as they were. Resolves with their ids. @throws {AppError} `not_found` when it is too late */
  restore(name: string): Promise<readonly number[]> {
    return this.#serial(async () => {
      const deletion = this.#deletions.take(name);
      await this.#save(this.#deletions.pending());
      this.#deletions.show(deletion.ids);
      await this.#setEnabled(deletion.enabled, true);
      await this.#deps.refresh();
      return deletion.ids;
    });
  }

  #expire(deletion: TokenDeletion): void {
    this.#serial(() => this.#erase(deletion)).catch((error) => {
      this.#deps.log.warn("Deleted tokens could not be erased; it is retried", { count: deletion.ids.length, error });
      this.#deletions.add(deletion, ERASE_RETRY_MS);
    });
  }

  async #erase({ name, ids }: TokenDeletion): Promise<void> {
    if (!this.#deletions.isPending(name)) return;
    await Promise.all(ids.map((id) => this.#deps.store.deleteToken(id).catch(ignoreNotFound)));
    await this.#deps.refresh();
    await this.#save(this.#deletions.pending().filter((one) => one.name !== name));
    this.#deletions.take(name);
    this.#deletions.show(ids);
  }

  async #resume(): Promise<void> {
    const { store, clock } = this.#deps;
    for (const deletion of JSON.parse((await store.readFact(FACT)) ?? "[]") as TokenDeletion[])
      this.#deletions.add(deletion, Math.min(UNDO_MS, Math.max(0, deletion.until - clock.now())));
  }

  async #save(pending: readonly TokenDeletion[]): Promise<void> {
    await this.#deps.store.writeFact(FACT, pending.length === 0 ? null : JSON.stringify(pending));
  }

  #setEnabled(ids: readonly number[], enabled: boolean) {
    return Promise.all(ids.map((id) => this.#deps.store.updateToken(id, { enabled }).catch(ignoreNotFound)));
  }
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof AppError) || error.kind !== "not_found") throw error;
}
