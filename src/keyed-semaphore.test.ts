// Keyed semaphore: limit per key, FIFO waiters, aborts and positions.
import { expect, test } from "bun:test";
import { KeyedSemaphore } from "./keyed-semaphore.ts";
import { settled } from "./testing.ts";

const free = new AbortController().signal;

test("the third waits for one of two to leave, in the order they came; another name does not wait", async () => {
  const semaphore = new KeyedSemaphore(2);
  const inside: string[] = [];
  const enter = async (who: string, name = "a") => {
    const leave = await semaphore.enter(name, free);
    inside.push(who);
    return leave;
  };
  const [first] = await Promise.all([enter("1"), enter("2")]);
  void enter("3");
  void enter("4");
  await enter("5", "b");
  expect(inside).toEqual(["1", "2", "5"]);
  first!();
  first!();
  await settled();
  expect(inside).toEqual(["1", "2", "5", "3"]);
});

test("who gives up while waiting takes no slot", async () => {
  const semaphore = new KeyedSemaphore(1);
  const leave = await semaphore.enter("a", free);
  const gone = new AbortController();
  const waiting = semaphore.enter("a", gone.signal);
  gone.abort(new Error("gone"));
  expect(waiting).rejects.toThrow("gone");
  leave();
  await semaphore.enter("a", free);
});

test("a waiter sees its queue position, those inside counted, and each time it gets better", async () => {
  const semaphore = new KeyedSemaphore(2);
  const leave = await semaphore.enter("a", free);
  await semaphore.enter("a", free);
  const places: [string, number][] = [];
  const gone = new AbortController();
  void semaphore.enter("a", free, (position) => places.push(["x", position]));
  semaphore.enter("a", gone.signal, (position) => places.push(["y", position])).catch(() => {});
  void semaphore.enter("a", free, (position) => places.push(["z", position]));
  gone.abort();
  await settled();
  leave();
  expect(places).toEqual([
    ["x", 3],
    ["y", 4],
    ["z", 5],
    ["x", 3],
    ["z", 4],
    ["z", 3],
  ]);
});
