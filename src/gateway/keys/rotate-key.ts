// Rotation of a key: a new secret on the same key, the former one valid for some hours; and a second key with the same settings.

import type { Store } from "../../db/store.ts";
import type { FormerKey, KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { newKey } from "../../ids.ts";
import { hashKey } from "./keys.ts";
import { issueKey, type KeyOptions, readKey } from "./manage-keys.ts";

const HOUR_MS = 3_600_000;
/** Longest time that a former secret stays valid, in hours: 30 days. */
export const MAX_HOURS = 720;

type Dependencies = {
  store: Pick<Store, "listKeys" | "insertKey" | "updateKey" | "rotateKey" | "listFormerKeys" | "endFormerKeys">;
  /** Takes what was written into memory, so that the next request sees it. */
  refresh(): Promise<void>;
};

/**
 * Gives a key a new secret: its limits, use and history stay. The former secret is valid for `hours` more; with 0 it ends now. Former
 * secrets of earlier rotations end when they were said to. Resolves with the new secret, to be shown this once.
 * @throws {AppError} `not_found`; `conflict` when the key was deleted; `invalid_request` for hours beyond {@link MAX_HOURS}
 */
export async function rotateKey(
  deps: Dependencies,
  id: number,
  { hours, now }: { hours: number; now: number },
): Promise<{ key: string; row: KeyRow }> {
  if (!(hours >= 0 && hours <= MAX_HOURS))
    throw new AppError("invalid_request", `hours: expected a number from 0 to ${MAX_HOURS}.`, { param: "hours" });
  const before = await readKey(deps.store, id);
  if (before.revokedAt !== null) throw new AppError("conflict", `Key ${id} was deleted: restore it first.`, { reason: "key_deleted" });
  const { key, prefix } = newKey();
  const row = await deps.store.rotateKey(id, { hash: hashKey(key), prefix }, now + Math.round(hours * HOUR_MS));
  await deps.refresh();
  return { key, row };
}

/** Former secrets of a key that are valid now, the one that lasts longest first. */
export const formerKeys = ({ store }: Pick<Dependencies, "store">, id: number, now: number): Promise<FormerKey[]> =>
  store.listFormerKeys(id, now);

/** Ends the former secrets of a key now. Resolves with how many there were. */
export async function endFormerKeys({ store, refresh }: Dependencies, id: number, now: number): Promise<number> {
  const count = await store.endFormerKeys(id, now);
  await refresh();
  return count;
}

/** What a duplicate takes over: everything that an operator sets, but the end of a key that has expired. Pure. */
export function optionsOf(row: KeyRow, now: number): Omit<KeyOptions, "name"> {
  const { enabled, expiresAt, models, kinds, addresses, limits, imageForm, videoForm, sideCalls, imagesRoutesOnly } = row;
  return {
    ...{ enabled, models, kinds, addresses, limits, imageForm, videoForm, sideCalls, imagesRoutesOnly },
    expiresAt: expiresAt !== null && expiresAt <= now ? null : expiresAt,
  };
}

/** A new key with the settings of another one. Its use begins at nothing. @throws {AppError} `not_found` */
export async function duplicateKey(
  deps: Dependencies,
  id: number,
  { name, now }: { name: string; now: number },
): Promise<{ key: string; row: KeyRow }> {
  const row = await readKey(deps.store, id);
  return issueKey(deps, { ...optionsOf(row, now), name }, now);
}
