// Alert facts: what a rule has met, as figures and names; and the contract of the texts that word them in each language.
import type { HealthReason } from "../pool/health/reasons.ts";
import type { NodeNeed } from "../reports/needs.ts";

/** Rules in the order of the page; each can be switched off. */
export const RULE_NAMES = [
  "pool_low",
  "images_left",
  "pool_empty",
  "tokens_blocked",
  "errors",
  "limits",
  "jobs_unknown",
  "backup",
  "disk",
  "sign_in",
  "models_retire",
  "server",
  "other",
] as const;

export type RuleName = (typeof RULE_NAMES)[number];

export const isRuleName = (value: unknown): value is RuleName => RULE_NAMES.some((name) => name === value);

/** Never a prompt, never a secret. Times are epoch ms. Names are the operator's own labels. */
export type AlertFacts =
  /** `until`: when the first token is back by itself; null: none is. */
  | { kind: "poolEmpty"; why: "noTokens" | "allHeld"; until: number | null }
  | { kind: "providerOff"; provider: string; count: number }
  | { kind: "poolLow"; provider: string; healthy: number; below: number }
  /** By the operator's own caps per day; `until`: when they begin anew. */
  | { kind: "imagesLeft"; left: number; below: number; until: number }
  /** `families`: only these models of them; empty: the tokens as a whole. */
  | { kind: "tokens"; provider: string; reason: HealthReason; count: number; names: string[]; families: string[] }
  | { kind: "jobs"; count: number; usd: number }
  | { kind: "ledger" | "network" }
  /** Of another node alone; `problem`: what is wrong in its models. */
  | { kind: "node"; node: string; what: NodeNeed; problem: string }
  | { kind: "disk"; freeBytes: number; stops: boolean }
  /** `outcome`: the error kind of most of them. */
  | { kind: "errors"; percent: number; failed: number; total: number; minutes: number; outcome: string }
  | LimitFacts
  /** `error` null: it is only old. `at`: of the last one that was made; null: there is none. */
  | { kind: "backup"; error: string | null; at: number | null; days: number }
  | { kind: "retires"; title: string; provider: string; day: string; daysLeft: number }
  | { kind: "signIn"; address: string; actor: string }
  | { kind: "channel"; name: string; error: string }
  | { kind: "other"; need: OtherNeed; detail: string };

export type LimitFacts = {
  kind: "limit";
  of: "key" | "token" | "group";
  id: number | null;
  name: string;
  unit: "images" | "videoSeconds" | "usd" | "requests";
  period: "day" | "month" | "total";
  used: number;
  limit: number;
  percent: number;
  /** When it starts again; null: never. */
  until: number | null;
};

/** Needs of the overview that have no rule of their own. */
export const OTHER_NEEDS = ["noKeys", "restored", "linksUnreached", "modelsWrong", "webhooksWithoutUrl", "unknown"] as const;
export type OtherNeed = (typeof OTHER_NEEDS)[number];

/** What a rule sees now. One that lasts becomes an incident. */
export type Signal = {
  rule: RuleName;
  /** The same as long as the condition lasts, e.g. `tokens:gemini:key_invalid`. */
  subject: string;
  /** Higher is worse: a rise is sent again. */
  level: number;
  /** Also sent in quiet hours, where the operator has that so. */
  urgent: boolean;
  facts: AlertFacts;
};

/** What a message says of an incident: `past` began and ended while nothing was sent. */
export type Telling = "begin" | "raise" | "remind" | "end" | "past";

/** Figures in words of a language and a time zone. */
export type AlertFormat = {
  /** A moment. */
  time(at: number): string;
  duration(ms: number): string;
  bytes(count: number): string;
  usd(amount: number): string;
  count(value: number): string;
  /** The name of a provider. */
  provider(name: string): string;
};

/** The words of one language. */
export type AlertTexts = {
  /** An incident in one line, without a full stop. */
  headline(facts: AlertFacts, format: AlertFormat): string;
  /** A second line: names and what helps; may be empty. */
  detail(facts: AlertFacts, format: AlertFormat): string;
  /** The word before a headline. */
  telling: Record<Telling, string>;
  /** Title of a message about several incidents. */
  several(count: number): string;
  /** Beyond the lines of a message. */
  more(count: number): string;
  /** Of one that has ended. */
  lasted(duration: string): string;
  test: { title: string; text(channel: string): string };
};
