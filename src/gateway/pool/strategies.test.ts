// Load-balancing strategies: which token each prefers, and the proportions of random ones.
import { describe, expect, test } from "bun:test";
import { testPool, tokenRow } from "../../../test/pool.ts";
import { seededRandom } from "../../testing.ts";
import type { Lease } from "./lease-contract.ts";
import type { Strategy } from "./strategies.ts";

/** Ids of `count` leases in a row; `keep` of them stay open. */
async function sequence(test: ReturnType<typeof testPool>, count: number, keep = 0, kind: "image" | "video" = "image"): Promise<number[]> {
  const ids: number[] = [];
  const open: Lease[] = [];
  for (let i = 0; i < count; i++) {
    const lease = await test.lease({ kind }, { waitMs: 0 });
    ids.push(lease.tokenId);
    open.push(lease);
    if (open.length > keep) await open.shift()![Symbol.asyncDispose]();
  }
  for (const lease of open) await lease[Symbol.asyncDispose]();
  return ids;
}

const three = (change: (id: number) => object = () => ({})) => [1, 2, 3].map((id) => tokenRow(id, { imageConcurrency: 4, ...change(id) }));
const pool = (strategy: Strategy, rows = three()) => testPool(rows, { settings: { strategy } });

describe("least_busy", () => {
  test("takes the least recently used among the idle", async () => {
    expect(await sequence(pool("least_busy"), 6)).toEqual([1, 2, 3, 1, 2, 3]);
  });
  test("compares calls in flight to the limit", async () => {
    const rows = three((id) => ({ imageConcurrency: id === 2 ? 8 : 1 }));
    expect((await sequence(pool("least_busy", rows), 10, 10)).sort()).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
  });
  test("counts image and video calls apart", async () => {
    const test = pool(
      "least_busy",
      three((id) => ({ videoConcurrency: id === 1 ? 0 : 2 })),
    );
    expect(await sequence(test, 4, 4, "video")).toEqual([2, 3, 2, 3]);
    expect(test.pool.gauges().inFlight).toEqual({ image: 0, video: 0 });
  });
});

test("round_robin goes round, whatever is in flight", async () => {
  expect(await sequence(pool("round_robin"), 7, 7)).toEqual([1, 2, 3, 1, 2, 3, 1]);
});

test("fill_first fills the oldest token before the next", async () => {
  expect(await sequence(pool("fill_first"), 6, 6)).toEqual([1, 1, 1, 1, 2, 2]);
});

test("most_credits takes the richest, unknown credits last", async () => {
  const rows = three((id) => ({ imageConcurrency: 1, credits: [null, null, 40, 90][id] }));
  expect(await sequence(pool("most_credits", rows), 3, 3)).toEqual([3, 2, 1]);
});

describe("chance", () => {
  const share = (ids: number[]) => [1, 2, 3].map((id) => Math.round((100 * ids.filter((one) => one === id).length) / ids.length));
  const near = (got: number[], wanted: number[]) => got.every((value, i) => Math.abs(value - wanted[i]!) <= 3);

  test("random gives everyone the same share, with calls open or not", async () => {
    for (const keep of [0, 5]) expect(near(share(await sequence(pool("random"), 6000, keep)), [33, 33, 33])).toBe(true);
  });
  test("weighted gives shares in proportion; weight 0 is taken only when no other token can", async () => {
    const rows = three((id) => ({ imageConcurrency: -1, weight: [0, 1, 3, 0][id] }));
    expect(near(share(await sequence(pool("weighted", rows), 6000, 3)), [25, 75, 0])).toBe(true);
    const alone = pool("weighted", [tokenRow(3, { weight: 0 })]);
    expect(await sequence(alone, 2)).toEqual([3, 3]);
  });
  test("two draws in a row are independent", async () => {
    const ids = await sequence(pool("random"), 6000);
    const repeats = ids.filter((id, i) => id === ids[i - 1]).length / ids.length;
    expect(Math.abs(repeats - 1 / 3)).toBeLessThan(0.03);
  });
});

const ALL: Strategy[] = ["least_busy", "round_robin", "random", "weighted", "fill_first", "most_credits"];
test.each(ALL)("%s: a higher priority comes before everything else, until it is full", async (strategy) => {
  const rows = three((id) => ({ imageConcurrency: 2, priority: id === 2 ? 5 : id === 3 ? -5 : 0, credits: 10 - id }));
  expect(await sequence(pool(strategy, rows), 6, 6)).toEqual([2, 2, 1, 1, 3, 3]);
});

test("a strategy changed in the settings holds from the next lease on", async () => {
  const test = pool("fill_first");
  expect(await sequence(test, 3, 3)).toEqual([1, 1, 1]);
  test.settings.strategy = "round_robin";
  expect(await sequence(test, 4, 4)).toEqual([2, 3, 1, 2]);
});

test("a preferred token is taken when it is free, else another at once", async () => {
  const test = pool(
    "least_busy",
    three(() => ({ imageConcurrency: 1 })),
  );
  await using first = await test.lease({ prefer: 3 });
  await using second = await test.lease({ prefer: 3 });
  expect([first.tokenId, second.tokenId]).toEqual([3, 1]);
});

test("seeds repeat", async () => {
  expect(await sequence(pool("random"), 50)).toEqual(await sequence(pool("random"), 50));
  expect(seededRandom(1)()).toBe(seededRandom(1)());
});
