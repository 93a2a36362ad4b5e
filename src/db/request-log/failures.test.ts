// Failure sums: counted once per row and call, by hour and day, and deleted with the rows.

import { describe, expect, test } from "bun:test";
import type { AttemptRow, RequestRow } from "../../domain/request.ts";
import { newId } from "../../ids.ts";
import { temporaryFolder } from "../../testing.ts";
import type { RequestLog } from "../store.ts";
import { ENGINES } from "../testing.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TODAY = Date.UTC(2026, 10, 23);

const newCall = (tokenId: number, change: Partial<AttemptRow> = {}): AttemptRow => ({
  ...{
    tokenId,
    provider: "gemini",
    family: "g",
    startedAt: TODAY,
    ms: 1,
    outcome: "upstream_quota",
    reason: "per_day",
    upstreamStatus: 429,
  },
  ...change,
});

const newRow = (at: number, change: Partial<RequestRow> = {}): RequestRow => ({
  ...{ id: newId(), at, ms: 1000, dialect: "openai", route: "r", keyId: 1, model: "m", family: "g", kind: "image", outcome: "no_token" },
  ...{ message: null, images: 0, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, stream: false, mediaIds: [], attempts: [] },
  ...change,
});

const served = { outcome: "ok" } as const;
const refusal = { reason: "invalid_api_key", address: null, times: 40 };
const ROWS = [
  newRow(TODAY - HOUR, { outcome: "cancelled" }),
  newRow(TODAY + HOUR, { attempts: [newCall(5), newCall(6)] }),
  newRow(TODAY + HOUR, { ...served, attempts: [newCall(5, { reason: null, outcome: "upstream_timeout" }), newCall(6, served)] }),
  newRow(TODAY + 2 * HOUR, { keyId: 2, family: "v", attempts: [newCall(5, { family: "v" })] }),
  // Ends in the next hour, where it is counted.
  newRow(TODAY + 3 * HOUR - 500, { keyId: 2, attempts: [newCall(6)] }),
  newRow(TODAY + 3 * HOUR, { outcome: "unauthorized", kind: null, keyId: null, family: null, refusal }),
];
const day = { from: TODAY, to: TODAY + DAY };
const perDay = { outcome: "no_token", reason: "per_day", refused: false };

describe.each(ENGINES)("over $name", ({ openLog }) => {
  async function withLog(rows: readonly RequestRow[], body: (log: RequestLog) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    const log = await openLog(folder.path);
    for (const row of rows) log.append(row);
    await body(log).finally(() => log.close());
  }

  describe("failures are counted", () => {
    test("in all, the most first; a refusal as often as its row says", () =>
      withLog(ROWS, async (log) => {
        expect(await log.failures(day)).toEqual([
          { outcome: "unauthorized", reason: "invalid_api_key", refused: true, count: 40 },
          { ...perDay, count: 3 },
        ]);
        expect(await log.failures({ from: TODAY - DAY, to: TODAY })).toEqual([
          { outcome: "cancelled", reason: "cancelled", refused: false, count: 1 },
        ]);
      }));

    test("by key, and by token for each call, also of requests that another token served", () =>
      withLog(ROWS, async (log) => {
        expect(await log.failures({ ...day, of: { key: 1 } })).toEqual([{ ...perDay, count: 1 }]);
        expect(await log.failures({ ...day, of: { token: 5 } })).toEqual([
          { outcome: "upstream_quota", reason: "per_day", refused: false, count: 2 },
          { outcome: "upstream_timeout", reason: "upstream_timeout", refused: false, count: 1 },
        ]);
        expect(await log.failures({ ...day, of: { token: 7 } })).toEqual([]);
      }));

    test("by family, outcome, reason and a part of a day", () =>
      withLog(ROWS, async (log) => {
        const count = async (change: object) => (await log.failures({ ...day, ...change })).reduce((sum, row) => sum + row.count, 0);
        expect(await count({ family: "v" })).toBe(1);
        expect(await count({ outcome: "no_token" })).toBe(3);
        expect(await count({ reason: "invalid_api_key" })).toBe(40);
        expect(await count({ from: TODAY + 2 * HOUR, to: TODAY + 3 * HOUR })).toBe(1);
      }));

    test("along hours and days, and among tokens", () =>
      withLog(ROWS, async (log) => {
        const alike = { outcome: "no_token", reason: "per_day" };
        expect(await log.countFailures({ ...day, ...alike, by: "hour" })).toEqual(
          [1, 2, 3].map((hour) => ({ group: TODAY + hour * HOUR, count: 1 })),
        );
        expect(await log.countFailures({ from: TODAY - DAY, to: TODAY + DAY, by: "day" })).toEqual([
          { group: TODAY - DAY, count: 1 },
          { group: TODAY, count: 43 },
        ]);
        expect(await log.countFailures({ ...day, by: "token" })).toEqual([
          { group: 5, count: 3 },
          { group: 6, count: 2 },
        ]);
        expect(await log.countFailures({ ...day, by: "token", reason: "upstream_timeout", limit: 1 })).toEqual([{ group: 5, count: 1 }]);
      }));

    test("once, although a row comes twice", () => {
      const row = newRow(TODAY);
      return withLog([row, row], async (log) => expect((await log.failures(day))[0]?.count).toBe(1));
    });
  });

  test("sums go with the rows they counted, the running day's stay", () =>
    withLog(ROWS, async (log) => {
      await log.deleteBefore(TODAY + 2 * HOUR);
      expect(await log.failures({ from: TODAY - DAY, to: TODAY })).toEqual([]);
      expect(await log.failures({ ...day, of: { key: 1 } })).toEqual([{ ...perDay, count: 1 }]);
    }));
});
