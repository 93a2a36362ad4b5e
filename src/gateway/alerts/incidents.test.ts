// Incidents: what opens, what is grouped, held back, explained, reminded of and ended, on a clock moved by hand.
import { describe, expect, test } from "bun:test";
import type { AlertFacts, RuleName, Signal } from "./facts.ts";
import { EMPTY_MEMORY, type Incident, type Memory, type Policy, step } from "./incidents.ts";

const START = Date.UTC(2026, 10, 30, 12);
const TICK = 5_000;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const LOUD: Policy = { isOn: () => true, remindMs: 6 * HOUR, isQuiet: false, urgentInQuiet: true };

const tokens = (count: number, reason = "key_invalid", provider = "gemini"): Signal => ({
  rule: "tokens_blocked",
  subject: `tokens:${provider}:${reason}`,
  level: Math.floor(Math.log10(count)),
  urgent: false,
  facts: { kind: "tokens", provider, reason: reason as "key_invalid", count, names: [], families: [] },
});
const signal = (rule: RuleName, facts: AlertFacts, change: Partial<Signal> = {}): Signal => ({
  ...{ rule, subject: facts.kind, level: 1, urgent: false, facts, ...change },
});
const POOL_EMPTY = signal("pool_empty", { kind: "poolEmpty", why: "allHeld", until: null }, { urgent: true });
const limit = (percent: number) =>
  signal(
    "limits",
    {
      ...{ kind: "limit", of: "key", id: 1, name: "n8n", unit: "usd", period: "day", used: percent / 20, limit: 5, percent },
      until: START + 12 * HOUR,
    },
    { level: percent >= 100 ? 2 : 1, urgent: percent >= 100 },
  );

/** Runs the steps of a stretch of time; `seen` says what rules see at each moment, in ms from the start. */
function world(policy: (now: number) => Policy = () => LOUD) {
  let memory: Memory = EMPTY_MEMORY;
  let now = START;
  let ids = 0;
  const messages: { at: number; items: string[] }[] = [];
  const stored = new Map<string, Incident>();
  const run = (ms: number, seen: (at: number) => Signal[], events: Signal[] = []) => {
    for (const end = now + ms; now < end; now += TICK) {
      const next = step(memory, { signals: seen(now - START), events }, policy(now), { now, newId: () => `inc${++ids}` });
      events = [];
      memory = next.memory;
      for (const incident of next.changed) stored.set(incident.id, incident);
      if (next.digest.length > 0)
        messages.push({ at: now - START, items: next.digest.map(({ incident, telling }) => `${telling} ${incident.facts.kind}`) });
    }
  };
  return { run, messages, stored, memory: () => memory, restart: (next: Memory) => (memory = next) };
}

describe("noise", () => {
  test("500 tokens that die in a minute, one that flaps and all that recover are at most five messages, and none is missing", () => {
    const { run, messages, stored } = world();
    const dying = (at: number) => (at < MINUTE ? Math.ceil((500 * (at + 1)) / MINUTE) : 500);
    // 90 s ill, 60 s well, for half an hour.
    const flaps = (at: number) => at < 30 * MINUTE && at % (150 * SECOND) < 90 * SECOND;
    run(40 * MINUTE, (at) => [...(at < 30 * MINUTE ? [tokens(dying(at))] : []), ...(flaps(at) ? [tokens(1, "throttled")] : [])]);
    run(2 * HOUR, () => []);
    expect(messages.length).toBeLessThanOrEqual(5);
    const said = messages.flatMap(({ items }) => items);
    expect(said.filter((item) => item === "begin tokens")).toHaveLength(2);
    expect(said.filter((item) => item === "end tokens")).toHaveLength(2);
    expect([...stored.values()].every(({ settled, endedAt }) => settled && endedAt !== null)).toBe(true);
  });

  test("an empty pool explains the tokens that emptied it: one message when it begins, one when all is well", () => {
    const { run, messages } = world();
    run(20 * MINUTE, () => [POOL_EMPTY, tokens(500), signal("errors", { ...ERRORS })]);
    run(HOUR, () => []);
    expect(messages.map(({ items }) => items)).toEqual([["begin poolEmpty"], ["end poolEmpty"]]);
  });

  test("what is left when the explanation ends is sent with its end", () => {
    const { run, messages } = world();
    run(10 * MINUTE, () => [POOL_EMPTY, tokens(40)]);
    run(10 * MINUTE, () => [tokens(40)]);
    expect(messages.map(({ items }) => items)).toEqual([["begin poolEmpty"], ["end poolEmpty", "begin tokens"]]);
  });

  test("a condition that is shorter than its rule asks for is no incident", () => {
    const { run, messages, stored } = world();
    run(HOUR, (at) => (at % (2 * MINUTE) < 50 * SECOND ? [tokens(3)] : []));
    expect([messages.length, stored.size]).toEqual([0, 0]);
  });

  test("a condition that comes back again and again is one incident after a while, not one each time", () => {
    const { run, messages } = world();
    // Eight minutes ill, four well: each end is told at first, then the quiet that an end needs grows beyond the pause.
    run(6 * HOUR, (at) => (at % (12 * MINUTE) < 8 * MINUTE ? [tokens(3)] : []));
    expect(messages.length).toBeLessThanOrEqual(6);
  });

  test("there are at most ten messages in an hour, and what was held back comes later", () => {
    const { run, messages } = world();
    const one = (index: number) => signal("other", { kind: "other", need: "unknown", detail: `${index}` }, { subject: `need ${index}` });
    run(2 * HOUR, (at) => Array.from({ length: Math.min(40, Math.floor(at / (3 * MINUTE)) + 1) }, (_, index) => one(index)));
    run(HOUR, () => Array.from({ length: 40 }, (_, index) => one(index)));
    for (const { at } of messages)
      expect(messages.filter((other) => other.at > at - HOUR && other.at <= at).length).toBeLessThanOrEqual(10);
    expect(messages.flatMap(({ items }) => items).filter((item) => item.startsWith("begin"))).toHaveLength(40);
  });
});

const ERRORS = { kind: "errors", percent: 40, failed: 40, total: 100, minutes: 10, outcome: "upstream_unavailable" } as const;

describe("one incident", () => {
  test("is sent once after it has lasted, with what happens within half a minute, and once when it is over", () => {
    const { run, messages, stored } = world();
    run(20 * MINUTE, (at) => [tokens(4), ...(at > 50 * SECOND ? [signal("disk", { kind: "disk", freeBytes: 1, stops: false })] : [])]);
    run(5 * MINUTE, () => []);
    expect(messages.map(({ items }) => items)).toEqual([["begin tokens"], ["begin disk"], ["end tokens", "end disk"]].slice(0, 3));
    expect(messages[0]!.at).toBeGreaterThanOrEqual(90 * SECOND);
    // It began when it was first seen, and ended when it was last.
    expect([...stored.values()][0]).toMatchObject({ beganAt: START, endedAt: START + 20 * MINUTE });
  });

  test("that gets ten times as bad, or reaches its limit, is sent again", () => {
    const { run, messages } = world();
    run(2 * HOUR, (at) => [limit(at < HOUR ? 84 : 100)]);
    expect(messages.map(({ items }) => items)).toEqual([["begin limit"], ["raise limit"]]);
    // What an end of a limit is worth, its message has said: until when.
    run(HOUR, () => []);
    expect(messages).toHaveLength(2);
  });

  test("that lasts is sent again after the time of the setting, together with others of which that is nearly so", () => {
    const { run, messages } = world();
    run(13 * HOUR, (at) => [tokens(3), ...(at > 2 * HOUR ? [signal("disk", { kind: "disk", freeBytes: 1, stops: false })] : [])]);
    expect(messages.map(({ items }) => items)).toEqual([
      ["begin tokens"],
      ["begin disk"],
      ["remind tokens", "remind disk"],
      ["remind tokens", "remind disk"],
    ]);
  });

  test("of a rule that is switched off ends, and nothing is said of it", () => {
    let isOn = true;
    const { run, messages, stored } = world(() => ({ ...LOUD, isOn: () => isOn }));
    run(5 * MINUTE, () => [tokens(3)]);
    isOn = false;
    run(HOUR, () => [tokens(3)]);
    expect(messages.map(({ items }) => items)).toEqual([["begin tokens"]]);
    expect([...stored.values()].map(({ settled }) => settled)).toEqual([true]);
  });

  test("that is a moment is sent once and has no end", () => {
    const { run, messages, stored } = world();
    run(HOUR, () => [], [signal("sign_in", { kind: "signIn", address: "203.0.113.9", actor: "admin" })]);
    expect(messages.map(({ items }) => items)).toEqual([["begin signIn"]]);
    expect([...stored.values()][0]).toMatchObject({ settled: true, endedAt: START });
  });
});

describe("quiet hours", () => {
  const quiet = (urgentInQuiet: boolean) => (now: number) => ({ ...LOUD, urgentInQuiet, isQuiet: now - START < 8 * HOUR });

  test("hold back what is not urgent: in the morning one message has what lasts and what is over", () => {
    const { run, messages } = world(quiet(true));
    run(8 * HOUR, (at) => [tokens(3), ...(at < HOUR ? [signal("errors", { ...ERRORS })] : [])]);
    expect(messages).toEqual([]);
    run(HOUR, () => [tokens(3)]);
    expect(messages.map(({ at, items }) => [at, items])).toEqual([[8 * HOUR, ["past errors", "begin tokens"].sort(byBegin)]]);
  });

  test("let through what is urgent, unless the operator wants nothing", () => {
    const some = world(quiet(true));
    some.run(HOUR, () => [POOL_EMPTY]);
    expect(some.messages.map(({ items }) => items)).toEqual([["begin poolEmpty"]]);
    const none = world(quiet(false));
    none.run(8 * HOUR, () => [POOL_EMPTY]);
    expect(none.messages).toEqual([]);
  });
});

/** In the order in which they opened: errors at once, tokens after a minute. */
const byBegin = (a: string, b: string) => (a.includes("errors") ? -1 : b.includes("errors") ? 1 : 0);

describe("a restart", () => {
  test("between beginning and message loses nothing, and says nothing twice", () => {
    const before = world();
    before.run(65 * SECOND, () => [tokens(3)]);
    expect(before.messages).toEqual([]);
    const after = world();
    after.restart({ ...EMPTY_MEMORY, incidents: [...before.stored.values()] });
    after.run(10 * MINUTE, () => [tokens(3)]);
    expect(after.messages.map(({ items }) => items)).toEqual([["begin tokens"]]);
    const again = world();
    again.restart({ ...EMPTY_MEMORY, incidents: [...after.stored.values()] });
    again.run(10 * MINUTE, () => [tokens(3)]);
    expect(again.messages).toEqual([]);
  });
});
