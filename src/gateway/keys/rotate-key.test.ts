// Rotation, duplication, deletion of keys, over the real store and the guard's table.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { Store } from "../../db/store.ts";
import { NO_LIMITS } from "../../domain/key.ts";
import { temporaryFolder } from "../../testing.ts";
import { deleteKey, isRestorable, restoreKey } from "./delete-key.ts";
import { createKeys, refusalOf } from "./keys.ts";
import { DELETED_MS, issueKey } from "./manage-keys.ts";
import { duplicateKey, endFormerKeys, formerKeys, rotateKey } from "./rotate-key.ts";

const NOW = Date.UTC(2026, 10, 23);
const HOUR = 3_600_000;
let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
const keys = createKeys();
const refresh = async () => keys.load(await store.listKeys(), await store.listKeyHashes());
const deps = () => ({ store, refresh });
/** Null: it is let in. */
const refusal = (key: string, now: number) => {
  const row = keys.find(key);
  return row ? refusalOf(row, now, null, () => true) : "unknown";
};

beforeEach(async () => {
  folder = temporaryFolder();
  store = await openStore({ dataDir: folder.path, secretKey: loadSecretKey(folder.path, {}) });
});
afterEach(async () => {
  await store.close();
  folder[Symbol.dispose]();
});

test("the new secret counts at once, the former one for the hours that it was given, both as one key", async () => {
  const limits = { ...NO_LIMITS, rpm: 7 };
  const first = await issueKey(deps(), { name: "app", limits }, NOW);
  const second = await rotateKey(deps(), 1, { hours: 2, now: NOW });
  const third = await rotateKey(deps(), 1, { hours: 1, now: NOW });
  expect(third.row).toEqual({ ...first.row, prefix: third.row.prefix });
  expect([first.key, second.key, third.key].map((key) => keys.find(key)?.id)).toEqual([1, 1, 1]);
  const expired = "This API key has expired.";
  expect([NOW, NOW + HOUR, NOW + 2 * HOUR].map((at) => [first, second, third].map(({ key }) => refusal(key, at)))).toEqual([
    [null, null, null],
    [null, expired, null],
    [expired, expired, null],
  ]);
  expect((await formerKeys(deps(), 1, NOW)).map(({ prefix }) => prefix)).toEqual([first.row.prefix, second.row.prefix]);
});

test("with no hours, or ended, a former secret is refused at once", async () => {
  const first = await issueKey(deps(), { name: "app" }, NOW);
  const second = await rotateKey(deps(), 1, { hours: 0, now: NOW });
  expect(refusal(first.key, NOW)).not.toBeNull();
  await rotateKey(deps(), 1, { hours: 5, now: NOW });
  expect(refusal(second.key, NOW)).toBeNull();
  expect(await endFormerKeys(deps(), 1, NOW)).toBe(1);
  expect(refusal(second.key, NOW)).not.toBeNull();
});

test.each([-1, 721, Number.NaN])("%p hours are refused", async (hours) => {
  await issueKey(deps(), { name: "app" }, NOW);
  await expect(rotateKey(deps(), 1, { hours, now: NOW })).rejects.toMatchObject({ kind: "invalid_request", param: "hours" });
});

test("a duplicate has the settings and another secret; an end that has passed is left out", async () => {
  const first = await issueKey(deps(), { name: "app", kinds: ["image"], models: ["m"], expiresAt: NOW + HOUR, enabled: false }, NOW);
  const copy = await duplicateKey(deps(), 1, { name: "app copy", now: NOW + 2 * HOUR });
  expect(copy.row).toEqual({ ...first.row, id: 2, name: "app copy", prefix: copy.row.prefix, createdAt: NOW + 2 * HOUR, expiresAt: null });
  expect(copy.key).not.toBe(first.key);
});

test("a deleted key is refused, is not rotated, and comes back within 30 days", async () => {
  const { key, row } = await issueKey(deps(), { name: "app" }, NOW);
  await deleteKey(deps(), 1, NOW);
  expect(refusal(key, NOW)).toBe("This API key was deleted.");
  await expect(rotateKey(deps(), 1, { hours: 1, now: NOW })).rejects.toMatchObject({ kind: "conflict", reason: "key_deleted" });
  expect((await restoreKey(deps(), 1, NOW + DELETED_MS - 1)).after).toEqual(row);
  expect(refusal(key, NOW)).toBeNull();
  await expect(restoreKey(deps(), 1, NOW)).rejects.toMatchObject({ kind: "conflict" });
  await deleteKey(deps(), 1, NOW);
  expect([isRestorable({ revokedAt: NOW }, NOW), isRestorable({ revokedAt: null }, NOW)]).toEqual([true, false]);
  await expect(restoreKey(deps(), 1, NOW + DELETED_MS)).rejects.toMatchObject({ reason: "undo_over" });
});
