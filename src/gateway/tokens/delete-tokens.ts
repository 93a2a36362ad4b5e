// Deleted tokens: out of service at once, restorable with their secrets for 30 days, then erased.

import { type Clock, repeat } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Audit, By } from "../audit/audit.ts";
import type { UndoLog } from "../audit/undo.ts";
import { type Changed, editable } from "./manage-tokens.ts";

const DAY_MS = 86_400_000;
/** How long a deleted token can be restored, ms. */
export const DELETED_MS = 30 * DAY_MS;
/** Between two looks for tokens to erase, ms. */
const SWEEP_MS = 3_600_000;
/** Rows of one transaction: others wait no longer than so many take. */
const SLICE = 500;

type Dependencies = {
  store: Pick<Store, "listTokens" | "listDeletedTokens" | "countDeletedTokens" | "setTokensDeleted" | "eraseTokens">;
  audit: Pick<Audit, "recordMany">;
  undo: Pick<UndoLog, "record">;
  now: () => number;
  /** Loads the written tokens into memory. */
  refresh(): Promise<void>;
};

/** The operator's deletions, each written to the audit log. Calls that run, and videos that are polled, end with the token's secret. */
export class DeletedTokens {
  readonly #deps: Dependencies;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** A page of those that can be restored, the latest deleted first. @throws {AppError} `invalid_request` for a cursor that is none */
  async page({ limit, cursor }: { limit: number; cursor?: string }): Promise<{ rows: TokenRow[]; next: string | null }> {
    const found = await this.#deps.store.listDeletedTokens({
      limit: limit + 1,
      before: cursor === undefined ? undefined : readCursor(cursor),
    });
    const rows = found.slice(0, limit);
    const last = rows.at(-1);
    return { rows, next: found.length > limit && last ? `${last.deletedAt}.${last.id}` : null };
  }

  count(): Promise<number> {
    return this.#deps.store.countDeletedTokens();
  }

  /** Ids of all of them. */
  async ids(): Promise<number[]> {
    const ids: number[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { rows, next } = await this.page({ limit: SLICE, cursor });
      ids.push(...rows.map(({ id }) => id));
      cursor = next;
    }
    return ids;
  }

  /** Takes tokens out of the pool; they can be undone for ten minutes and restored for {@link DELETED_MS}. Unknown ids are skipped. */
  async remove(wanted: readonly number[], by: By): Promise<Changed> {
    const { store, audit, undo, now, refresh } = this.#deps;
    const rows = new Map((await store.listTokens()).map((row) => [row.id, row]));
    const ids = await inSlices(
      wanted.filter((id) => rows.has(id)),
      (slice) => store.setTokensDeleted(slice, now()),
    );
    if (ids.length === 0) return { count: 0, undoId: null };
    const items = ids.map((id) => ({ subject: `token ${id}`, before: { provider: rows.get(id)!.provider, ...editable(rows.get(id)!) } }));
    await audit.recordMany({ action: "token.delete", subject: "tokens", items }, by);
    await refresh();
    const name = ids.length === 1 ? rows.get(ids[0]!)!.label : null;
    const undoId = await undo.record({ action: "token.delete", count: ids.length, name, steps: [{ kind: "tokens_deleted", ids }] }, by);
    return { count: ids.length, undoId };
  }

  /** Puts deleted tokens back as they were. Resolves with how many there were. */
  async restore(wanted: readonly number[], by: By): Promise<number> {
    const { store, audit, refresh } = this.#deps;
    const ids = await inSlices(wanted, (slice) => store.setTokensDeleted(slice, null));
    if (ids.length === 0) return 0;
    await audit.recordMany({ action: "token.restore", subject: "tokens", items: ids.map((id) => ({ subject: `token ${id}` })) }, by);
    await refresh();
    return ids.length;
  }

  /** Erases deleted tokens with their secrets, for good; tokens in the pool are skipped. Resolves with how many there were. */
  async erase(wanted: readonly number[], by: By): Promise<number> {
    const { store, audit } = this.#deps;
    const ids = await inSlices(wanted, (slice) => store.eraseTokens(slice));
    await audit.recordMany({ action: "token.erase", subject: "tokens", items: ids.map((id) => ({ subject: `token ${id}` })) }, by);
    return ids.length;
  }
}

async function inSlices(ids: readonly number[], act: (slice: readonly number[]) => Promise<number[]>): Promise<number[]> {
  const done: number[] = [];
  for (let at = 0; at < ids.length; at += SLICE) done.push(...(await act(ids.slice(at, at + SLICE))));
  return done;
}

type SweepDependencies = { store: Pick<Store, "deleteTokensBefore">; clock: Clock; log: Log };

/** Erases what was deleted longer ago than {@link DELETED_MS}, now and every hour. */
export function startTokenSweep({ store, clock, log }: SweepDependencies) {
  const sweep = async () => {
    try {
      let erased = 0;
      for (let count = SLICE; count >= SLICE; erased += count) count = await store.deleteTokensBefore(clock.now() - DELETED_MS, SLICE);
      if (erased > 0) log.info("Deleted tokens were erased after 30 days", { tokens: erased });
    } catch (error) {
      log.warn("Deleted tokens could not be erased; it is tried again in an hour", { error });
    }
  };
  void sweep();
  return repeat(clock, SWEEP_MS, sweep);
}

function readCursor(text: string): { deletedAt: number; id: number } {
  const [, deletedAt, id] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  if (!deletedAt || !id)
    throw new AppError("invalid_request", "cursor must be `next` of the page before.", { param: "cursor", reason: "invalid_value" });
  return { deletedAt: Number(deletedAt), id: Number(id) };
}
