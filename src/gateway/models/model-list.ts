// List of models: what each known id is, and which family serves it in a pool.

import type { Kind } from "../../domain/generation.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import { chooseFamily } from "./choose-family.ts";
import type { Family } from "./family.ts";
import type { ModelChoice } from "./parse-model.ts";

/** One line of a list of models. */
export type ModelEntry = {
  id: string;
  kind: Kind;
  /** The family that serves it in this pool. */
  family: string;
  /** Epoch seconds. */
  created: number;
  ownedBy: string;
  /** For people who choose: "Nano Banana 2.1 · image". */
  name: string;
  description: string;
};

/** What decides whether and how an id is listed. */
export type ListRules = {
  canServe: (family: string) => boolean;
  /** Whether names of retired models count. */
  successors: boolean;
  /** Whether the operator has switched a family off. */
  isOff?: (family: string) => boolean;
};

/** The families of these kinds that the pool serves, then the saved and hard-coded names that lead to one of them. */
export function listModels(catalogue: Catalogue, kinds: readonly Kind[], rules: ListRules): ModelEntry[] {
  return catalogue.known
    .filter((choice) => kinds.includes(choice.kind))
    .flatMap((choice) => {
      const entry = modelEntry(catalogue, choice, rules);
      return entry ? [entry] : [];
    });
}

/** How a list shows this id; null where nothing serves it. */
export function modelEntry(catalogue: Catalogue, choice: ModelChoice, rules: ListRules): ModelEntry | null {
  const chosen = chooseFamily(choice, rules);
  const family = chosen && catalogue.familyOf(chosen.family);
  if (!family) return null;
  const [id, kind] = [choice.requested, choice.kind];
  const shape = fixedBy(choice);
  const name = `${[family.title, ...shape].join(", ")} · ${kind}${id === family.id ? "" : ` (${id})`}`;
  const description = describe(shape, family, chosen.successorOf !== null);
  return { id, kind, family: family.id, created: family.created, ownedBy: family.ownedBy, name, description };
}

/** What an id fixes besides its family, in words. */
function fixedBy({ params }: ModelChoice): string[] {
  const { aspect, size, seconds, resolution, quality, modes } = params;
  const fixed = [aspect, size, resolution, seconds && `${seconds} s`, quality, modes?.join(" or ").replaceAll("_", " ")];
  return fixed.filter((one): one is string => Boolean(one));
}

function describe(fixed: readonly string[], family: Family, isSuccessor: boolean): string {
  const text = [family.title, ...fixed].join(", ");
  return isSuccessor ? `${text} (successor of the model named)` : text;
}
