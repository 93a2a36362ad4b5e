// What an answer's headers say of its generation, on both surfaces.

import type { Job } from "../domain/job.ts";
import type { Run } from "../gateway/generation/contract.ts";
import type { LeftOut } from "../gateway/generation/inputs.ts";
import { successorOf } from "../gateway/models/choose-family.ts";
import { IGNORED_HEADER, ignoredHeader } from "../gateway/models/model-options.ts";
import { parseModel } from "../gateway/models/models.ts";

/** Those of the run, the living model that stands in for a retired one, and the fields that changed nothing: `ignored` beside the run's own. */
export function generationHeaders(
  { headers, family, successorOf }: Pick<Run, "headers" | "family" | "successorOf">,
  ignored: readonly string[] = [],
): Record<string, string> {
  const told = ignored.length > 0 ? ignoredHeader([...ignored, ...(headers[IGNORED_HEADER]?.split(", ") ?? [])]) : {};
  const successor: Record<string, string> =
    successorOf === null ? {} : { "x-flow2api-successor": `${family}; for="${successorOf.replace(/[^\w.:/-]/g, "")}"` };
  return { ...headers, ...told, ...successor };
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

/** Whether the client insists on a new call, whatever an identical request before has left. */
export const insists = (request: Request): boolean => /^(1|true)$/i.test(request.headers.get("x-flow2api-retry") ?? "");

/** Whether the headers say that an earlier request's call is given: it was counted there. */
export const isJoined = (headers: Readonly<Record<string, string>>): boolean => "x-flow2api-joined" in headers;
