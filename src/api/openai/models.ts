// GET /v1/models and /v1/models/{id}: what this pool can serve now, and the names that lead there.
import { AppError } from "../../errors.ts";
import type { Leases } from "../../gateway/leases.ts";
import { isSwitchedOff, listModels, parseModel, switchedOff } from "../../gateway/models.ts";
import type { Kind } from "../../gateway/types.ts";
import { modelOf } from "./call.ts";
import { encodeModel } from "./encode.ts";

/** `kinds`: those that this surface serves. */
type Served = { pool: Leases; successors: boolean; kinds: readonly Kind[] };

const entriesOf = ({ pool, successors, kinds }: Served) => {
  const served = new Set(kinds.flatMap((kind) => [...pool.families(kind)]));
  return listModels(kinds, served, successors, pool.isOff);
};

export function listedModels(served: Served) {
  return { object: "list" as const, data: entriesOf(served).map(encodeModel) };
}

/** GET /v1/models/aliases: the names among them that lead to a family of another name. */
export function listedAliases(served: Served) {
  const aliases = entriesOf(served).filter(({ id, family }) => id !== family);
  return { object: "list" as const, data: aliases.map((entry) => ({ ...encodeModel(entry), is_alias: true })) };
}

/**
 * One model by any id that generation understands, listed or not.
 * @throws {AppError} `not_found` with the nearest known ids
 */
export function oneModel(served: Served, id: string) {
  const entries = entriesOf(served);
  const listed = entries.find((entry) => entry.id === id);
  if (listed) return encodeModel(listed);
  const choice = modelOf(id);
  if (isSwitchedOff(choice, served.pool.isOff)) throw switchedOff(choice);
  const family = parseModel(id)!.families.find((one) => entries.some((entry) => entry.family === one));
  const entry = entries.find((one) => one.family === family);
  if (!entry)
    throw new AppError("not_found", `The model '${choice.requested}' is not served here now.`, {
      param: "model",
      reason: "model_not_found",
    });
  return { ...encodeModel(entry), id };
}
