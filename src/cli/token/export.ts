// flow2api token export: the pool as JSON, CSV or bare lines, with secrets only where they are asked for.

import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import type { Store } from "../../db/store.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { exportTokens, TOKEN_FORMATS } from "../../gateway/tokens/export-tokens.ts";
import { openFolder } from "../folder.ts";
import { readChoice } from "../option-values.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "../verb.ts";

const FORMATS = [...TOKEN_FORMATS, "lines"] as const;

export const tokenExport = defineVerb({
  name: "token export",
  summary: "Write the pool in a form that token import reads; secrets only with --secrets.",
  options: {
    secrets: { type: "boolean", help: "with the secrets, and with passwords of proxies" },
    format: { type: "string", value: FORMATS.join("|"), help: "lines: the secrets alone (default: json)" },
    file: { type: "string", value: "FILE", help: "a new file, readable by you only (default: standard output)" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, io }) {
    const format = readChoice("format", FORMATS)(values.format ?? "json");
    if (format === "lines" && !values.secrets)
      throw usageError("--format lines: expected --secrets with it: there is nothing else on a line.");
    await using folder = await openFolder(values, io);
    const rows = await folder.store.listTokens();
    const secrets = values.secrets ? await readSecrets(folder.store, rows) : undefined;
    const text = format === "lines" ? linesText(secrets!) : [...exportTokens(rows, format, secrets)].join("");
    if (secrets) await folder.record({ action: "token.export", subject: "tokens", after: { secrets: true, count: rows.length } });
    if (values.file === undefined) io.stdout(text);
    else {
      writeNew(resolve(io.cwd, values.file), text);
      io.stdout(`${rows.length} tokens are in ${values.file}\n`);
    }
    return 0;
  },
});

async function readSecrets(store: Pick<Store, "readTokenSecret">, rows: readonly TokenRow[]): Promise<Map<number, string>> {
  const secrets = new Map<number, string>();
  for (const { id } of rows) secrets.set(id, (await store.readTokenSecret(id)).secret);
  return secrets;
}

const linesText = (secrets: ReadonlyMap<number, string>) => [...secrets.values()].map((secret) => `${secret}\n`).join("");

function writeNew(file: string, text: string): void {
  try {
    const handle = openSync(file, "wx", 0o600);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new AppError("conflict", `${file} is there already.`, { cause: error });
  }
}
