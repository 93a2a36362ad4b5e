// What needs the operator, worst first: a pure function of facts. Each need has an id that stays while it lasts; alerts are its edges.

import type { AppliedRestore } from "../../domain/backup.ts";
import type { SetupStep } from "../auth/setup-steps.ts";
import type { Retirement } from "../models/list-models.ts";
import { type FixAction, fixActionOf, type HealthReason } from "../pool/health/reasons.ts";
import type { HeldReport, HeldTokens, ProviderTokens } from "../pool/held.ts";
import type { OtherNode } from "./node-needs.ts";

/** `bad`: something cannot be generated, or money is at stake; `warn`: the rest. */
export type NeedLevel = "bad" | "warn";

/**
 * `id` is the same as long as the need lasts, whatever its counts do: `tokens:gemini:key_invalid`, `disk`, `jobs:unknown`.
 * `since`: when it began, epoch ms; null: not known.
 */
export type Need = { id: string; level: NeedLevel; since: number | null } & NeedKind;

export type NeedKind =
  | { kind: "unfinished" | "noTokens" | "noKeys" | "webhooksWithoutUrl" | "ledger" | "network" }
  /** No token of any provider serves now; `until`: when the first is back, null: none is by itself. */
  | { kind: "allHeld"; until: number | null }
  /** `stops`: no generation is started any more. */
  | { kind: "disk"; freeBytes: number; stops: boolean }
  /** All tokens of a provider are switched off. */
  | { kind: "providerOff"; provider: string; count: number }
  /** Tokens blocked for one reason: as a whole, or only some of their models. */
  | ({ kind: "tokens" | "models"; fix: FixAction } & Pick<HeldTokens, "provider" | "reason" | "count" | "named" | "families">)
  /** Media links that clients got lead to this host, and nobody ever followed one there. */
  | { kind: "linksUnreached"; host: string }
  | { kind: "restored"; applied: AppliedRestore }
  | { kind: "retires"; retirement: Retirement }
  /** A layer of the models is wrong. */
  | { kind: "modelsWrong"; problem: string }
  /** The last message to an alert channel failed. */
  | { kind: "channel"; channel: FailingChannel }
  /** The last scheduled backup failed. */
  | { kind: "backup"; error: string }
  /** Something of another node alone. `problem`: what is wrong in its models; else empty. */
  | { kind: "node"; node: string; what: NodeNeed; problem: string }
  /** Jobs whose outcome is unknown; `usd`: what those named may have cost. */
  | { kind: "jobs"; count: number; named: NamedJob[]; usd: number };

/** `network`: no upstream responds to it; `ledger`: it cannot record costs; `models`: a layer of its models is wrong. */
export type NodeNeed = "network" | "ledger" | "models";

/** `error`: what the far side said. `since`: epoch ms. */
export type FailingChannel = { id: string; name: string; error: string; since: number };

export type NamedJob = { id: string; requestId: string; model: string; at: number; usd: number };

export type NeedFacts = {
  held: HeldReport;
  /** Next step of the setup; null: it is finished. Read only while the pool is empty. */
  nextStep: SetupStep | null;
  keys: number;
  /** Epoch ms; null: it works. */
  ledgerDegradedSince: number | null;
  networkDegradedSince: number | null;
  freeBytes: number;
  /** 0: the disk is not watched. */
  leastFreeBytes: number;
  restored: AppliedRestore | null;
  unknownJobs: { count: number; named: NamedJob[] };
  unreachedHost: string | null;
  /** Webhooks were sent without an address of ours. */
  webhooksLackUrl: boolean;
  modelProblems: readonly string[];
  retirements: readonly Retirement[];
  failingChannels: readonly FailingChannel[];
  /** Other living nodes. */
  others: readonly OtherNode[];
  /** Null: the last scheduled backup did not fail. */
  failedBackup: { at: number; error: string } | null;
};

/** Shown before it stops anything. */
const LOW_DISK_FACTOR = 2;

/** Models that a plan or an upstream does not have are no need: nothing is broken, and they would be listed for ever. */
const MODEL_NEEDS: ReadonlySet<HealthReason> = new Set(["limit_zero", "not_in_location", "billing", "api_disabled"]);

/** Worst first: what stops everything, then tokens and jobs by reason, then what is only not right. */
export function needsOf(facts: NeedFacts): Need[] {
  const { ledgerDegradedSince, networkDegradedSince, restored, unreachedHost, failedBackup } = facts;
  return [
    ...(ledgerDegradedSince === null ? [] : [need("ledger", "bad", { kind: "ledger" }, ledgerDegradedSince)]),
    ...diskNeed(facts),
    ...(restored && !restored.seen ? [need("restored", "warn", { kind: "restored", applied: restored }, restored.restoredAt)] : []),
    ...(networkDegradedSince === null ? [] : [need("network", "bad", { kind: "network" }, networkDegradedSince)]),
    ...facts.others.flatMap((other) => nodeNeeds(other, facts)),
    ...poolNeeds(facts),
    ...jobNeed(facts.unknownJobs),
    ...(failedBackup ? [need("backup", "bad", { kind: "backup", error: failedBackup.error }, failedBackup.at)] : []),
    ...facts.failingChannels.map((channel) => need(`channel:${channel.id}`, "bad", { kind: "channel", channel }, channel.since)),
    ...modelNeeds(facts.held.held),
    ...(unreachedHost === null ? [] : [need("linksUnreached", "warn", { kind: "linksUnreached", host: unreachedHost })]),
    ...facts.modelProblems.map((problem, index) => need(`modelsWrong:${index}`, "warn", { kind: "modelsWrong", problem })),
    ...facts.retirements.map(retirementNeed),
    ...(facts.webhooksLackUrl ? [need("webhooksWithoutUrl", "warn", { kind: "webhooksWithoutUrl" })] : []),
  ];
}

const need = (id: string, level: NeedLevel, kind: NeedKind, since: number | null = null): Need => ({ id, level, since, ...kind });

const retirementNeed = (retirement: Retirement): Need =>
  need(`retires:${retirement.provider}:${retirement.family}`, "warn", { kind: "retires", retirement });

/** What is wrong with the models here too is not told again. */
function nodeNeeds({ name: node, needs: { networkSince, ledgerSince, models } }: OtherNode, { modelProblems }: NeedFacts): Need[] {
  const of = (what: NodeNeed, since: number | null, problem = "") =>
    need(`node:${node}:${what}`, what === "models" ? "warn" : "bad", { kind: "node", node, what, problem }, since);
  const problem = models.find((one) => !modelProblems.some((own) => own.startsWith(one)));
  return [
    ...(ledgerSince === null ? [] : [of("ledger", ledgerSince)]),
    ...(networkSince === null ? [] : [of("network", networkSince)]),
    ...(problem === undefined ? [] : [of("models", null, problem)]),
  ];
}

function diskNeed({ freeBytes, leastFreeBytes }: NeedFacts): Need[] {
  if (leastFreeBytes === 0 || freeBytes >= LOW_DISK_FACTOR * leastFreeBytes) return [];
  const stops = freeBytes < leastFreeBytes;
  return [need("disk", stops ? "bad" : "warn", { kind: "disk", freeBytes, stops })];
}

function poolNeeds({ held, nextStep, keys }: NeedFacts): Need[] {
  const { providers } = held;
  const sum = (of: (one: ProviderTokens) => number) => providers.reduce((total, one) => total + of(one), 0);
  const total = sum((one) => one.total);
  const empty: NeedKind = { kind: nextStep === null ? "noTokens" : "unfinished" };
  const noneServes = total > sum((one) => one.disabled) && sum((one) => one.healthy) === 0;
  const off = providers.filter(({ total: all, disabled }) => all > 0 && all === disabled);
  return [
    ...(total === 0 ? [need(empty.kind, "bad", empty)] : []),
    ...(keys === 0 ? [need("noKeys", "bad", { kind: "noKeys" })] : []),
    ...(noneServes ? [need("allHeld", "bad", { kind: "allHeld", until: firstBack(held.held) })] : []),
    ...off.map(({ provider, total: count }) => need(`providerOff:${provider}`, "bad", { kind: "providerOff", provider, count })),
    ...held.held.filter(({ scope, state }) => scope === "token" && state === "blocked").map((group) => heldNeed("tokens", group)),
  ];
}

const modelNeeds = (held: readonly HeldTokens[]): Need[] =>
  held
    .filter(({ scope, state, reason }) => scope === "model" && state === "blocked" && MODEL_NEEDS.has(reason))
    .map((group) => heldNeed("models", group));

function heldNeed(kind: "tokens" | "models", { provider, reason, count, named, families, since }: HeldTokens): Need {
  const fix = fixActionOf(reason);
  const level = kind === "tokens" && fix === "secret" ? "bad" : "warn";
  return need(`${kind}:${provider}:${reason}`, level, { kind, provider, reason, count, named, families, fix }, since);
}

/** When the first token that is held as a whole is back by itself. */
function firstBack(held: readonly HeldTokens[]): number | null {
  const times = held.flatMap(({ scope, until }) => (scope === "token" && until !== null ? [until] : []));
  return times.length === 0 ? null : Math.min(...times);
}

function jobNeed({ count, named }: NeedFacts["unknownJobs"]): Need[] {
  if (count === 0) return [];
  const usd = named.reduce((sum, job) => sum + job.usd, 0);
  const since = named.length === 0 ? null : Math.min(...named.map(({ at }) => at));
  return [need("jobs:unknown", "bad", { kind: "jobs", count, named, usd }, since)];
}
