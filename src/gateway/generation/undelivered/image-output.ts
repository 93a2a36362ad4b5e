// Stored output of an image run: text, thoughts and images in order, and how it ended.

import type { GenerateEvent, ImageOutput, OutputPart } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import { omit } from "../../../domain/omit.ts";
import { MAX_SIGNATURE } from "../inputs/affinity.ts";

export type OutputRecorder = {
  /** Records the event. True: it was an image or an interim image. */
  hear(event: GenerateEvent): boolean;
  /** The output so far. */
  answer(): ImageOutput;
  /** All text without thoughts. */
  said(): string;
};

/**
 * Records one output by its events. Neighbouring pieces of one text are one part; thought signatures are stored up to a length.
 * @param calls upstream calls that make it
 */
export function createOutputRecorder(calls: number): OutputRecorder {
  let parts: OutputPart[] = [];
  let end: ImageOutput["end"] = null;

  function add(part: OutputPart): void {
    const last = parts.at(-1);
    const isMore = last && "text" in last && "text" in part && last.type === part.type && !last.signature && !part.signature;
    if (isMore) parts[parts.length - 1] = { ...last, text: last.text + part.text };
    else parts.push(part);
  }

  return {
    hear(event) {
      // Text of an earlier token that failed is dropped; of several calls it cannot be told apart.
      if (event.type === "token" && calls === 1) parts = parts.filter(({ type }) => type === "image");
      else if (event.type === "text" || event.type === "thought") add({ type: event.type, text: event.text, ...markOf(event) });
      else if (event.type === "image" || event.type === "draft") {
        add({ type: event.type, mediaId: event.media.id, ...markOf(event) });
        return true;
      } else if (event.type === "done") {
        end = omit(event, ["type", "usage", "provider"]);
      }
      return false;
    },
    answer: () => ({ parts: [...parts], end }),
    said: () => parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
  };
}

const markOf = ({ signature }: { signature?: string }) => (signature && signature.length <= MAX_SIGNATURE ? { signature } : {});

/** Parts of a job's output. Results that a crash left out are last; a video has only those. */
export function partsOf({ answer, mediaIds }: Pick<Job, "answer" | "mediaIds">): OutputPart[] {
  const parts = answer?.parts ?? [];
  const known = new Set(parts.map((part) => ("mediaId" in part ? part.mediaId : "")));
  return [...parts, ...mediaIds.filter((id) => !known.has(id)).map((mediaId) => ({ type: "image" as const, mediaId }))];
}

/** Media ids of a job: its results and interim images. */
export const mediaOfJob = (job: Pick<Job, "answer" | "mediaIds">): string[] =>
  partsOf(job).flatMap((part) => ("mediaId" in part ? [part.mediaId] : []));
