// Signals: what the rules see, from the needs of the overview and a few figures more. Pure.
import type { Settings } from "../../config/settings-schema.ts";
import type { KeyRow } from "../../domain/key.ts";
import type { KeyUsage } from "../limits/key-usage.ts";
import { PERIODS } from "../limits/periods.ts";
import type { Retirement } from "../models/list-models.ts";
import type { CapUse } from "../pool/cap-use.ts";
import type { ProviderTokens } from "../pool/held.ts";
import { nextPacificMidnight } from "../pool/pacific-time.ts";
import type { Need } from "../reports/needs.ts";
import type { AlertFacts, LimitFacts, OtherNeed, RuleName, Signal } from "./facts.ts";
import type { FailureShare } from "./outcome-window.ts";

/** What is known of backups. Times are epoch ms. */
export type BackupState = {
  /** Of the last one that was made; null: none was. */
  madeAt: number | null;
  /** Why the last scheduled one failed; null: it did not. */
  error: string | null;
  /** Since when this installation has something to back up. */
  since: number;
};

export type SignalFacts = {
  needs: readonly Need[];
  providers: readonly ProviderTokens[];
  keys: readonly { key: Pick<KeyRow, "id" | "name" | "limits">; usage: KeyUsage }[];
  caps: readonly CapUse[];
  /** Images that the operator's own caps allow today; null: some token has no cap, so that nobody knows. */
  imagesLeft: number | null;
  failures: FailureShare | null;
  /** Of the disk of media. */
  freeBytes: number;
  backup: BackupState;
  retirements: readonly Retirement[];
  failingChannels: readonly { id: string; name: string; error: string }[];
};

type Thresholds = Settings["alerts"];

const DAY_MS = 86_400_000;
const GB = 1_000_000_000;
/** Also sent as the worse stage. */
const LAST_WEEK_DAYS = 7;

const signal = (rule: RuleName, subject: string, facts: AlertFacts, { level = 1, urgent = false } = {}): Signal => ({
  ...{ rule, subject, level, urgent, facts },
});

/** @param now epoch ms */
export function signalsOf(facts: SignalFacts, thresholds: Thresholds, now: number): Signal[] {
  return [
    ...facts.needs.flatMap(needSignal),
    ...facts.providers.flatMap((provider) => lowSignal(provider, thresholds)),
    ...facts.keys.flatMap(({ key, usage }) => keySignals(key, usage, thresholds)),
    ...facts.caps.map(capSignal),
    ...leftSignal(facts.imagesLeft, thresholds, now),
    ...failureSignal(facts.failures, thresholds),
    ...diskSignal(facts, thresholds),
    ...backupSignal(facts.backup, thresholds, now),
    ...facts.retirements.flatMap((retirement) => retirementSignal(retirement, thresholds)),
    ...facts.failingChannels.map(({ id, name, error }) => signal("other", `channel:${id}`, { kind: "channel", name, error })),
  ];
}

/** Each ten times as many tokens is worse. */
const magnitude = (count: number): number => (count < 1 ? 0 : Math.floor(Math.log10(count)));

/** One need as a signal; those with a rule and a threshold of their own are left out. */
function needSignal(need: Need): Signal[] {
  const { id } = need;
  const other = (name: OtherNeed, detail = "") => [signal("other", id, { kind: "other", need: name, detail })];
  switch (need.kind) {
    case "noTokens":
      return [signal("pool_empty", "pool", { kind: "poolEmpty", why: "noTokens", until: null }, { urgent: true })];
    case "allHeld":
      return [signal("pool_empty", "pool", { kind: "poolEmpty", why: "allHeld", until: need.until }, { urgent: true })];
    case "providerOff":
      return [signal("pool_empty", id, { kind: "providerOff", provider: need.provider, count: need.count })];
    case "tokens":
    case "models": {
      const { provider, reason, count, named, families } = need;
      const facts = { kind: "tokens" as const, provider, reason, count, names: named.map(({ label }) => label), families };
      return [signal("tokens_blocked", id, { ...facts, families: need.kind === "models" ? families : [] }, { level: magnitude(count) })];
    }
    case "jobs":
      return [
        signal("jobs_unknown", id, { kind: "jobs", count: need.count, usd: need.usd }, { level: magnitude(need.count), urgent: true }),
      ];
    case "ledger":
      return [signal("server", id, { kind: "ledger" }, { urgent: true })];
    case "network":
      return [signal("server", id, { kind: "network" }, { urgent: true })];
    case "node": {
      const { node, what, problem } = need;
      const rule = what === "models" ? "other" : "server";
      return [signal(rule, id, { kind: "node", node, what, problem }, { urgent: rule === "server" })];
    }
    case "disk":
      return [signal("disk", "disk", { kind: "disk", freeBytes: need.freeBytes, stops: need.stops }, diskLevel(need.stops))];
    case "noKeys":
    case "webhooksWithoutUrl":
      return other(need.kind);
    case "linksUnreached":
      return other(need.kind, need.host);
    case "modelsWrong":
      return other(need.kind, need.problem);
    case "restored":
      return other(need.kind);
    // Set up by somebody who is there; `retires` has a threshold of its own; channels are signals already.
    case "unfinished":
    case "retires":
    case "channel":
    case "backup":
      return [];
    default:
      return other("unknown");
  }
}

const diskLevel = (stops: boolean) => ({ level: stops ? 2 : 1, urgent: stops });

/** A provider all of whose tokens are switched off is a need of its own. */
function lowSignal(
  { provider, healthy, total, disabled }: ProviderTokens,
  { healthy_tokens: below, healthy_provider: only }: Thresholds,
): Signal[] {
  if ((only !== "any" && only !== provider) || total === disabled || healthy >= below) return [];
  return [signal("pool_low", provider, { kind: "poolLow", provider, healthy, below }, { level: healthy === 0 ? 2 : 1 })];
}

function leftSignal(left: number | null, { images_left: below }: Thresholds, now: number): Signal[] {
  if (left === null || left >= below) return [];
  const facts = { kind: "imagesLeft" as const, left, below, until: nextPacificMidnight(now) };
  return [signal("images_left", "images", facts, { level: left === 0 ? 2 : 1 })];
}

const UNITS = ["images", "videoSeconds", "usd"] as const;

function keySignals(
  { id, name, limits }: Pick<KeyRow, "id" | "name" | "limits">,
  usage: KeyUsage,
  { limit_percent: least }: Thresholds,
): Signal[] {
  return UNITS.flatMap((unit) =>
    PERIODS.flatMap((period) => {
      const limit = limits[unit][period];
      const used = usage[period][unit];
      // A limit of zero is a ban, and none comes nearer to it.
      if (limit === null || limit === 0 || (100 * used) / limit < least) return [];
      return [
        limitSignal({ ...{ kind: "limit", of: "key", id, name, unit, period, used, limit }, percent: 0, until: usage[period].resetsAt }),
      ];
    }),
  );
}

const capSignal = ({ of, tokenId, name, family, unit, used, limit, until }: CapUse): Signal =>
  limitSignal({
    ...{ kind: "limit", of, id: tokenId, name: family === null ? name : `${name} (${family})`, unit, period: "day", used, limit },
    ...{ percent: 0, until },
  });

function limitSignal(facts: LimitFacts): Signal {
  const percent = facts.limit === 0 ? 100 : Math.floor((100 * facts.used) / facts.limit + 1e-6);
  const { of, id, name, unit, period } = facts;
  const isOver = percent >= 100;
  return signal(
    "limits",
    `${of}:${id}:${name}:${unit}:${period}`,
    { ...facts, percent },
    { level: isOver ? 2 : 1, urgent: isOver && unit === "usd" },
  );
}

function failureSignal(failures: FailureShare | null, { error_percent: most, error_minutes: minutes }: Thresholds): Signal[] {
  if (!failures || failures.percent <= most) return [];
  const facts = { kind: "errors" as const, ...failures, percent: Math.round(failures.percent * 10) / 10, minutes };
  return [signal("errors", "all", facts, { level: failures.percent >= Math.max(50, 2 * most) ? 2 : 1 })];
}

/** The disk stops generations by a limit of its own, which is a need. */
function diskSignal({ needs, freeBytes }: SignalFacts, { disk_gb: least }: Thresholds): Signal[] {
  if (freeBytes >= least * GB || needs.some(({ kind }) => kind === "disk")) return [];
  return [signal("disk", "disk", { kind: "disk", freeBytes, stops: false }, diskLevel(false))];
}

function backupSignal({ madeAt, error, since }: BackupState, { backup_days: most }: Thresholds, now: number): Signal[] {
  const days = Math.floor((now - (madeAt ?? since)) / DAY_MS);
  if (error !== null) return [signal("backup", "backup", { kind: "backup", error, at: madeAt, days }, { level: 2 })];
  return days >= most ? [signal("backup", "backup", { kind: "backup", error: null, at: madeAt, days })] : [];
}

function retirementSignal({ family, title, provider, day, daysLeft, stage }: Retirement, { retire_days: most }: Thresholds): Signal[] {
  if (daysLeft > most) return [];
  const level = stage === "over" ? 3 : daysLeft <= LAST_WEEK_DAYS ? 2 : 1;
  return [signal("models_retire", `${provider}:${family}`, { kind: "retires", title, provider, day, daysLeft }, { level })];
}
