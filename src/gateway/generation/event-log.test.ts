// The events of one generation, for any number of readers.
import { expect, test } from "bun:test";
import { EventLog, EventReader, hearAll } from "./event-log.ts";

const read = (log: EventLog<number>) => new EventReader(log);

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test("every reader gets everything in order from the beginning, whenever it comes", async () => {
  const log = new EventLog<number>();
  log.push(1);
  const early = all(read(log));
  log.push(2);
  const middle = all(read(log));
  log.close();
  expect(await Promise.all([early, middle, all(read(log))])).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

test("a failure is reported after what was pushed", async () => {
  const log = new EventLog<number>();
  log.push(1);
  log.fail(new Error("broken"));
  const reader = read(log)[Symbol.asyncIterator]();
  expect(await reader.next()).toEqual({ done: false, value: 1 });
  await expect(reader.next()).rejects.toThrow("broken");
});

test("who waits for the beginning gets the first item, the end, or a failure that nothing came before", async () => {
  const logs = [new EventLog<number>(), new EventLog<number>(), new EventLog<number>(), new EventLog<number>()] as const;
  const [one, ended, failed, late] = logs;
  const begun = Promise.allSettled(logs.map((log) => log.begun()));
  one.push(1);
  ended.close();
  failed.fail(new Error("broken"));
  late.push(1);
  late.fail(new Error("broken later"));
  expect((await begun).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
});

test("a reader that is to leave is woken and thrown out; the others go on", async () => {
  const log = new EventLog<number>();
  let isGone = false;
  class Leaving extends EventReader<number> {
    protected override assertStays(): void {
      if (isGone) throw new Error("gone");
    }
  }
  const leaving = Promise.allSettled([all(new Leaving(log)), hearAll(new Leaving(log), { hear() {} })]);
  const staying = all(read(log));
  isGone = true;
  log.wake();
  const gone = { status: "rejected", reason: new Error("gone") };
  expect(await leaving).toEqual([gone, gone] as never);
  log.push(1);
  log.close();
  expect(await staying).toEqual([1]);
});

test("who hears all at the end gets the same as who reads along, the failure last", async () => {
  async function* generated() {
    yield 1;
    yield 2;
    throw new Error("broken");
  }
  const log = new EventLog<number>();
  const heard: number[][] = [];
  const hear = async (events: AsyncIterable<number>) => {
    const own: number[] = [];
    heard.push(own);
    await hearAll(events, {
      hear: (item: number) => (item === 1 ? void own.push(item) : Promise.resolve().then(() => void own.push(item))),
    });
  };
  const early = hear(read(log));
  log.push(1);
  log.push(2);
  log.fail(new Error("broken"));
  const ends = await Promise.allSettled([early, hear(read(log)), hear(generated())]);
  expect(ends.map((end) => end.status === "rejected" && String(end.reason))).toEqual(Array(3).fill("Error: broken"));
  expect(heard).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});
