// Gathers the facts that needs follow from: cheap, once for all who read them within a second.

import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { setupStep } from "../auth/setup-steps.ts";
import type { Keys } from "../keys/keys.ts";
import type { Limits } from "../limits/limits.ts";
import type { MediaStore } from "../media/contract.ts";
import { type LinkWatch, unreachedHost } from "../media/link-watch.ts";
import type { CatalogueLayers } from "../models/catalogue/layers.ts";
import { retirementsOf } from "../models/list-models.ts";
import type { Pool } from "../pool/pool.ts";
import type { Maintenance } from "./maintenance.ts";
import { type FailingChannel, type Need, type NeedFacts, needsOf } from "./needs.ts";
import type { OtherNode } from "./node-needs.ts";

export type NeedDependencies = {
  pool: Pick<Pool, "gauges" | "readHeld" | "canServe">;
  models: Pick<CatalogueLayers, "current" | "problems">;
  store: Pick<Store, "readFact" | "countOpenJobs" | "listJobs" | "listDeliveries">;
  keys: Pick<Keys, "count">;
  limits: Pick<Limits, "degradedSince">;
  media: Pick<MediaStore, "freeBytes">;
  linkWatch: Pick<LinkWatch, "hosts">;
  maintenance: Pick<Maintenance, "appliedRestore">;
  alerts: { failing(): FailingChannel[] };
  backups: { state(): { last: { at: number; error: string | null } | null } };
  /** Other living nodes; absent: there are none. */
  nodeFigures?: () => Promise<readonly OtherNode[]>;
  settings: () => Settings;
  /** Epoch ms. */
  now: () => number;
};

/** Named one by one; the page of jobs has them all. */
const JOBS_NAMED = 8;
const MEBIBYTE = 1024 * 1024;

/** What needs the operator now. */
export const readNeeds = async (deps: NeedDependencies): Promise<Need[]> => needsOf(await readNeedFacts(deps));

export async function readNeedFacts(deps: NeedDependencies): Promise<NeedFacts> {
  const { pool, store, keys, limits, linkWatch, media, maintenance, models, now } = deps;
  const { webhooks, server, media: stored } = deps.settings();
  const held = await pool.readHeld();
  const isEmpty = held.providers.length === 0;
  const lacksUrl = webhooks.enabled && server.public_url === "";
  const leastFreeBytes = stored.min_free_mb * MEBIBYTE;
  const [others, step, unknownJobs, deliveries] = await Promise.all([
    deps.nodeFigures?.() ?? [],
    isEmpty ? setupStep(store) : null,
    unknownJobsOf(store),
    // Only who uses webhooks misses their links.
    lacksUrl ? store.listDeliveries({ limit: 1 }) : [],
  ]);
  const { file, admin } = models.problems;
  const { last } = deps.backups.state();
  return {
    held,
    nextStep: step,
    keys: keys.count(),
    ledgerDegradedSince: limits.degradedSince(),
    networkDegradedSince: pool.gauges().networkDegradedSince,
    freeBytes: leastFreeBytes === 0 ? 0 : media.freeBytes(),
    leastFreeBytes,
    restored: maintenance.appliedRestore(),
    unknownJobs,
    unreachedHost: server.public_url === "" ? unreachedHost([linkWatch.hosts(), ...others.map(({ needs }) => needs.links)]) : null,
    webhooksLackUrl: deliveries.length > 0,
    modelProblems: [file, admin].filter((problem) => problem !== null),
    retirements: retirementsOf(models.current(), pool, now()),
    failingChannels: deps.alerts.failing(),
    others,
    failedBackup: last !== null && last.error !== null ? { at: last.at, error: last.error } : null,
  };
}

async function unknownJobsOf(store: NeedDependencies["store"]): Promise<NeedFacts["unknownJobs"]> {
  const { unknown: count = 0 } = await store.countOpenJobs();
  if (count === 0) return { count, named: [] };
  const jobs = await store.listJobs({ keyId: null, states: ["unknown"], order: "desc", limit: JOBS_NAMED });
  return { count, named: jobs.map(({ id, requestId, model, createdAt, usd }) => ({ id, requestId, model, at: createdAt, usd })) };
}
