// Limits under random load: every reservation ends, memory and ledger agree, no limit is exceeded.

import { describe, expect, test } from "bun:test";
import type { Amounts } from "../../db/ledger.ts";
import { type KeyLimits, NO_LIMITS } from "../../domain/key.ts";
import { seededRandom, settled } from "../../testing.ts";
import { addAmounts, toAmounts, toCost, zeroAmounts } from "./budget.ts";
import type { Admission, Cost } from "./contract.ts";
import { MINUTE_MS, PERIODS, type Period, periodsAt } from "./periods.ts";
import { type Bench, keyRow, request, startBench } from "./testing.ts";

const STEPS = 250;
const KEYS = [1, 2, 3];

/** What the test itself knows of one admitted generation. `used` is null while it runs. */
type Entry = { keyId: number; at: number; estimate: Cost; used: Cost | null; admission: Admission | null };
type Life = { bench: Bench; pick(below: number): number; entries: Entry[] };

const NOTHING: Cost = { images: 0, videoSeconds: 0, usd: 0 };

/** Limits that a life reaches now and then. */
function someLimits(pick: Life["pick"]): KeyLimits {
  const maybe = (limit: number) => (pick(2) === 0 ? null : 1 + pick(limit));
  const each = (scale: number) => ({ day: maybe(30 * scale), month: maybe(200 * scale), total: maybe(900 * scale) });
  return { ...NO_LIMITS, rpm: maybe(30), concurrency: maybe(8), images: each(1), videoSeconds: each(4), usd: each(1) };
}

const someCost = (pick: Life["pick"]): Cost => ({ images: pick(4), videoSeconds: pick(3) * 4, usd: pick(100) / 1000 });

/** At most the estimate: what an upstream delivers beyond it nobody can refuse. */
const someOf = (estimate: Cost, pick: Life["pick"]): Cost => ({
  images: pick(estimate.images + 1),
  videoSeconds: pick(estimate.videoSeconds + 1),
  usd: pick(estimate.usd * 1000 + 1) / 1000,
});

const running = ({ entries }: Life) => entries.filter(({ used }) => used === null);

/** Asks for several at once. The result reports which are refused, as soon as that is known. */
function ask({ bench, pick, entries }: Life) {
  return Array.from({ length: 1 + pick(12) }, () => {
    const asked = { keyId: 1 + pick(KEYS.length), estimate: someCost(pick), refused: false, answer: Promise.resolve() };
    const entry: Entry = { ...asked, at: bench.clock.now(), used: null, admission: null };
    const take = (admission: Admission) => {
      entry.admission = admission;
      entries.push(entry);
    };
    const refuse = (error: { kind: string }) => {
      expect(error.kind).toBe("limit_exceeded");
      asked.refused = true;
    };
    asked.answer = bench.limits.admit(asked.keyId, request({ estimate: asked.estimate })).then(take, refuse);
    return { asked, entry };
  });
}

/** Ends it in one of the ways there are, more than once: the first counts. */
function end({ pick }: Life, entry: Entry): void {
  const used = pick(3) === 0 ? NOTHING : someOf(entry.estimate, pick);
  const call = { tokenId: 1 + pick(2), ok: true, ms: 10, ...used };
  const facts = { ok: used !== NOTHING, ms: pick(60_000), inputTokens: 0, outputTokens: 0, calls: [call] };
  entry.used = used;
  if (used === NOTHING) entry.admission!.release(facts);
  else entry.admission!.settle(used, facts);
  if (pick(2) === 0) entry.admission!.settle(entry.estimate, facts);
  if (pick(2) === 0) entry.admission!.release(facts);
}

/** Dies with ends on their way, and with whatever was asked for after them: none of it ever was. */
async function crashWithEnds(life: Life): Promise<void> {
  const lost = running(life);
  await life.bench.limits.flush();
  for (const entry of lost) if (life.pick(2) === 0) end(life, entry);
  ask(life);
  await life.bench.crash();
  for (const entry of lost) entry.used = entry.estimate;
}

/** Dies with admissions on record that no caller has seen: they may have been started. */
async function crashWithAdmissions(life: Life): Promise<void> {
  await life.bench.limits.flush();
  const asked = ask(life);
  await settled();
  await life.bench.crash();
  for (const { asked: one, entry } of asked) if (!one.refused) life.entries.push(entry);
  for (const entry of running(life)) entry.used = entry.estimate;
}

async function step(life: Life): Promise<void> {
  const { bench, pick } = life;
  const dice = pick(100);
  if (dice < 40) await Promise.all(ask(life).map(({ asked }) => asked.answer));
  else if (dice < 80) for (const entry of running(life)) pick(2) === 0 && end(life, entry);
  else if (dice < 92) await bench.clock.advance(pick(30_000));
  else if (dice < 96) await bench.clock.advance(pick(36) * 3_600_000);
  else if (dice < 98) await crashWithEnds(life);
  else await crashWithAdmissions(life);
}

/** What a key has used or reserved in the period of now, by the test's own account. */
function total({ bench, entries }: Life, keyId: number, period: Period): Amounts {
  const sum = zeroAmounts();
  const name = periodsAt(bench.clock.now())[period];
  for (const entry of entries) {
    if (entry.keyId === keyId && periodsAt(entry.at)[period] === name) addAmounts(sum, toAmounts(entry.used ?? entry.estimate));
  }
  return sum;
}

/** Memory says what the test counted, and no limit is passed. */
function assertSound(life: Life): void {
  const { bench, entries } = life;
  const now = bench.clock.now();
  const open = running(life);
  expect(bench.limits.gauges()).toEqual({ reservations: open.length, inFlight: open.length });
  for (const keyId of KEYS) {
    const usage = bench.limits.usage(keyId);
    const { limits } = bench.keys.get(keyId)!;
    const mine = open.filter((entry) => entry.keyId === keyId);
    const reserved = zeroAmounts();
    for (const { estimate } of mine) addAmounts(reserved, toAmounts(estimate));
    expect([usage.inFlight, usage.reserved]).toEqual([mine.length, toCost(reserved)]);
    expect(mine.length).toBeLessThanOrEqual(limits.concurrency ?? Number.POSITIVE_INFINITY);
    const recent = entries.filter((entry) => entry.keyId === keyId && now - entry.at < MINUTE_MS).length;
    expect(usage.requestsLastMinute).toBe(recent);
    expect(recent).toBeLessThanOrEqual(limits.rpm ?? Number.POSITIVE_INFINITY);
    for (const period of PERIODS) {
      const { resetsAt: _, ...used } = usage[period];
      expect(used).toEqual(toCost(total(life, keyId, period)));
      for (const of of ["images", "videoSeconds", "usd"] as const) {
        expect(used[of]).toBeLessThanOrEqual(limits[of][period] ?? Number.POSITIVE_INFINITY);
      }
    }
  }
}

/** After the last crash: the record says the same, in its sums and in its rollups. */
async function assertRecorded(life: Life): Promise<void> {
  const { store, clock } = life.bench;
  const { open, spent } = await store.readLedger(["total"], 0);
  expect(open).toEqual([]);
  const rollups = await store.readUsage({ from: 0, to: clock.now() + 1, by: "key" });
  for (const keyId of KEYS) {
    const mine = life.entries.filter((entry) => entry.keyId === keyId);
    const sum = total(life, keyId, "total");
    expect(spent.find((row) => row.keyId === keyId)?.amounts ?? zeroAmounts()).toEqual(sum);
    expect(rollups.find(({ group }) => group === keyId) ?? { requests: 0 }).toMatchObject({
      requests: mine.length,
      ...(mine.length ? toCost(sum) : {}),
    });
  }
}

describe("a life from seed", () => {
  test.each([1, 2, 3, 4, 5])("%p", async (seed) => {
    const random = seededRandom(seed);
    const pick = (below: number) => Math.floor(random() * below);
    await using bench = await startBench(KEYS.map((id) => keyRow({ id, limits: someLimits(pick) })));
    const life: Life = { bench, pick, entries: [] };
    for (let count = 0; count < STEPS; count++) {
      await step(life);
      assertSound(life);
    }
    await crashWithEnds(life);
    await assertRecorded(life);
    expect(life.entries.length).toBeGreaterThan(20);
  });
});
