// Undo: former values come back where nothing else changed them; once, and for ten minutes.
import { expect, test } from "bun:test";
import type { UndoAction } from "../../domain/undo.ts";
import { AppError } from "../../errors.ts";
import { UndoLog, unchanged } from "./undo.ts";

test.each([
  ["a value as the action left it", { a: 1 }, { a: 2 }, { a: 2 }, { a: 1 }, 0],
  ["a value that was changed since", { a: 1, b: null }, { a: 2, b: "x" }, { a: 3, b: "x" }, { b: null }, 1],
  ["a list", { tags: ["x"] }, { tags: [] }, { tags: [] }, { tags: ["x"] }, 0],
  ["what was not there before", { a: null }, { a: 1 }, { a: 1 }, { a: null }, 0],
  ["what the action took away", { a: 1 }, { a: null }, {}, { a: 1 }, 0],
])("%s", (_name, before, after, current, change, skipped) => {
  expect(unchanged({ before, after }, current)).toEqual({ change, skipped });
});

function world({
  gone = [],
  broken = [],
  away = [],
}: {
  gone?: number[];
  broken?: number[];
  away?: ("audit" | "refresh" | "undo")[];
} = {}) {
  const stored = new Map<string, UndoAction>();
  const tokens = [1, ...gone, ...broken].map((id) => ({ id, group: "eu", label: "one" }));
  const settings: Record<string, unknown> = { "pool.paused_providers": ["gemini"] };
  const written: unknown[] = [];
  let time = 1_000_000;
  const store = {
    insertUndo: async (action: UndoAction) => {
      isAway("undo");
      stored.set(action.id, action);
    },
    listUndo: async (since: number) => [...stored.values()].filter(({ at }) => at >= since),
    takeUndo: async (id: string, since: number) => {
      const found = stored.get(id);
      if (!found || found.at < since) return null;
      stored.delete(id);
      return found;
    },
    listTokens: async () => tokens,
    listKeys: async () => [],
    readSettings: async () => settings,
    updateToken: async (id: number, change: object) => {
      if (gone.includes(id)) throw new AppError("not_found", `There is no token ${id}.`);
      if (broken.includes(id)) throw new AppError("unavailable", "The store is away.");
      written.push({ id, ...change });
    },
    setTokensDeleted: async (ids: readonly number[]) => {
      written.push({ restored: ids.length });
      return ids.filter((id) => id % 2 === 0);
    },
    writeSettings: async (change: object) => void written.push(change),
  };
  const isAway = (what: (typeof away)[number]) => {
    if (away.includes(what)) throw new AppError("unavailable", `${what} is away.`);
  };
  const audit = {
    async recordMany(change: object) {
      isAway("audit");
      written.push(change);
    },
  };
  const refresh = async () => {
    isAway("refresh");
    written.push("refresh");
  };
  const logged: string[] = [];
  const log = { error: (message: string) => void logged.push(message) };
  const undo = new UndoLog({ store: store as never, audit, now: () => time, log, refresh });
  return { undo, written, stored, logged, pass: (ms: number) => (time += ms), fail: (...parts: typeof away) => away.push(...parts) };
}
const BY = { address: null, actor: "me" };

test("a change of tokens: a token that is gone and a value that is another are counted, the rest is put back", async () => {
  const { undo, written } = world();
  const steps = [1, 2].map((id) => ({
    kind: "token" as const,
    id,
    before: { group: null, label: "old" },
    after: { group: "eu", label: "new" },
  }));
  const id = await undo.record({ action: "token.change", count: 2, name: null, steps }, BY);
  expect(await undo.list()).toMatchObject([{ id, actor: "me", count: 2 }]);
  expect((await undo.undo(id!, BY)).skipped).toBe(2);
  expect(written).toEqual([
    { id: 1, group: null },
    {
      action: "undo",
      subject: "token.change",
      items: [{ subject: "token 1", before: { group: "eu" }, after: { group: null } }],
    },
    "refresh",
  ]);
});

const groupSteps = (ids: readonly number[]) =>
  ids.map((id) => ({ kind: "token" as const, id, before: { group: null }, after: { group: "eu" } }));

test("a token that is erased meanwhile is counted, and keeps none of the others back", async () => {
  const { undo, written } = world({ gone: [2] });
  const id = await undo.record({ action: "token.change", count: 2, name: null, steps: groupSteps([2, 1]) }, BY);
  expect((await undo.undo(id!, BY)).skipped).toBe(1);
  expect(written).toMatchObject([{ id: 1, group: null }, { items: [{ subject: "token 1" }] }, "refresh"]);
});

test("where the store fails half-way, what was put back is loaded and written down, and the rest can be undone again", async () => {
  const { undo, written, stored } = world({ broken: [2] });
  const id = await undo.record({ action: "token.change", count: 2, name: null, steps: groupSteps([1, 2]) }, BY);
  await expect(undo.undo(id!, BY)).rejects.toMatchObject({ kind: "unavailable" });
  expect(written).toMatchObject([{ id: 1, group: null }, { items: [{ subject: "token 1" }] }, "refresh"]);
  expect([...stored.values()]).toMatchObject([{ id, steps: [{ id: 2 }] }]);
});

test("what cannot be loaded is written down all the same", async () => {
  const { undo, written } = world({ away: ["refresh"] });
  const id = await undo.record({ action: "token.change", count: 1, name: null, steps: groupSteps([1]) }, BY);
  await expect(undo.undo(id!, BY)).rejects.toMatchObject({ kind: "unavailable", message: "refresh is away." });
  expect(written).toMatchObject([{ id: 1, group: null }, { items: [{ subject: "token 1" }] }]);
});

test("what fails after a failure is logged, does not keep back the rest, and hides not the first failure", async () => {
  const { undo, written, logged, fail } = world({ broken: [2] });
  const id = await undo.record({ action: "token.change", count: 2, name: null, steps: groupSteps([1, 2]) }, BY);
  fail("undo", "refresh");
  await expect(undo.undo(id!, BY)).rejects.toMatchObject({ message: "The store is away." });
  expect(written).toMatchObject([{ id: 1, group: null }, { items: [{ subject: "token 1" }] }]);
  expect(logged).toEqual([
    "After an undo that failed, the rest of it could not be stored to be undone again",
    "After an undo that failed, what it had put back could not be loaded",
  ]);
  const other = world({ broken: [2] });
  const again = await other.undo.record({ action: "token.change", count: 2, name: null, steps: groupSteps([1, 2]) }, BY);
  other.fail("audit");
  await expect(other.undo.undo(again!, BY)).rejects.toMatchObject({ message: "The store is away." });
  expect([other.written, other.logged]).toEqual([
    [{ id: 1, group: null }, "refresh"],
    ["After an undo that failed, what it had put back could not be written into the audit log"],
  ]);
});

test("deleted tokens come back a slice at a time; those that do not are counted and not written down", async () => {
  const { undo, written } = world();
  const ids = Array.from({ length: 1100 }, (_, index) => index);
  const id = await undo.record({ action: "token.delete", count: 1100, name: null, steps: [{ kind: "tokens_deleted", ids }] }, BY);
  expect((await undo.undo(id!, BY)).skipped).toBe(550);
  expect([...written.slice(0, 3), written.at(-1)]).toEqual([{ restored: 500 }, { restored: 500 }, { restored: 100 }, "refresh"]);
  expect((written.at(-2) as { items: { subject: string }[] }).items.map(({ subject }) => subject)).toHaveLength(550);
});

test("a setting is put back", async () => {
  const { undo, written } = world();
  const step = { kind: "settings" as const, before: { "pool.paused_providers": [] }, after: { "pool.paused_providers": ["gemini"] } };
  const id = await undo.record({ action: "provider.pause", count: 1, name: "gemini", steps: [step] }, BY);
  await undo.undo(id!, BY);
  expect(written[0]).toEqual({ "pool.paused_providers": [] });
});

test("after ten minutes, and the second time, it is too late", async () => {
  const { undo, pass } = world();
  const step = { kind: "tokens_deleted" as const, ids: [] };
  const id = await undo.record({ action: "token.delete", count: 0, name: null, steps: [step] }, BY);
  pass(600_001);
  expect(await undo.list()).toEqual([]);
  await expect(undo.undo(id!, BY)).rejects.toMatchObject({ kind: "not_found", reason: "undo_over" });
});

test("what replaced nothing is not listed", async () => {
  const { undo } = world();
  expect(await undo.record({ action: "token.change", count: 0, name: null, steps: [] }, BY)).toBeNull();
  expect(await undo.list()).toEqual([]);
});
