// Token deletion: undo, its deadline, and restarts.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { Store } from "../../db/store.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, type VirtualClock, virtualClock } from "../../testing.ts";
import { TokenDeletions, UNDO_MS } from "./delete-tokens.ts";

let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let clock: VirtualClock;

beforeEach(async () => {
  folder = temporaryFolder();
  store = await openStore({ dataDir: folder.path, secretKey: loadSecretKey(folder.path, {}) });
  clock = virtualClock();
  for (const label of ["one", "two", "three"]) await store.insertToken({ provider: "gemini", label, secret: `secret-${label}` }, 1);
  await store.updateToken(2, { enabled: false });
});
afterEach(async () => {
  await store.close();
  folder[Symbol.dispose]();
});

const open = (stopping = new AbortController().signal) =>
  new TokenDeletions({ store, clock, log: silentLog, stopping, refresh: async () => {} });
const enabled = async () => Object.fromEntries((await store.listTokens()).map((row) => [row.id, row.enabled]));
/** Deletions are ended by a timer that nobody waits for. */
const settled = async (removals: ReturnType<typeof open>) => {
  await Bun.sleep(5);
  await removals.remove([]);
};

describe("a deletion", () => {
  test("takes the tokens out of service and out of sight at once, their secrets stay", async () => {
    const removals = open();
    expect((await removals.remove([1, 2, 2, 99])).ids).toEqual([1, 2]);
    expect(await enabled()).toEqual({ 1: false, 2: false, 3: true });
    expect([1, 2, 3].map(removals.isRemoved)).toEqual([true, true, false]);
    expect((await store.readTokenSecret(1)).secret).toBe("secret-one");
  });

  test("that is undone puts them back as they were: what was disabled stays disabled", async () => {
    const removals = open();
    const { name } = await removals.remove([1, 2]);
    expect(await removals.restore(name)).toEqual([1, 2]);
    expect(await enabled()).toEqual({ 1: true, 2: false, 3: true });
    await clock.advance(UNDO_MS * 2);
    await settled(removals);
    expect(await enabled()).toEqual({ 1: true, 2: false, 3: true });
  });

  test("is final when the time is over", async () => {
    const removals = open();
    const { name } = await removals.remove([1, 2]);
    await clock.advance(UNDO_MS);
    await settled(removals);
    expect(await enabled()).toEqual({ 3: true });
    expect(removals.isRemoved(1)).toBe(false);
    expect(removals.restore(name)).rejects.toMatchObject({ kind: "not_found", reason: "undo_over" });
  });

  test("is undone once", async () => {
    const removals = open();
    const { name } = await removals.remove([1]);
    await removals.restore(name);
    expect(removals.restore(name)).rejects.toMatchObject({ kind: "not_found" });
  });

  test("of a token that another deletion has leaves it to that one", async () => {
    const removals = open();
    const first = await removals.remove([1]);
    expect((await removals.remove([1, 3])).ids).toEqual([3]);
    await removals.restore(first.name);
    expect(await enabled()).toMatchObject({ 1: true, 3: false });
  });
});

describe("a restart", () => {
  test("in the same process leaves the deletion to the server that comes after", async () => {
    const stopping = new AbortController();
    const former = open(stopping.signal);
    const { name } = await former.remove([1]);
    stopping.abort();
    await clock.advance(UNDO_MS);
    await settled(former);
    expect(await enabled()).toMatchObject({ 1: false });
    await open().restore(name);
    expect(await enabled()).toMatchObject({ 1: true });
  });

  test("within the time leaves what is left of it to undo", async () => {
    const { name } = await open().remove([1]);
    const removals = open();
    await settled(removals);
    expect(removals.isRemoved(1)).toBe(true);
    await removals.restore(name);
    expect(await enabled()).toMatchObject({ 1: true });
  });

  test("after it ends the deletion", async () => {
    const later = virtualClock(clock.now() + UNDO_MS + 1);
    await open().remove([1]);
    const stopping = new AbortController().signal;
    const removals = new TokenDeletions({ store, clock: later, log: silentLog, stopping, refresh: async () => {} });
    await settled(removals);
    await later.advance(1);
    await settled(removals);
    expect(await enabled()).toEqual({ 2: false, 3: true });
  });
});
