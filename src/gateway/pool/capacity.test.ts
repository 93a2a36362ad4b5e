// Capacity: tokens by provider and model, alike or not, and what is left today.

import { describe, expect, test } from "bun:test";
import { call, failure, limited, success, testPool, tokenRow } from "../../../test/pool.ts";
import type { TokenRow } from "../../domain/token.ts";
import type { FamilyOfKind } from "./capacity.ts";

const FAMILIES: FamilyOfKind[] = [
  { id: "image-a", kind: "image" },
  { id: "image-b", kind: "image" },
  { id: "video-a", kind: "video" },
];
const HAS = FAMILIES.map(({ id }) => id);
const MINUTE = 60_000;
const row = (id: number, change: Partial<TokenRow> = {}) => tokenRow(id, { families: HAS, imageConcurrency: 1, ...change });

function capacityOf(test: ReturnType<typeof testPool>) {
  const { families, kinds } = test.pool.capacity(FAMILIES);
  return { kinds, of: (family: string, provider = "alpha") => families.get(provider)?.get(family) };
}

describe("tokens", () => {
  test("ready, without a slot, disabled, and those that have not the model", async () => {
    const test = testPool([row(1), row(2), row(3, { enabled: false }), row(4, { families: ["image-b"] }), row(5, { provider: "beta" })]);
    await using _busy = await test.pool.lease(
      {
        kind: "image",
        family: "image-a",
        providers: ["alpha"],
        keyId: 1,
        exclude: new Set(),
        pinned: 1,
        estimate: { images: 1, videoSeconds: 0, usd: 0 },
      },
      { signal: new AbortController().signal },
    );
    const capacity = capacityOf(test);
    expect(capacity.of("image-a")).toMatchObject({ tokens: 2, ready: 1, busy: 1, off: 1, until: null, left: null });
    expect(capacity.of("image-b")).toMatchObject({ tokens: 3, ready: 2, busy: 1, off: 1 });
    expect(capacity.of("video-a")).toMatchObject({ tokens: 2, ready: 2, busy: 0, off: 1 });
    expect(capacity.of("image-a", "beta")).toMatchObject({ tokens: 1, ready: 1 });
    expect(capacity.kinds.image).toMatchObject({ tokens: 4, ready: 3, busy: 1, off: 1 });
  });

  test("of one kind only, and those not allowed the model", () => {
    const capacity = capacityOf(
      testPool([row(1, { videoEnabled: false }), row(2, { denyFamilies: ["image-a"] }), row(3, { allowFamilies: ["image-a"] })]),
    );
    expect(capacity.of("video-a")).toMatchObject({ tokens: 1, ready: 1, off: 1 });
    expect(capacity.of("image-a")).toMatchObject({ tokens: 2, ready: 2, off: 0 });
  });

  test("held back: the reason of most of them, and when the first is back", async () => {
    const test = testPool([row(1), row(2), row(3)]);
    const now = test.clock.now();
    const throttled = failure("upstream_rate_limited", { scope: "token", reason: "throttled" }, { retryAfterMs: 5 * MINUTE });
    await call(test, throttled, { pinned: 1, family: "image-a" });
    await call(test, failure("upstream_rate_limited", { scope: "token", reason: "throttled" }, { retryAfterMs: MINUTE }), {
      pinned: 2,
      family: "image-a",
    });
    await call(test, failure("upstream_unauthorized", { scope: "token", reason: "key_leaked" }), { pinned: 3, family: "image-a" });
    // A leaked key serves none of its models, whatever their own state.
    for (const family of HAS)
      expect(capacityOf(test).of(family)).toMatchObject({ tokens: 3, ready: 0, reason: "throttled", until: now + MINUTE });
    await test.clock.advance(MINUTE);
    expect(capacityOf(test).of("image-b")).toMatchObject({ ready: 1, until: now + 5 * MINUTE });
  });

  test("with one model held back serve the others", async () => {
    const test = testPool([row(1, { group: "g" }), row(2, { group: "g" })]);
    await call(test, limited("per_minute", { retryAfterMs: MINUTE }), { pinned: 1, family: "image-a" });
    const capacity = capacityOf(test);
    expect(capacity.of("image-a")).toMatchObject({ tokens: 2, ready: 0, reason: "per_minute", until: test.clock.now() + MINUTE });
    expect(capacity.of("image-b")).toMatchObject({ tokens: 2, ready: 2, reason: null });
    expect(capacity.kinds.image).toMatchObject({ ready: 2, reason: null });
  });

  test("blocked for good: nothing is back by itself", async () => {
    const test = testPool([row(1)]);
    await call(test, failure("upstream_unauthorized", { scope: "token", reason: "key_leaked" }), { family: "image-a" });
    expect(capacityOf(test).kinds.video).toMatchObject({ tokens: 1, ready: 0, until: null, reason: "key_leaked" });
  });
});

describe("left today", () => {
  const capped = (id: number, requestsPerDay: number, change: Partial<TokenRow> = {}) => row(id, { caps: { requestsPerDay }, ...change });
  test("is the sum of own caps, less what was used", async () => {
    const test = testPool([capped(1, 10), capped(2, 20)]);
    await call(test, success(), { pinned: 1, family: "image-a" });
    expect(capacityOf(test).of("image-a")?.left).toEqual({ requests: 29, of: 30 });
    expect(capacityOf(test).kinds.image.left).toEqual({ requests: 29, of: 30 });
  });
  test("counts the cap of a group once, and the cap of a model", () => {
    const grouped = (id: number) =>
      row(id, { group: "g", caps: { group: { requestsPerDay: 7, models: { "image-b": { requestsPerDay: 2 } } } } });
    const capacity = capacityOf(testPool([grouped(1), grouped(2), grouped(3)]));
    expect([capacity.of("image-a")?.left, capacity.of("image-b")?.left]).toEqual([
      { requests: 7, of: 7 },
      { requests: 2, of: 2 },
    ]);
    expect(capacity.kinds.image.left).toEqual({ requests: 7, of: 7 });
  });
  test("is not known where one token has no cap, and counts no token that only the operator brings back", async () => {
    expect(capacityOf(testPool([capped(1, 10), row(2)])).kinds.image.left).toBeNull();
    const test = testPool([capped(1, 10), capped(2, 20)]);
    await call(test, failure("upstream_unauthorized", { scope: "token", reason: "key_leaked" }), { pinned: 2, family: "image-a" });
    expect(capacityOf(test).kinds.image.left).toEqual({ requests: 10, of: 10 });
  });
  test("used up: back at the next day, by own caps", async () => {
    const test = testPool([capped(1, 1)]);
    await call(test, success(), { family: "image-a" });
    const found = capacityOf(test).of("image-a");
    expect(found).toMatchObject({ tokens: 1, ready: 0, reason: "caps", left: { requests: 0, of: 1 } });
    expect(found!.until).toBeGreaterThan(test.clock.now());
  });
  test("credits are those of tokens that serve", async () => {
    const test = testPool([row(1, { credits: 900 }), row(2, { credits: 50 }), row(3), row(4, { credits: 7, enabled: false })]);
    expect(capacityOf(test).of("video-a")?.credits).toBe(950);
  });
});

test("ten thousand tokens are counted, those that cool left out", async () => {
  const test = testPool(Array.from({ length: 10_000 }, (_, index) => row(index + 1)));
  for (let id = 1; id <= 2000; id += 10) {
    await call(test, failure("upstream_rate_limited", { scope: "token", reason: "throttled" }), { pinned: id, family: "image-a" });
  }
  const { kinds } = test.pool.capacity(FAMILIES);
  expect(kinds.image).toMatchObject({ tokens: 10_000, ready: 9_800 });
});
