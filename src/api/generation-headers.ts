// Response headers of a generation, for both dialects.

import type { Job } from "../domain/job.ts";
import type { Run } from "../gateway/generation/contract.ts";
import type { LeftOut } from "../gateway/generation/inputs/inputs.ts";
import type { Catalogue } from "../gateway/models/catalogue/catalogue.ts";
import { successorOf } from "../gateway/models/choose-family.ts";
import { IGNORED_HEADER, ignoredHeader } from "../gateway/models/model-options.ts";

const NONE: readonly string[] = [];

/** Headers of the run, the successor of a retired model, and the fields without effect: `ignored` beside the run's own. */
export function generationHeaders(
  { headers, family, successorOf }: Pick<Run, "headers" | "family" | "successorOf">,
  ignored: readonly string[] = NONE,
): Readonly<Record<string, string>> {
  if (ignored.length === 0 && successorOf === null) return headers;
  const ignoredHeaders = ignored.length > 0 ? ignoredHeader([...ignored, ...(headers[IGNORED_HEADER]?.split(", ") ?? [])]) : {};
  const successor: Record<string, string> =
    successorOf === null ? {} : { "x-flow2api-successor": `${family}; for="${successorOf.replace(/[^\w.:/-]/g, "")}"` };
  return { ...headers, ...ignoredHeaders, ...successor };
}

/** Headers of a job in its current state: its family may have changed to a successor since it was created. */
export function jobHeaders(catalogue: Catalogue, { model, family }: Pick<Job, "model" | "family">): Record<string, string> {
  const choice = catalogue.parseModel(model);
  return choice ? generationHeaders({ headers: {}, family, successorOf: successorOf(choice, family) }) : {};
}

const MAX_NAMED = 20;

/** `x-flow2api-left-out`: the fields whose images could not be read. */
export function leftOutHeaders(leftOut: readonly LeftOut[]): Readonly<Record<string, string>> {
  if (leftOut.length === 0) return NO_HEADERS;
  const fields = leftOut.slice(0, MAX_NAMED).map(({ param }) => param.replace(/[^\w.[\]-]/g, ""));
  return { "x-flow2api-left-out": fields.join(", ") };
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Headers of a run and of what was left out of its conversation. */
export const responseHeaders = (run: Run, leftOut: readonly LeftOut[], ignored?: readonly string[]): Readonly<Record<string, string>> =>
  leftOut.length === 0 ? generationHeaders(run, ignored) : { ...generationHeaders(run, ignored), ...leftOutHeaders(leftOut) };

/** The same as lines of text. */
export function leftOutLines(leftOut: readonly LeftOut[]): string {
  let lines = "";
  for (const { param, reason } of leftOut.length > MAX_NAMED ? leftOut.slice(0, MAX_NAMED) : leftOut)
    lines += `An earlier image was left out (${param}): ${reason}\n`;
  return lines;
}

/** `x-flow2api-retry: 1`: a new upstream call, whatever an identical earlier request left undelivered. */
export function insists(request: Request): boolean {
  const header = request.headers.get("x-flow2api-retry");
  return header !== null && /^(1|true)$/i.test(header);
}

/** `Idempotency-Key` as the client wrote it; absent and empty: undefined. */
export const idempotencyKeyOf = (request: Request): string | undefined => request.headers.get("idempotency-key") || undefined;

/** True for the result of an earlier request's call, which was counted there. */
export const isJoined = (headers: Readonly<Record<string, string>>): boolean => "x-flow2api-joined" in headers;
