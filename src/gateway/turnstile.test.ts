// So many at once under each name, the others in turn.
import { expect, test } from "bun:test";
import { settled } from "../testing.ts";
import { createTurnstile } from "./turnstile.ts";

const free = new AbortController().signal;

test("the third waits for one of two to leave, in the order they came; another name does not wait", async () => {
  const turnstile = createTurnstile(2);
  const inside: string[] = [];
  const enter = async (who: string, name = "a") => {
    const leave = await turnstile.enter(name, free);
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

test("who gives up while waiting takes no place", async () => {
  const turnstile = createTurnstile(1);
  const leave = await turnstile.enter("a", free);
  const gone = new AbortController();
  const waiting = turnstile.enter("a", gone.signal);
  gone.abort(new Error("gone"));
  expect(waiting).rejects.toThrow("gone");
  leave();
  await turnstile.enter("a", free);
});
