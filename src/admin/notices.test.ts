// Notices: each is shown once, to its own session, whichever node serves the next page.
import { describe, expect, test } from "bun:test";
import { ENGINES } from "../db/testing.ts";
import { temporaryFolder, virtualClock } from "../testing.ts";
import { createNotices, type Notices } from "./notices.ts";

describe.each(ENGINES)("over $name", ({ name, open }) => {
  async function withNodes(body: (one: Notices, two: Notices, clock: ReturnType<typeof virtualClock>) => Promise<void>) {
    using folder = temporaryFolder();
    const clock = virtualClock();
    const stores = [await open(folder.path)];
    if (name === "postgres") stores.push(await open(folder.path));
    const nodes = stores.map((store) => createNotices({ store, now: clock.now }));
    try {
      await body(nodes[0]!, nodes.at(-1)!, clock);
    } finally {
      for (const store of stores) await store.close();
    }
  }

  test("each is taken once, in order, by its own session; of many the last five", () =>
    withNodes(async (one, two) => {
      await one.add("me", { text: "first", undo: { action: "/admin/undo/1", fields: { back: "/admin" } } });
      await two.add("me", { text: "second", tone: "bad" });
      await one.add("you", { text: "yours" });
      expect(await two.take("me")).toEqual([
        { text: "first", undo: { action: "/admin/undo/1", fields: { back: "/admin" } } },
        { text: "second", tone: "bad" },
      ]);
      expect([await one.take("me"), await two.take("me")]).toEqual([[], []]);
      for (let count = 0; count < 7; count++) await one.add("you", { text: `${count}` });
      expect((await two.take("you")).map(({ text }) => text)).toEqual(["2", "3", "4", "5", "6"]);
    }));

  test("those that two nodes add at once are all there", () =>
    withNodes(async (one, two) => {
      for (let round = 0; round < 5; round++) {
        await Promise.all([one, two, one, two].map((node, at) => node.add("me", { text: `${at}` })));
        expect((await one.take("me")).map(({ text }) => text).sort()).toEqual(["0", "1", "2", "3"]);
      }
    }));
});
