// Reads one layer of the catalogue from TOML or stored JSON; the first fault is refused with source, path, expected and got. Pure.

import { parse, TomlError } from "smol-toml";
import type { Kind } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import { guess, misfit, type Table, tableAt, word } from "./fields.ts";
import { aliasRule, familyRule, idText, patternsRule } from "./schema.ts";

/** A family as far as one layer says it, in the words of the file. */
export type FamilyTable = Table & { id: string };
export type Alias = { kind: Kind; names: string[]; families: string[]; open?: boolean };
export type Patterns = Partial<Record<Kind, string[]>>;

export type CatalogueLayer = { families: FamilyTable[]; aliases: Alias[]; official: Patterns; listed: Patterns };

export const EMPTY_LAYER: CatalogueLayer = { families: [], aliases: [], official: {}, listed: {} };

const SECTIONS = ["family", "alias", "official", "listed"] as const;
const kindWord = word(["image", "video"]);

/** @param source what the text is from, for messages. @throws {AppError} with line and column for what is not TOML */
export function parseModelsToml(text: string, source: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new AppError("invalid_request", `${source}:${error.line}:${error.column}: expected TOML, got ${what}`);
  }
}

/**
 * @param source what it is from, for messages
 * @param kindOf the kind of a family of the layers below; a family that is new says its own
 */
export function readLayer(document: unknown, source: string, kindOf: (id: string) => Kind | undefined): CatalogueLayer {
  const root = `${source}: `;
  const layer: CatalogueLayer = { ...EMPTY_LAYER };
  for (const [section, value] of Object.entries(tableAt(document, root))) {
    const path = root + section;
    if (section === "family") layer.families = listOf(value, path, (item, at) => readFamily(item, at, path, kindOf));
    else if (section === "alias") layer.aliases = listOf(value, path, (item, at) => readAlias(item, `${path}[${at}]`));
    else if (section === "official" || section === "listed") layer[section] = patternsRule(value, path) as Patterns;
    else throw misfit(path, "[[family]], [[alias]], [official] or [listed]", JSON.stringify(section) + guess(section, SECTIONS));
  }
  const ids = layer.families.map(({ id }) => id);
  const again = ids.find((id, at) => ids.indexOf(id) !== at);
  if (again) throw misfit(`${root}family[${again}]`, "each family once", "it again");
  return layer;
}

function listOf<T>(value: unknown, path: string, read: (item: unknown, at: number) => T): T[] {
  if (!Array.isArray(value)) throw misfit(path, `a list of tables [[${path.split(": ").at(-1)}]]`, "something else");
  return value.map(read);
}

function readFamily(item: unknown, at: number, path: string, kindOf: (id: string) => Kind | undefined): FamilyTable {
  const { id, kind } = tableAt(item, `${path}[${at}]`);
  const named = idText(id, `${path}[${at}].id`) as string;
  const known = kindOf(named) ?? (kindWord(kind, `${path}[${named}].kind`) as Kind);
  return familyRule(known)(item, `${path}[${named}]`) as FamilyTable;
}

function readAlias(item: unknown, path: string): Alias {
  const alias = aliasRule(item, path) as Alias;
  for (const field of ["kind", "names", "families"] as const)
    if (alias[field] === undefined) throw misfit(`${path}.${field}`, field === "kind" ? '"image" or "video"' : "a list", "nothing");
  return alias;
}
