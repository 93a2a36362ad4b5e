// Builds the catalogue of its layers. The built-in one alone, which most starts have, is there as it was when the program was built.

import type { Kind } from "../../../domain/generation.ts";
import { builtInLayer, builtInParts } from "./built-in.ts" with { type: "macro" };
import { Catalogue, type CatalogueParts } from "./catalogue.ts";
import { mergeFamilies, type NamedLayer } from "./merge.ts";
import { type CatalogueInput, partsOf } from "./parts.ts";
import type { CatalogueLayer } from "./read-layer.ts";

export { type CatalogueInput, dayOf } from "./parts.ts";

let layer: CatalogueLayer | null = null;

/** What this program knows by itself. */
export const BUILT_IN: NamedLayer = {
  origin: "built-in",
  source: "built-in catalogue",
  get layer() {
    layer ??= JSON.parse(builtInLayer()) as CatalogueLayer;
    return layer;
  },
};

/** @throws {AppError} `invalid_request` in one line: source, path, expected, got */
export function buildCatalogue(input: CatalogueInput): Catalogue {
  const { layers, found = [], revision = 0 } = input;
  const isBuiltInAlone = layers.length === 1 && layers[0] === BUILT_IN && found.length === 0;
  return new Catalogue(isBuiltInAlone ? preparedParts(input, revision) : partsOf(input));
}

/** What only the admin asks for is worked out when it does. */
function preparedParts(input: CatalogueInput, revision: number): CatalogueParts {
  let whole: CatalogueParts | null = null;
  const all = () => (whole ??= partsOf(input));
  return {
    ...(JSON.parse(builtInParts()) as Pick<CatalogueParts, "families" | "names" | "official" | "listed" | "assumed">),
    found: new Map(),
    revision,
    get tables() {
      return all().tables;
    },
    get aliases() {
      return all().aliases;
    },
    get origins() {
      return all().origins;
    },
  };
}

/** The built-in layer alone. */
export const builtInCatalogue = (): Catalogue => buildCatalogue({ layers: [BUILT_IN], today: "1970-01-01" });

/** The kinds of the families in these layers, for reading one above them. */
export function kindsOf(layers: readonly NamedLayer[]): (id: string) => Kind | undefined {
  const merged = mergeFamilies(layers);
  return (id) => merged.get(id)?.table.kind as Kind | undefined;
}
