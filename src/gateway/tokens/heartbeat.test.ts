// Heartbeat: where calls and cooldowns stand among 48 half-hours, and what ends them.

import { describe, expect, test } from "bun:test";
import { BEAT_MS, type CooldownRow } from "../../domain/token.ts";
import type { HealthView } from "../pool/snapshot.ts";
import { BEATS, firstBeat, heartbeatOf, wordOf } from "./heartbeat.ts";

const NOW = Date.UTC(2026, 10, 23, 12, 40);
const START = firstBeat(NOW);
const at = (place: number) => START + place * BEAT_MS;
const healthy: HealthView = { state: "healthy", reason: null, message: "", since: null, until: null };
const view = (health: Partial<HealthView> = {}) => ({ health: { ...healthy, ...health }, models: [] });
const beat = (place: number, served: number, failed = 0) => ({ tokenId: 1, at: at(place), served, failed });
const cooldown = (place: number, change: Partial<CooldownRow> = {}): CooldownRow => ({
  ...{ subject: "token 1", tokenId: 1, at: at(place) + 5, family: null, reason: "throttled", until: at(place) + 60_000 },
  ...change,
});
const heldIn = (strip: ReturnType<typeof heartbeatOf>) => strip.flatMap(({ held }, place) => (held ? [`${place} ${held}`] : []));

test("the last half-hour is the running one, the first a day before", () => {
  expect([START, at(BEATS - 1)]).toEqual([Date.UTC(2026, 10, 22, 13, 0), Date.UTC(2026, 10, 23, 12, 30)]);
  const strip = heartbeatOf({ beats: [beat(0, 3, 1), beat(47, 9), beat(-1, 5), beat(48, 5)], cooldowns: [], view: view() }, NOW);
  expect(strip).toHaveLength(BEATS);
  expect([strip[0], strip[47]]).toEqual([
    { served: 3, failed: 1, held: null },
    { served: 9, failed: 0, held: null },
  ]);
  expect(strip.reduce((sum, { served }) => sum + served, 0)).toBe(12);
});

describe("held back", () => {
  const strip = (cooldowns: CooldownRow[], beats = [] as ReturnType<typeof beat>[], health: Partial<HealthView> = {}) =>
    heldIn(heartbeatOf({ beats, cooldowns, view: view(health) }, NOW));
  test("for a minute: one half-hour", () => expect(strip([cooldown(5)])).toEqual(["5 cooling"]));
  test("until a later one", () => expect(strip([cooldown(5, { until: at(7) + 1 })])).toEqual(["5 cooling", "6 cooling", "7 cooling"]));
  test("one model only is no block", () => expect(strip([cooldown(5, { family: "veo", reason: "model_denied" })])).toEqual(["5 cooling"]));
  test("since before the day", () => expect(strip([cooldown(-9, { until: at(1) })])).toEqual(["0 cooling", "1 cooling"]));
  test("a block that only the operator ends lasts until a call is served again", () => {
    const block = cooldown(40, { reason: "key_invalid", until: null });
    expect(strip([block], [beat(43, 2)])).toEqual(["40 blocked", "41 blocked", "42 blocked"]);
    expect(strip([block])).toHaveLength(8);
  });
  test("what lasts is drawn though the history has it no more", () => {
    expect(strip([], [], { state: "blocked", reason: "key_leaked", since: at(46) })).toEqual(["46 blocked", "47 blocked"]);
  });
  test("a block wins over a cooldown of the same time", () => {
    expect(strip([cooldown(47), cooldown(47, { reason: "key_invalid", until: null })])).toEqual(["47 blocked"]);
  });
});

test.each([
  ["quiet", [], [], {}],
  ["well", [beat(3, 4)], [], {}],
  ["some", [beat(3, 4, 1)], [], {}],
  ["failing", [beat(3, 0, 4)], [], {}],
  ["cooling", [beat(3, 4)], [cooldown(47)], {}],
  ["failing", [beat(3, 4)], [], { state: "blocked", since: NOW - 5 }],
] as const)("says %s in a word", (word, beats, cooldowns, health) => {
  expect(wordOf(heartbeatOf({ beats, cooldowns, view: view(health as Partial<HealthView>) }, NOW))).toBe(word);
});
