// Who gives way when the storage is short: inputs before results, whoever holds the most first.
import { expect, test } from "bun:test";
import { findSurplus, type MediaSum, MediaUsage } from "./media-shares.ts";

const input = (keyId: number | null, bytes: number): MediaSum => ({ keyId, origin: "input", bytes });
const result = (keyId: number | null, bytes: number): MediaSum => ({ keyId, origin: "result", bytes });

const CASES: [string, MediaSum[], number, MediaSum[]][] = [
  ["all fits: nobody", [input(1, 40), result(1, 60)], 100, []],
  ["inputs before results", [input(1, 40), result(1, 61)], 100, [input(1, 1)]],
  ["results may fill everything: inputs have no room", [input(1, 5), input(2, 5), result(1, 100)], 100, [input(1, 5), input(2, 5)]],
  [
    "results alone are too much: inputs go whole, and of results the surplus",
    [input(2, 9), result(1, 110)],
    100,
    [input(2, 9), result(1, 10)],
  ],
  ["whoever holds the most", [result(1, 90), result(2, 20)], 100, [result(1, 10)]],
  ["whoever has less than an equal part loses nothing", [input(1, 1000), input(2, 30), input(3, 40)], 100, [input(1, 965), input(3, 5)]],
  ["the operator's own like any other's", [result(null, 90), result(2, 20)], 100, [result(null, 10)]],
  ["equals give equally", [result(1, 60), result(2, 60)], 100, [result(1, 10), result(2, 10)]],
];

test.each(CASES)("%s", (_name, sums, maxBytes, expected) => {
  expect(findSurplus(sums, maxBytes).toSorted((a, b) => b.bytes - a.bytes)).toEqual(expected.toSorted((a, b) => b.bytes - a.bytes));
});

test("what is left fits, whoever holds what", () => {
  for (let seed = 1; seed < 200; seed++) {
    const sums = Array.from({ length: (seed % 7) + 1 }, (_, index) => [
      input(index, (seed * 37 * (index + 1)) % 101),
      result(index, (seed * 53 * (index + 2)) % 97),
    ]).flat();
    const gone = findSurplus(sums, 150);
    const left = sums.reduce((sum, { bytes }) => sum + bytes, 0) - gone.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(left).toBeLessThanOrEqual(150);
    for (const { bytes, keyId, origin } of gone)
      expect(bytes).toBeLessThanOrEqual(sums.find((sum) => sum.keyId === keyId && sum.origin === origin)!.bytes);
    const resultBytes = sums.filter(({ origin }) => origin === "result").reduce((sum, { bytes }) => sum + bytes, 0);
    if (resultBytes <= 150) expect(gone.some(({ origin }) => origin === "result")).toBe(false);
  }
});

test("sums follow what is added and taken away", () => {
  const usage = new MediaUsage();
  usage.load([input(1, 5)]);
  usage.add(input(1, 7));
  usage.add(result(null, 3));
  usage.add(input(1, 12), -1);
  expect([usage.sums(), usage.bytesOf(input(1, 0)), usage.total()]).toEqual([[result(null, 3)], 0, 3]);
});
