// Deleted tokens: out of the pool at once, back as they were, erased after 30 days.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { Store } from "../../db/store.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, type VirtualClock, virtualClock } from "../../testing.ts";
import { createAudit } from "../audit/audit.ts";
import { UNDO_MS, UndoLog } from "../audit/undo.ts";
import { DELETED_MS, DeletedTokens, startTokenSweep } from "./delete-tokens.ts";

const BY = { address: "127.0.0.1" };
let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let clock: VirtualClock;
let deleted: DeletedTokens;
let undo: UndoLog;

beforeEach(async () => {
  folder = temporaryFolder();
  store = await openStore({ dataDir: folder.path, secretKey: loadSecretKey(folder.path, {}) });
  clock = virtualClock();
  for (const label of ["one", "two", "three"]) await store.insertToken({ provider: "gemini", label, secret: `secret-${label}` }, 1);
  await store.updateToken(2, { enabled: false });
  const { now } = clock;
  const audit = createAudit({ store, now });
  const refresh = async () => {};
  undo = new UndoLog({ store, audit, now, log: silentLog, refresh });
  deleted = new DeletedTokens({ store, audit, undo, now, refresh });
});
afterEach(async () => {
  await store.close();
  folder[Symbol.dispose]();
});

const enabled = async () => Object.fromEntries((await store.listTokens()).map((row) => [row.id, row.enabled]));
const trail = async () => (await store.listAudit({ limit: 9 })).map(({ action, subject, items }) => `${action} ${subject} ${items}`);

describe("a deletion", () => {
  test("is one entry of the audit log, and undone brings all back as they were", async () => {
    const { count, undoId } = await deleted.remove([1, 2, 2, 99], BY);
    expect([count, await enabled()]).toEqual([2, { 3: true }]);
    expect(await trail()).toEqual(["token.delete tokens 2"]);
    await clock.advance(UNDO_MS - 1);
    expect(await undo.undo(undoId!, BY)).toMatchObject({ skipped: 0, action: { action: "token.delete", count: 2, name: null } });
    expect(await enabled()).toEqual({ 1: true, 2: false, 3: true });
    await expect(undo.undo(undoId!, BY)).rejects.toMatchObject({ reason: "undo_over" });
  });

  test("of one token is named after it", async () => {
    await deleted.remove([3], BY);
    expect(await undo.list()).toMatchObject([{ action: "token.delete", count: 1, name: "three" }]);
    expect(await trail()).toEqual(["token.delete token 3 0"]);
  });

  test("of none leaves nothing to undo", async () => {
    expect(await deleted.remove([99], BY)).toEqual({ count: 0, undoId: null });
    expect([await trail(), await undo.list()]).toEqual([[], []]);
  });

  test("can be restored for 30 days, not only undone for ten minutes", async () => {
    const { undoId } = await deleted.remove([1, 3], BY);
    await clock.advance(UNDO_MS + 1);
    await expect(undo.undo(undoId!, BY)).rejects.toMatchObject({ reason: "undo_over" });
    expect(await deleted.ids()).toEqual([3, 1]);
    expect(await deleted.restore([1, 2], BY)).toBe(1);
    expect(await enabled()).toEqual({ 1: true, 2: false });
  });

  test("is erased for good when that is asked for, and only what is deleted", async () => {
    await deleted.remove([1], BY);
    expect(await deleted.erase([1, 3], BY)).toBe(1);
    expect([await deleted.ids(), await enabled()]).toEqual([[], { 2: false, 3: true }]);
  });
});

test("the sweep erases after 30 days and not before", async () => {
  await deleted.remove([1], BY);
  const sweep = startTokenSweep({ store, clock, log: silentLog });
  await clock.advance(DELETED_MS - 3_600_000);
  await deleted.remove([2], BY);
  expect(await deleted.ids()).toEqual([2, 1]);
  for (let hour = 0; hour < 3; hour++) {
    await clock.advance(3_600_000);
    await Bun.sleep(5);
  }
  expect(await deleted.ids()).toEqual([2]);
  await sweep.stop();
});
