// The figures of a soak: a trend that bursts and sawteeth do not move, and samples of a process that runs.
import { expect, test } from "bun:test";
import { temporaryFolder } from "../../src/testing.ts";
import { growthOf, METRICS, type Sample, takeSample } from "./samples.ts";
import { growthPerHour, median } from "./trend.ts";

const points = (count: number, value: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => ({ at: index / 60, value: value(index) }));

test.each<[string, (index: number) => number, number]>([
  ["a straight line", (index) => 100 + index, 60],
  ["nothing that grows", () => 80, 0],
  ["bursts of ten times the value", (index) => (index % 7 === 0 ? 1_000 : 100 + index / 60), 1],
  ["a burst at the end alone", (index) => (index > 110 ? 5_000 : 100), 0],
  ["what shrinks", (index) => 500 - index / 2, -30],
])("the trend of %s", (_name, value, expected) => {
  expect(growthPerHour(points(120, value))).toBeCloseTo(expected, 6);
});

test("a sawtooth without growth has nearly none", () => {
  expect(Math.abs(growthPerHour(points(240, (index) => 100 + (index % 12))))).toBeLessThan(1);
});

test("too little has no trend", () => {
  expect([growthPerHour([]), growthPerHour(points(1, () => 1)), median([])]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

test("the warm-up does not count", () => {
  const samples = Array.from({ length: 100 }, (_, index) => {
    const value = index < 20 ? index * 50 : 1_000;
    return { at: index * 1_000, ...Object.fromEntries(METRICS.map((metric) => [metric, value])) } as Sample;
  });
  for (const { first, last, perHour } of growthOf(samples, 0.2)) expect([first, last, perHour]).toEqual([1_000, 1_000, 0]);
});

test("this process has memory and descriptors, and a folder its logs", async () => {
  using folder = temporaryFolder();
  await Bun.write(`${folder.path}/flow2api.db-wal`, new Uint8Array(3 * 1024 * 1024));
  const sample = takeSample(process.pid, folder.path, 7);
  expect(sample).toMatchObject({ at: 7, wal_mb: 3 });
  for (const metric of ["rss_mb", "anonymous_mb", "descriptors", "threads"] as const) expect(sample[metric]).toBeGreaterThan(0);
});
