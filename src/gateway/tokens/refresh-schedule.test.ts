// Refresh schedule: which tokens are due for a check, and when the others are.
import { describe, expect, test } from "bun:test";
import type { Cooldown } from "../pool/health/cooldown.ts";
import { afterFailure, afterSuccess, type CheckFacts, type CheckHistory, NEVER, newHistory, nextCheckAt } from "./refresh-schedule.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 10, 23, 12);
const INTERVAL = 30 * MINUTE;

type Given = { row?: Partial<CheckFacts["row"]>; condition?: Cooldown | null; history?: Partial<CheckHistory> };

/** A token that was checked just now and is known for a day; `chance` in the middle makes no shift of the interval. */
function facts({ row, condition = null, history }: Given = {}): CheckFacts {
  return {
    row: { enabled: true, checkedAt: NOW, renewBefore: null, ...row },
    condition,
    history: { seenAt: NOW - 24 * HOUR, triedAt: null, failures: 0, retryAt: 0, chance: 0.5, ...history },
    intervalMs: INTERVAL,
  };
}

const cooling = (until: number): Cooldown => ({ state: "cooling", reason: "throttled", since: NOW - MINUTE, until });
const blocked = (reason: Cooldown["reason"], since = NOW): Cooldown => ({ state: "blocked", reason, since, until: null });

describe("a token is due", () => {
  const cases: [fact: string, given: Given, at: number][] = [
    ["one interval after its check", {}, NOW + INTERVAL],
    ["earlier or later by a tenth, as chance has it", { history: { chance: 0 } }, NOW + 0.9 * INTERVAL],
    ["at once when it was never checked", { row: { checkedAt: null }, history: { seenAt: NOW, chance: 0 } }, NOW],
    ["within half a second when many are new", { row: { checkedAt: null }, history: { seenAt: NOW, chance: 0.9 } }, NOW + 450],
    [
      "never checked and cooling: still at once",
      { row: { checkedAt: null }, condition: cooling(NOW + HOUR), history: { chance: 0 } },
      NOW - 24 * HOUR,
    ],
    [
      "2.5 to 5 minutes before its access token ends",
      { row: { renewBefore: NOW + 20 * MINUTE }, history: { chance: 0 } },
      NOW + 15 * MINUTE,
    ],
    ["by chance nearer to the end, never at it", { row: { renewBefore: NOW + 20 * MINUTE }, history: { chance: 1 } }, NOW + 17.5 * MINUTE],
    ["after three quarters of a life that is short", { row: { renewBefore: NOW + MINUTE }, history: { chance: 0 } }, NOW + 45 * SECOND],
    ["by the interval when the end is further away", { row: { renewBefore: NOW + 20 * HOUR } }, NOW + INTERVAL],
    ["by the interval when the end that is known is over", { row: { renewBefore: NOW - MINUTE } }, NOW + INTERVAL],
    ["after its pause when it is cooling", { row: { checkedAt: NOW - HOUR }, condition: cooling(NOW + 2 * HOUR) }, NOW + 2 * HOUR],
    [
      "before its access token ends although it is cooling",
      { row: { renewBefore: NOW + 20 * MINUTE }, condition: cooling(NOW + 12 * HOUR) },
      NOW + 16.25 * MINUTE,
    ],
    ["never while the operator has disabled it", { row: { enabled: false, checkedAt: null } }, NEVER],
    ["never while a person must verify", { row: { checkedAt: NOW - 48 * HOUR }, condition: blocked("verification") }, NEVER],
    ["never while its billing is off", { condition: blocked("billing") }, NEVER],
    ["never while its key is known as leaked", { condition: blocked("key_leaked") }, NEVER],
    ["hours after its session died", { condition: blocked("session_dead"), history: { chance: 0 } }, NOW + 4 * HOUR],
    [
      "hours after the last look at a key that is invalid",
      { condition: blocked("key_invalid", NOW - 9 * HOUR), history: { triedAt: NOW, chance: 0.8 } },
      NOW + 4.8 * HOUR,
    ],
    [
      "blocked before a restart: spread like all others",
      { condition: blocked("session_dead", NOW - 9 * HOUR), history: { seenAt: NOW, chance: 0.4 } },
      NOW + 200,
    ],
    [
      "not before the pause after a failure is over",
      { row: { checkedAt: NOW - HOUR }, history: { triedAt: NOW, failures: 1, retryAt: NOW + 30 * SECOND } },
      NOW + 30 * SECOND,
    ],
    [
      "never checked and failing: after its pause",
      { row: { checkedAt: null }, history: { triedAt: NOW, failures: 4, retryAt: NOW + 8 * MINUTE } },
      NOW + 8 * MINUTE,
    ],
    [
      "at once when its last check lies ahead: the clock was set back",
      { row: { checkedAt: NOW + HOUR }, history: { seenAt: NOW + HOUR, chance: 0 } },
      0,
    ],
    [
      "whatever the pause, when that was counted by a clock since set back",
      { row: { checkedAt: NOW - HOUR }, history: { triedAt: NOW + HOUR, retryAt: NOW + 2 * HOUR } },
      NOW - HOUR + INTERVAL,
    ],
  ];
  test.each(cases)("%s", (_fact, given, at) => expect(nextCheckAt(facts(given), NOW)).toBe(at));
});

describe("after a failed check", () => {
  const steady = () => 0.5;
  const after = (failures: number, retryAfterMs = 0, random = steady) =>
    afterFailure({ ...newHistory(NOW, steady), failures }, retryAfterMs, NOW, random).retryAt - NOW;

  test("pauses double from half a minute to half an hour", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 15].map((failures) => after(failures) / SECOND)).toEqual([30, 60, 120, 240, 480, 960, 1800, 1800]);
  });

  test("jitter takes or adds up to a quarter", () => {
    expect([after(0, 0, () => 0), after(0, 0, () => 0.999)]).toEqual([22_500, 37_485]);
  });

  test("an upstream that asks for more gets it, up to an hour", () => {
    expect([after(0, 10 * MINUTE), after(0, 9 * HOUR), after(6, SECOND)]).toEqual([10 * MINUTE, HOUR, 30 * MINUTE]);
  });

  test("a success ends the pauses", () => {
    const failing = afterFailure(newHistory(NOW, steady), 0, NOW, steady);
    expect(afterSuccess(failing, NOW + SECOND, steady)).toEqual({ ...newHistory(NOW, steady), triedAt: NOW + SECOND });
  });
});
