// What a response reports besides its parts and passes on unread: grounding, citations, ratings, feedback about the prompt.
// Source: Gemini API reference, Candidate and PromptFeedback, read 2026-11-29.
import type { Json, OutputExtras } from "../../domain/generation.ts";
import { isRecord, type JsonRecord } from "./json.ts";

const CANDIDATE_FIELDS = ["groundingMetadata", "citationMetadata", "safetyRatings", "urlContextMetadata"] as const;
/** Characters of JSON of one field; a longer one is left out, for extras are stored with a job. */
const MAX_FIELD = 256 * 1024;

/** The extras with what the next response object of the same call reports; what comes later replaces what came before. */
export function readExtras(known: OutputExtras | undefined, response: JsonRecord, from: JsonRecord): OutputExtras | undefined {
  let extras = known;
  for (const name of CANDIDATE_FIELDS) {
    const value = from[name];
    if (value !== undefined && value !== null && isShort(value))
      extras = { ...extras, candidate: { ...extras?.candidate, [name]: value as Json } };
  }
  const feedback = response.promptFeedback;
  if (isRecord(feedback) && isShort(feedback)) extras = { ...extras, promptFeedback: feedback as { [name: string]: Json } };
  return extras;
}

const isShort = (value: unknown): boolean => JSON.stringify(value).length <= MAX_FIELD;
