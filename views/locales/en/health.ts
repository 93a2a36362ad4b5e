// English: why a token is in cooldown or blocked, and what the operator can do. By the reasons of gateway/health.ts.
import type { ShownReason } from "../../../src/gateway/pool/health/reasons.ts";

export const health: Record<ShownReason, string> = {
  per_minute: "The upstream's limit per minute is reached. It ends by itself.",
  per_day: "The upstream's limit per day is used up. It ends at the next midnight in Los Angeles.",
  limit_zero:
    "The project has no quota for this model: the free tier has none. Enable billing on the project; it is tried again after a day.",
  no_details: "The upstream refuses for lack of quota without saying which. The cooldown grows while that lasts and ends by itself.",
  throttled: "The upstream slows this account down. It ends by itself.",
  account_quota: "The account has used up its quota. It is tried again after some hours.",
  key_invalid: "The upstream does not know this key or it has expired. Replace the secret, then clear the block.",
  key_leaked: "The upstream reports this key as leaked and has disabled it. Create a new key and replace the secret.",
  key_forbidden: "The key may not use this service. Allow the API for the key and enable it in the project, then clear the block.",
  session_dead: "The session has ended. Sign in again and replace the session secret.",
  imported_off:
    "The account was disabled in the Python flow2api. It serves once the companion extension sends its session, or when you clear the block.",
  billing:
    "The upstream requires payment: billing is off, prepaid credits are used up, or a spending cap is reached. Settle it in the upstream's console; one call an hour tries again.",
  location: "The upstream does not serve the location that this token's calls come from. Use another proxy, then clear the block.",
  verification: "The upstream asks a person to verify. Generate once by hand in the upstream's own site, then clear the block.",
  model_missing: "The upstream does not know this model for the token. It is tried again after a day.",
  model_denied: "The plan of this token does not include this model. It is tried again after a day.",
  restricted:
    "The upstream has limited this account for violations of its policies. Check the account in the upstream's console, then clear the block.",
  shared_capacity:
    "The upstream has no capacity for this model in this location at the moment, for any customer: the account is not at fault. Another provider or location serves meanwhile; it is tried again within a minute.",
  not_in_location:
    "The upstream does not have this model in the location of this token. Set the location to global, or to one that has the model; it is tried again after a day.",
  iam_denied:
    "The service account may not use Vertex AI. Give it the role Vertex AI User (roles/aiplatform.user) in the project's IAM; a check notices it within hours, or clear the block.",
  api_disabled:
    "The Vertex AI API is not enabled in this project. Enable aiplatform.googleapis.com in the console; a check notices it within hours, or clear the block.",
  project_missing:
    "The project of this service account does not exist, or not any more. Create a key in a project that does and replace the secret.",
  no_output: "The upstream said that a video was complete and showed none. Decide about the job; the token is not at fault.",
  signature: "The upstream refused a signature of another account. Nothing to do.",
  overloaded: "The upstream is overloaded.",
  internal: "The upstream fails with internal errors.",
  policy_input: "The upstream refused a prompt. Nothing to do.",
  policy_output: "The upstream refused a result. Nothing to do.",
  text_only: "The upstream returned text instead of an image. Nothing to do.",
  malformed: "The upstream returned a response that cannot be read.",
  cut_off: "The upstream's responses are cut off.",
  failing: "Several calls in a row failed. The token is tried again with one call at a time.",
  proxy: "The token's proxy cannot be reached. Check the proxy; the token is tried again shortly.",
  operator: "Switched off by the operator.",
  paused: "Its provider is paused. Resume it on the token page.",
};
