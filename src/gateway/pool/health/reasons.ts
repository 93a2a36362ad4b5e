// Health reasons: one table from a reason to its scope, its effect on health, its cause for clients, the operator's advice and fix.

import type { FailureReason } from "../../../errors.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Why something cools or is blocked: the upstream's reasons, and three that the pool finds itself. */
export type HealthReason = FailureReason | "failing" | "proxy" | "imported_off";

/** What a reason applies to: a token, one model of a token, a group, one model of a group, or one model of the provider in a location. */
export type Scope = "token" | "token_model" | "group" | "group_model" | "location_model";

/** Why a token is not available, as far as a client is concerned. */
export type Cause = "operator" | "rate" | "failing" | "quota" | "model" | "plan";

/** What ends a cooldown or a block, for the button beside the advice. `none`: it ends by itself, or the token is not at fault. */
export type FixAction = "secret" | "proxy" | "location" | "clear" | "enable" | "none";

/** `end`: ms from now, or null for the operator alone. `usesRetryAfter`: the upstream's own time to come back wins over `end`. */
export type CooldownEffect = { state: "cooling" | "blocked"; end: number | "pacific_midnight" | null; usesRetryAfter?: boolean };

/** `breaker` counts towards the token's breaker; `backoff` and the shorter `surge` cool for a time that grows with each refusal in a row. */
export type Effect = "none" | "breaker" | "backoff" | "surge" | CooldownEffect;

type HealthRule = {
  /** Where the effect lands when the provider did not say. */
  scope: Scope;
  effect: Effect;
  cause: Cause;
  fix: FixAction;
  /** For the operator, in English; translations replace it by reason. */
  advice: string;
};

const coolFor = (ms: number): CooldownEffect => ({ state: "cooling", end: ms, usesRetryAfter: true });
const blockFor = (ms: number): CooldownEffect => ({ state: "blocked", end: ms });
const BLOCK: CooldownEffect = { state: "blocked", end: null };

export const HEALTH_REASONS: Readonly<Record<HealthReason, HealthRule>> = {
  per_minute: {
    scope: "group_model",
    effect: coolFor(MINUTE),
    cause: "rate",
    fix: "clear",
    advice: "The upstream's limit per minute is reached. It ends by itself.",
  },
  // The short RetryInfo that comes along is about the minute, not the day.
  per_day: {
    scope: "group_model",
    effect: { state: "cooling", end: "pacific_midnight" },
    cause: "quota",
    fix: "clear",
    advice: "The upstream's limit per day is used up. It ends at the next midnight in Los Angeles.",
  },
  limit_zero: {
    scope: "group_model",
    effect: blockFor(24 * HOUR),
    cause: "quota",
    fix: "clear",
    advice:
      "The project has no quota for this model: the free tier has none. Enable billing on the project; it is tried again after a day.",
  },
  no_details: {
    scope: "group_model",
    effect: "backoff",
    cause: "rate",
    fix: "clear",
    advice: "The upstream refuses for lack of quota without saying which. The pause grows while that lasts and ends by itself.",
  },
  throttled: {
    scope: "token",
    effect: coolFor(MINUTE),
    cause: "rate",
    fix: "clear",
    advice: "The upstream slows this account down. It ends by itself.",
  },
  account_quota: {
    scope: "token",
    effect: { state: "cooling", end: 12 * HOUR },
    cause: "quota",
    fix: "clear",
    advice: "The account has used up its quota. It is tried again after some hours.",
  },
  key_invalid: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "secret",
    advice: "The upstream does not know this key or it has expired. Replace the secret, then clear the block.",
  },
  key_leaked: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "secret",
    advice: "The upstream reports this key as leaked and has shut it. Make a new key and replace the secret.",
  },
  key_forbidden: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "clear",
    advice: "The key may not use this service. Allow the API for the key and enable it in the project, then clear the block.",
  },
  session_dead: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "secret",
    advice: "The session has ended. Sign in again and replace the session secret.",
  },
  // Only a refused call shows that money is missing, and a refused call is free: one call an hour tries.
  billing: {
    scope: "group",
    effect: blockFor(HOUR),
    cause: "operator",
    fix: "clear",
    advice:
      "The upstream asks for money: billing is off, prepaid credits are used up, or a spending cap is reached. Settle it in the upstream's console; one call an hour tries again.",
  },
  restricted: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "clear",
    advice:
      "The upstream has limited this account for violations of its policies. Look at the account in the upstream's console, then clear the block.",
  },
  shared_capacity: {
    scope: "location_model",
    effect: "surge",
    cause: "rate",
    fix: "clear",
    advice:
      "The upstream has no capacity for this model in this location at the moment, for any customer: the account is not at fault. Another provider or location serves meanwhile; it is tried again within a minute.",
  },
  not_in_location: {
    scope: "token_model",
    effect: blockFor(24 * HOUR),
    cause: "model",
    fix: "location",
    advice:
      "The upstream does not have this model in the location of this token. Set the location to global, or to one that has the model; it is tried again after a day.",
  },
  iam_denied: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "clear",
    advice:
      "The service account may not use Vertex AI. Give it the role Vertex AI User (roles/aiplatform.user) in the project's IAM; a check notices it within hours, or clear the block.",
  },
  api_disabled: {
    scope: "group",
    effect: BLOCK,
    cause: "operator",
    fix: "clear",
    advice:
      "The Vertex AI API is not enabled in this project. Enable aiplatform.googleapis.com in the console; a check notices it within hours, or clear the block.",
  },
  project_missing: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "secret",
    advice:
      "The project of this service account does not exist, or not any more. Create a key in a project that does and replace the secret.",
  },
  no_output: {
    scope: "token",
    effect: "none",
    cause: "failing",
    fix: "none",
    advice: "The upstream said that a video was complete and showed none. Decide about the job; the token is not at fault.",
  },
  signature: {
    scope: "token",
    effect: "none",
    cause: "failing",
    fix: "none",
    advice: "The upstream refused a signature of another account. Nothing to do.",
  },
  location: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "proxy",
    advice: "The upstream does not serve the place that this token's calls come from. Use another proxy, then clear the block.",
  },
  verification: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "clear",
    advice: "The upstream asks a person to verify. Generate once by hand in the upstream's own site, then clear the block.",
  },
  model_missing: {
    scope: "token_model",
    effect: blockFor(24 * HOUR),
    cause: "model",
    fix: "clear",
    advice: "The upstream does not know this model for the token. It is tried again after a day.",
  },
  model_denied: {
    scope: "token_model",
    effect: blockFor(24 * HOUR),
    cause: "model",
    fix: "clear",
    advice: "The plan of this token does not include this model. It is tried again after a day.",
  },
  overloaded: {
    scope: "token",
    effect: "breaker",
    cause: "failing",
    fix: "clear",
    advice: "The upstream is overloaded.",
  },
  internal: {
    scope: "token",
    effect: "breaker",
    cause: "failing",
    fix: "clear",
    advice: "The upstream fails with internal errors.",
  },
  malformed: {
    scope: "token",
    effect: "breaker",
    cause: "failing",
    fix: "clear",
    advice: "The upstream answered with something that cannot be read.",
  },
  cut_off: {
    scope: "token",
    effect: "breaker",
    cause: "failing",
    fix: "clear",
    advice: "The upstream's answers break off.",
  },
  failing: {
    scope: "token",
    effect: "breaker",
    cause: "failing",
    fix: "clear",
    advice: "Several calls in a row failed. The token is tried again with one call at a time.",
  },
  policy_input: {
    scope: "token",
    effect: "none",
    cause: "failing",
    fix: "none",
    advice: "The upstream refused a prompt. Nothing to do.",
  },
  policy_output: {
    scope: "token",
    effect: "none",
    cause: "failing",
    fix: "none",
    advice: "The upstream refused a result. Nothing to do.",
  },
  text_only: {
    scope: "token",
    effect: "none",
    cause: "failing",
    fix: "none",
    advice: "The upstream answered with text instead of an image. Nothing to do.",
  },
  imported_off: {
    scope: "token",
    effect: BLOCK,
    cause: "operator",
    fix: "clear",
    advice:
      "The account was off in the Python flow2api. It serves when the companion extension hands in its session, or when you clear the block.",
  },
  proxy: {
    scope: "token",
    effect: coolFor(30 * SECOND),
    cause: "failing",
    fix: "proxy",
    advice: "The token's proxy cannot be reached. Check the proxy; the token is tried again shortly.",
  },
};

export const isHealthReason = (value: unknown): value is HealthReason => typeof value === "string" && Object.hasOwn(HEALTH_REASONS, value);

/** `operator`: the token is switched off by the operator. */
/** Why a token does not serve, the operator's own switches included. */
export type ShownReason = HealthReason | "operator" | "paused";

export function fixActionOf(reason: ShownReason | null): FixAction {
  if (reason === null) return "none";
  if (reason === "paused") return "none";
  return reason === "operator" ? "enable" : HEALTH_REASONS[reason].fix;
}
