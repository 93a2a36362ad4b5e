// What is kept of an answer with images, so that it can be told again: its words, thoughts and pictures in order, and how it ended.

import type { GenerateEvent, ImageOutput, OutputPart } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import { MAX_SIGNATURE } from "./affinity.ts";

export type OutputRecorder = {
  /** Takes the event down. True: a picture or a draft came. */
  hear(event: GenerateEvent): boolean;
  /** What was heard so far. */
  answer(): ImageOutput;
  /** All words that are no thoughts. */
  said(): string;
};

/**
 * Takes down one answer as it is told. Neighbouring pieces of one text are one part; an upstream's marks are kept up to a length.
 * @param calls upstream calls that it comes from
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
      // What an earlier token said before it failed is no part of the answer; of several calls nobody knows whose words are whose.
      if (event.type === "token" && calls === 1) parts = parts.filter(({ type }) => type === "image");
      else if (event.type === "text" || event.type === "thought") add({ type: event.type, text: event.text, ...markOf(event) });
      else if (event.type === "image" || event.type === "draft") {
        add({ type: event.type, mediaId: event.media.id, ...markOf(event) });
        return true;
      } else if (event.type === "done") {
        const { type: _, usage: __, provider: ___, ...facts } = event;
        end = facts;
      }
      return false;
    },
    answer: () => ({ parts: [...parts], end }),
    said: () => parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
  };
}

const markOf = ({ signature }: { signature?: string }) => (signature && signature.length <= MAX_SIGNATURE ? { signature } : {});

/** The parts of a job's answer. Results that a crash kept out of it come last; a video has no other. */
export function partsOf({ answer, mediaIds }: Pick<Job, "answer" | "mediaIds">): OutputPart[] {
  const parts = answer?.parts ?? [];
  const known = new Set(parts.map((part) => ("mediaId" in part ? part.mediaId : "")));
  return [...parts, ...mediaIds.filter((id) => !known.has(id)).map((mediaId) => ({ type: "image" as const, mediaId }))];
}

/** Everything that a job has stored: its results, and the drafts on the way to them. */
export const mediaOfJob = (job: Pick<Job, "answer" | "mediaIds">): string[] =>
  partsOf(job).flatMap((part) => ("mediaId" in part ? [part.mediaId] : []));
