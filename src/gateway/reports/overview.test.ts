// Overview: order of the alerts, spans of sums and plots.

import { expect, test } from "bun:test";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { UsageQuery } from "../../db/ledger.ts";
import type { AppliedRestore } from "../../domain/backup.ts";
import { CATALOGUE } from "../models/testing.ts";
import type { HealthView, PoolGauges, PoolTokenView } from "../pool/snapshot.ts";
import { type Alert, type OverviewDependencies, readOverview, readOverviewPlots } from "./overview.ts";

const NOW = Date.UTC(2026, 10, 23, 12, 34);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const GIBIBYTE = 1024 ** 3;

type World = {
  unreached?: string;
  tokens?: Partial<PoolGauges["tokens"]>;
  networkDegradedSince?: number;
  ledgerTroubleSince?: number;
  freeBytes?: number;
  keys?: number;
  passwordIsTemporary?: boolean;
  unknownJobs?: number;
  deliveries?: number;
  publicUrl?: string;
  webhooks?: boolean;
  restored?: AppliedRestore;
  modelsProblem?: string;
  now?: number;
};

const health: HealthView = { state: "blocked", reason: "session_dead", message: "", since: NOW, until: null };

function world(change: World = {}, asked: UsageQuery[] = []): OverviewDependencies {
  const tokens = { healthy: 0, cooling: 0, blocked: 0, disabled: 0, ...(change.tokens ?? { healthy: 1 }) };
  const named = <T>(count: number, limit: number, make: (id: number) => T) =>
    Array.from({ length: Math.min(count, limit) }, (_, index) => make(index + 1));
  return {
    pool: {
      gauges: () => ({ inFlight: { image: 1, video: 2 }, queued: 3, tokens, networkDegradedSince: change.networkDegradedSince ?? null }),
      canServe: () => change.now !== undefined,
      blocked: (limit) => named(tokens.blocked, limit, (id) => ({ id, label: `token ${id}`, health }) as PoolTokenView),
    },
    models: { current: () => CATALOGUE, problems: { file: change.modelsProblem ?? null, admin: null } },
    store: {
      readFact: async (name) => (name === "first_step" ? "done" : change.passwordIsTemporary ? "1" : null),
      countOpenJobs: async () => ({ queued: 4, submitting: 1, running: 2, storing: 1, unknown: change.unknownJobs ?? 0 }),
      listJobs: async ({ limit }) =>
        named(change.unknownJobs ?? 0, limit, (id) => ({ id: `video_${id}`, model: "veo", createdAt: NOW }) as JobRow),
      listDeliveries: async () => named(change.deliveries ?? 0, 1, () => ({}) as never),
      readUsage: async (query) => {
        asked.push(query);
        return [];
      },
    },
    sideCalls: { counts: () => ({ answered: 0, generated: 0 }), suspects: () => [], rules: () => [] },
    keys: { count: () => change.keys ?? 1 },
    limits: { degradedSince: () => change.ledgerTroubleSince ?? null },
    linkWatch: { unreached: () => change.unreached ?? null },
    media: { freeBytes: () => change.freeBytes ?? GIBIBYTE },
    maintenance: { appliedRestore: () => change.restored ?? null },
    settings: () =>
      ({
        media: { min_free_mb: 256 },
        webhooks: { enabled: change.webhooks ?? true },
        server: { public_url: change.publicUrl ?? "" },
      }) as Settings,
    now: () => change.now ?? NOW,
  };
}

const RESTORED: AppliedRestore = {
  aside: "before-restore-1",
  backupAt: 5,
  holds: ["tokens"],
  restoredAt: 6,
  movedMedia: 7,
  seen: false,
};

const needsIn = async (change: World): Promise<Alert[]> => (await readOverview(world(change))).needs;

test("where all is well nothing is asked for", async () => {
  expect(await needsIn({})).toEqual([]);
});

test.each<[string, World, Alert[]]>([
  ["an empty pool", { tokens: {} }, [{ kind: "noTokens" }]],
  ["an empty pool before the first steps are done", { tokens: {}, passwordIsTemporary: true }, [{ kind: "unfinished" }]],
  ["no key", { keys: 0 }, [{ kind: "noKeys" }]],
  ["a network that is down", { networkDegradedSince: 7 }, [{ kind: "network", since: 7 }]],
  ["a ledger that cannot be written", { ledgerTroubleSince: 7 }, [{ kind: "ledger", since: 7 }]],
  ["a disk with little left", { freeBytes: 0.4 * GIBIBYTE }, [{ kind: "disk", freeBytes: 0.4 * GIBIBYTE, stops: false }]],
  ["a disk with too little left", { freeBytes: 0.2 * GIBIBYTE }, [{ kind: "disk", freeBytes: 0.2 * GIBIBYTE, stops: true }]],
  ["a restore that nobody has seen", { restored: RESTORED }, [{ kind: "restored", applied: RESTORED }]],
  ["a restore that was seen", { restored: { ...RESTORED, seen: true } }, []],
  ["tokens that all pause", { tokens: { cooling: 2, disabled: 1 } }, [{ kind: "allHeld" }]],
  ["tokens that are all switched off", { tokens: { disabled: 2 } }, []],
  ["webhooks that were sent without an address of ours", { deliveries: 1 }, [{ kind: "webhooksWithoutUrl" }]],
  ["webhooks with an address of ours", { deliveries: 1, publicUrl: "https://x.example" }, []],
  ["webhooks that are switched off", { deliveries: 1, webhooks: false }, []],
  ["a models file that is wrong", { modelsProblem: "p: x" }, [{ kind: "modelsWrong", problem: "p: x" }]],
  [
    "a model that retires within a week",
    { now: Date.UTC(2026, 10, 29) },
    [
      {
        kind: "retires",
        retirement: {
          ...{ family: "gemini-omni-1.1-flash", title: "Gemini Omni 1.1 Flash", provider: "gemini" },
          ...{ day: "2026-12-03", daysLeft: 4, stage: "week" },
        },
      },
    ],
  ],
  ["links to a host that nobody reached", { unreached: "flow2api:8000" }, [{ kind: "linksUnreached", host: "flow2api:8000" }]],
  ["such links with an address of ours", { unreached: "flow2api:8000", publicUrl: "https://x.example" }, []],
  ["a blocked token", { tokens: { healthy: 1, blocked: 1 } }, [{ kind: "token", id: 1, label: "token 1", health, remedy: "secret" }]],
  ["a job whose end nobody knows", { unknownJobs: 1 }, [{ kind: "job", id: "video_1", model: "veo", at: NOW }]],
])("%s", async (_name, change, needs) => {
  expect(await needsIn(change)).toEqual(needs);
});

test("what stops everything comes first, and of many tokens and jobs a few are named and the rest counted", async () => {
  const needs = await needsIn({ ledgerTroubleSince: 1, freeBytes: 0, tokens: { blocked: 1000 }, unknownJobs: 50, deliveries: 1 });
  const kinds = needs.map(({ kind }) => kind);
  expect(kinds.filter((kind, index) => kind !== kinds[index - 1])).toEqual([
    "ledger",
    "disk",
    "allHeld",
    "token",
    "moreTokens",
    "job",
    "moreJobs",
    "webhooksWithoutUrl",
  ]);
  expect(needs).toContainEqual({ kind: "moreTokens", count: 992 });
  expect(needs).toContainEqual({ kind: "moreJobs", count: 47 });
});

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
    ["hour", Date.UTC(2026, 10, 22, 13), Date.UTC(2026, 10, 23, 13)],
    ["day", tomorrow - 30 * DAY, tomorrow],
  ]);
});
