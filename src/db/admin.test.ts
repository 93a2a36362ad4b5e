// Store contract: admin sessions and the audit log.
import { describe, expect, test } from "bun:test";
import type { UndoAction } from "../domain/undo.ts";
import { temporaryFolder } from "../testing.ts";
import type { SessionRow } from "./admin.ts";
import { ENGINES, type Engine } from "./testing.ts";

const NOW = Date.UTC(2026, 10, 23);

async function openRig(open: Engine["open"]) {
  const folder = temporaryFolder();
  const store = await open(folder.path);
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

const session = (name: number, change: Partial<SessionRow> = {}): SessionRow => ({
  hash: new Uint8Array(32).fill(name),
  accountId: 1,
  createdAt: NOW,
  seenAt: NOW,
  address: "10.0.0.1",
  agent: "a browser",
  ...change,
});

describe.each(ENGINES)("sessions over $name", ({ open }) => {
  test("are found as they were stored, latest seen first", async () => {
    await using rig = await openRig(open);
    const [one, two] = [session(1, { address: null }), session(2)];
    await rig.store.insertSession(one);
    await rig.store.insertSession(two);
    await rig.store.extendSession(one.hash, NOW + 1);
    expect(await rig.store.getSession(one.hash)).toEqual({ ...one, seenAt: NOW + 1 });
    expect((await rig.store.listSessions()).map(({ hash }) => hash[0])).toEqual([1, 2]);
    expect(await rig.store.getSession(new Uint8Array(32).fill(9))).toBeNull();
  });

  test("that are gone do not come back by being seen", async () => {
    await using rig = await openRig(open);
    await rig.store.insertSession(session(1));
    await rig.store.deleteSession(session(1).hash);
    await rig.store.extendSession(session(1).hash, NOW + 1);
    expect(await rig.store.listSessions()).toEqual([]);
  });

  test("go all, all but one, or by age and quiet", async () => {
    await using rig = await openRig(open);
    const rows = [session(1), session(2), session(3, { createdAt: NOW - 100 }), session(4, { seenAt: NOW - 100 })];
    for (const row of rows) await rig.store.insertSession(row);
    expect(await rig.store.deleteSessionsBefore({ created: NOW, seen: NOW })).toBe(2);
    expect(await rig.store.deleteSessions({ account: null, except: rows[0]!.hash })).toBe(1);
    expect((await rig.store.listSessions()).map(({ hash }) => hash[0])).toEqual([1]);
    expect(await rig.store.deleteSessions({ account: null, except: null })).toBe(1);
  });

  test("go those of one account alone", async () => {
    await using rig = await openRig(open);
    for (const row of [session(1), session(2, { accountId: 2 }), session(3, { accountId: 2 })]) await rig.store.insertSession(row);
    expect(await rig.store.deleteSessions({ account: 2, except: session(3).hash })).toBe(1);
    expect((await rig.store.listSessions()).map(({ hash }) => hash[0]).sort()).toEqual([1, 3]);
  });
});

describe.each(ENGINES)("the audit log over $name", ({ open }) => {
  const row = {
    at: NOW,
    actor: "admin",
    address: "10.0.0.1",
    action: "key.edit",
    subject: "key 1",
    before: { a: [1] },
    after: { a: null },
  };

  test("stores values as they are, and null as nothing", async () => {
    await using rig = await openRig(open);
    await rig.store.insertAudit(row);
    await rig.store.insertAudit({ ...row, address: null, before: null, after: undefined });
    expect(await rig.store.listAudit({ limit: 10 })).toEqual([
      { ...row, id: 2, address: null, before: null, after: null, items: 0 },
      { ...row, id: 1, items: 0 },
    ]);
  });

  test("is read in pages, newest first, also of one subject", async () => {
    await using rig = await openRig(open);
    for (let count = 1; count <= 6; count++) await rig.store.insertAudit({ ...row, subject: `key ${count % 2}` });
    const ids = async (filter: Parameters<typeof rig.store.listAudit>[0]) => (await rig.store.listAudit(filter)).map(({ id }) => id);
    expect(await ids({ limit: 2 })).toEqual([6, 5]);
    expect(await ids({ limit: 2, before: 5 })).toEqual([4, 3]);
    expect(await ids({ limit: 9, subject: "key 1" })).toEqual([5, 3, 1]);
    expect(await ids({ limit: 9, subject: "key 1", before: 3 })).toEqual([1]);
  });
});

describe.each(ENGINES)("an audit entry of many over $name", ({ open }) => {
  const entry = { at: NOW, actor: "admin", address: null, action: "token.change", subject: "tokens", before: null, after: { group: "eu" } };
  const items = [3, 1, 2].map((id) => ({ subject: `token ${id}`, before: { group: null }, after: { group: "eu" } }));

  test("is one row, and what it did to each is read on demand", async () => {
    await using rig = await openRig(open);
    await rig.store.insertAudit(entry, items);
    expect(await rig.store.listAudit({ limit: 9 })).toEqual([{ ...entry, id: 1, items: 3 }]);
    expect((await rig.store.listAuditItems(1, 2)).map(({ subject }) => subject)).toEqual(["token 1", "token 2"]);
  });

  test("is in the history of each of its subjects, with what it did to that one", async () => {
    await using rig = await openRig(open);
    await rig.store.insertAudit(entry, items);
    await rig.store.insertAudit({ ...entry, subject: "token 2", after: { group: "us" } });
    const history = await rig.store.listAudit({ limit: 9, subject: "token 2" });
    expect(history.map(({ id, subject, after }) => [id, subject, after])).toEqual([
      [2, "token 2", { group: "us" }],
      [1, "token 2", { group: "eu" }],
    ]);
    expect(await rig.store.listAudit({ limit: 9, subject: "token 9" })).toEqual([]);
  });
});

describe.each(ENGINES)("actions to undo over $name", ({ open }) => {
  const action = (id: string, at: number): UndoAction => ({
    ...{ id, at, actor: "admin", action: "token.change", count: 1, name: "one" },
    steps: [{ kind: "token", id: 1, before: { proxy: "http://u:secret@h:1" }, after: { proxy: null } }],
  });

  test("are listed newest first, since a time", async () => {
    await using rig = await openRig(open);
    for (const [id, at] of [
      ["a", NOW],
      ["b", NOW + 5],
      ["c", NOW + 3],
    ] as const)
      await rig.store.insertUndo(action(id, at));
    expect((await rig.store.listUndo(NOW + 1, 9)).map(({ id }) => id)).toEqual(["b", "c"]);
    expect((await rig.store.listUndo(NOW, 2)).map(({ id }) => id)).toEqual(["b", "c"]);
    const { steps: _steps, ...entry } = action("a", NOW);
    expect((await rig.store.listUndo(NOW, 9))[2]).toEqual(entry);
  });

  test("are taken once, and not when they are older", async () => {
    await using rig = await openRig(open);
    await rig.store.insertUndo(action("a", NOW));
    expect(await rig.store.takeUndo("a", NOW + 1)).toBeNull();
    expect(await rig.store.takeUndo("a", NOW)).toEqual(action("a", NOW));
    expect(await rig.store.takeUndo("a", NOW)).toBeNull();
  });
});
