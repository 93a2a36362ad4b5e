// Why a token is held back: the reasons, what each advises, what mends it, and whether it passes by itself.

import type { FailureReason } from "../../errors.ts";

/** Why something is held back: the upstream's reasons, and three that we find ourselves. */
export type HealthReason = FailureReason | "failing" | "proxy" | "imported_off";

/** What the operator is told, by reason; translations replace these by key. */
export const OPERATOR_ADVICE: Record<HealthReason, string> = {
  per_minute: "The upstream's limit per minute is reached. It ends by itself.",
  per_day: "The upstream's limit per day is used up. It ends at the next midnight in Los Angeles.",
  limit_zero:
    "The project has no quota for this model: the free tier has none. Enable billing on the project; it is tried again after a day.",
  no_details: "The upstream refuses for lack of quota without saying which. The pause grows while that lasts and ends by itself.",
  throttled: "The upstream slows this account down. It ends by itself.",
  account_quota: "The account has used up its quota. It is tried again after some hours.",
  key_invalid: "The upstream does not know this key or it has expired. Replace the secret, then clear the block.",
  key_leaked: "The upstream reports this key as leaked and has shut it. Make a new key and replace the secret.",
  key_forbidden: "The key may not use this service. Allow the API for the key and enable it in the project, then clear the block.",
  session_dead: "The session has ended. Sign in again and replace the session secret.",
  billing:
    "The upstream asks for money: billing is off, prepaid credits are used up, or a spending cap is reached. Settle it in the upstream's console; one call an hour tries again.",
  location: "The upstream does not serve the place that this token's calls come from. Use another proxy, then clear the block.",
  verification: "The upstream asks a person to verify. Generate once by hand in the upstream's own site, then clear the block.",
  model_missing: "The upstream does not know this model for the token. It is tried again after a day.",
  model_denied: "The plan of this token does not include this model. It is tried again after a day.",
  restricted:
    "The upstream has limited this account for violations of its policies. Look at the account in the upstream's console, then clear the block.",
  signature: "The upstream refused a signature of another account. Nothing to do.",
  overloaded: "The upstream is overloaded.",
  internal: "The upstream fails with internal errors.",
  policy_input: "The upstream refused a prompt. Nothing to do.",
  policy_output: "The upstream refused a result. Nothing to do.",
  text_only: "The upstream answered with text instead of an image. Nothing to do.",
  malformed: "The upstream answered with something that cannot be read.",
  cut_off: "The upstream's answers break off.",
  failing: "Several calls in a row failed. The token is tried again with one call at a time.",
  imported_off:
    "The account was off in the Python flow2api. It serves when the companion extension hands in its session, or when you clear the block.",
  proxy: "The token's proxy cannot be reached. Check the proxy; the token is tried again shortly.",
};

/** What ends a pause or a block, for the button beside the advice. `none`: it ends by itself or blames nobody. */
export type FixAction = "secret" | "proxy" | "clear" | "enable" | "none";

export const FIX_ACTIONS: Record<HealthReason | "operator", FixAction> = {
  per_minute: "clear",
  per_day: "clear",
  limit_zero: "clear",
  no_details: "clear",
  throttled: "clear",
  account_quota: "clear",
  key_invalid: "secret",
  key_leaked: "secret",
  key_forbidden: "clear",
  session_dead: "secret",
  imported_off: "clear",
  billing: "clear",
  location: "proxy",
  verification: "clear",
  model_missing: "clear",
  model_denied: "clear",
  restricted: "clear",
  signature: "none",
  overloaded: "clear",
  internal: "clear",
  policy_input: "none",
  policy_output: "none",
  text_only: "none",
  malformed: "clear",
  cut_off: "clear",
  failing: "clear",
  proxy: "proxy",
  operator: "enable",
};

export const fixActionOf = (reason: HealthReason | "operator" | null): FixAction => (reason === null ? "none" : FIX_ACTIONS[reason]);

export const CAUSES = {
  per_minute: "rate",
  per_day: "quota",
  limit_zero: "quota",
  no_details: "rate",
  throttled: "rate",
  account_quota: "quota",
  key_invalid: "operator",
  key_leaked: "operator",
  key_forbidden: "operator",
  session_dead: "operator",
  imported_off: "operator",
  billing: "operator",
  location: "operator",
  verification: "operator",
  model_missing: "model",
  model_denied: "model",
  restricted: "operator",
  signature: "failing",
  overloaded: "failing",
  internal: "failing",
  policy_input: "failing",
  policy_output: "failing",
  text_only: "failing",
  malformed: "failing",
  cut_off: "failing",
  failing: "failing",
  proxy: "failing",
} as const satisfies Record<HealthReason, Cause>;

/** Why a token is held back, as far as a client is concerned. */
export type Cause = "operator" | "rate" | "failing" | "quota" | "model" | "plan";
