// What an answer's headers say of its generation, on both surfaces.
import type { Run } from "../gateway/generate.ts";
import type { LeftOut } from "../gateway/inputs.ts";
import type { Job } from "../gateway/job.ts";
import { parseModel, successorOf } from "../gateway/models.ts";

/** Those of the run, and the living model that stands in for a retired one. */
export function generationHeaders(run: Pick<Run, "headers" | "family" | "successorOf">): Record<string, string> {
  const { headers, family, successorOf: requested } = run;
  if (requested === null) return { ...headers };
  return { ...headers, "x-flow2api-successor": `${family}; for="${requested.replace(/[^\w.:/-]/g, "")}"` };
}

/** Of a job as it stands now: a model that turned out to be retired may have changed over since its request was answered. */
export function jobHeaders({ model, family }: Pick<Job, "model" | "family">): Record<string, string> {
  const choice = parseModel(model);
  return choice ? generationHeaders({ headers: {}, family, successorOf: successorOf(choice, family) }) : {};
}

const MOST_NAMED = 20;

/** Names the fields whose images could not be read; none where all could. */
export function leftOutHeaders(leftOut: readonly LeftOut[]): Record<string, string> {
  if (leftOut.length === 0) return {};
  const fields = leftOut.slice(0, MOST_NAMED).map(({ param }) => param.replace(/[^\w.[\]-]/g, ""));
  return { "x-flow2api-left-out": fields.join(", ") };
}

/** The same in words, for who reads along. */
export const leftOutLines = (leftOut: readonly LeftOut[]): string =>
  leftOut
    .slice(0, MOST_NAMED)
    .map(({ param, reason }) => `An earlier image was left out (${param}): ${reason}\n`)
    .join("");
