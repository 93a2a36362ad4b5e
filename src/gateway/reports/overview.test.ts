// Overview: jobs under way, spans of sums and plots.

import { expect, test } from "bun:test";
import type { UsageQuery } from "../../db/ledger.ts";
import { type OverviewDependencies, readOverview, readOverviewPlots } from "./overview.ts";
import { NOW, needWorld, type World } from "./testing.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function world(change: World = {}, asked: UsageQuery[] = []): OverviewDependencies {
  const deps = needWorld(change);
  const readUsage = async (query: UsageQuery) => {
    asked.push(query);
    return [];
  };
  return {
    ...deps,
    store: { ...deps.store, readUsage },
    sideCalls: { counts: () => ({ answered: 0, generated: 0 }), suspects: () => [], rules: () => [] },
  };
}

test("jobs wait for a token or run upstream; those with an unknown end are counted apart", async () => {
  expect((await readOverview(world({ unknownJobs: 5 }))).now).toEqual({
    inFlight: { image: 1, video: 2 },
    queued: 3,
    tokens: { healthy: 1, cooling: 0, blocked: 0, disabled: 0 },
    jobs: { waiting: 4, running: 4, unknown: 5 },
  });
});

test("sums are of this UTC day and of thirty, plots of 24 hours and of the thirty days", async () => {
  const asked: UsageQuery[] = [];
  const tomorrow = NOW - (NOW % DAY) + DAY;
  await readOverview(world({}, asked));
  await readOverviewPlots(world({}, asked));
  expect(asked.map(({ by, from, to }) => [by, from, to])).toEqual([
    ["span", tomorrow - DAY, tomorrow],
    ["span", tomorrow - 30 * DAY, tomorrow],
    ["hour", NOW - (NOW % HOUR) - 23 * HOUR, NOW - (NOW % HOUR) + HOUR],
    ["day", tomorrow - 30 * DAY, tomorrow],
  ]);
});
