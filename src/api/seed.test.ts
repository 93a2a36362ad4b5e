// Seeds become int32, the same for the same seed, and different ones stay different.
import { expect, test } from "bun:test";
import { foldSeed } from "./seed.ts";

test.each([undefined, null, "", "  "])("%p is none", (value) => expect(foldSeed(value)).toBeUndefined());

test.each([0, 1, 7, -1, 2 ** 31 - 1, -(2 ** 31)])("%p stays", (value) => {
  expect([foldSeed(value), foldSeed(String(value))]).toEqual([value, value]);
});

const LARGE = [2 ** 31, 4294967295, 4294967296, 1764450000000, 1764450000001, -(2 ** 40), Number.MAX_SAFE_INTEGER, 1e300, 1.5];
const TEXTS = ["9223372036854775807", "-9223372036854775808", "18446744073709551615", "fox", "a longer text", "1e5", "0x10", "１"];
test.each([...LARGE, ...TEXTS])("%p becomes an int32, always the same", (value) => {
  const folded = foldSeed(value)!;
  expect([Number.isInteger(folded), folded >= -(2 ** 31), folded < 2 ** 31, foldSeed(value)]).toEqual([true, true, true, folded]);
});

test("neighbours do not fall together", () => {
  const folded = Array.from({ length: 1000 }, (_, index) => foldSeed(1764450000000 + index));
  expect(new Set(folded).size).toBe(1000);
});

test("what is neither number nor text is refused by the field's name", () => {
  for (const value of [true, {}, [], Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => foldSeed(value, "parameters.seed")).toThrow("parameters.seed must be a whole number or a text");
  }
});
