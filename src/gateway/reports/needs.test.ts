// What needs the operator: which facts make which need, its id, and the order.

import { expect, test } from "bun:test";
import type { AppliedRestore } from "../../domain/backup.ts";
import type { HealthReason } from "../pool/health/reasons.ts";
import type { Need } from "./needs.ts";
import { readNeeds } from "./read-needs.ts";
import { NOW, needWorld, type World } from "./testing.ts";

const GIBIBYTE = 1024 ** 3;
const RESTORED: AppliedRestore = {
  ...{ aside: "before-restore-1", backupAt: 5, holds: ["tokens"], restoredAt: 6, movedMedia: 7, seen: false },
};
const needsIn = (change: World): Promise<Need[]> => readNeeds(needWorld(change));

test("where all is well nothing is asked for", async () => {
  expect(await needsIn({})).toEqual([]);
});

test.each<[string, World, Partial<Need>[]]>([
  ["an empty pool", { providers: [] }, [{ id: "noTokens", level: "bad" }]],
  ["an empty pool before the first steps are done", { providers: [], isSetupOpen: true }, [{ id: "unfinished" }]],
  ["no key", { keys: 0 }, [{ id: "noKeys", level: "bad" }]],
  ["a network that is down", { networkDegradedSince: 7 }, [{ id: "network", level: "bad", since: 7 }]],
  ["a ledger that cannot be written", { ledgerDegradedSince: 7 }, [{ id: "ledger", level: "bad", since: 7 }]],
  ["a disk with little left", { freeBytes: 0.4 * GIBIBYTE }, [{ id: "disk", level: "warn", stops: false } as Partial<Need>]],
  ["a disk with too little left", { freeBytes: 0.2 * GIBIBYTE }, [{ id: "disk", level: "bad", stops: true } as Partial<Need>]],
  ["a restore that nobody has seen", { restored: RESTORED }, [{ id: "restored", since: 6 }]],
  ["a restore that was seen", { restored: { ...RESTORED, seen: true } }, []],
  [
    "tokens that all cool, with the time at which the first is back",
    {
      providers: [{ total: 3, cooling: 2, disabled: 1 }],
      held: [{ state: "cooling", reason: "throttled", count: 2, until: NOW + 9 }],
    },
    [{ id: "allHeld", level: "bad", until: NOW + 9 } as Partial<Need>],
  ],
  [
    "all tokens of one provider switched off",
    {
      providers: [
        { total: 2, disabled: 2 },
        { provider: "flow", healthy: 1 },
      ],
    },
    [{ id: "providerOff:gemini", level: "bad", count: 2 } as Partial<Need>],
  ],
  ["webhooks that were sent without an address of ours", { deliveries: 1 }, [{ id: "webhooksWithoutUrl" }]],
  ["webhooks with an address of ours", { deliveries: 1, publicUrl: "https://x.example" }, []],
  ["webhooks that are switched off", { deliveries: 1, webhooks: false }, []],
  [
    "a models file that is wrong",
    { modelsProblem: "p: x" },
    [{ id: "modelsWrong:0", kind: "modelsWrong", problem: "p: x" } as Partial<Need>],
  ],
  ["a model that retires within a week", { now: Date.UTC(2026, 10, 29) }, [{ id: "retires:gemini:gemini-omni-1.1-flash" }]],
  [
    "links to a host that nobody reached",
    { unreached: "flow2api:8000" },
    [{ id: "linksUnreached", host: "flow2api:8000" } as Partial<Need>],
  ],
  ["such links of another node", { others: [{ links: { unreached: ["flow2api:8000"], reached: [] } }] }, [{ id: "linksUnreached" }]],
  [
    "such links that were followed on another node",
    { unreached: "flow2api:8000", others: [{ links: { unreached: [], reached: ["flow2api:8000"] } }] },
    [],
  ],
  [
    "a network that is down for another node alone",
    { others: [{}, { networkSince: 7 }] },
    [{ id: "node:3:network", kind: "node", level: "bad", node: "3", what: "network", since: 7 } as Partial<Need>],
  ],
  [
    "a ledger that another node cannot write, and a models file of its own that is wrong",
    { others: [{ ledgerSince: 7, models: ["p: x"] }] },
    [{ id: "node:2:ledger" }, { id: "node:2:models", level: "warn", problem: "p: x" } as Partial<Need>],
  ],
  ["a models file that is wrong here too", { modelsProblem: "p: x", others: [{ models: ["p: x"] }] }, [{ id: "modelsWrong:0" }]],
  ["such links with an address of ours", { unreached: "flow2api:8000", publicUrl: "https://x.example" }, []],
  [
    "an alert channel whose last message failed",
    { failingChannel: "ops" },
    [{ id: "channel:one", level: "bad", channel: { id: "one", name: "ops", error: "404: no_service", since: NOW - 1 } } as Partial<Need>],
  ],
  [
    "a scheduled backup that failed",
    { failedBackup: "no room" },
    [{ id: "backup", level: "bad", error: "no room", since: NOW - 2 } as Partial<Need>],
  ],
  [
    "jobs whose outcome is unknown",
    { unknownJobs: 20 },
    [{ id: "jobs:unknown", level: "bad", count: 20, usd: 4, since: NOW - 8 } as Partial<Need>],
  ],
])("%s", async (_name, change, needs) => {
  const found = await needsIn(change);
  expect(found.map(({ id }) => id)).toEqual(needs.map(({ id }) => id!));
  expect(found).toMatchObject(needs as object[]);
});

test.each<[HealthReason, Partial<Need>]>([
  ["key_invalid", { level: "bad", fix: "secret" } as Partial<Need>],
  ["key_leaked", { level: "bad", fix: "secret" } as Partial<Need>],
  ["verification", { level: "warn", fix: "clear" } as Partial<Need>],
  ["billing", { level: "warn", fix: "clear" } as Partial<Need>],
  ["location", { level: "warn", fix: "proxy" } as Partial<Need>],
])("tokens blocked by %s are one need, with one fix for all", async (reason, need) => {
  const providers = [{ total: 500, healthy: 8, blocked: 492 }];
  const before = await needsIn({ providers, held: [{ reason, count: 492 }] });
  expect(before).toMatchObject([{ id: `tokens:gemini:${reason}`, kind: "tokens", count: 492, since: NOW - 60_000, ...need }]);
  // The same need while others recover.
  expect((await needsIn({ providers, held: [{ reason, count: 3, since: NOW - 1 }] }))[0]?.id).toBe(before[0]!.id);
});

test("what cools ends by itself, and models outside a plan are no need; a model without quota is one", async () => {
  const model = { scope: "model" as const, families: ["veo-3.1"] };
  const held = [
    { ...model, reason: "model_denied" as const },
    { ...model, reason: "model_missing" as const },
    { ...model, reason: "per_day" as const, state: "cooling" as const },
    { reason: "throttled" as const, state: "cooling" as const },
    { ...model, reason: "limit_zero" as const, count: 13 },
  ];
  expect(await needsIn({ providers: [{ total: 9, healthy: 9 }], held })).toMatchObject([
    { id: "models:gemini:limit_zero", level: "warn", count: 13, families: ["veo-3.1"] },
  ]);
});

test("what stops everything comes first", async () => {
  const needs = await needsIn({
    ...{ ledgerDegradedSince: 1, freeBytes: 0, unknownJobs: 50, deliveries: 1 },
    providers: [{ total: 1000, blocked: 1000 }],
    held: [{ count: 1000 }],
  });
  expect(needs.map(({ kind }) => kind)).toEqual(["ledger", "disk", "allHeld", "tokens", "jobs", "webhooksWithoutUrl"]);
});

test("each need has an id of its own", async () => {
  const held = (["key_invalid", "key_leaked"] as const).flatMap((reason) => [{ reason }, { reason, provider: "flow" }]);
  const ids = (await needsIn({ held, providers: [{ healthy: 1 }], modelsProblem: "x", unknownJobs: 2 })).map(({ id }) => id);
  expect(new Set(ids).size).toBe(6);
});
