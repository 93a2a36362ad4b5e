// Why a model that is known cannot be served by the pool now, as the client is told.
import { AppError, NO_QUOTA_MESSAGE } from "../../errors.ts";
import type { ModelChoice } from "../models/models.ts";
import type { Leases } from "../pool/lease-contract.ts";

/** @param pool whose tokens serve none of the choice's families */
export function notServed(choice: ModelChoice, pool: Pick<Leases, "families" | "deniedFor">): AppError {
  const denied = choice.families.map((family) => pool.deniedFor?.(choice.kind, family) ?? null);
  // The same words as when the upstream said it: it is the first error that a newcomer meets.
  if (denied.includes("limit_zero")) return new AppError("upstream_model_denied", NO_QUOTA_MESSAGE);
  const cause =
    pool.families(choice.kind).size === 0 && denied.every((reason) => reason === null)
      ? "the pool has no token for it"
      : "no token of the pool has this model";
  return new AppError("no_token", `Model "${choice.requested}" cannot be served now: ${cause}.`, { param: "model" });
}
