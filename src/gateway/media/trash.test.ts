// Deletions of media that can be undone for a while.
import { expect, test } from "bun:test";
import { silentLog } from "../../log.ts";
import { virtualClock } from "../../testing.ts";
import { createMediaTrash, UNDO_MS } from "./trash.ts";

function world(remove: (id: string) => Promise<boolean> = async () => true) {
  const clock = virtualClock();
  const stopping = new AbortController();
  const removed: string[] = [];
  const media = {
    async remove(id: string) {
      const response = await remove(id);
      removed.push(id);
      return response;
    },
  };
  return { clock, removed, stopping, trash: createMediaTrash({ media, clock, log: silentLog, stopping: stopping.signal }) };
}

test("what is deleted is out of sight at once and gone when the time to undo is over", async () => {
  const { clock, removed, trash } = world();
  trash.put(["a", "b"]);
  expect([trash.has("a"), trash.has("c")]).toEqual([true, false]);
  await clock.advance(UNDO_MS - 1);
  expect(removed).toEqual([]);
  await clock.advance(1);
  expect(removed).toEqual(["a", "b"]);
  expect(trash.has("a")).toBe(false);
});

test("an undone deletion deletes nothing, and others go on", async () => {
  const { clock, removed, trash } = world();
  const name = trash.put(["a"]);
  trash.put(["b"]);
  expect(trash.restore(name)).toBe(1);
  expect(trash.has("a")).toBe(false);
  await clock.advance(UNDO_MS);
  expect(removed).toEqual(["b"]);
  expect(() => trash.restore(name)).toThrow("too late");
});

test("one that cannot be deleted does not keep the others", async () => {
  const { clock, removed, trash } = world(async (id) => (id === "a" ? Promise.reject(new Error("busy")) : true));
  trash.put(["a", "b"]);
  await clock.advance(UNDO_MS);
  expect(removed).toEqual(["b"]);
});

test("a server that stops in between leaves them where they are", async () => {
  const { clock, removed, stopping, trash } = world();
  trash.put(["a"]);
  stopping.abort();
  trash.put(["b"]);
  await clock.advance(UNDO_MS);
  expect(removed).toEqual([]);
});
