// Model ids that clients send, their families, and the ids that the list of models adds.
import type { Kind } from "../../domain/generation.ts";
import { BUILT_IN, FAMILIES } from "./catalogue.ts";

/** Names that lead to families, and what may follow a name. */
export type Name = {
  kind: Kind;
  /** Spellings; case and the difference between `-`, `_`, `.` and `@` do not count. */
  names: readonly string[];
  /** Living families, the first that the pool can serve wins. */
  families: readonly [string, ...string[]];
  /** True when the first family is a successor rather than the model that is named. */
  retired?: true;
  /** True when words after the name that mean nothing here (a snapshot's date, a variant) are passed over. */
  open?: true;
};

/** Every spelling that clients send. Parameters follow the name as words: see `parse-model.ts`. */
export const NAMES: readonly Name[] = [
  ...FAMILIES.map(({ id, kind, names, successors }): Name => ({ kind, names: [id, ...names], families: [id, ...successors] })),
  ...BUILT_IN.aliases.map(
    ({ kind, names, families: [first, ...others], open }): Name => ({
      ...{ kind, names, families: [first!, ...others], retired: true },
      ...(open ? { open: true } : {}),
    }),
  ),
];

/** Google's own ids besides the families', as patterns: `{a,b}` stands for each of its words. */
export const OFFICIAL: Readonly<Record<Kind, readonly string[]>> = { image: [], video: [], ...BUILT_IN.official };

/** Ids that `GET /v1/models?all=true` shows besides the families, as patterns. */
export const LISTED: Readonly<Record<Kind, readonly string[]>> = { image: [], video: [], ...BUILT_IN.listed };
