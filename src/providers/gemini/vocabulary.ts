// Words of the Gemini API's responses that are known, with their meaning for the pool. Data; what is missing here passes through.
// Sources: FinishReason and BlockedReason of @google/genai 3.3.0 (2026-11-12), Gemini API reference, GenerateContentResponse.

import type { Finish } from "../../domain/generation.ts";
import type { FailureReason } from "../../errors.ts";

/** What a finishReason says whatever was made. Null: it means what the response holds, an image, words or nothing. */
const FINISHES: Readonly<Record<string, Finish | null>> = {
  FINISH_REASON_UNSPECIFIED: null,
  STOP: null,
  LANGUAGE: null,
  OTHER: null,
  NO_IMAGE: null,
  IMAGE_OTHER: null,
  MISSING_THOUGHT_SIGNATURE: null,
  ESCALATION: null,
  PUP_LIMITED_DISABLED: null,
  MAX_TOKENS: "length",
  SAFETY: "policy_output",
  RECITATION: "policy_output",
  BLOCKLIST: "policy_output",
  PROHIBITED_CONTENT: "policy_output",
  SPII: "policy_output",
  MODEL_ARMOR: "policy_output",
  IMAGE_SAFETY: "policy_output",
  IMAGE_PROHIBITED_CONTENT: "policy_output",
  IMAGE_RECITATION: "policy_output",
  MALFORMED_FUNCTION_CALL: "malformed",
  MALFORMED_RESPONSE: "malformed",
  UNEXPECTED_TOOL_CALL: "malformed",
  TOO_MANY_TOOL_CALLS: "malformed",
  CONTINUATION: "malformed",
};

export const FINISH_REASONS: ReadonlySet<string> = new Set(Object.keys(FINISHES));

export const BLOCK_REASONS: ReadonlySet<string> = new Set([
  "BLOCKED_REASON_UNSPECIFIED",
  "SAFETY",
  "OTHER",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "IMAGE_SAFETY",
  "MODEL_ARMOR",
  "JAILBREAK",
]);

/** finishReasons that speak of the account: its token is held for this reason, another one may serve. */
const ACCOUNT_REASONS: Readonly<Record<string, FailureReason>> = { PUP_LIMITED_DISABLED: "restricted" };

/** Why the token is to be held, when the word speaks of its account; else undefined. */
export const accountReasonOf = (word: string): FailureReason | undefined =>
  Object.hasOwn(ACCOUNT_REASONS, word) ? ACCOUNT_REASONS[word] : undefined;

/** Parts of a word that make an unknown reason one of policy: trying again would ask for the same refusal. */
const POLICY_PARTS = ["SAFETY", "PROHIBITED", "BLOCKLIST", "RECITATION", "POLICY", "SPII", "JAILBREAK"];

/** What a finishReason means. `STOP` with words alone is a `stop`: the model talked instead of drawing. */
export function toFinish(reason: string, hasImage: boolean, hasText: boolean): Finish {
  const fixed = Object.hasOwn(FINISHES, reason) ? FINISHES[reason] : undefined;
  if (fixed) return fixed;
  if (hasImage || (reason === "STOP" && hasText)) return "stop";
  return fixed === undefined && isOfPolicy(reason) ? "policy_output" : "no_image";
}

const isOfPolicy = (reason: string) => POLICY_PARTS.some((part) => reason.includes(part));

/** Fields of a response. */
export const FIELDS: ReadonlySet<string> = new Set([
  "candidates",
  "promptFeedback",
  "usageMetadata",
  "modelVersion",
  "responseId",
  "createTime",
  "modelStatus",
  "continuationToken",
  "automaticFunctionCallingHistory",
  "sdkHttpResponse",
]);

/** Fields of a part that can be read. */
export const PARTS: ReadonlySet<string> = new Set([
  "text",
  "inlineData",
  "thought",
  "thoughtSignature",
  "partMetadata",
  "mediaResolution",
  "videoMetadata",
]);

/** Statuses of an interaction (SDK enum of 3.3.0). */
export const INTERACTION_STATUSES: ReadonlySet<string> = new Set([
  "queued",
  "idle",
  "in_progress",
  "requires_action",
  "completed",
  "failed",
  "cancelled",
  "incomplete",
  "budget_exceeded",
  "requires_continuation",
]);
