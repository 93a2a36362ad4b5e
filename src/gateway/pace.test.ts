// How long a wait may be, told from how long calls took.
import { expect, test } from "bun:test";
import { createPace } from "./pace.ts";

test("nobody is told a wait before any call has ended", () => expect(createPace().estimate("image", "a", 1, 1)).toBeNull());

test("a wait grows with the place and shrinks with the tokens that are busy; calls of late count for more", () => {
  const pace = createPace();
  pace.note("image", "a", 10_000);
  expect([pace.estimate("image", "a", 1, 1), pace.estimate("image", "a", 4, 2), pace.estimate("image", "b", 1, 1)]).toEqual([
    10_000,
    20_000,
    null,
  ]);
  pace.note("image", "a", 20_000);
  expect(pace.estimate("image", "a", 1, 1)).toBe(12_000);
});

test("a call during which the clock was set back says nothing about the pace", () => {
  const pace = createPace();
  pace.note("image", "a", -3_600_000);
  expect(pace.estimate("image", "a", 1, 1)).toBeNull();
});
