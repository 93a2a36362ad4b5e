// The living model families with limits and prices per provider, read from the built-in catalogue.

import text from "./catalogue/catalogue.toml" with { type: "text" };
import { parseModelsToml, readLayer } from "./catalogue/read-layer.ts";
import { toFamily } from "./catalogue/to-family.ts";
import type { Family } from "./family.ts";

const SOURCE = "built-in catalogue";
/** Every built-in family says when it was created. */
const NEVER = "1970-01-01";

export const BUILT_IN = readLayer(parseModelsToml(text, SOURCE), SOURCE, () => undefined);

/** The families, the recommended one of each kind first. */
export const FAMILIES: readonly Family[] = BUILT_IN.families.map((family) => toFamily(family, `${SOURCE}: family[${family.id}]`, NEVER));
