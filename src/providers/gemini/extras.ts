// What an answer reports besides its parts and passes on unread: grounding, citations, ratings, feedback about the prompt.
// Source: Gemini API reference, Candidate and PromptFeedback, read 2026-11-29.
import type { Json, OutputExtras } from "../../domain/generation.ts";
import { isRecord, type JsonRecord } from "./json.ts";

const CANDIDATE_FIELDS = ["groundingMetadata", "citationMetadata", "safetyRatings", "urlContextMetadata"] as const;
/** Characters of JSON of one field; a longer one is left out, for extras are stored with a job. */
const MAX_FIELD = 256 * 1024;

export type ExtrasReader = {
  /** Takes what the next response object of the same call reports; what comes later replaces what came before. */
  read(response: JsonRecord, candidate: JsonRecord): void;
  /** Nothing when nothing was reported. */
  collected(): { extras?: OutputExtras };
};

export function createExtras(): ExtrasReader {
  let candidate: { [name: string]: Json } = {};
  let promptFeedback: { [name: string]: Json } | undefined;
  return {
    read(response, from) {
      for (const name of CANDIDATE_FIELDS) {
        const value = from[name];
        if (value !== undefined && value !== null && isShort(value)) candidate = { ...candidate, [name]: value as Json };
      }
      const feedback = response.promptFeedback;
      if (isRecord(feedback) && isShort(feedback)) promptFeedback = feedback as { [name: string]: Json };
    },
    collected() {
      const extras = { ...(Object.keys(candidate).length > 0 ? { candidate } : {}), ...(promptFeedback ? { promptFeedback } : {}) };
      return Object.keys(extras).length > 0 ? { extras } : {};
    },
  };
}

const isShort = (value: unknown): boolean => JSON.stringify(value).length <= MAX_FIELD;
