// Chooses the model family that serves a request: the named one, a successor of a retired one, or an AppError.
import { AppError, NO_QUOTA_MESSAGE } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Leases } from "../pool/lease-contract.ts";
import type { ModelChoice } from "./parse-model.ts";

export type FamilyRules = {
  canServe: (family: string) => boolean;
  /** Whether another family may stand in for a retired one (`generation.successors`). */
  successors: boolean;
  /** Among the families that can serve, one that fits the request's options goes first. */
  fits?: (family: string) => boolean;
  /** Whether the operator has switched a family off; one that is named has no stand-in then. */
  isOff?: (family: string) => boolean;
};

/** `successorOf` is what the client wrote when another family than the one it names serves it. */
export type ChosenFamily = { family: string; successorOf: string | null };

/** The first family of the choice that can be served, or null. Pure. */
export function chooseFamily(choice: ModelChoice, { canServe, successors, fits = () => true, isOff }: FamilyRules): ChosenFamily | null {
  const named = choice.retired ? null : choice.families[0];
  if (named && isOff?.(named)) return null;
  const allowed = successors ? choice.families : choice.families.slice(0, named ? 1 : 0);
  const served = allowed.filter(canServe);
  const family = served.find(fits) ?? served[0];
  if (!family) return null;
  return { family, successorOf: family === named ? null : choice.requested };
}

/**
 * As {@link chooseFamily}, among what the pool serves; logs a successor.
 * @throws {AppError} `not_found` (switched off), `no_token`, `upstream_model_denied`
 */
export function requireFamily(
  choice: ModelChoice,
  pool: Pick<Leases, "canServe" | "families" | "isOff" | "deniedFor">,
  { successors, fits, log }: Pick<FamilyRules, "successors" | "fits"> & { log: Log },
): ChosenFamily {
  const canServe = (family: string) => pool.canServe(choice.kind, family);
  const chosen = chooseFamily(choice, { canServe, successors, fits, isOff: pool.isOff });
  if (!chosen) throw isSwitchedOff(choice, pool.isOff) ? switchedOff(choice) : notServed(choice, pool);
  const { family, successorOf } = chosen;
  if (successorOf) log.info("A retired model is served by its successor", { requested: successorOf, family });
  return chosen;
}

/** Whether a failure says that no token of the pool has the model, at no charge. */
export const isModelRetired = (error: unknown): error is AppError =>
  error instanceof AppError &&
  !error.charged &&
  (error.detail?.reason === "model_missing" || (error.kind === "no_token" && error.reason === "model_not_served"));

/** What the client wrote, when another family than the one it names serves it; else null. */
export const successorOf = ({ retired, families, requested }: ModelChoice, family: string): string | null =>
  !retired && families[0] === family ? null : requested;

/** Whether the choice cannot be served because the operator switched off what it names, or all that could stand in. */
export function isSwitchedOff({ retired, families }: ModelChoice, isOff: ((family: string) => boolean) | undefined): boolean {
  return isOff !== undefined && (retired ? families.every(isOff) : isOff(families[0]));
}

export const switchedOff = ({ requested }: ModelChoice): AppError =>
  new AppError("not_found", `Model "${requested}" is switched off on this server.`, { param: "model", reason: "model_not_found" });

/** Why a known model cannot be served now. @param pool whose tokens serve none of the choice's families */
function notServed(choice: ModelChoice, pool: Pick<Leases, "families" | "deniedFor">): AppError {
  const denied = choice.families.map((family) => pool.deniedFor?.(choice.kind, family) ?? null);
  // The same words as when the upstream said it: it is the first error that a newcomer meets.
  if (denied.includes("limit_zero")) return new AppError("upstream_model_denied", NO_QUOTA_MESSAGE);
  const cause =
    pool.families(choice.kind).size === 0 && denied.every((reason) => reason === null)
      ? "the pool has no token for it"
      : "no token of the pool has this model";
  return new AppError("no_token", `Model "${choice.requested}" cannot be served now: ${cause}.`, { param: "model" });
}
