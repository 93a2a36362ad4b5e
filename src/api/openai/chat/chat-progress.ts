// Progress text of a chat response for `reasoning_content`: phase, usual duration, seconds so far.

import type { GenerateEvent } from "../../../domain/generation.ts";
import type { Job, QueuePosition } from "../../../domain/job.ts";
import { usualVideoMs } from "../../../gateway/jobs/job-state.ts";

/** Whole seconds of an estimated wait, at least one. */
export const waitSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

const placeWords = ({ position, waitMs }: QueuePosition) =>
  `position ${position}${waitMs === null ? "" : `, about ${waitSeconds(waitMs)} s`}`;
const queueWords = (place: QueuePosition | null | undefined) => `Waiting in the queue${place ? `: ${placeWords(place)}` : ""}`;

export type ProgressOptions = {
  now: () => number;
  /** What calls of this model took lately, in ms; null: nothing is known. */
  usualMs: number | null;
  /** `chat.show_token`: tokens are named by their labels. */
  showToken: boolean;
};

/** Progress of one response, until its content begins. A line equal to the one before is omitted. */
export class ChatProgress {
  private what: string;
  private said = "";
  private since: number;

  constructor(private readonly options: ProgressOptions) {
    this.since = options.now();
    this.what = "Starting";
  }

  /** The line for an event; null: none. */
  lineOf(event: GenerateEvent): string | null {
    if (event.type === "thought") return event.text;
    const words = this.wordsOf(event);
    return words === null ? null : this.lineFor(words, event.type === "generating");
  }

  /** The line for a heartbeat. */
  beat(): string {
    const seconds = Math.round((this.options.now() - this.since) / 1000);
    return `${this.what}${this.what.includes(",") ? ";" : ","} ${seconds} s so far.\n`;
  }

  private lineFor(words: string, isNewPhase: boolean): string | null {
    if (words === this.said) return null;
    if (isNewPhase) this.since = this.options.now();
    this.what = words;
    this.said = words;
    return `${words}.\n`;
  }

  private wordsOf(event: GenerateEvent): string | null {
    switch (event.type) {
      case "queued":
        return queueWords(event);
      case "token":
        if (this.options.showToken)
          return event.attempt === 1
            ? `Using token "${event.label}" (${event.provider})`
            : `Trying token "${event.label}" (${event.provider}) instead`;
        return event.attempt === 1 ? null : "That did not work; trying once more";
      case "uploading":
        return `Sending image ${event.index} of ${event.total}`;
      case "generating":
        return this.options.usualMs === null ? "Drawing" : `Drawing, usually ${waitSeconds(this.options.usualMs)} s`;
      case "upscaling":
        return "Enlarging the image";
      case "downloading":
        return "Fetching the image";
      default:
        return null;
    }
  }
}

/** State of a video job as text. Empty once it has ended. */
export function videoWords({ state, progress, place, seconds }: Pick<Job, "state" | "progress" | "place" | "seconds">): string {
  if (state === "queued") return queueWords(place);
  if (state === "submitting") return "Starting the video";
  if (state === "running") return `Making the video: ${Math.floor(progress)} %, usually ${waitSeconds(usualVideoMs(seconds))} s`;
  return state === "storing" ? "Fetching the video" : "";
}
