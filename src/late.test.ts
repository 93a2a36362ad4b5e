// A late part is made once, by the first who needs it; a failure is tried again.
import { expect, test } from "bun:test";
import { Late } from "./late.ts";

test("it is made by the first who needs it, once for all who wait", async () => {
  let made = 0;
  const gate = Promise.withResolvers<void>();
  const late = new Late(async () => {
    await gate.promise;
    return ++made;
  });
  expect([made, late.loaded]).toEqual([0, null]);
  const both = [late.load(), late.load()];
  gate.resolve();
  expect(await Promise.all(both)).toEqual([1, 1]);
  expect([await late.load(), late.loaded, made]).toEqual([1, 1, 1]);
});

test("after a failure the next one tries again", async () => {
  let tries = 0;
  const late = new Late(async () => {
    if (++tries === 1) throw new Error("not now");
    return "made";
  });
  expect(late.load()).rejects.toThrow("not now");
  await Bun.sleep(0);
  expect(late.loaded).toBeNull();
  expect(await late.load()).toBe("made");
});
