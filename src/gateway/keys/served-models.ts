// Models that a key may use and the pool can serve, for the model list of every dialect.

import type { Kind } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { isForChoosing, listModels, type ModelEntry, modelEntry, parseModel } from "../models/models.ts";
import type { Leases } from "../pool/lease-contract.ts";
import { allowsModel } from "./permissions.ts";

/** `kinds`: those that the dialect serves. `listsAll`: the setting. */
export type ServedModels = { pool: Pick<Leases, "families" | "isOff">; successors: boolean; kinds: readonly Kind[]; listsAll: boolean };

type Permissions = Pick<KeyRow, "models" | "kinds">;

/** Every id that we make known and the pool can serve, whoever asks. */
export function everyServedModel({ pool, successors, kinds }: ServedModels): ModelEntry[] {
  return listModels(kinds, servedFamilies({ pool, kinds }), successors, pool.isOff);
}

/**
 * Families and Google's own ids of them, then the ids that the key names; with `all` also those that fix a shape and those of other
 * vendors. Ids that are left out are accepted all the same.
 */
export function modelsFor(served: ServedModels, key: Permissions, all: boolean): ModelEntry[] {
  const isAll = all || served.listsAll;
  // A key that may use some models is shown these, not the names of others that they stand in for.
  const isOwn = ({ id, family }: ModelEntry) => key.models.length === 0 || parseModel(id)?.families[0] === family;
  const entries = everyServedModel(served).filter((entry) => isAll || (isForChoosing(entry.id) && isOwn(entry)));
  const known = new Set(entries.map(({ id }) => id));
  return [...entries, ...named(served, key).filter(({ id }) => !known.has(id))].filter(
    ({ id, kind, family }) => mayMake(key, kind) && allowsModel(key.models, id, family),
  );
}

/** Whether a query asks for every id: `?all=true`. */
export const asksForAll = (url: string): boolean => {
  const all = new URL(url).searchParams.get("all");
  return all !== null && !["false", "0", "no"].includes(all.toLowerCase());
};

const mayMake = ({ kinds }: Permissions, kind: Kind) => kinds.length === 0 || kinds.includes(kind);
const servedFamilies = ({ pool, kinds }: Pick<ServedModels, "pool" | "kinds">) =>
  new Set(kinds.flatMap((kind) => [...pool.families(kind)]));

function named(served: ServedModels, { models }: Permissions): ModelEntry[] {
  const families = servedFamilies(served);
  return models.flatMap((id) => {
    const choice = parseModel(id);
    const entry =
      choice &&
      served.kinds.includes(choice.kind) &&
      modelEntry(choice, (family) => families.has(family), served.successors, served.pool.isOff);
    return entry ? [entry] : [];
  });
}
