// Cached usage sums: age, background renewal, failures not cached.

import { expect, test } from "bun:test";
import type { UsageRow } from "../../db/ledger.ts";
import { settled, virtualClock } from "../../testing.ts";
import { parseUsageRange, UsageCache } from "./usage.ts";

const MINUTE = 60_000;

function cacheOf() {
  const clock = virtualClock();
  let readings = 0;
  let isBroken = false;
  const readUsage = async () => {
    readings++;
    if (isBroken) throw new Error("broken");
    return [{ group: readings } as UsageRow];
  };
  const cache = new UsageCache({ store: { readUsage }, now: clock.now });
  const range = parseUsageRange({ span: "30" }, clock.now());
  return {
    clock,
    by: async (group: "token" | "key" | "day", model?: string) => (await cache.by(group, range, { model }))[0]?.group,
    readings: () => readings,
    settle: () => Bun.sleep(2).then(settled),
    break: (broken: boolean) => {
      isBroken = broken;
    },
  };
}

test("sums by token are read once within seconds, whoever asks", async () => {
  const { by, readings } = cacheOf();
  expect(await Promise.all([by("token"), by("token")])).toEqual([1, 1]);
  expect(await by("token")).toBe(1);
  expect(readings()).toBe(1);
});

test("older ones are shown once more and read again for whoever looks next; those of ten minutes ago are not shown", async () => {
  const { by, clock, settle } = cacheOf();
  await by("token");
  await clock.advance(MINUTE);
  expect(await by("token")).toBe(1);
  await settle();
  expect(await by("token")).toBe(2);
  await clock.advance(10 * MINUTE);
  expect(await by("token")).toBe(3);
});

test("by key, by token and by model are cached apart; by day is always read", async () => {
  const { by } = cacheOf();
  expect([await by("token"), await by("key"), await by("token", "omni"), await by("token")]).toEqual([1, 2, 3, 1]);
  expect([await by("day"), await by("day")]).toEqual([4, 5]);
});

test("a reading that fails is reported to who waits for it and to nobody after", async () => {
  const { by, clock, settle, ...the } = cacheOf();
  the.break(true);
  expect(by("token")).rejects.toThrow("broken");
  await settle();
  the.break(false);
  expect(await by("token")).toBe(2);
  the.break(true);
  await clock.advance(MINUTE);
  expect(await by("token")).toBe(2);
  await settle();
  the.break(false);
  expect(await by("token")).toBe(4);
});

test("only the few that were used last are retained", async () => {
  const { by } = cacheOf();
  for (const model of ["a", "b", "c", "d"]) await by("token", model);
  expect(await by("token", "a")).toBe(1);
  await by("token", "e");
  expect([await by("token", "a"), await by("token", "b")]).toEqual([1, 6]);
});
