// Deleted keys: refused at once, restorable for 30 days; the row stays for the history.

import type { Store } from "../../db/store.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { DELETED_MS, readKey } from "./manage-keys.ts";

type Dependencies = {
  store: Pick<Store, "listKeys" | "updateKey">;
  /** Takes what was written into memory, so that the next request sees it. */
  refresh(): Promise<void>;
};

/** Whether a key was deleted and can still be restored. */
export const isRestorable = ({ revokedAt }: Pick<KeyRow, "revokedAt">, now: number): boolean =>
  revokedAt !== null && now - revokedAt < DELETED_MS;

/** Deletes a key: no request with it is answered from now on. @throws {AppError} `not_found`, `conflict` when it was deleted already */
export async function deleteKey({ store, refresh }: Dependencies, id: number, now: number): Promise<{ before: KeyRow; after: KeyRow }> {
  const before = await readKey(store, id);
  if (before.revokedAt !== null) throw new AppError("conflict", `Key ${id} was deleted already.`, { reason: "key_deleted" });
  const after = await store.updateKey(id, { revokedAt: now });
  await refresh();
  return { before, after };
}

/** Puts a deleted key back as it was. @throws {AppError} `not_found`, `conflict` when it is not deleted or 30 days are over */
export async function restoreKey({ store, refresh }: Dependencies, id: number, now: number): Promise<{ before: KeyRow; after: KeyRow }> {
  const before = await readKey(store, id);
  if (before.revokedAt === null) throw new AppError("conflict", `Key ${id} is not deleted.`);
  if (!isRestorable(before, now)) throw new AppError("conflict", `Key ${id} was deleted more than 30 days ago.`, { reason: "undo_over" });
  const after = await store.updateKey(id, { revokedAt: null });
  await refresh();
  return { before, after };
}
