// flow2api token import: puts many tokens into the pool, from a file or standard input.
import { type ImportReport, importCounts, importTokens } from "../../gateway/tokens/import-tokens.ts";
import { PROVIDERS, parseTokens } from "../../gateway/tokens/parse-tokens.ts";
import { openFolder } from "../folder.ts";
import { leftBehind } from "../python-import/accounts.ts";
import { readTextFile } from "../text-file.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "../verb.ts";

export const tokenImport = defineVerb({
  name: "token import",
  summary: "Put the tokens of a file (- for standard input) into the pool: lines, CSV, JSON, cookies.",
  positionals: ["FILE"],
  options: {
    "dry-run": { type: "boolean", help: "show what would be done and change nothing" },
    provider: { type: "string", value: "gemini|flow|vertex", help: "take tokens of this provider only" },
    group: { type: "string", value: "G", help: "group of those that name none" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, positionals, io }) {
    const { provider, group } = values;
    if (provider !== undefined && !PROVIDERS.includes(provider)) {
      throw usageError(`--provider: expected one of ${PROVIDERS.join(", ")}, got "${provider}".`);
    }
    const text = positionals[0] === "-" ? await io.stdin() : await readTextFile(positionals[0]!, io.cwd);
    const lines = parseTokens(text, { provider, now: io.now() });
    await using folder = await openFolder(values, io);
    const { store, config } = folder;
    const dryRun = values["dry-run"];
    const report = await importTokens({ store, settings: () => config.settings.pool, now: io.now }, lines, { group, dryRun });
    if (!dryRun && report.added > 0) await folder.record({ action: "token.import", subject: "tokens", after: importCounts(report) });
    io.stdout(importText(report, dryRun));
    for (const text of leftBehind(report)) io.stdout(`left: ${text}\n`);
    return report.invalid.length > 0 && report.added + report.known.length === 0 ? 1 : 0;
  },
});

/** Counts, and a line for each that was not put in. */
export function importText({ added, known, invalid }: ImportReport, dryRun: boolean): string {
  const counts = `${added} new, ${known.length} known, ${invalid.length} invalid${dryRun ? " (dry run: nothing was changed)" : ""}\n`;
  const lines = [
    ...known.map(({ line, reason }) => ({ line, text: `line ${line}: known: ${reason}\n` })),
    ...invalid.map(({ line, reason }) => ({ line, text: `line ${line}: invalid: ${reason}\n` })),
  ];
  return (
    counts +
    lines
      .sort((a, b) => a.line - b.line)
      .map(({ text }) => text)
      .join("")
  );
}
