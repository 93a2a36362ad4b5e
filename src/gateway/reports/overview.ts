// Overview: current activity, usage sums, and alerts. Cost independent of the amount of data.

import type { Settings } from "../../config/settings-schema.ts";
import type { UsageRow } from "../../db/ledger.ts";
import type { Store } from "../../db/store.ts";
import type { AppliedRestore } from "../../domain/backup.ts";
import type { JobState } from "../../domain/job.ts";
import { nextStep, type SetupStep } from "../auth/setup-steps.ts";
import type { Keys } from "../keys/keys.ts";
import type { Limits } from "../limits/limits.ts";
import type { LinkWatch } from "../media/link-watch.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { CatalogueLayers } from "../models/catalogue/layers.ts";
import { type Retirement, retirementsOf } from "../models/list-models.ts";
import { type FixAction, fixActionOf } from "../pool/health/reasons.ts";
import type { Pool } from "../pool/pool.ts";
import type { HealthView, PoolGauges } from "../pool/snapshot.ts";
import type { SideCallCounts, SideCallLog, SuspectShape } from "../side-calls/log.ts";
import type { Maintenance } from "./maintenance.ts";
import { parseUsageRange, readUsageAlong, readUsageTotal, type UsageRange, type UsageTotal } from "./usage.ts";

export type OverviewNow = Omit<PoolGauges, "networkDegradedSince"> & {
  /** Jobs that have not ended: for a token, upstream, and with an end that nobody knows. */
  jobs: { waiting: number; running: number; unknown: number };
};

/** What needs a hand. Times are epoch ms. */
export type Alert =
  | { kind: "unfinished" | "noTokens" | "noKeys" | "allHeld" | "webhooksWithoutUrl" }
  | { kind: "ledger" | "network"; since: number }
  /** `stops`: no generation is started any more. */
  | { kind: "disk"; freeBytes: number; stops: boolean }
  | { kind: "token"; id: number; label: string; health: HealthView; remedy: FixAction }
  /** Media links that clients got lead to this host, and nobody ever followed one there. */
  | { kind: "linksUnreached"; host: string }
  | { kind: "restored"; applied: AppliedRestore }
  | { kind: "retires"; retirement: Retirement }
  /** A layer of the models is wrong. */
  | { kind: "modelsWrong"; problem: string }
  | { kind: "job"; id: string; model: string; at: number }
  | { kind: "moreTokens" | "moreJobs"; count: number };

/** What is sent again as it changes. */
export type OverviewState = {
  now: OverviewNow;
  needs: Alert[];
  today: UsageTotal;
  month: UsageTotal;
  sideCalls: { today: SideCallCounts; month: SideCallCounts; suspects: SuspectShape[]; rules: number };
};

/** What is drawn: the hours of the last day, and the last thirty days. */
export type OverviewPlots = Record<"day" | "month", { range: UsageRange; rows: UsageRow[] }>;

export type OverviewDependencies = {
  pool: Pick<Pool, "gauges" | "blocked" | "canServe">;
  models: Pick<CatalogueLayers, "current" | "problems">;
  store: Pick<Store, "readFact" | "countOpenJobs" | "listJobs" | "listDeliveries" | "readUsage">;
  keys: Pick<Keys, "count">;
  limits: Pick<Limits, "degradedSince">;
  sideCalls: Pick<SideCallLog, "counts" | "suspects" | "rules">;
  media: Pick<MediaStore, "freeBytes">;
  linkWatch: Pick<LinkWatch, "unreached">;
  maintenance: Pick<Maintenance, "appliedRestore">;
  settings: () => Settings;
  now: () => number;
};

/** Named one by one; the pages of tokens and jobs have them all. */
const TOKENS_NAMED = 8;
const JOBS_NAMED = 3;
const SHAPES_NAMED = 5;
const MEBIBYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;
/** Shown before it stops anything. */
const LOW_DISK_FACTOR = 2;

export async function readOverview(deps: OverviewDependencies): Promise<OverviewState> {
  const { pool, store, now } = deps;
  const [today, month] = [parseUsageRange({ span: "today" }, now()), parseUsageRange({ span: "30" }, now())];
  const [open, sumsToday, sumsMonth] = await Promise.all([
    store.countOpenJobs(),
    readUsageTotal(store, today, {}),
    readUsageTotal(store, month, {}),
  ]);
  const gauges = pool.gauges();
  const { inFlight, queued, tokens } = gauges;
  return {
    now: { inFlight, queued, tokens, jobs: jobsOf(open) },
    needs: await needsOf(deps, gauges, open.unknown ?? 0),
    today: sumsToday,
    month: sumsMonth,
    sideCalls: sideCallsOf(deps, today.from, month.from),
  };
}

const sideCallsOf = ({ sideCalls }: OverviewDependencies, today: number, month: number): OverviewState["sideCalls"] => ({
  today: sideCalls.counts(today),
  month: sideCalls.counts(month),
  suspects: sideCalls.suspects(SHAPES_NAMED),
  rules: sideCalls.rules().length,
});

/** The last 24 hours, the running one included, and the last 30 UTC days. */
export async function readOverviewPlots({ store, now }: Pick<OverviewDependencies, "store" | "now">): Promise<OverviewPlots> {
  const thisHour = now() - (now() % HOUR_MS);
  const day: UsageRange = { span: "custom", from: thisHour - 23 * HOUR_MS, to: thisHour + HOUR_MS, step: "hour" };
  const month = parseUsageRange({ span: "30" }, now());
  const [hours, days] = await Promise.all([readUsageAlong(store, day, {}), readUsageAlong(store, month, {})]);
  return { day: { range: day, rows: hours }, month: { range: month, rows: days } };
}

const jobsOf = ({ queued = 0, submitting = 0, running = 0, storing = 0, unknown = 0 }: Partial<Record<JobState, number>>) => ({
  waiting: queued,
  running: submitting + running + storing,
  unknown,
});

/** Worst first: what stops everything, then single tokens and jobs, then what is only not right. */
async function needsOf(deps: OverviewDependencies, gauges: PoolGauges, unknownJobs: number): Promise<Alert[]> {
  const { pool, store, keys, limits, settings } = deps;
  const { tokens, networkDegradedSince } = gauges;
  const total = tokens.healthy + tokens.cooling + tokens.blocked + tokens.disabled;
  const ledgerTrouble = limits.degradedSince();
  const lacksUrl = settings().webhooks.enabled && settings().server.public_url === "";
  return [
    ...(ledgerTrouble === null ? [] : [{ kind: "ledger" as const, since: ledgerTrouble }]),
    ...diskNeed(deps),
    ...restoreNeed(deps),
    ...(networkDegradedSince === null ? [] : [{ kind: "network" as const, since: networkDegradedSince }]),
    ...(total === 0 ? [emptyPool(await nextStep(store))] : []),
    ...(keys.count() === 0 ? [{ kind: "noKeys" as const }] : []),
    ...(total > tokens.disabled && tokens.healthy === 0 ? [{ kind: "allHeld" as const }] : []),
    ...tokenNeeds(pool, tokens.blocked),
    ...(unknownJobs > 0 ? await jobNeeds(store, unknownJobs) : []),
    ...linkNeed(deps),
    ...modelNeeds(deps),
    // Only who uses them misses the links.
    ...(lacksUrl && (await store.listDeliveries({ limit: 1 })).length > 0 ? [{ kind: "webhooksWithoutUrl" as const }] : []),
  ];
}

function modelNeeds({ models, pool, now }: OverviewDependencies): Alert[] {
  const { file, admin } = models.problems;
  const wrong = [file, admin].filter((problem) => problem !== null);
  return [
    ...wrong.map((problem): Alert => ({ kind: "modelsWrong", problem })),
    ...retirementsOf(models.current(), pool, now()).map((retirement): Alert => ({ kind: "retires", retirement })),
  ];
}

function linkNeed({ linkWatch, settings }: OverviewDependencies): Alert[] {
  const host = settings().server.public_url === "" ? linkWatch.unreached() : null;
  return host === null ? [] : [{ kind: "linksUnreached", host }];
}

const emptyPool = (next: SetupStep | null): Alert => ({ kind: next === null ? "noTokens" : "unfinished" });

function diskNeed({ media, settings }: OverviewDependencies): Alert[] {
  const least = settings().media.min_free_mb * MEBIBYTE;
  if (least === 0) return [];
  const freeBytes = media.freeBytes();
  return freeBytes < LOW_DISK_FACTOR * least ? [{ kind: "disk", freeBytes, stops: freeBytes < least }] : [];
}

function restoreNeed({ maintenance }: OverviewDependencies): Alert[] {
  const applied = maintenance.appliedRestore();
  return applied && !applied.seen ? [{ kind: "restored", applied }] : [];
}

function tokenNeeds(pool: OverviewDependencies["pool"], blocked: number): Alert[] {
  if (blocked === 0) return [];
  const named = pool.blocked(TOKENS_NAMED);
  const needs = named.map(({ id, label, health }): Alert => ({ kind: "token", id, label, health, remedy: fixActionOf(health.reason) }));
  return blocked > named.length ? [...needs, { kind: "moreTokens", count: blocked - named.length }] : needs;
}

async function jobNeeds(store: OverviewDependencies["store"], unknown: number): Promise<Alert[]> {
  const named = await store.listJobs({ keyId: null, states: ["unknown"], order: "desc", limit: JOBS_NAMED });
  const needs = named.map(({ id, model, createdAt }): Alert => ({ kind: "job", id, model, at: createdAt }));
  return unknown > named.length ? [...needs, { kind: "moreJobs", count: unknown - named.length }] : needs;
}
