// flow2api import: takes over accounts, settings and the API key of python-flow2api.

import { findSetting, showValue } from "../../config/settings-keys.ts";
import { AppError } from "../../errors.ts";
import { hashKey } from "../../gateway/keys/keys.ts";
import { newKeyLimits } from "../../gateway/keys/manage-keys.ts";
import { importCounts, importTokens } from "../../gateway/tokens/import-tokens.ts";
import { isRefused, type ParsedToken } from "../../gateway/tokens/parsed-token.ts";
import { redactText } from "../../log.ts";
import { COMMAND_LINE } from "../audit.ts";
import { type Folder, openFolder } from "../folder.ts";
import { printableCell } from "../table.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";
import { leftBehind, readAccounts } from "./accounts.ts";
import { type PythonData, readPythonData } from "./files.ts";
import { readPythonSettings } from "./settings.ts";

export const importPython = defineVerb({
  name: "import",
  summary: "Take over accounts, settings and API key from a folder of the Python original; lists what it could not take.",
  positionals: ["PATH"],
  options: { "dry-run": { type: "boolean", help: "show what would be done and change nothing" }, ...FOLDER_OPTIONS },
  async run({ values, positionals, io }) {
    const dryRun = values["dry-run"];
    const original = readPythonData(positionals[0]!, io.cwd);
    const legacy = readPythonSettings(original);
    const accounts = readAccounts(original, { now: io.now(), sharedProxy: legacy.proxy, autoEnable: legacy.autoEnable });
    await using folder = await openFolder(values, io);
    const { store, config } = folder;

    const report = await importTokens({ store, settings: () => config.settings.pool, now: io.now }, accounts.lines, { dryRun });
    const skipped = new Set([...report.known, ...report.invalid].map(({ line }) => line));
    const taken = accounts.lines.filter((line): line is ParsedToken => !isRefused(line) && !skipped.has(line.line));
    const settings = Object.entries(legacy.settings);
    const key = legacy.apiKey === null ? null : await takeKey(folder, legacy.apiKey, io.now(), dryRun);
    if (!dryRun) {
      if (report.added > 0) await folder.record({ action: "token.import", subject: "tokens", after: importCounts(report) });
      await takeSettings(folder, settings);
    }

    const say = (mark: "taken" | "left", text: string) => io.stdout(`${mark}  ${printableCell(text)}\n`);
    for (const file of original.files) io.stdout(`read   ${file}\n`);
    say("taken", `${accountsText(report.added)}${statesText(taken)}`);
    const shared = legacy.proxy === null || legacy.proxy === "unusable" ? 0 : taken.filter(({ proxy }) => proxy === legacy.proxy).length;
    if (shared > 0) say("taken", `the shared proxy ${redactText(legacy.proxy!)}, for ${accountsText(shared)}`);
    for (const [name, value] of settings)
      say("taken", `${name} = ${showValue(findSetting(name)!, value)}${overridden(config.origins, name)}`);
    if (key) say(...key);
    for (const { line, reason } of [...report.known, ...report.invalid]) say("left", `account ${line}: ${reason}`);
    for (const text of [...leftBehind(report), ...accounts.left, ...legacy.left, ...leftRows(original)]) say("left", text);
    if (dryRun) io.stdout("Dry run: nothing was changed.\n");
    return 0;
  },
});

const accountsText = (number: number): string => `${number} ${number === 1 ? "account" : "accounts"}`;

/** How many of them cannot serve at once, by why. */
function statesText(taken: readonly ParsedToken[]): string {
  const disabled = taken.filter(({ enabled }) => enabled === false).length;
  const waiting = taken.filter(({ enabled, health }) => enabled !== false && health).length;
  const parts = [
    ...(disabled > 0 ? [`${disabled} of them disabled`] : []),
    ...(waiting > 0 ? [`${waiting} that cannot serve yet ("flow2api token list" says why)`] : []),
  ];
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

/** What the environment overrides is stored all the same, and reported so. */
async function takeSettings({ store, settings }: Folder, legacy: [string, unknown][]): Promise<void> {
  const stored = await store.readSettings();
  const changes = legacy.filter(([name, value]) => !Bun.deepEquals(stored[name], value));
  if (changes.length > 0) await settings.applyOther(Object.fromEntries(changes), COMMAND_LINE);
}

async function takeKey(
  { store, record, config }: Pick<Folder, "store" | "record" | "config">,
  key: string,
  now: number,
  dryRun: boolean,
): Promise<["taken" | "left", string]> {
  const hash = hashKey(key);
  const known: ["left", string] = ["left", "the API key: it is there already"];
  if ((await store.listKeyHashes()).some((row) => Buffer.from(row.hash).equals(hash))) return known;
  if (dryRun) return ["taken", 'the API key, as key "imported"'];
  try {
    const limits = newKeyLimits(config.settings);
    // Of a short key four characters would be half of it.
    const { id, name, prefix } = await store.insertKey(
      { name: "imported", hash, prefix: key.length >= 12 ? key.slice(0, 4) : "", limits },
      now,
    );
    await record({ action: "key.create", subject: `key ${id}`, after: { name, prefix } });
    return ["taken", 'the API key, as key "imported"'];
  } catch (error) {
    if (error instanceof AppError && error.kind === "conflict") return known;
    throw error;
  }
}

function overridden(origins: Record<string, string>, name: string): string {
  const origin = origins[name];
  return origin === "environment" || origin === "flag" ? ` (stored, but the ${origin} says otherwise and counts)` : "";
}

const ROWS: Record<string, string> = { tasks: "video tasks", request_logs: "request log", token_stats: "counters of accounts" };

function leftRows({ rows }: PythonData): string[] {
  return Object.entries(rows).flatMap(([table, count]) => (count > 0 ? [`${ROWS[table]} (${count} rows): history is not taken`] : []));
}
