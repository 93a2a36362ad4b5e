// Sentences by which Google says in words alone what no machine field says. Data; asked after status and details.
// Each row has its source. Matching is by parts in any case, without regular expressions.

import type { Meaning, RpcStatus } from "./google-error.ts";

type Sentence = {
  /** Lower-case parts, all of which the message holds. */
  parts: readonly string[];
  meaning: Meaning;
  /** Statuses that it may refine; absent: every refusal. */
  on?: readonly RpcStatus[];
};

const QUOTA: readonly RpcStatus[] = ["RESOURCE_EXHAUSTED"];
const MONEY: readonly RpcStatus[] = ["RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "PERMISSION_DENIED"];
const PLACE: readonly RpcStatus[] = ["FAILED_PRECONDITION", "PERMISSION_DENIED", "UNAUTHENTICATED"];
const KEY: readonly RpcStatus[] = ["PERMISSION_DENIED", "UNAUTHENTICATED"];
const ASKED: readonly RpcStatus[] = ["INVALID_ARGUMENT", "FAILED_PRECONDITION"];

/** The first that fits counts. */
const SENTENCES: readonly Sentence[] = [
  // "Spend-based rate limit": a rolling window of minutes, not an empty account (changelog, 2026-04).
  { parts: ["spend-based"], meaning: "throttled", on: QUOTA },
  { parts: ["spend", "10-minute"], meaning: "throttled", on: QUOTA },
  { parts: ["spend", "10 minutes"], meaning: "throttled", on: QUOTA },
  // "Your prepayment credits are depleted. Please go to AI Studio …" (dyad-sh/dyad#3626, 2026-06-10).
  { parts: ["credits", "depleted"], meaning: "billing", on: MONEY },
  { parts: ["credit", "exhausted"], meaning: "billing", on: MONEY },
  { parts: ["credit balance"], meaning: "billing", on: MONEY },
  // The same in other words, as Google's consoles and other doors say it; of credits a rate never speaks.
  { parts: ["out of", "credit"], meaning: "billing", on: MONEY },
  { parts: ["no", "credits", "left"], meaning: "billing", on: MONEY },
  { parts: ["credits", "used up"], meaning: "billing", on: MONEY },
  { parts: ["credits", "expired"], meaning: "billing", on: MONEY },
  { parts: ["insufficient", "credit"], meaning: "billing", on: MONEY },
  { parts: ["insufficient", "balance"], meaning: "billing", on: MONEY },
  { parts: ["insufficient", "funds"], meaning: "billing", on: MONEY },
  { parts: ["add", "funds"], meaning: "billing", on: MONEY },
  { parts: ["add", "credits"], meaning: "billing", on: MONEY },
  { parts: ["buy", "credits"], meaning: "billing", on: MONEY },
  { parts: ["prepay"], meaning: "billing", on: QUOTA },
  { parts: ["top up"], meaning: "billing", on: MONEY },
  // "Your project has exceeded its monthly spending cap." (Gemini API billing guide, 2026-03).
  { parts: ["spending cap"], meaning: "billing", on: MONEY },
  { parts: ["spend cap"], meaning: "billing", on: MONEY },
  { parts: ["spending limit"], meaning: "billing", on: MONEY },
  { parts: ["spend limit"], meaning: "billing", on: MONEY },
  // Error reasons of Google's API front end, in words (google.api.ErrorReason, BILLING_DISABLED).
  { parts: ["requires billing"], meaning: "billing", on: MONEY },
  { parts: ["enable billing"], meaning: "billing", on: MONEY },
  { parts: ["billing", "not enabled"], meaning: "billing", on: MONEY },
  { parts: ["billing enabled"], meaning: "billing", on: MONEY },
  { parts: ["billing", "disabled"], meaning: "billing", on: MONEY },
  { parts: ["billing account", "closed"], meaning: "billing", on: MONEY },
  { parts: ["billing account", "not active"], meaning: "billing", on: MONEY },
  { parts: ["billing account", "suspended"], meaning: "billing", on: MONEY },
  { parts: ["payment", "declined"], meaning: "billing", on: MONEY },
  { parts: ["outstanding balance"], meaning: "billing", on: MONEY },
  { parts: ["past due"], meaning: "billing", on: MONEY },
  { parts: ["overdue"], meaning: "billing", on: MONEY },
  { parts: ["payment required"], meaning: "billing", on: MONEY },
  { parts: ["payment method"], meaning: "billing", on: MONEY },
  { parts: ["billing", "has been disabled"], meaning: "billing", on: MONEY },
  // "User location is not supported for the API use." (Gemini API troubleshooting guide).
  { parts: ["user location is not supported"], meaning: "location", on: [...PLACE, "INVALID_ARGUMENT"] },
  { parts: ["not available in your"], meaning: "location", on: PLACE },
  // "Your API key was reported as leaked. Please use another API key." (troubleshooting guide, 2025-12).
  { parts: ["reported as leaked"], meaning: "key_leaked", on: KEY },
  // "API key not valid. Please pass a valid API key.", "API key expired. Please renew the API key.", "API Key not found."
  { parts: ["api key not valid"], meaning: "key_invalid", on: ["INVALID_ARGUMENT", ...KEY] },
  { parts: ["api key expired"], meaning: "key_invalid", on: ["INVALID_ARGUMENT", ...KEY] },
  { parts: ["api key not found"], meaning: "key_invalid", on: ["INVALID_ARGUMENT", ...KEY] },
  { parts: ["unregistered callers"], meaning: "key_invalid", on: KEY },
  // "Multiple authentication credentials received": never sent by us, seen as a passing fault of the front end.
  { parts: ["multiple authentication credentials"], meaning: "internal", on: ["INVALID_ARGUMENT", ...KEY] },
  // "Corrupted thought signature.", "Invalid thought signature.", "Thought signature is not valid." (public reports, 2026).
  { parts: ["thought", "signature"], meaning: "signature", on: ASKED },
  { parts: ["thought_signature"], meaning: "signature", on: ASKED },
  { parts: ["thoughtsignature"], meaning: "signature", on: ASKED },
  // Imagen, Veo and Omni refuse a prompt with a 400 in words (Responsible AI guides of the three).
  { parts: ["responsible ai"], meaning: "policy_input", on: ASKED },
  { parts: ["sensitive words"], meaning: "policy_input", on: ASKED },
  { parts: ["violat", "polic"], meaning: "policy_input", on: ASKED },
  { parts: ["violat", "guidelines"], meaning: "policy_input", on: ASKED },
  { parts: ["blocked", "safety"], meaning: "policy_input", on: ASKED },
  { parts: ["safety filter"], meaning: "policy_input", on: ASKED },
  { parts: ["prohibited content"], meaning: "policy_input", on: ASKED },
];

/** Meanings that hold a token back: on a 400 about the request they count only where the message begins with the sentence. */
const HOLDS: ReadonlySet<Meaning> = new Set(["billing", "location", "key_leaked", "key_invalid"]);

/** Longest part of a message that is read: what comes later may be an echo of the request. */
const MAX_LOOKED_AT = 600;

/** What a message says in a sentence that is known, for a refusal of this status; null: none of them. */
export function sentenceMeaning(status: RpcStatus, message: string): Meaning | null {
  const text = message.slice(0, MAX_LOOKED_AT).toLowerCase();
  for (const { parts, meaning, on } of SENTENCES) {
    if (on && !on.includes(status)) continue;
    if (!parts.every((part) => text.includes(part))) continue;
    if (status === "INVALID_ARGUMENT" && HOLDS.has(meaning) && !text.startsWith(parts[0]!)) continue;
    return meaning;
  }
  return null;
}

/** `limit: 0` as a whole number: a project without any quota for the model. */
export function saysLimitZero(message: string): boolean {
  for (let at = message.indexOf("limit: 0"); at >= 0; at = message.indexOf("limit: 0", at + 1)) {
    const next = message[at + "limit: 0".length];
    if (next === undefined || !/[\d.]/.test(next) || (next === "." && !/\d/.test(message[at + "limit: 0".length + 1] ?? ""))) return true;
  }
  return false;
}
