// Early lease: where nodes share tokens, that of a generation's first call is asked for together with its admission: one round of the store.

import { monotonicNow } from "../../clock.ts";
import type { Admission } from "../limits/contract.ts";
import type { Deadline } from "../pool/latency-estimate.ts";
import type { Lease } from "../pool/lease-contract.ts";
import type { GenerationDependencies } from "./dependencies.ts";
import type { ImagePlan } from "./plan-images.ts";

/** Null, also later: the call leases its token itself. */
export type EarlyLease = Promise<Lease | null> | null;

/** `lease` is of the first call, once. */
export type Admitted = { readonly admission: Admission; lease: EarlyLease };

type Dependencies = Pick<GenerationDependencies, "pool" | "settings" | "clock">;

/** Of a generation that begins now. */
export function deadlineFrom({ settings, clock }: Pick<Dependencies, "settings" | "clock">): Deadline {
  const wholeMs = settings().generation.image_timeout * 1000;
  return { at: monotonicNow(clock) + wholeMs, wholeMs };
}

/** Aborts never: a lease that its client has left is disposed of by who gets it. */
const ALWAYS = new AbortController().signal;

/** Admits the request and leases its token at once. Those of several images are leased as each begins. @throws what `admitting` does */
export async function admitWithLease(deps: Dependencies, plan: ImagePlan, admitting: Promise<Admission>): Promise<Admitted> {
  const { n, requestId } = plan.request;
  const lease = n === 1 ? (deps.pool.leaseEarly?.(plan.lease, { signal: ALWAYS, deadline: deadlineFrom(deps) }, requestId) ?? null) : null;
  try {
    return { admission: await admitting, lease };
  } catch (error) {
    void lease?.then((one) => one?.[Symbol.asyncDispose]());
    throw error;
  }
}
