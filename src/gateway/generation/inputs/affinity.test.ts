// Affinity: what is remembered, what is dropped first, and that it never holds more than its size.

import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { createAffinity, MAX_SIGNATURE } from "./affinity.ts";

test("a result leads to its token and signature, a signature to its token", () => {
  const affinity = createAffinity();
  affinity.remember("one", 1, "s1");
  affinity.remember("two", 2);
  affinity.rememberSignature("text", 3);
  expect([affinity.of("one"), affinity.of("two"), affinity.of("three")]).toEqual([{ tokenId: 1, signature: "s1" }, { tokenId: 2 }, null]);
  expect([affinity.tokenOf("s1"), affinity.tokenOf("text"), affinity.tokenOf("none")]).toEqual([1, 3, null]);
});

test("what is remembered again replaces what was", () => {
  const affinity = createAffinity({ results: 10, signatures: 2_000 });
  for (let time = 0; time < 100; time++) affinity.remember("one", time, "12345");
  affinity.remember("two", 7, "67890");
  expect([affinity.of("one"), affinity.of("two")]).toEqual([
    { tokenId: 99, signature: "12345" },
    { tokenId: 7, signature: "67890" },
  ]);
  affinity.remember("one", 5);
  expect(affinity.of("one")).toEqual({ tokenId: 5 });
});

test("the oldest signatures go first, and their results still lead to their tokens", () => {
  const affinity = createAffinity({ results: 100, signatures: 20 * (100 + 256) });
  for (let id = 0; id < 20; id++) affinity.remember(`m${id}`, id, `${id}`.padEnd(100, "x"));
  expect(affinity.of("m9")).toEqual({ tokenId: 9 });
  expect(affinity.of("m10")?.signature).toHaveLength(100);
  expect(affinity.tokenOf("9".padEnd(100, "x"))).toBe(9);
});

test("a signature that is too long is not stored, and still leads to its token", () => {
  const affinity = createAffinity();
  const signature = "x".repeat(MAX_SIGNATURE + 1);
  affinity.remember("one", 4, signature);
  expect([affinity.of("one"), affinity.tokenOf(signature)]).toEqual([{ tokenId: 4 }, 4]);
});

test("the oldest results go first", () => {
  const affinity = createAffinity({ results: 3, signatures: 1_000 });
  for (const id of ["a", "b", "c", "d"]) affinity.remember(id, 1, id);
  expect([affinity.of("a"), affinity.tokenOf("a"), affinity.of("d")?.signature]).toEqual([null, null, "d"]);
});

test.each([200, 20])("once it is full nothing more lives, however many results with signatures of %d characters come", (length) => {
  const affinity = createAffinity({ results: 500, signatures: 100_000 });
  const fill = (from: number, count: number) => {
    for (let id = from; id < from + count; id++) affinity.remember(`media-${id}`, 1, `signature ${id} `.padEnd(length, "x"));
  };
  const living = () => {
    Bun.gc(true);
    const { string = 0, BigInt: bigints = 0 } = heapStats().objectTypeCounts;
    return { string, bigints };
  };
  fill(0, 2_000);
  const before = living();
  fill(2_000, 20_000);
  const after = living();
  expect(after.string - before.string).toBeLessThan(400);
  expect(after.bigints - before.bigints).toBeLessThan(50);
  expect(affinity.of("media-21999")?.signature).toStartWith("signature 21999");
});
