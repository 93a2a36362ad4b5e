// The figures of a soak: a trend that bursts and sawteeth do not move, and samples of a process that runs.
import { expect, test } from "bun:test";
import { temporaryFolder } from "../../src/testing.ts";
import { grownTypes, probeEnv, readHeap } from "./heap.ts";
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

test("types that grew are reported, most first, and those that breathe are not", () => {
  const heap = (objectTypeCounts: Record<string, number>) => ({ heapSize: 0, extraMemorySize: 0, objectTypeCounts });
  const grown = grownTypes(heap({ string: 100, Object: 50, Map: 9 }), heap({ string: 400, Object: 1_000, Map: 10, Leak: 300 }), 200);
  expect(grown.map(({ type, before, after }) => [type, before, after])).toEqual([
    ["Object", 50, 1_000],
    ["string", 100, 400],
    ["Leak", 0, 300],
  ]);
});

test("a process with the probe writes what lives after a collection", async () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/heap.json`;
  await Bun.write(
    `${folder.path}/held.ts`,
    "globalThis.held = Array.from({ length: 5000 }, (_, id) => new Map([[id, id]])); console.log(1); setInterval(() => {}, 1000);",
  );
  const child = Bun.spawn([process.execPath, `${folder.path}/held.ts`], {
    env: { PATH: process.env.PATH, ...probeEnv(file) },
    stdout: "pipe",
  });
  try {
    await child.stdout.getReader().read();
    const { objectTypeCounts, heapSize } = await readHeap(child.pid, file);
    expect(objectTypeCounts.Map).toBeGreaterThanOrEqual(5_000);
    expect(heapSize).toBeGreaterThan(0);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});
