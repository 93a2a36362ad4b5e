// Usage: spans from URLs, sort order, CSV lines.
import { describe, expect, test } from "bun:test";
import type { UsageRow } from "../../db/ledger.ts";
import { parseUsageRange, readUsageBy, sortUsage, usageCsv } from "./usage.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 23, 15, 30);
const MIDNIGHT = Date.UTC(2026, 10, 23);

const row = (group: number | string, change: Partial<UsageRow> = {}): UsageRow => ({
  group,
  requests: 1,
  errors: 0,
  images: 1,
  videoSeconds: 0,
  usd: 0.039,
  inputTokens: 1,
  outputTokens: 2,
  meanMs: 10,
  p50Ms: 10,
  p95Ms: 20,
  maxMs: 30,
  ...change,
});

describe("a span", () => {
  const last30 = { span: "30", from: MIDNIGHT - 29 * DAY, to: MIDNIGHT + DAY, step: "day" };
  const cases: [string, Parameters<typeof parseUsageRange>[0], object][] = [
    ["today is the running UTC day, by the hour", { span: "today" }, { span: "today", from: MIDNIGHT, to: MIDNIGHT + DAY, step: "hour" }],
    ["7 days end with today", { span: "7" }, { span: "7", from: MIDNIGHT - 6 * DAY, to: MIDNIGHT + DAY, step: "day" }],
    ["none is the last 30 days", { span: null }, last30],
    ["nonsense too", { span: "9 weeks" }, last30],
    [
      "one's own includes its last day",
      { span: "custom", from: "2026-11-01", to: "2026-11-02" },
      { span: "custom", from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 10, 3), step: "hour" },
    ],
    [
      "one's own without an end goes to today",
      { span: "custom", from: "2026-11-20" },
      { from: Date.UTC(2026, 10, 20), to: MIDNIGHT + DAY, step: "day" },
    ],
    ["one's own that begins after its end is none", { span: "custom", from: "2026-11-20", to: "2026-11-19" }, last30],
    ["a day that no calendar has is none", { span: "custom", from: "2026-02-30", to: "2026-03-01" }, last30],
    ["ten years are cut to what is kept", { span: "custom", from: "2016-01-01", to: "2026-11-23" }, { from: MIDNIGHT - 399 * DAY }],
  ];
  test.each(cases)("%s", (_, asked, expected) => {
    expect(parseUsageRange(asked, NOW)).toMatchObject(expected);
  });
});

describe("order", () => {
  test("rows without a value stand last either way", () => {
    const rows = [row(1, { p50Ms: null }), row(2, { p50Ms: 5 }), row(3, { p50Ms: 9 })];
    const groups = (descending: boolean) => sortUsage(rows, "p50Ms", descending).map(({ group }) => group);
    expect([groups(true), groups(false)]).toEqual([
      [3, 2, 1],
      [2, 3, 1],
    ]);
  });

  test("models are ordered by name", () => {
    expect(sortUsage([row("b"), row("a")], "group", false).map(({ group }) => group)).toEqual(["a", "b"]);
  });
});

describe("lines for spreadsheets", () => {
  const csvOf = (...args: Parameters<typeof usageCsv>) => [...usageCsv(...args)].join("");

  test("have a head, an id where names can repeat, and nothing where there is no value", () => {
    expect(csvOf("key", [row(3, { p50Ms: null, p95Ms: null })], () => "my app")).toBe(
      "\uFEFFkey,id,requests,errors,images,video_seconds,usd,input_tokens,output_tokens,p50_ms,p95_ms\r\nmy app,3,1,0,1,0,0.039,1,2,,\r\n",
    );
  });

  test.each([
    ["=HYPERLINK(1)", "'=HYPERLINK(1)"],
    ["@x", "'@x"],
    ['a "b", c', '"a ""b"", c"'],
    ["two\nlines", '"two\nlines"'],
    ["-1+1", "'-1+1"],
  ])("%p is text, not a formula, and one field", (name, written) => {
    expect(csvOf("model", [row("m")], () => name)).toContain(`\r\n${written},1,`);
  });

  test("come in slices of a bounded number, in order and each once", () => {
    const rows = Array.from({ length: 1001 }, (_, index) => row(index + 1));
    const slices = [...usageCsv("token", rows, (id) => `t${id}`)].map((slice) => slice.trimEnd().split("\r\n"));
    expect(Math.max(...slices.map((lines) => lines.length))).toBeLessThanOrEqual(250);
    expect(
      slices
        .flat()
        .slice(1)
        .map((line) => line.split(",")[0]),
    ).toEqual(rows.map(({ group }) => `t${group}`));
  });
});

test("tokens are read in slices, each once", async () => {
  const asked: number[] = [];
  const store = {
    async readUsage(query: { after?: number; limit?: number }) {
      asked.push(query.after!);
      return Array.from({ length: Math.max(0, Math.min(query.limit!, 450 - query.after!)) }, (_, index) => row(query.after! + index + 1));
    },
  };
  const rows = await readUsageBy(store as never, "token", parseUsageRange({ span: "30" }, NOW), {});
  expect(rows.map(({ group }) => group)).toEqual(Array.from({ length: 450 }, (_, index) => index + 1));
  expect(asked).toEqual([0, 100, 200, 300, 400]);
});
