// The built-in layer of the catalogue as JSON. A macro: it runs when the program is built, so that no start reads and checks the TOML again.
import text from "./catalogue.toml" with { type: "text" };
import { parseModelsToml, readLayer } from "./read-layer.ts";

export const SOURCE = "built-in catalogue";

export const builtInLayer = (): string => JSON.stringify(readLayer(parseModelsToml(text, SOURCE), SOURCE, () => undefined));
