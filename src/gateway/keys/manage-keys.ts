// Key management by the operator: create, change, list. See also rotate-key.ts and delete-key.ts.

import { findSetting } from "../../config/settings-keys.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { ImageForm, KeyChange, KeyLimits, KeyRow, SideCallMode, VideoForm } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { newKey } from "../../ids.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import { hashKey } from "./keys.ts";

/** How long a deleted key can be restored, ms. */
export const DELETED_MS = 30 * 86_400_000;

/** What may become of a key's side calls. */
export const SIDE_CALL_MODES = ["answer", "refuse", "generate"] as const satisfies readonly SideCallMode[];

export const KEY_STATES = ["usable", "disabled", "expired", "deleted"] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** @param now epoch ms */
export function keyState({ revokedAt, enabled, expiresAt }: Pick<KeyRow, "revokedAt" | "enabled" | "expiresAt">, now: number): KeyState {
  if (revokedAt !== null) return "deleted";
  if (!enabled) return "disabled";
  return expiresAt !== null && expiresAt <= now ? "expired" : "usable";
}

/** What an operator may set of a key. */
export type KeyOptions = Pick<
  KeyRow,
  | "name"
  | "enabled"
  | "expiresAt"
  | "models"
  | "kinds"
  | "addresses"
  | "limits"
  | "imageForm"
  | "videoForm"
  | "sideCalls"
  | "imagesRoutesOnly"
>;

/** Limits that a new key begins with. Pure. */
export function newKeyLimits({ keys }: Pick<Settings, "keys">): KeyLimits {
  const none = { day: null, month: null, total: null };
  const pace = { rpm: keys.rpm || null, concurrency: keys.concurrency || null, uploadMbDay: keys.upload_mb_day || null };
  return { ...pace, images: none, videoSeconds: none, usd: none };
}

type Dependencies = {
  store: Pick<Store, "insertKey" | "updateKey" | "listKeys">;
  /** Takes what was written into memory, so that the next request sees it. */
  refresh(): Promise<void>;
};

/** A new key: itself, to be shown this once, and its row. What is not said is as for a key that may do everything. */
export async function issueKey(
  { store, refresh }: Dependencies,
  options: Pick<KeyOptions, "name"> & Partial<KeyOptions>,
  now: number,
): Promise<{ key: string; row: KeyRow }> {
  const named = withName(options);
  const { key, prefix } = newKey();
  const row = await store.insertKey({ ...named, prefix, hash: hashKey(key) }, now);
  await refresh();
  return { key, row };
}

/** The name without blanks around it. @throws {AppError} `invalid_request` when nothing is left */
function withName<T extends { name?: string }>(options: T): T {
  if (options.name === undefined) return options;
  const name = options.name.trim();
  if (name === "") throw new AppError("invalid_request", "name must not be blank.", { param: "name", reason: "invalid_value" });
  return { ...options, name };
}

/** @throws {AppError} `not_found`; `conflict` when it was deleted; `invalid_request` for a blank name */
export async function changeKey({ store, refresh }: Dependencies, id: number, change: Partial<KeyOptions>) {
  const before = await readKey(store, id);
  if (before.revokedAt !== null) throw new AppError("conflict", `Key ${id} was deleted: restore it first.`, { reason: "key_deleted" });
  const after = await store.updateKey(id, withName(change) satisfies KeyChange);
  await refresh();
  return { before, after };
}

/** @throws {AppError} `not_found` */
export async function readKey(store: Pick<Store, "listKeys">, id: number): Promise<KeyRow> {
  const row = (await store.listKeys()).find((one) => one.id === id);
  if (!row) throw new AppError("not_found", `There is no key ${id}.`);
  return row;
}

/** The known id nearest to one that no catalogue has; null: it is known. */
export const unknownModel = (catalogue: Catalogue, model: string): { nearest: string } | null =>
  catalogue.parseModel(model) ? null : { nearest: catalogue.nearestModels(model, 1)[0]! };

/** Whether a text is an address or a range of them (CIDR). */
export const isAddressRange = (text: string): boolean => findSetting("server.trust_proxy")!.accepts([text]);

/** Forms in which images can be put into chat. */
export const imageForms = () => findSetting("chat.image_form")!.choices as readonly ImageForm[];

/** Forms in which videos can be put into chat. */
export const videoForms = () => findSetting("chat.video_form")!.choices as readonly VideoForm[];

export type KeyQuery = {
  text: string;
  state: KeyState | "all" | "living";
  limit: number /** Id of the last row of the page before. */;
  before?: number;
};

/**
 * A page of keys, the latest first, and how many there are of each state. Thousands are read at once: they are few and small. Keys that
 * can no longer be restored are in no page.
 */
export function pageOfKeys(all: readonly KeyRow[], { text, state, limit, before }: KeyQuery, now: number) {
  const wanted = text.trim().toLowerCase();
  const counts: Record<KeyState, number> = { usable: 0, disabled: 0, expired: 0, deleted: 0 };
  const rows = all.filter(({ revokedAt }) => revokedAt === null || now - revokedAt < DELETED_MS);
  for (const row of rows) counts[keyState(row, now)] += 1;
  const found = rows
    .filter((row) => {
      const its = keyState(row, now);
      if (state === "living" ? its === "deleted" : state !== "all" && state !== its) return false;
      if (before !== undefined && row.id >= before) return false;
      return (
        wanted === "" || row.name.toLowerCase().includes(wanted) || row.prefix.toLowerCase().startsWith(wanted.slice(0, row.prefix.length))
      );
    })
    .sort((a, b) => b.id - a.id);
  const shown = found.slice(0, limit);
  return { rows: shown, next: found.length > limit ? shown.at(-1)!.id : null, counts };
}
