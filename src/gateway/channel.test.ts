// A queue between callbacks and a loop, and several sources as one.
import { expect, test } from "bun:test";
import { settled } from "../testing.ts";
import { createChannel, merge } from "./channel.ts";

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test("what was pushed is read in order, then the end; what comes after the end is not told apart from it", async () => {
  const channel = createChannel<number>();
  channel.push(1);
  channel.push(2);
  channel.close();
  expect(await all(channel)).toEqual([1, 2]);
});

test("a failure is told after what was pushed", async () => {
  const channel = createChannel<number>();
  channel.push(1);
  channel.fail(new Error("broken"));
  const reader = channel[Symbol.asyncIterator]();
  expect(await reader.next()).toEqual({ done: false, value: 1 });
  await expect(reader.next()).rejects.toThrow("broken");
});

/** Yields its items, each when told to; `ended` once its `finally` has run. */
function source(name: string, count: number) {
  const turns: (() => void)[] = [];
  const state = { hasEnded: false, next: () => turns.shift()?.() };
  const items = (async function* () {
    try {
      for (let i = 0; i < count; i++) {
        await new Promise<void>((resolve) => turns.push(resolve));
        yield `${name}${i}`;
      }
    } finally {
      state.hasEnded = true;
    }
  })();
  return { items, state };
}

test("several sources are one, in the order in which their items come", async () => {
  const [a, b] = [source("a", 2), source("b", 1)];
  const reading = all(merge([a.items, b.items], () => {}));
  for (const one of [a, b, a]) {
    await settled();
    one.state.next();
  }
  expect(await reading).toEqual(["a0", "b0", "a1"]);
});

test("a reader that leaves several sources is let go when all of them have ended", async () => {
  const [a, b] = [source("a", 1), source("b", 2)];
  const reader = merge([a.items, b.items], () => {
    b.state.next();
    void settled().then(b.state.next);
  });
  const first = reader.next();
  await settled();
  a.state.next();
  expect(await first).toEqual({ done: false, value: "a0" });
  await reader.return(undefined);
  expect([a.state.hasEnded, b.state.hasEnded]).toEqual([true, true]);
});
