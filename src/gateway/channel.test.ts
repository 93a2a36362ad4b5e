// A queue between callbacks and a loop.
import { expect, test } from "bun:test";
import { createChannel } from "./channel.ts";

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

test("who waits for the beginning gets the first item, the end, or a failure that nothing came before", async () => {
  const [one, ended, failed, late] = [createChannel<number>(), createChannel<number>(), createChannel<number>(), createChannel<number>()];
  const begun = Promise.allSettled([one, ended, failed, late].map((channel) => channel.begun()));
  one.push(1);
  ended.close();
  failed.fail(new Error("broken"));
  late.push(1);
  late.fail(new Error("broken later"));
  expect((await begun).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  one.close();
  expect(await all(one)).toEqual([1]);
});

test("a reader that leaves before the end is let go when what it left has ended; one that read to the end leaves nothing", async () => {
  const said: string[] = [];
  const channel = createChannel<number>(async () => {
    await Promise.resolve();
    said.push("ended");
  });
  channel.push(1);
  for await (const _ of channel) break;
  expect(said).toEqual(["ended"]);
  channel.close();
  await channel[Symbol.asyncIterator]().return?.();
  expect(said).toEqual(["ended"]);
});
