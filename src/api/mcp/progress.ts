// Progress of a tool call: a notification at each new phase and every 5 s, as long as the client asked for it.

import type { Clock } from "../../clock.ts";
import type { GenerateEvent } from "../../domain/generation.ts";
import type { Job, QueuePosition } from "../../domain/job.ts";
import { usualVideoMs } from "../../gateway/jobs/job-state.ts";

/** Clients give up after 60 s without a sign, by default. */
export const PROGRESS_MS = 5_000;

export type ProgressNote = { progress: number; message: string };

/** Reports until it is disposed. `send` null: the client did not ask. */
export class Progress implements Disposable {
  readonly #startedAt: number;
  #words = "Starting";
  #last = -1;
  #cancel = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly send: ((note: ProgressNote) => void) | null,
  ) {
    this.#startedAt = clock.now();
    if (send) this.#beat();
  }

  /** A new phase; the same words again are left out. */
  say(words: string): void {
    if (!this.send || words === "" || words === this.#words) return;
    this.#words = words;
    this.#report();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #beat(): void {
    this.#cancel = this.clock.after(PROGRESS_MS, () => {
      this.#report();
      this.#beat();
    });
  }

  /** The value must increase with each notification, also of those within one second. */
  #report(): void {
    const seconds = (this.clock.now() - this.#startedAt) / 1000;
    this.#last = Math.max(this.#last + 0.001, seconds);
    this.send?.({ progress: this.#last, message: `${this.#words}, ${Math.round(seconds)} s so far` });
  }
}

const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1000));

const queueWords = (place: QueuePosition | null | undefined) => {
  if (!place) return "Waiting in the queue";
  return `Waiting in the queue at position ${place.position}${place.waitMs === null ? "" : `, about ${seconds(place.waitMs)} s`}`;
};

/** Words for an event of an image; empty: none. */
export function eventWords(event: GenerateEvent, usualMs: number | null | undefined): string {
  switch (event.type) {
    case "queued":
      return queueWords(event);
    case "token":
      return event.attempt === 1 ? "" : "That did not work; trying once more";
    case "uploading":
      return `Sending image ${event.index} of ${event.total}`;
    case "generating":
      return usualMs ? `Generating, usually ${seconds(usualMs)} s` : "Generating";
    case "upscaling":
      return "Enlarging the image";
    case "downloading":
      return "Fetching the image";
    default:
      return "";
  }
}

/** Words for the state of a job that has not ended; empty once it has. */
export function jobWords({ kind, state, progress, place, seconds: length }: Job): string {
  if (state === "queued") return queueWords(place);
  if (state === "submitting") return `Starting the ${kind}`;
  if (state === "running")
    return kind === "image" ? "Generating" : `Generating: ${Math.floor(progress)} %, usually ${seconds(usualVideoMs(length))} s`;
  return state === "storing" ? `Fetching the ${kind}` : "";
}
