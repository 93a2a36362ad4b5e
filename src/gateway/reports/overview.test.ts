// Overview: the board's tiles, the band's sentences, today against yesterday, and how often the sums are read.

import { describe, expect, test } from "bun:test";
import type { UsageQuery, UsageRow } from "../../db/ledger.ts";
import { CATALOGUE } from "../models/testing.ts";
import type { Capacity, PoolCapacity } from "../pool/capacity.ts";
import { bandOf, runsOutAt } from "./band.ts";
import { boardOf, countedFamilies } from "./board.ts";
import { type OverviewDependencies, OverviewReader } from "./overview.ts";
import { readSummary } from "./summary.ts";
import { NOW, needWorld, providerTokens } from "./testing.ts";
import { readToday, type Today } from "./today.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FROM = NOW - (NOW % DAY);

const cell = (change: Partial<Capacity>): Capacity => ({
  ...{ provider: "gemini", tokens: 0, ready: 0, busy: 0, off: 0, until: null, reason: null, left: null, credits: null },
  ...change,
});
const capacity = (
  cells: Record<string, Record<string, Partial<Capacity>>>,
  kinds: Partial<Record<"image" | "video", Partial<Capacity>>> = {},
): PoolCapacity => ({
  families: new Map(
    Object.entries(cells).map(([provider, of]) => [provider, new Map(Object.entries(of).map(([family, one]) => [family, cell(one)]))]),
  ),
  kinds: { image: cell(kinds.image ?? {}), video: cell(kinds.video ?? {}) },
});

const row = (group: number, change: Partial<UsageRow>): UsageRow => ({
  ...{ group, requests: 0, errors: 0, images: 0, videoSeconds: 0, usd: 0, inputTokens: 0, outputTokens: 0 },
  ...{ meanMs: null, p50Ms: null, p95Ms: null, maxMs: null },
  ...change,
});

describe("the board", () => {
  test.each<[string, Partial<Capacity>, string]>([
    ["ready", { tokens: 14, ready: 12 }, "ready"],
    ["busy", { tokens: 2, busy: 2 }, "busy"],
    ["back by itself", { tokens: 3, until: NOW + 41_000, reason: "per_minute" }, "cooling"],
    ["what only the operator brings back", { tokens: 3, reason: "key_leaked" }, "cannot"],
    ["all disabled", { off: 3, reason: "operator" }, "cannot"],
    ["nobody has it", {}, "none"],
  ])("%s", (_name, one, state) => {
    const board = boardOf(CATALOGUE, capacity({ gemini: { "gemini-3-pro-image": one } }), ["gemini"]);
    const tile = board.rows.find(({ family }) => family === "gemini-3-pro-image")?.tiles[0];
    expect(tile?.state ?? "none").toBe(state as never);
  });

  test("has a column for each provider that has tokens, and a row for each model that some token has", () => {
    const cells = { vertex: { "veo-3.1": { tokens: 1, ready: 1 } }, gemini: { "gemini-3-pro-image": { tokens: 1, ready: 1 } } };
    const board = boardOf(CATALOGUE, capacity(cells), ["vertex", "gemini", "another"]);
    expect(board.providers).toEqual(["gemini", "vertex", "another"]);
    expect(board.rows.map(({ family, kind, tiles }) => [family, kind, tiles.map(({ state }) => state)])).toEqual([
      ["gemini-3-pro-image", "image", ["ready", "none", "none"]],
      ["veo-3.1", "video", ["none", "ready", "none"]],
    ]);
    expect(board.unserved).toBe(countedFamilies(CATALOGUE).length - 2);
  });
});

const noDay = { hours: [], yesterday: [], served: 0, failed: 0, p50Ms: null, p95Ms: null };
const today = (served: number[]): Today => ({
  from: FROM,
  kinds: {
    image: { ...noDay, hours: served.map((count) => ({ served: count, failed: 0, p50Ms: null, p95Ms: null })), served: 9 },
    video: noDay,
  },
  spend: { hours: [], yesterday: [], today: 0, more: 0 },
});

describe("the band", () => {
  // 12:34 UTC is 04:34 in Los Angeles.
  test("says when what is left is used up at the pace of the last hours", () => {
    expect(runsOutAt(60, today([0, 0, 60, 60, 34]).kinds.image, NOW)).toBe(NOW + HOUR);
    expect(runsOutAt(0, today([0, 60, 60, 34]).kinds.image, NOW)).toBe(NOW);
  });
  test("says nothing where it lasts until the caps begin anew, and where nothing is made", () => {
    expect(runsOutAt(60 * 24, today([60, 60, 34]).kinds.image, NOW)).toBeNull();
    expect(runsOutAt(5, today([60, 0, 0, 0]).kinds.image, NOW)).toBeNull();
  });
  test("counts tokens of all providers, and draws the level of what is left", () => {
    const pool = capacity({}, { image: { tokens: 9, ready: 4, left: { requests: 50, of: 100 } }, video: { tokens: 1, until: NOW + 9 } });
    const providers = [
      providerTokens({ total: 9, healthy: 4, cooling: 5, partly: 2 }),
      providerTokens({ provider: "flow", total: 1, disabled: 1 }),
    ];
    const band = bandOf(pool, providers, today([10, 20, 0]), NOW);
    expect(band.tokens).toEqual({ total: 10, healthy: 4, cooling: 5, blocked: 0, disabled: 1, partly: 2 });
    expect([band.image.state, band.video.state, band.video.until]).toEqual(["ready", "cooling", NOW + 9]);
    expect(band.level).toMatchObject({ of: "image", shares: [0.8, 0.7, 0.5, 0.5] });
    expect(band.level.end).toBeLessThan(0.5);
  });
  test("credits are no count of images: nothing is said to run out", () => {
    const pool = capacity({}, { image: { tokens: 1, ready: 1, left: { requests: 1, of: 9 }, credits: 900 } });
    expect(bandOf(pool, [], today([60, 60]), NOW).image.runsOutAt).toBeNull();
  });
});

describe("today", () => {
  const read = (rows: (query: UsageQuery) => UsageRow[]) =>
    readToday({ readUsage: async (query) => rows(query) }, { image: ["a"], video: ["v"] }, { from: FROM, now: NOW });

  test("keeps images and videos apart, and has yesterday beside it", async () => {
    const asked: UsageQuery[] = [];
    const { kinds } = await read((query) => {
      asked.push(query);
      const video = row(FROM + 2 * HOUR, { requests: 3, errors: 1, p50Ms: 90_000 });
      if (query.models?.[0] === "v") return [query.by === "span" ? { ...video, group: 0 } : video];
      const image = row(FROM + 2 * HOUR, { requests: 5, errors: 2, p50Ms: 6_000, p95Ms: 9_000 });
      if (query.models?.[0] === "a") return query.by === "hour" ? [image] : [];
      // One hour yesterday by a family that is gone.
      return [row(FROM - DAY + HOUR, { requests: 7 }), { ...image, requests: 8, errors: 3 }];
    });
    expect(kinds.image.hours).toHaveLength(13);
    expect(kinds.image.hours[2]).toEqual({ served: 3, failed: 2, p50Ms: 6_000, p95Ms: 9_000 });
    expect(kinds.image.yesterday[1]).toBe(7);
    expect(kinds.video).toMatchObject({ served: 2, failed: 1, p50Ms: 90_000 });
    expect(asked.filter(({ by }) => by === "span").map(({ models }) => models)).toEqual([["a"], ["v"]]);
    expect(asked.every(({ from, to }) => from >= FROM - DAY && to === FROM + DAY)).toBe(true);
  });

  test("compares what was spent with the same time of yesterday", async () => {
    const usd = [row(FROM - DAY + 11 * HOUR, { usd: 5 }), row(FROM - DAY + 12 * HOUR, { usd: 6 }), row(FROM + HOUR, { usd: 10 })];
    const { spend } = await read(({ models }) => (models ? [] : usd));
    expect([spend.today, spend.hours.length, spend.yesterday.at(-1)]).toEqual([10, 13, 11]);
    // 34 minutes of the hour in which 6 dollars were spent.
    expect(spend.more).toBeCloseTo(10 - (5 + (6 * 34) / 60), 9);
  });
});

describe("the reader", () => {
  function world(asked: UsageQuery[], time: { now: number }): OverviewDependencies {
    const deps = needWorld({});
    const readUsage = async (query: UsageQuery) => {
      asked.push(query);
      return query.by === "key" ? [row(4, { usd: 2 }), row(5, { usd: 9 }), row(6, {})] : [];
    };
    return {
      ...deps,
      now: () => time.now,
      pool: { ...deps.pool, readCapacity: async () => capacity({}), mostMs: () => null, view: () => null },
      store: { ...deps.store, readUsage },
      keys: { count: () => 1, get: (id) => ({ name: `key ${id}`, limits: { usd: { day: 10 } } }) as never },
      catalogue: () => CATALOGUE,
      running: { list: () => [], size: 0 },
      jobs: { list: async () => ({ jobs: [], hasMore: false }) },
      sideCalls: { counts: () => ({ answered: 0, generated: 0 }), suspects: () => [], rules: () => [] },
    };
  }

  test("reads sums again only after some seconds, whoever asks", async () => {
    const [asked, time] = [[] as UsageQuery[], { now: NOW }];
    const reader = new OverviewReader(world(asked, time));
    await Promise.all(Array.from({ length: 20 }, () => reader.read(FROM)));
    const first = asked.length;
    expect(first).toBe(6);
    time.now += 4_000;
    await reader.read(FROM);
    expect(asked.length).toBe(first);
    time.now += 2_000;
    await reader.read(FROM);
    expect(asked.length).toBeGreaterThan(first);
  });

  test("names the keys that spent most, with what they may spend", async () => {
    const { keys } = await new OverviewReader(world([], { now: NOW })).read(FROM);
    expect(keys).toEqual([
      { id: 5, name: "key 5", usd: 9, limit: 10 },
      { id: 4, name: "key 4", usd: 2, limit: 10 },
    ]);
  });
});

test("the summary counts jobs that wait and run; those with an unknown end apart", async () => {
  const deps = needWorld({ unknownJobs: 5 });
  const asked: UsageQuery[] = [];
  const readUsage = async (query: UsageQuery) => {
    asked.push(query);
    return [];
  };
  const { jobs, inFlight, queued, needs } = await readSummary({ ...deps, store: { ...deps.store, readUsage } });
  expect({ jobs, inFlight, queued }).toEqual({ jobs: { waiting: 4, running: 4, unknown: 5 }, inFlight: { image: 1, video: 2 }, queued: 3 });
  expect(needs.map(({ id }) => id)).toEqual(["jobs:unknown"]);
  expect(asked.map(({ by, from, to }) => [by, (to - from) / DAY])).toEqual([
    ["span", 1],
    ["span", 30],
  ]);
});
