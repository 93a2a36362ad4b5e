// The operator's overrides of models and prices as stored: one document in the format of a models file. Pure.

import { isRecord } from "../../../domain/is-record.ts";
import { omit } from "../../../domain/omit.ts";
import type { Table } from "./fields.ts";
import type { CatalogueLayer } from "./read-layer.ts";

/** Its key among the stored settings. */
export const MODELS_KEY = "models";

/** What the store holds as a document to read as a layer. That of versions before 0.3, `{off, prices}`, becomes one. */
export function storedDocument(stored: unknown): Table {
  if (!isRecord(stored)) return {};
  const { off, prices } = stored;
  if (off === undefined && prices === undefined) return stored;
  const families = new Map<string, Table>();
  const at = (id: string) => families.get(id) ?? families.set(id, { id }).get(id)!;
  if (Array.isArray(off)) for (const id of off) if (typeof id === "string") at(id).enabled = false;
  for (const [id, providers] of Object.entries(isRecord(prices) ? prices : {}))
    for (const [provider, sizes] of Object.entries(isRecord(providers) ? providers : {})) {
      const known = at(id).providers as Table | undefined;
      at(id).providers = { ...known, [provider]: { price: priceOf(sizes) } };
    }
  return { family: [...families.values()] };
}

/** Sizes of images begin with a capital K or are 512; resolutions of videos are not. */
function priceOf(sizes: unknown): Table {
  const names = isRecord(sizes) ? Object.keys(sizes) : [];
  return names.some((name) => /^\d+p$|^4k$/.test(name)) ? { per_second: sizes } : { per_image: sizes };
}

/** A layer as a document: dates are texts. */
export const toDocument = ({ families, aliases, official, listed }: CatalogueLayer): Table => ({
  ...(families.length > 0 ? { family: families } : {}),
  ...(aliases.length > 0 ? { alias: aliases } : {}),
  ...(Object.keys(official).length > 0 ? { official } : {}),
  ...(Object.keys(listed).length > 0 ? { listed } : {}),
});

/** The families of a document; what is not one is none. */
export function familiesOf(document: Table): Table[] {
  return Array.isArray(document.family) ? document.family.filter(isRecord) : [];
}

/** The document with this family in the place of the one of its id; null takes it out. */
export function withFamily(document: Table, id: string, family: Table | null): Table {
  const others = familiesOf(document).filter((one) => one.id !== id);
  const families = family ? [...others, family] : others;
  const rest = omit(document, ["family"]);
  return families.length > 0 ? { ...rest, family: families } : rest;
}

/** The document as it is stored: null where it says nothing. */
export const toStored = (document: Table): Table | null => (Object.keys(document).length === 0 ? null : document);

/** The document with what another one says: its families and aliases in the place of those of the same id or names. */
export function withDocument(document: Table, other: Table): Table {
  const families = familiesOf(other).reduce((all, family) => withFamily(all, String(family.id), family), document);
  const named = new Set(aliasesOf(other).flatMap(namesOf));
  const aliases = [...aliasesOf(document).filter((alias) => !namesOf(alias).some((name) => named.has(name))), ...aliasesOf(other)];
  const { official, listed } = { ...document, ...other };
  return {
    ...families,
    ...(aliases.length > 0 ? { alias: aliases } : {}),
    ...(official === undefined ? {} : { official }),
    ...(listed === undefined ? {} : { listed }),
  };
}

const aliasesOf = (document: Table): Table[] => (Array.isArray(document.alias) ? document.alias.filter(isRecord) : []);
const namesOf = ({ names }: Table): string[] => (Array.isArray(names) ? names.map(String) : []);
