// The built-in catalogue as JSON. Macros: they run when the program is built, so that no start reads, checks and merges the TOML again.
import text from "./catalogue.toml" with { type: "text" };
import { partsOf } from "./parts.ts";
import { parseModelsToml, readLayer } from "./read-layer.ts";

const SOURCE = "built-in catalogue";

const readBuiltIn = () => readLayer(parseModelsToml(text, SOURCE), SOURCE, () => undefined);

/** The layer as a file would say it. */
export const builtInLayer = (): string => JSON.stringify(readBuiltIn());

/** What the layer alone comes to. Each of its families says when it was added, so that the day does not matter. */
export function builtInParts(): string {
  const layers = [{ origin: "built-in", source: SOURCE, layer: readBuiltIn() }] as const;
  const { families, names, official, listed, assumed } = partsOf({ layers, today: "1970-01-01" });
  return JSON.stringify({ families, names, official, listed, assumed });
}
