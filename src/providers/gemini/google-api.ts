// What differs between Google's two APIs of the same models. The Gemini API's own; Vertex has another.
import type { AppError } from "../../errors.ts";
import type { GoogleError } from "../google-error.ts";

export type GoogleApi = {
  /** Name of the provider. */
  provider: string;
  /** Subject of the sentences about it: "The Gemini API". */
  title: string;
  /** What a refusal means that only this API gives; null: as everywhere. `now` in epoch ms. */
  refusalOf(google: GoogleError, status: number, now: number): AppError | null;
  video: {
    /** Whether inputs can be uploaded as files, and results come as files. */
    hasFiles: boolean;
    /** Query of a poll, with its question mark. */
    pollQuery: string;
    /** Ms for which an interaction that is complete and shows nothing is polled on; 0: its word is taken at once. */
    silenceMs: number;
  };
};

export const GEMINI_API: GoogleApi = {
  provider: "gemini",
  title: "The Gemini API",
  refusalOf: () => null,
  video: { hasFiles: true, pollQuery: "", silenceMs: 0 },
};
