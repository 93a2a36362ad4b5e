// A world for tests of reports: what is read of pool, store and settings, each changed by name.

import type { Settings } from "../../config/settings-schema.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { UsageQuery, UsageRow } from "../../db/ledger.ts";
import type { AppliedRestore } from "../../domain/backup.ts";
import { CATALOGUE } from "../models/testing.ts";
import type { HeldTokens, ProviderTokens } from "../pool/held.ts";
import type { NodeNeeds } from "./node-needs.ts";
import type { NeedDependencies } from "./read-needs.ts";

export const NOW = Date.UTC(2026, 10, 23, 12, 34);
const GIBIBYTE = 1024 ** 3;

export type World = {
  unreached?: string;
  providers?: Partial<ProviderTokens>[];
  held?: Partial<HeldTokens>[];
  networkDegradedSince?: number;
  ledgerDegradedSince?: number;
  freeBytes?: number;
  keys?: number;
  isSetupOpen?: boolean;
  unknownJobs?: number;
  deliveries?: number;
  publicUrl?: string;
  webhooks?: boolean;
  restored?: AppliedRestore;
  modelsProblem?: string;
  failingChannel?: string;
  failedBackup?: string;
  others?: Partial<NodeNeeds>[];
  now?: number;
  usage?: (query: UsageQuery) => UsageRow[];
};

export const providerTokens = (change: Partial<ProviderTokens>): ProviderTokens => ({
  ...{ provider: "gemini", total: 1, healthy: 0, cooling: 0, blocked: 0, disabled: 0, partly: 0 },
  ...change,
});

export const heldTokens = (change: Partial<HeldTokens>): HeldTokens => ({
  ...{ provider: "gemini", scope: "token", state: "blocked", reason: "key_invalid", count: 1, families: [] },
  ...{ named: [{ id: 1, label: "birch" }], since: NOW - 60_000, until: null },
  ...change,
});

const WELL: NodeNeeds = { networkSince: null, ledgerSince: null, models: [], links: { unreached: [], reached: [] } };

/** All is well but for what `change` names. */
export function needWorld(change: World = {}): NeedDependencies {
  const providers = (change.providers ?? [{ healthy: 1 }]).map(providerTokens);
  const sum = (state: "healthy" | "cooling" | "blocked" | "disabled") => providers.reduce((total, one) => total + one[state], 0);
  const tokens = { healthy: sum("healthy"), cooling: sum("cooling"), blocked: sum("blocked"), disabled: sum("disabled") };
  const named = <T>(count: number, limit: number, make: (id: number) => T) =>
    Array.from({ length: Math.min(count, limit) }, (_, index) => make(index + 1));
  return {
    pool: {
      gauges: () => ({ inFlight: { image: 1, video: 2 }, queued: 3, tokens, networkDegradedSince: change.networkDegradedSince ?? null }),
      canServe: () => change.now !== undefined,
      readHeld: async () => ({ providers, held: (change.held ?? []).map(heldTokens) }),
    },
    models: { current: () => CATALOGUE, problems: { file: change.modelsProblem ?? null, admin: null } },
    store: {
      readFact: async () => (change.isSetupOpen ? "key" : "done"),
      countOpenJobs: async () => ({ queued: 4, submitting: 1, running: 2, storing: 1, unknown: change.unknownJobs ?? 0 }),
      listJobs: async ({ limit }) =>
        named(change.unknownJobs ?? 0, limit, (id) => {
          return { id: `video_${id}`, requestId: `req_${id}`, model: "veo", createdAt: NOW - id, usd: 0.5 } as JobRow;
        }),
      listDeliveries: async () => named(change.deliveries ?? 0, 1, () => ({}) as never),
    },
    keys: { count: () => change.keys ?? 1 },
    limits: { degradedSince: () => change.ledgerDegradedSince ?? null },
    linkWatch: { hosts: () => ({ unreached: change.unreached ? [change.unreached] : [], reached: [] }) },
    nodeFigures: async () => (change.others ?? []).map((needs, index) => ({ name: `${index + 2}`, needs: { ...WELL, ...needs } })),
    media: { freeBytes: () => change.freeBytes ?? GIBIBYTE },
    maintenance: { appliedRestore: () => change.restored ?? null },
    alerts: {
      failing: () => (change.failingChannel ? [{ id: "one", name: change.failingChannel, error: "404: no_service", since: NOW - 1 }] : []),
    },
    backups: { state: () => ({ last: change.failedBackup ? { at: NOW - 2, error: change.failedBackup } : null }) },
    settings: () =>
      ({
        media: { min_free_mb: 256 },
        webhooks: { enabled: change.webhooks ?? true },
        server: { public_url: change.publicUrl ?? "" },
      }) as Settings,
    now: () => change.now ?? NOW,
  };
}
