// Names that lead to families: each spelling belongs to one, the highest layer's; an id belongs to its family. Pure.

import type { Kind } from "../../../domain/generation.ts";
import type { Family } from "../family.ts";
import { canonical, type Name } from "../parse-model.ts";
import { guess, misfit } from "./fields.ts";
import { type MergedFamily, type NamedLayer, ORIGINS } from "./merge.ts";

/** A name with the layer that gives it. */
type Claim = { name: Name; rank: number; path: string };

/** @throws {AppError} for a spelling that is another family's id or given twice in one layer, and for a family that there is not */
export function namesOf(families: readonly Family[], merged: ReadonlyMap<string, MergedFamily>, layers: readonly NamedLayer[]): Name[] {
  const kinds = new Map(families.map(({ id, kind }) => [id, kind]));
  const claims = [...families.map((family) => ofFamily(family, merged.get(family.id)!, layers)), ...layers.flatMap(ofAliases)];
  for (const { name, path } of claims) requireFamilies(name, path, kinds);
  const ids = new Map<string, string>();
  for (const { id } of families) {
    const other = ids.get(canonical(id));
    if (other)
      throw misfit(
        `${pathOf(merged.get(id)!, id)}.id`,
        `an id that differs from ${JSON.stringify(other)} by more than its separators`,
        JSON.stringify(id),
      );
    ids.set(canonical(id), id);
  }
  const owners = new Map<string, Claim>();
  for (const claim of claims) {
    for (const spelling of claim.name.names) {
      const family = ids.get(canonical(spelling));
      if (family !== undefined && family !== claim.name.families[0])
        throw misfit(claim.path, "names that are no family's id", `${JSON.stringify(spelling)}, the id of a family`);
      const owner = owners.get(canonical(spelling));
      if (owner && owner !== claim && owner.rank === claim.rank && family === undefined)
        throw misfit(claim.path, "each name once", `${JSON.stringify(spelling)}, which ${owner.path.split(": ").at(-1)} has`);
      if (!owner || claim.rank > owner.rank) owners.set(canonical(spelling), claim);
    }
  }
  return claims.flatMap((claim) => {
    const names = claim.name.names.filter((spelling) => owners.get(canonical(spelling)) === claim);
    return names.length > 0 ? [{ ...claim.name, names }] : [];
  });
}

const pathOf = ({ touchedBy }: MergedFamily, id: string): string => `${touchedBy.source}: family[${id}]`;

function ofFamily({ id, kind, names, successors }: Family, merged: MergedFamily, layers: readonly NamedLayer[]): Claim {
  const origin = merged.origins.get("names") ?? merged.origins.get("id")!;
  const source = layers.findLast((layer) => layer.origin === origin)?.source ?? merged.touchedBy.source;
  return {
    name: { kind, names: [id, ...names], families: [id, ...successors] },
    rank: ORIGINS.indexOf(origin),
    path: `${source}: family[${id}].names`,
  };
}

const ofAliases = ({ origin, source, layer }: NamedLayer): Claim[] =>
  layer.aliases.map(({ kind, names, families: [first, ...others], open }, at) => ({
    name: { kind, names, families: [first!, ...others], retired: true, ...(open ? { open: true } : {}) },
    rank: ORIGINS.indexOf(origin),
    path: `${source}: alias[${at}].names`,
  }));

function requireFamilies({ kind, families }: Name, path: string, kinds: ReadonlyMap<string, Kind>): void {
  const isFamily = path.includes(": family[");
  for (const [at, id] of families.entries()) {
    if (isFamily && at === 0) continue;
    const known = kinds.get(id);
    if (known === kind && !(isFamily && id === families[0])) continue;
    const field = path.replace(/names$/, isFamily ? `successors[${at - 1}]` : `families[${at}]`);
    const ofKind = [...kinds].flatMap(([one, its]) => (its === kind ? [one] : []));
    if (known === undefined) throw misfit(field, `the id of a family that makes ${kind}s`, JSON.stringify(id) + guess(id, ofKind));
    throw misfit(field, `another family that makes ${kind}s`, JSON.stringify(id));
  }
}
