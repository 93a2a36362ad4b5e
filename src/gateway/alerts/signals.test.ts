// Signals: which needs and figures are seen by which rule, how bad they are, and what stays below its threshold.
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../config/config.ts";
import { NO_LIMITS } from "../../domain/key.ts";
import { createAccount, holdAt, settle, toAmounts } from "../limits/budget.ts";
import { usageOf } from "../limits/key-usage.ts";
import type { Need, NeedKind } from "../reports/needs.ts";
import { providerTokens } from "../reports/testing.ts";
import { type SignalFacts, signalsOf } from "./signals.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const DAY = 86_400_000;
const GB = 1e9;
const THRESHOLDS = loadConfig({ file: null, env: {}, flags: {} }).settings.alerts;

const WELL: SignalFacts = {
  ...{ needs: [], keys: [], caps: [], imagesLeft: null, failures: null, freeBytes: 100 * GB, retirements: [], failingChannels: [] },
  providers: [providerTokens({ provider: "gemini", total: 9, healthy: 9 })],
  backup: { madeAt: NOW - DAY, error: null, since: NOW - 99 * DAY },
};
const seen = (facts: Partial<SignalFacts>, change: Partial<typeof THRESHOLDS> = {}) =>
  signalsOf({ ...WELL, ...facts }, { ...THRESHOLDS, ...change }, NOW).map(({ rule, level, urgent }) => [rule, level, urgent]);
const needs = (...kinds: NeedKind[]): Partial<SignalFacts> => ({
  needs: kinds.map((kind, index): Need => ({ id: `${kind.kind}:${index}`, level: "bad", since: null, ...kind })),
});
const tokens = (count: number): NeedKind => ({
  kind: "tokens",
  provider: "gemini",
  reason: "key_invalid",
  count,
  named: [{ id: 1, label: "a" }],
  families: [],
  fix: "secret",
});
const blockedLevels = (count: number) => seen(needs(tokens(count)))[0]![1];

describe("needs", () => {
  test("all well: nothing is seen", () => expect(seen({})).toEqual([]));

  test.each([
    ["an empty pool", { kind: "noTokens" }, ["pool_empty", 1, true]],
    ["tokens that are all held back", { kind: "allHeld", until: NOW }, ["pool_empty", 1, true]],
    ["a provider that is switched off", { kind: "providerOff", provider: "flow", count: 3 }, ["pool_empty", 1, false]],
    ["blocked tokens", tokens(3), ["tokens_blocked", 0, false]],
    ["jobs that may have been charged", { kind: "jobs", count: 1, named: [], usd: 0.8 }, ["jobs_unknown", 0, true]],
    ["costs that cannot be recorded", { kind: "ledger" }, ["server", 1, true]],
    ["no network", { kind: "network" }, ["server", 1, true]],
    ["a disk that stops generations", { kind: "disk", freeBytes: 1, stops: true }, ["disk", 2, true]],
    ["no key", { kind: "noKeys" }, ["other", 1, false]],
    ["a wrong layer of models", { kind: "modelsWrong", problem: "x" }, ["other", 1, false]],
    ["a restored backup", { kind: "restored", applied: {} as never }, ["other", 1, false]],
  ] satisfies [string, NeedKind, unknown[]][])("%s", (_name, need, expected) => expect(seen(needs(need))).toEqual([expected as never]));

  test("ten times as many tokens are worse", () => {
    expect([1, 9, 10, 99, 100, 500].map(blockedLevels)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test("a setup that is under way is nobody's alarm", () => expect(seen(needs({ kind: "unfinished" }))).toEqual([]));

  test("failing channels are seen, for the other channels", () => {
    expect(seen({ failingChannels: [{ id: "1", name: "ops", error: "404" }] })).toEqual([["other", 1, false]]);
  });
});

describe("thresholds", () => {
  test("too few healthy tokens, of any provider or of one; one that is switched off is not counted", () => {
    const providers = [
      providerTokens({ provider: "gemini", total: 9, healthy: 2, blocked: 7 }),
      providerTokens({ provider: "flow", total: 2, healthy: 0, cooling: 2 }),
      providerTokens({ provider: "vertex", total: 2, disabled: 2 }),
    ];
    expect(seen({ providers }, { healthy_tokens: 3 })).toEqual([
      ["pool_low", 1, false],
      ["pool_low", 2, false],
    ]);
    expect(seen({ providers }, { healthy_tokens: 3, healthy_provider: "gemini" })).toEqual([["pool_low", 1, false]]);
    expect(seen({ providers }, { healthy_tokens: 1 })).toEqual([["pool_low", 2, false]]);
  });

  test("images left by the caps per day: fewer than so many, none is worse, not known is nothing", () => {
    expect(seen({ imagesLeft: 10 })).toEqual([]);
    expect(seen({ imagesLeft: 9 })).toEqual([["images_left", 1, false]]);
    expect(seen({ imagesLeft: 0 })).toEqual([["images_left", 2, false]]);
    expect(seen({ imagesLeft: 99 }, { images_left: 100 })).toEqual([["images_left", 1, false]]);
    const [signal] = signalsOf({ ...WELL, imagesLeft: 3 }, THRESHOLDS, NOW);
    // Midnight in Los Angeles.
    expect(signal!.facts).toEqual({ kind: "imagesLeft", left: 3, below: 10, until: Date.UTC(2026, 11, 1, 8) });
  });

  test("the share of generations that fails", () => {
    const failures = { failed: 11, total: 100, outcome: "upstream_timeout" };
    expect(seen({ failures: { ...failures, percent: 10 } })).toEqual([]);
    expect(seen({ failures: { ...failures, percent: 11 } })).toEqual([["errors", 1, false]]);
    expect(seen({ failures: { ...failures, percent: 60 } })).toEqual([["errors", 2, false]]);
  });

  test("keys' limits at 80 and at 100 percent, each limit by itself; a limit of zero is none", () => {
    const keyWith = (usd: number) => {
      const account = createAccount();
      settle(holdAt(account, toAmounts({ images: 0, videoSeconds: 0, usd: 0 }), NOW), toAmounts({ images: 9, videoSeconds: 0, usd }));
      const limits = { ...NO_LIMITS, usd: { day: 5, month: null, total: null }, images: { day: 0, month: 10, total: null } };
      return { key: { id: 1, name: "n8n", limits }, usage: usageOf(account, 0, NOW) };
    };
    expect(seen({ keys: [keyWith(3.99)] })).toEqual([["limits", 1, false]]);
    expect(seen({ keys: [keyWith(4)] })).toEqual([
      ["limits", 1, false],
      ["limits", 1, false],
    ]);
    expect(seen({ keys: [keyWith(5)] })).toEqual([
      ["limits", 1, false],
      ["limits", 2, true],
    ]);
    const [, usd] = signalsOf({ ...WELL, keys: [keyWith(4.2)] }, THRESHOLDS, NOW);
    expect(usd!.facts).toEqual({
      ...{ kind: "limit", of: "key", id: 1, name: "n8n", unit: "usd", period: "day", used: 4.2, limit: 5, percent: 84 },
      until: Date.UTC(2026, 11, 1),
    });
  });

  test("own caps of tokens and groups", () => {
    const cap = { of: "group", tokenId: 4, name: "alpha", family: null, unit: "requests", used: 85, limit: 100, until: NOW + 1 } as const;
    expect(seen({ caps: [cap, { ...cap, unit: "usd", used: 100 }] })).toEqual([
      ["limits", 1, false],
      ["limits", 2, true],
    ]);
  });

  test("a disk with little room, unless the need says so already", () => {
    expect(seen({ freeBytes: 4.9 * GB })).toEqual([["disk", 1, false]]);
    expect(seen({ freeBytes: 4.9 * GB, ...needs({ kind: "disk", freeBytes: 1, stops: false }) })).toEqual([["disk", 1, false]]);
    expect(seen({ freeBytes: 5 * GB })).toEqual([]);
  });

  test("a backup that is old, never was, or failed", () => {
    const backup = { madeAt: NOW - 7 * DAY, error: null, since: NOW - 99 * DAY };
    expect(seen({ backup })).toEqual([["backup", 1, false]]);
    expect(seen({ backup: { ...backup, madeAt: NOW - 6.9 * DAY } })).toEqual([]);
    expect(seen({ backup: { ...backup, madeAt: null } })).toEqual([["backup", 1, false]]);
    expect(seen({ backup: { madeAt: null, error: null, since: NOW - DAY } })).toEqual([]);
    expect(seen({ backup: { madeAt: NOW, error: "no room", since: NOW } })).toEqual([["backup", 2, false]]);
  });

  test("models that retire in a month, in a week, and that have", () => {
    const retirement = { family: "imagen-4", title: "Imagen 4", provider: "gemini", day: "2026-12-20", stage: "month" } as const;
    expect(seen({ retirements: [{ ...retirement, daysLeft: 20 }] })).toEqual([["models_retire", 1, false]]);
    expect(seen({ retirements: [{ ...retirement, daysLeft: 7, stage: "week" }] })).toEqual([["models_retire", 2, false]]);
    expect(seen({ retirements: [{ ...retirement, daysLeft: -1, stage: "over" }] })).toEqual([["models_retire", 3, false]]);
    expect(seen({ retirements: [{ ...retirement, daysLeft: 20 }] }, { retire_days: 14 })).toEqual([]);
  });
});
