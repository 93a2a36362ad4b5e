// Pool under random load against a plain model of it; a seed that fails repeats.

import { expect, test } from "bun:test";
import { failure, limited, request, success, testPool, tokenRow } from "../../../test/pool.ts";
import type { Random } from "../../clock.ts";
import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { seededRandom, settled } from "../../testing.ts";
import type { Lease, LeaseRequest, Outcome } from "./lease-contract.ts";
import { nextPacificMidnight } from "./pacific-time.ts";
import type { Strategy } from "./strategies.ts";

const FAMILIES = ["a", "b", "c"];
const STRATEGIES: Strategy[] = ["least_busy", "round_robin", "random", "weighted", "fill_first", "most_credits"];
const pickOf = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

function randomRow(random: Random, id: number): TokenRow {
  return tokenRow(id, {
    provider: random() < 0.6 ? "alpha" : "beta",
    group: random() < 0.4 ? `g${Math.floor(random() * 3)}` : null,
    enabled: random() < 0.9,
    imageConcurrency: pickOf(random, [-1, 1, 1, 2, 3]),
    videoConcurrency: pickOf(random, [0, 1, 2]),
    weight: Math.floor(random() * 4),
    priority: random() < 0.8 ? 0 : 1,
    families: random() < 0.5 ? null : FAMILIES.filter(() => random() < 0.7),
    denyFamilies: random() < 0.1 ? ["b"] : [],
    credits: random() < 0.5 ? null : Math.floor(random() * 100),
    caps: id % 4 === 0 ? { requestsPerMinute: 3 } : id % 4 === 1 ? { group: { requestsPerMinute: 5 } } : null,
  });
}

type Call = { request: LeaseRequest; lease: Lease; row: TokenRow; at: number };
type Wait = { request: LeaseRequest; number: number; client: AbortController; settled: boolean };

/** What is in cooldown until when, stored apart from the pool's own books. */
function createBooks() {
  const held = new Map<string, number>();
  const groupOf = (row: TokenRow) => (row.group === null ? `token ${row.id}` : `${row.provider} ${row.group}`);
  return {
    groupOf,
    hold: (key: string, until: number) => held.set(key, Math.max(held.get(key) ?? 0, until)),
    clear(row: TokenRow) {
      for (const key of held.keys()) {
        if (key === `t${row.id}` || key.startsWith(`t${row.id} `) || key.startsWith(`g${groupOf(row)} `)) held.delete(key);
      }
    },
    groupKey: (row: TokenRow, family: string) => `g${groupOf(row)} ${family}`,
    isHeld(row: TokenRow, family: string, now: number) {
      const keys = [`t${row.id}`, `t${row.id} ${family}`, `g${groupOf(row)} ${family}`];
      return keys.some((key) => (held.get(key) ?? 0) > now);
    },
  };
}

async function live(seed: number, steps: number): Promise<{ served: number; refused: number }> {
  const random = seededRandom(seed);
  const rows = new Map(Array.from({ length: 2 + Math.floor(random() * 10) }, (_, i) => [i + 1, randomRow(random, i + 1)]));
  let test = testPool([...rows.values()], { seed, settings: { wait_ms: 20_000, queue_limit: 50, strategy: pickOf(random, STRATEGIES) } });
  const books = createBooks();
  const calls = new Set<Call>();
  const waits = new Set<Wait>();
  /** Calls that count against caps: those under way, and those that were made. */
  let counted: Call[] = [];
  let numbers = 0;
  let served = 0;
  let refused = 0;

  const inFlight = (id: number, kind: Kind) => [...calls].filter((one) => one.lease.tokenId === id && one.request.kind === kind).length;
  const limit = (row: TokenRow, kind: Kind) => (kind === "image" ? row.imageConcurrency : row.videoConcurrency);
  const hasSlot = (row: TokenRow, kind: Kind) => limit(row, kind) === -1 || inFlight(row.id, kind) < limit(row, kind);
  const isCapped = (row: TokenRow, now: number) => {
    const recent = counted.filter((one) => now - one.at < 60_000);
    const isGroupCapped = [...rows.values()].some((other) => books.groupOf(other) === books.groupOf(row) && other.id % 4 === 1);
    const ofGroup = recent.filter((one) => books.groupOf(one.row) === books.groupOf(row));
    return (row.id % 4 === 0 && recent.filter((one) => one.row.id === row.id).length >= 3) || (isGroupCapped && ofGroup.length >= 5);
  };
  const matches = (row: TokenRow, { kind, family, providers, pinned, exclude }: LeaseRequest) =>
    row.enabled &&
    limit(row, kind) !== 0 &&
    providers.includes(row.provider) &&
    (row.families?.includes(family) ?? true) &&
    !row.denyFamilies.includes(family) &&
    (pinned ?? row.id) === row.id &&
    !exclude.has(row.id);

  function granted(wait: Wait, lease: Lease): void {
    const row = rows.get(lease.tokenId)!;
    expect(matches(row, wait.request)).toBe(true);
    expect(books.isHeld(row, wait.request.family, test.clock.now())).toBe(false);
    expect(hasSlot(row, wait.request.kind)).toBe(true);
    expect(isCapped(row, test.clock.now())).toBe(false);
    if (isPlain(wait))
      for (const other of waits) expect(isPlain(other) && isSameLine(other, wait) && other.number < wait.number).toBe(false);
    const one = { request: wait.request, lease, row, at: test.clock.now() };
    calls.add(one);
    counted.push(one);
    served++;
  }

  function come(): void {
    const wanted = request({
      kind: random() < 0.8 ? "image" : "video",
      family: pickOf(random, FAMILIES),
      providers: random() < 0.8 ? ["alpha", "beta"] : ["beta"],
      keyId: Math.floor(random() * 4),
      exclude: new Set(random() < 0.2 ? [pickOf(random, [...rows.keys()])] : []),
      pinned: random() < 0.1 ? pickOf(random, [...rows.keys()]) : undefined,
    });
    const wait: Wait = { request: wanted, number: ++numbers, client: new AbortController(), settled: false };
    waits.add(wait);
    const done = () => {
      wait.settled = true;
      waits.delete(wait);
    };
    test.pool.lease(wanted, { signal: wait.client.signal }).then(
      (lease) => {
        done();
        granted(wait, lease);
      },
      (error) => {
        done();
        refused++;
        expect(error).toBeInstanceOf(AppError);
      },
    );
  }

  function outcome(one: Call): Outcome | null {
    const now = test.clock.now();
    const { family } = one.request;
    const row = rows.get(one.row.id)!;
    const chance = random();
    if (chance < 0.5) return success();
    if (chance < 0.6) return failure("content_policy");
    if (chance < 0.65) return null;
    if (chance < 0.8) {
      const retryAfterMs = 1000 + Math.floor(random() * 30_000);
      books.hold(books.groupKey(row, family), now + retryAfterMs);
      return limited("per_minute", { retryAfterMs });
    }
    if (chance < 0.83) {
      books.hold(books.groupKey(row, family), nextPacificMidnight(now));
      return limited("per_day");
    }
    if (chance < 0.88) {
      books.hold(`t${row.id}`, now + 60_000);
      return failure("upstream_rate_limited", { scope: "token", reason: "throttled" });
    }
    if (chance < 0.91) {
      books.hold(`t${row.id}`, Number.POSITIVE_INFINITY);
      return failure("upstream_unauthorized");
    }
    if (chance < 0.94) {
      books.hold(`t${row.id} ${family}`, now + 86_400_000);
      return failure("upstream_model_denied");
    }
    return failure("cancelled", undefined, { charged: random() < 0.5 });
  }

  async function end(one: Call): Promise<void> {
    const how = outcome(one);
    if (how === null || (!how.ok && how.kind === "cancelled" && !how.charged)) counted = counted.filter((other) => other !== one);
    if (how) one.lease.report(how);
    await settled();
    calls.delete(one);
    await one.lease[Symbol.asyncDispose]();
    if (random() < 0.1) await one.lease[Symbol.asyncDispose]();
    await settled();
  }

  function change(): void {
    const row = pickOf(random, [...rows.values()]);
    const next = { ...randomRow(random, row.id), provider: row.provider, group: row.group };
    rows.set(row.id, next);
    test.pool.load([...rows.values()]);
  }

  async function restart(): Promise<void> {
    for (const one of [...calls]) await end(one);
    await test.pool.close();
    await settled();
    for (const one of [...calls]) await end(one);
    await test.pool.flush();
    expect(test.pool.gauges()).toMatchObject({ queued: 0, inFlight: { image: 0, video: 0 } });
    test = testPool([...rows.values()], { ...test, seed: seed + 1 });
    counted = [];
  }

  function assertNobodyIsForgotten(): void {
    const now = test.clock.now();
    expect(test.pool.gauges().queued).toBe(waits.size);
    for (const { request: wanted } of waits) {
      for (const row of rows.values()) {
        const isReady = matches(row, wanted) && !books.isHeld(row, wanted.family, now) && !isCapped(row, now);
        expect(isReady && hasSlot(row, wanted.kind)).toBe(false);
      }
    }
    for (const view of test.pool.snapshot()) {
      for (const kind of ["image", "video"] as const) expect(view.inFlight[kind]).toBe(inFlight(view.id, kind));
    }
  }

  for (let step = 0; step < steps; step++) {
    const chance = random();
    if (chance < 0.45) come();
    else if (chance < 0.75 && calls.size > 0) await end(pickOf(random, [...calls]));
    else if (chance < 0.8 && waits.size > 0) pickOf(random, [...waits]).client.abort(new AppError("cancelled", "gone"));
    else if (chance < 0.83) change();
    else if (chance < 0.85) test.settings.strategy = pickOf(random, STRATEGIES);
    else if (chance < 0.88) {
      const row = pickOf(random, [...rows.values()]);
      books.clear(row);
      test.pool.clearCooldown(row.id);
    } else if (chance < 0.885) await restart();
    else if (chance < 0.89) await test.clock.advance(86_400_000 * random());
    else await test.clock.advance(Math.floor(random() * 8000));
    await settled();
    assertNobodyIsForgotten();
  }
  for (const one of [...calls]) await end(one);
  for (let round = 0; waits.size > 0 && round < 100; round++) {
    await test.clock.advance(20_000);
    for (const one of [...calls]) await end(one);
  }
  expect(waits.size).toBe(0);
  for (const one of [...calls]) await end(one);
  expect(test.pool.gauges()).toMatchObject({ queued: 0, inFlight: { image: 0, video: 0 } });
  return { served, refused };
}

const isPlain = ({ request: { pinned, exclude } }: Wait) => pinned === undefined && exclude.size === 0;
const isSameLine = ({ request: a }: Wait, { request: b }: Wait) =>
  a.keyId === b.keyId && a.kind === b.kind && a.family === b.family && a.providers.length === b.providers.length;

const seeds = Array.from({ length: 40 }, (_, i) => i + 1);
test.each(seeds)("no slot leaks, no cooling token is used, no request is forgotten or overtaken (seed %d)", async (seed) => {
  const { served } = await live(seed, 400);
  expect(served).toBeGreaterThan(0);
});

test("no key starves: while two keys wait, neither gets two tokens in a row", async () => {
  const random = seededRandom(7);
  const test = testPool(
    [1, 2, 3].map((id) => tokenRow(id)),
    { settings: { wait_ms: 600_000 } },
  );
  const open = await Promise.all([test.lease(), test.lease(), test.lease()]);
  const order: number[] = [];
  const left = new Map([
    [1, 300],
    [2, 20],
    [3, 60],
  ]);
  for (const [keyId, count] of left) {
    for (let i = 0; i < count; i++) {
      void test.lease({ keyId }).then((lease) => {
        order.push(keyId);
        open.push(lease);
      });
    }
  }
  let last = 0;
  while (open.length > 0) {
    const [lease] = open.splice(Math.floor(random() * open.length), 1);
    const seen = order.length;
    await lease![Symbol.asyncDispose]();
    await settled();
    for (const keyId of order.slice(seen)) {
      left.set(keyId, left.get(keyId)! - 1);
      const othersWait = [...left].some(([other, count]) => other !== keyId && count > 0);
      if (othersWait) expect(keyId).not.toBe(last);
      last = keyId;
    }
  }
  expect([...left.values()]).toEqual([0, 0, 0]);
});
