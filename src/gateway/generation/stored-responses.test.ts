// Responses of /v1/responses on a real store: whose they are, how long they stay, and how many.
import { describe, expect, test } from "bun:test";
import { openStore } from "../../db/sqlite/store.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { createStoredResponses } from "./stored-responses.ts";

const DAY_MS = 86_400_000;

async function open(maxBytes?: number) {
  const folder = temporaryFolder();
  const clock = virtualClock();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  const responses = createStoredResponses({ store, clock, log: silentLog, maxBytes });
  const keep = (id: string, body = { text: id }, keyId = 1) => responses.keep({ id, keyId, createdAt: clock.now(), body });
  /** Which of them are on disk. */
  const there = async (...ids: string[]) => {
    const rows = await Promise.all(ids.map((id) => store.getResponse(id, 1)));
    return ids.filter((_, index) => rows[index] !== null);
  };
  const close = async () => {
    await responses.stop();
    await store.close();
    folder[Symbol.dispose]();
  };
  return { clock, store, responses, keep, there, [Symbol.asyncDispose]: close };
}

/** Lets the disk work until only these are left. */
async function left(world: Awaited<ReturnType<typeof open>>, ids: string[], expected: string[]) {
  for (let turn = 0; turn < 1000; turn++) {
    if ((await world.there(...ids)).join() === expected.join()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`Left are ${await world.there(...ids)}.`);
}

describe("a response", () => {
  test("is its key's alone, to find and to forget", async () => {
    await using world = await open();
    await world.keep("a");
    expect([await world.responses.find("a", 1), await world.responses.find("a", 2)]).toEqual([{ text: "a" }, null]);
    expect([await world.responses.remove("a", 2), await world.responses.remove("a", 1)]).toEqual([false, true]);
    expect([await world.responses.find("a", 1), await world.responses.remove("a", 1)]).toEqual([null, false]);
  });

  test("stays as it was when it is stored again, and another key cannot take its id", async () => {
    await using world = await open();
    await world.keep("a");
    await world.keep("a", { text: "other" });
    await world.keep("a", { text: "stranger" }, 2);
    expect([await world.responses.find("a", 1), await world.responses.find("a", 2)]).toEqual([{ text: "a" }, null]);
  });

  test("is there for thirty days and not a moment longer, swept or not", async () => {
    await using world = await open();
    await world.keep("a");
    await world.clock.advance(30 * DAY_MS - 1);
    expect(await world.responses.find("a", 1)).not.toBeNull();
    await world.clock.advance(1);
    expect([await world.responses.find("a", 1), await world.responses.remove("a", 1)]).toEqual([null, false]);
  });

  test("that is too long is not stored", async () => {
    await using world = await open();
    expect(await world.keep("a", { text: "x".repeat(1024 * 1024) })).toBe(false);
    expect(await world.there("a")).toEqual([]);
  });
});

describe("the sweep", () => {
  test("deletes what is past its age, however much that is", async () => {
    await using world = await open();
    for (let count = 0; count < 1100; count++) await world.keep(`old ${count}`);
    await world.clock.advance(30 * DAY_MS + 1);
    await world.keep("young");
    world.responses.start();
    await left(world, ["old 0", "old 1099", "young"], ["young"]);
  });

  test("deletes the oldest beyond the total size", async () => {
    await using world = await open(2 * 1000);
    for (const id of ["a", "b", "c", "d"]) {
      await world.keep(id, { text: "x".repeat(880) });
      await world.clock.advance(1);
    }
    world.responses.start();
    await left(world, ["a", "b", "c", "d"], ["c", "d"]);
  });

  test("takes from the key that holds the most: what others stored stays", async () => {
    await using world = await open(4 * 1000);
    const body = { text: "x".repeat(880) };
    await world.keep("theirs", body, 2);
    for (let count = 0; count < 20; count++) {
      await world.clock.advance(1);
      await world.keep(`mine ${count}`, body);
    }
    world.responses.start();
    await left(world, ["mine 15", "mine 16", "mine 17", "mine 18", "mine 19"], ["mine 17", "mine 18", "mine 19"]);
    expect(await world.responses.find("theirs", 2)).toEqual(body);
  });

  test("comes again every hour", async () => {
    await using world = await open();
    await world.keep("a");
    await world.clock.advance(30 * DAY_MS - 60_000);
    world.responses.start();
    await world.keep("b");
    expect(await world.there("a", "b")).toEqual(["a", "b"]);
    await world.clock.advance(3_600_000);
    await left(world, ["a", "b"], ["b"]);
  });

  test("comes at once when as much as may be was stored since the last", async () => {
    await using world = await open(2 * 1000);
    world.responses.start();
    for (const id of ["a", "b", "c"]) {
      await world.keep(id, { text: "x".repeat(880) });
      await world.clock.advance(1);
    }
    await left(world, ["a", "b", "c"], ["b", "c"]);
  });
});
