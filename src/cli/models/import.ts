// flow2api models import: shows what a models file would change, and puts it over the models as the admin does.
import type { ModelDifference } from "../../gateway/models/catalogue/differences.ts";
import { MODELS_KEY, toStored } from "../../gateway/models/catalogue/overrides.ts";
import { COMMAND_LINE } from "../audit.ts";
import { openFolder } from "../folder.ts";
import { printableCell } from "../table.ts";
import { readTextFile } from "../text-file.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";

export const modelsImport = defineVerb({
  name: "models import",
  summary: "Put a models file (- for standard input) over the models: shows the differences before it takes them.",
  positionals: ["FILE"],
  options: {
    "dry-run": { type: "boolean", help: "show the differences and change nothing" },
    yes: { type: "boolean", help: "on a terminal: take them without asking" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, positionals, io }) {
    const [name] = positionals as [string];
    const text = name === "-" ? await io.stdin() : await readTextFile(name, io.cwd);
    await using folder = await openFolder(values, io);
    const { document, differences } = folder.models.review(text, name === "-" ? "standard input" : name);
    if (differences.length === 0) {
      io.stdout("Nothing is different.\n");
      return 0;
    }
    io.stdout(differencesText(differences));
    if (values["dry-run"]) {
      io.stdout("(dry run: nothing was changed)\n");
      return 0;
    }
    const isAsked = io.isTerminal && !values.yes && name !== "-";
    if (isAsked && !/^y(es)?$/i.test((await io.ask("Take these changes? [y/N] ")).trim())) {
      io.stdout("Nothing was changed.\n");
      return 1;
    }
    await folder.settings.applyOther({ [MODELS_KEY]: toStored(document) }, COMMAND_LINE);
    io.stdout(
      `${differences.length === 1 ? "1 model is" : `${differences.length} models are`} changed. A server that runs takes it within 2 seconds.\n`,
    );
    return 0;
  },
});

const SIGNS = { added: "+", removed: "-", changed: "~" } as const;

/** One line a family or alias, then one a field: `providers.gemini.price.per_image.1K: 0.05 -> 0.06`. */
export function differencesText(differences: readonly ModelDifference[]): string {
  return differences
    .map(({ id, what, change, fields }) => {
      const lines = fields.map(({ path, before, after }) => {
        const said = [before, after].filter((value) => value !== null).map((value) => printableCell(value!));
        return `    ${path}: ${before !== null && after === null ? `${said[0]} -> (default)` : said.join(" -> ")}\n`;
      });
      return `${SIGNS[change]} ${what} ${printableCell(id)}\n${lines.join("")}`;
    })
    .join("");
}
