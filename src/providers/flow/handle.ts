// What is stored of a video between calls: handles, steps and finished videos. JSON that survives a restart. Pure.

import type { Json, VideoAspect } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { listAt, textAt } from "./json.ts";

/** A part of a video as Flow generated it. */
export type Piece = {
  /** Media id. */
  name: string;
  /** Its whole length; an extension begins with the last second of what it extends. */
  seconds: number;
};

/** A video in Flow's store. */
export type FlowVideo = {
  /** How it is asked for: as `media[]` since May 2026, as `operations[]` before, or as a concatenation. */
  form: "media" | "operation" | "concatenation";
  /** Media id, or the name of the operation. */
  name: string;
  /** What the older form of reply wants back; empty in the others. */
  sceneId: string;
  projectId: string;
  aspect: VideoAspect;
  /** Media id by which its bytes are found; null for a concatenation, which is not in the media store. */
  mediaId: string | null;
  /** What it was generated as, in order: the last piece is what an extension continues. */
  pieces: Piece[];
};

/** What is still to be done with a finished stage, each in a submission of its own. */
export type Task = { task: "upscale"; resolution: "1080p" | "4k" } | { task: "concatenation"; before: Piece[] };

/** A task about to be submitted. */
export type Step = {
  task: Task;
  /** The finished stage that it starts from, which stands when the task fails. */
  from: FlowVideo;
  /** What follows. */
  tasks: Task[];
  /** Submissions that were refused so far. */
  tries: number;
};

export type Running = FlowVideo & {
  stage: "base" | "extension" | "upscale" | "concatenation";
  tasks: Task[];
  /** The finished stage before this one. */
  earlier: FlowVideo | null;
};

/** A finished video as `downloadVideo` gets it. `missing`: what was to be done with it and failed. */
export type Finished = FlowVideo & { missing: Task["task"] | null };

/** `waiting`: a step was refused for the moment and is due again at `until`, epoch ms. `settled`: its failure is final, the stage before stands. */
export type Handle = Running | { stage: "waiting"; until: number; step: Step } | (Finished & { stage: "settled" });

const STAGES: ReadonlySet<string | undefined> = new Set(["base", "extension", "upscale", "concatenation", "waiting", "settled"]);

/** A handle that this adapter gave out. @throws {AppError} `upstream_invalid` for anything else */
export function readHandle(json: Json): Handle {
  if (!STAGES.has(textAt(json, "stage"))) throw notOurs();
  return json as Handle;
}

/** A step that this adapter gave out. @throws {AppError} `upstream_invalid` for anything else */
export function readStep(json: Json): Step {
  if (!textAt(json, "task", "task") || !textAt(json, "from", "name")) throw notOurs();
  return json as Step;
}

/** A finished video that this adapter gave out. @throws {AppError} `upstream_invalid` for anything else */
export function readFinished(json: Json): Finished {
  if (!textAt(json, "form") || !textAt(json, "name")) throw notOurs();
  return json as Finished;
}

/**
 * The video that an extension or an upscale starts from, out of the handle or the result of the job that made it.
 * @throws {AppError} `upstream_invalid` when Flow did not make it
 */
export function readSource(json: Json | null): Pick<FlowVideo, "projectId" | "aspect" | "pieces"> {
  const projectId = textAt(json, "projectId");
  if (!projectId || listAt(json, "pieces").length === 0) {
    throw new AppError("upstream_invalid", "Flow extends and upscales only videos that it made itself with the same account.", {
      param: "video",
    });
  }
  return json as FlowVideo;
}

/** The finished video without what belongs to its handle. */
export function videoOf({ form, name, sceneId, projectId, aspect, mediaId, pieces }: FlowVideo): FlowVideo {
  return { form, name, sceneId, projectId, aspect, mediaId, pieces };
}

function notOurs(): AppError {
  return new AppError("upstream_invalid", "This is no handle of a video on Flow.");
}
