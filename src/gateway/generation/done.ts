// The end of a generation, from the results of its calls: its last event, or its failure. Pure.

import { addUsage, type GenerateEvent, type ImageFinish, NO_USAGE } from "../../domain/generation.ts";
import { AppError, withRetryAfter } from "../../errors.ts";
import type { LeaseRequest, Leases } from "../pool/lease-contract.ts";
import type { ImageResult } from "./image-attempts.ts";
import type { StoredFailure } from "./undelivered/undelivered.ts";

export type Done = Extract<GenerateEvent, { type: "done" }>;

const toRefusal = ({ upstreamReason, message }: ImageFinish) => ({ upstreamReason, message });

/** Of several failures the one that may have cost something is returned: the client is not to repeat the request. */
export const isCharged = (failure: unknown): boolean => failure instanceof AppError && failure.charged;

const NO_REFUSALS: Done["refusals"] = [];

const isRefusal = ({ images, finish }: ImageResult): boolean => images.length === 0 && finish.finish.startsWith("policy");

/** Of one call. */
export function toDone(made: ImageResult): Done {
  const { finish, upstreamReason, message, usage, modelVersion, extras } = made.finish;
  const { provider } = made;
  const refusals = isRefusal(made) ? [toRefusal(made.finish)] : NO_REFUSALS;
  return { type: "done", finish, upstreamReason, message, modelVersion, extras, usage: usage ?? NO_USAGE, provider, refusals };
}

/** Of several: all usage, and the words of the first that made an image. */
export function summarize(made: readonly ImageResult[]): Done {
  const usage = made.reduce((sum, { finish }) => (finish.usage ? addUsage(sum, finish.usage) : sum), NO_USAGE);
  const first = made.find(({ images }) => images.length > 0) ?? made[0]!;
  return { ...toDone(first), usage, refusals: made.filter(isRefusal).map(({ finish }) => toRefusal(finish)) };
}

/** A failure as it is given to the next identical request. */
export const toFailure = ({ kind, message, reason, detail, param, customer }: AppError): StoredFailure => ({
  kind,
  message,
  reason,
  detail,
  param,
  customer,
});

/** After a limit by the minute the client learns when the first token returns, not when the last one that was tried does. */
export function withSoonest(failure: unknown, pool: Pick<Leases, "soonestMs">, lease: Omit<LeaseRequest, "exclude">): unknown {
  if (!(failure instanceof AppError) || failure.kind !== "upstream_rate_limited") return failure;
  const soonest = pool.soonestMs({ ...lease, exclude: new Set() });
  return soonest === null ? failure : withRetryAfter(failure, soonest);
}
