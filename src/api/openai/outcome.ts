// Outcome to AppError: refusals, text instead of an image, jobs without a result.

import { type GenerateEvent, noImageText } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { failureOf } from "../../gateway/jobs/job-state.ts";
import { refusalText } from "./chat/encode.ts";

export type Done = Extract<GenerateEvent, { type: "done" }>;

/** A content policy refusal, with the stage that refused. */
export function refusalOf(done: Done): AppError {
  const reason = done.finish === "policy_input" ? "policy_input" : "policy_output";
  return new AppError("content_policy", refusalText(done), { detail: { scope: "request", reason } });
}

/** A generation that ended without an image; `text`: what the model returned instead. */
export function withoutImage(done: Done, text: string): AppError {
  if (done.finish.startsWith("policy")) return refusalOf(done);
  const message = text.trim() || done.message || noImageText(done.upstreamReason);
  return new AppError("no_result", message, { detail: { scope: "request", reason: done.finish === "length" ? "cut_off" : "text_only" } });
}

/** The failure of a job that ended without a result. */
export function jobFailure(job: Pick<Job, "state" | "error">): AppError {
  const failure = failureOf(job);
  if (!failure) throw new Error(`A job in state ${job.state} has not failed`);
  return failure;
}
