// The refresher on a virtual clock: what it checks, when, concurrency, and reports to the pool.

import { describe, expect, test } from "bun:test";
import { tokenRow } from "../../../test/pool.ts";
import { sleep } from "../../clock.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { createLog } from "../../log.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import { seededRandom, settled, virtualClock } from "../../testing.ts";
import type { Cooldown } from "../pool/health/cooldown.ts";
import type { Outcome } from "../pool/lease-contract.ts";
import { Refresher } from "./refresh.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const token = (id: number, change: Partial<TokenRow> = {}): TokenRow => tokenRow(id, { provider: "flow", label: `flow-${id}`, ...change });

const unauthorized = () => new AppError("upstream_unauthorized", "dead", { detail: { scope: "token", reason: "session_dead" } });

type Check = (row: TokenRow, signal: AbortSignal) => Promise<TokenFacts>;

/** A refresher over a pool and an upstream that only remember; `check` says how a check ends. */
function bench(check: Check = async () => ({}), settings = {}) {
  const clock = virtualClock();
  const started = clock.now();
  const checks: { id: number; at: number }[] = [];
  const outcomes: { id: number; outcome: Outcome }[] = [];
  const conditions = new Map<number, Cooldown>();
  const results: string[] = [];
  const logged: string[] = [];
  let running = 0;
  let most = 0;
  let computed = 0;
  const refresher = new Refresher({
    pool: {
      cooldownOf(id) {
        computed++;
        return conditions.get(id) ?? null;
      },
      reportOutcome(id, outcome) {
        outcomes.push({ id, outcome });
        if (outcome.ok) conditions.delete(id);
        else if (outcome.kind === "upstream_unauthorized") {
          conditions.set(id, { state: "blocked", reason: "session_dead", since: clock.now(), until: null });
        }
      },
    },
    tokens: {
      async check(row, signal) {
        checks.push({ id: row.id, at: clock.now() - started });
        running++;
        most = Math.max(most, running);
        try {
          return await check(row, signal);
        } finally {
          running--;
        }
      },
    },
    settings: () => ({ enabled: true, flow_interval: 1800, gemini_interval: 21_600, vertex_interval: 21_600, concurrency: 4, ...settings }),
    intervalMs: (provider) => (provider === "flow" ? 30 * MINUTE : 6 * HOUR),
    metrics: { checkEnded: (_provider, result) => void results.push(result) },
    clock,
    random: seededRandom(7),
    log: createLog({ level: "info", format: "json", write: (line) => logged.push(JSON.parse(line).message) }),
  });
  const checksOf = (id: number) => checks.filter((one) => one.id === id).map(({ at }) => at);
  return { clock, refresher, checks, checksOf, outcomes, conditions, results, logged, most: () => most, computed: () => computed };
}

describe("the schedule", () => {
  test("new tokens are checked within a second, then each by its provider's interval", async () => {
    const { clock, refresher, checksOf } = bench();
    refresher.load([token(1), token(2, { provider: "gemini" })]);
    refresher.start();
    await clock.advance(SECOND);
    expect([checksOf(1).length, checksOf(2).length]).toEqual([1, 1]);
    await clock.advance(12 * HOUR);
    expect(checksOf(1).length).toBeWithin(22, 28);
    expect(checksOf(2).length).toBeWithin(2, 4);
  });

  test("nothing happens before the start, nor while it is switched off; what was due meanwhile is checked when it is on again", async () => {
    const settings = { enabled: false };
    const { clock, refresher, checks } = bench(undefined, settings);
    refresher.load([token(1)]);
    await clock.advance(MINUTE);
    refresher.start();
    await clock.advance(MINUTE);
    expect(checks).toEqual([]);
    settings.enabled = true;
    await clock.advance(MINUTE);
    expect(checks.length).toBeGreaterThan(0);
  });

  test("a token that is added later is noticed, one that is gone is not checked again", async () => {
    const { clock, refresher, checksOf } = bench();
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(MINUTE);
    refresher.load([token(2)]);
    await clock.advance(SECOND);
    expect(checksOf(2).length).toBe(1);
    await clock.advance(2 * HOUR);
    expect(checksOf(1).length).toBe(1);
  });

  test("what a check learned counts from then on: the next comes before the end it reported", async () => {
    const { clock, refresher, checksOf } = bench(async () => ({ renewBefore: clock.now() + 12 * MINUTE }));
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(HOUR);
    const gaps = checksOf(1).map((at, index, all) => at - (all[index - 1] ?? Number.NaN));
    expect(gaps.length).toBeGreaterThan(5);
    for (const gap of gaps.slice(1)) expect(gap).toBeWithin(9 * MINUTE - 1, 10.5 * MINUTE + 1);
  });

  test("a token that somebody else has just checked waits its interval", async () => {
    const { clock, refresher, checksOf } = bench();
    refresher.load([token(1)]);
    refresher.updateFacts(1, {});
    refresher.start();
    await clock.advance(26 * MINUTE);
    expect(checksOf(1)).toEqual([]);
  });

  test("an older row of the table does not undo what was learned since", async () => {
    const { clock, refresher, checksOf } = bench();
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(MINUTE);
    refresher.load([token(1)]);
    await clock.advance(MINUTE);
    expect(checksOf(1).length).toBe(1);
  });
});

describe("a thousand tokens", () => {
  test("are all checked, never more at once than the setting says, and one that hangs holds up no other", async () => {
    const { clock, refresher, checks, checksOf, most } = bench(async (row, signal) => {
      await sleep(clock, 20);
      if (row.id !== 5) return {};
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    refresher.load(Array.from({ length: 1000 }, (_, index) => token(index + 1)));
    refresher.start();
    await clock.advance(10 * SECOND);
    expect([new Set(checks.map(({ id }) => id)).size, most()]).toEqual([1000, 4]);
    await clock.advance(61 * SECOND);
    expect(checksOf(5).length).toBe(1);
    await clock.advance(MINUTE);
    expect(checksOf(5).length).toBe(2);
  });
});

describe("failures", () => {
  test("a dead session blocks its token and is checked again after hours", async () => {
    const { clock, refresher, checksOf, outcomes } = bench(async (row) => {
      if (row.id === 1) throw unauthorized();
      return {};
    });
    refresher.load([token(1), token(2)]);
    refresher.start();
    await clock.advance(3.9 * HOUR);
    expect(checksOf(1).length).toBe(1);
    expect(outcomes.filter(({ id }) => id === 1)).toMatchObject([
      { outcome: { ok: false, kind: "upstream_unauthorized", detail: { reason: "session_dead" } } },
    ]);
    expect(checksOf(2).length).toBeGreaterThan(6);
    await clock.advance(1.2 * HOUR);
    expect(checksOf(1).length).toBe(2);
  });

  test("a session that lives again is reported to the pool", async () => {
    const { clock, refresher, conditions, logged } = bench();
    conditions.set(1, { state: "blocked", reason: "session_dead", since: 0, until: null });
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(SECOND);
    expect([conditions.has(1), logged]).toEqual([false, ["Token works again"]]);
  });

  test("an outage of the network is reported as such and retried with growing pauses until it is over", async () => {
    let isDown = true;
    const { clock, refresher, checksOf, outcomes, results } = bench(async () => {
      if (isDown) throw new AppError("network", "The upstream could not be reached (ECONNREFUSED).");
      return {};
    });
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(4 * MINUTE);
    const before = checksOf(1);
    expect(before.length).toBeWithin(3, 6);
    const gaps = before.slice(1).map((at, index) => at - before[index]!);
    expect(gaps.toSorted((a, b) => a - b)).toEqual(gaps);
    expect(new Set(outcomes.map(({ outcome }) => (outcome.ok ? "ok" : outcome.kind)))).toEqual(new Set(["network"]));
    isDown = false;
    await clock.advance(10 * MINUTE);
    expect(results.filter((result) => result === "ok").length).toBe(1);
  });

  test.each(["upstream_unavailable", "upstream_timeout", "upstream_unknown_outcome", "upstream_rate_limited"] as const)(
    "%s of a control call is not held against the token",
    async (kind) => {
      const { clock, refresher, checksOf, outcomes } = bench(async () => {
        throw new AppError(kind, "trouble");
      });
      refresher.load([token(1)]);
      refresher.start();
      await clock.advance(10 * MINUTE);
      expect([outcomes, checksOf(1).length > 3]).toEqual([[], true]);
    },
  );

  test("a token that was deleted meanwhile is nobody's failure, and is not asked for in a hurry", async () => {
    const { clock, refresher, checksOf, results, outcomes } = bench(async () => {
      throw new AppError("no_token", "The chosen token was deleted.");
    });
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(10 * SECOND);
    expect([checksOf(1).length, results, outcomes]).toEqual([1, [], []]);
  });

  test("a bug in one check ends neither the loop nor the process", async () => {
    const { clock, refresher, checksOf, logged } = bench(async (row) => {
      if (row.id === 1) throw new TypeError("x is undefined");
      return {};
    });
    refresher.load([token(1), token(2)]);
    refresher.start();
    await clock.advance(HOUR);
    expect([checksOf(1).length > 3, checksOf(2).length > 1, logged[0]]).toEqual([true, true, "Token check failed with a bug"]);
  });

  test("a proxy that the operator changes is tried at once", async () => {
    const { clock, refresher, checksOf } = bench(async (row) => {
      if (row.proxy === "http://old") throw new AppError("network", "no way");
      return {};
    });
    refresher.load([token(1, { proxy: "http://old" })]);
    refresher.start();
    await clock.advance(HOUR);
    const failed = checksOf(1).length;
    refresher.load([token(1, { proxy: "http://new" })]);
    await clock.advance(SECOND);
    expect(checksOf(1).length).toBe(failed + 1);
  });
});

describe("thousands of tokens", () => {
  const COUNT = 5_000;
  const many = () => Array.from({ length: COUNT }, (_, index) => token(index + 1, { checkedAt: 1 + Date.UTC(2026, 10, 23, 11, 59) }));

  test("cost a bounded share of them per second, however many checks end", async () => {
    const { clock, refresher, checks, computed } = bench();
    refresher.load(many());
    refresher.start();
    await clock.advance(25 * MINUTE);
    const before = { computed: computed(), checks: checks.length };
    await clock.advance(2 * MINUTE);
    expect(checks.length - before.checks).toBeGreaterThan(250);
    const perCheck = 6 * (checks.length - before.checks);
    expect(computed() - before.computed).toBeLessThan(120 * (COUNT / 16 + 2) + perCheck);
  });

  test("are checked each once in an interval", async () => {
    const { clock, refresher, checks } = bench();
    refresher.load(many());
    refresher.start();
    await clock.advance(35 * MINUTE);
    expect(new Set(checks.map(({ id }) => id)).size).toBe(COUNT);
    expect(checks.length).toBeLessThan(1.5 * COUNT);
  });

  test("one whose block was cleared is checked within twenty seconds", async () => {
    const { clock, refresher, conditions, checksOf } = bench();
    const since = clock.now();
    const blocked = 3777;
    conditions.set(blocked, { state: "blocked", reason: "session_dead", since, until: null });
    refresher.load(many().map((row) => (row.id === blocked ? { ...row, checkedAt: null } : row)));
    refresher.start();
    await clock.advance(MINUTE);
    expect(checksOf(blocked)).toEqual([]);
    conditions.delete(blocked);
    await clock.advance(20 * SECOND);
    expect(checksOf(blocked).length).toBe(1);
  });
});

describe("checkNow", () => {
  test("works while the schedule is off, also for a token that the operator has disabled", async () => {
    const { refresher } = bench(async () => ({ credits: 7 }), { enabled: false });
    refresher.load([token(1, { enabled: false })]);
    expect(await refresher.checkNow(1)).toEqual({ credits: 7 });
  });

  test("joins the check that is under way", async () => {
    const gate = Promise.withResolvers<TokenFacts>();
    const { clock, refresher, checksOf } = bench(() => gate.promise);
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(SECOND);
    const both = Promise.all([refresher.checkNow(1), refresher.checkNow(1)]);
    gate.resolve({ credits: 1 });
    expect([await both, checksOf(1).length]).toEqual([[{ credits: 1 }, { credits: 1 }], 1]);
  });

  test("goes before what is due, within the same bound", async () => {
    const gates: PromiseWithResolvers<TokenFacts>[] = [];
    const { clock, refresher, checks, most } = bench(
      () => {
        const gate = Promise.withResolvers<TokenFacts>();
        gates.push(gate);
        return gate.promise;
      },
      { concurrency: 1 },
    );
    refresher.load([token(1), token(2), token(3), token(4)]);
    refresher.start();
    await clock.advance(SECOND);
    const [first] = checks;
    const last = [1, 2, 3, 4].findLast((id) => id !== first!.id)!;
    const asked = refresher.checkNow(last);
    gates[0]!.resolve({});
    await settled();
    gates[1]!.resolve({});
    await asked;
    expect([checks[1]!.id, most()]).toEqual([last, 1]);
  });

  test("throws what the check throws, and not_found for no token", async () => {
    const { refresher } = bench(async () => {
      throw unauthorized();
    });
    refresher.load([token(1)]);
    expect(refresher.checkNow(1)).rejects.toMatchObject({ kind: "upstream_unauthorized" });
    expect(refresher.checkNow(2)).rejects.toMatchObject({ kind: "not_found" });
  });
});

describe("stop", () => {
  test("waits for the check under way, begins none, refuses who asks", async () => {
    const gate = Promise.withResolvers<TokenFacts>();
    const { clock, refresher, checks, results } = bench(() => gate.promise, { concurrency: 1 });
    refresher.load([token(1), token(2)]);
    refresher.start();
    await clock.advance(SECOND);
    const other = checks[0]!.id === 1 ? 2 : 1;
    const asked = refresher.checkNow(other).catch((error) => error.kind);
    let isStopped = false;
    const stopped = refresher.stop().then(() => {
      isStopped = true;
    });
    await settled();
    expect(isStopped).toBe(false);
    gate.resolve({});
    await stopped;
    expect([await asked, results, checks.length, clock.nextTimer()]).toEqual(["cancelled", ["ok"], 1, null]);
    expect(refresher.checkNow(1)).rejects.toMatchObject({ kind: "cancelled" });
  });

  test("aborts a check that hangs after some seconds; nothing is held against its token", async () => {
    const { clock, refresher, outcomes } = bench(
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    refresher.load([token(1)]);
    refresher.start();
    await clock.advance(SECOND);
    const stopped = refresher.stop();
    await clock.advance(5 * SECOND);
    await stopped;
    expect(outcomes).toEqual([]);
  });
});
