// flow2api token export: the pool as JSON, CSV or bare lines, with secrets only where they are asked for.
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import type { Store, TokenRow } from "../db/store.ts";
import { AppError } from "../errors.ts";
import { redactText } from "../log.ts";
import { openFolder } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "./verb.ts";

const FORMATS = ["json", "csv", "lines"];

export const tokenExport = defineVerb({
  name: "token export",
  summary: "Write the pool in a form that token import reads; secrets only with --secrets.",
  options: {
    secrets: { type: "boolean", help: "with the secrets, and with passwords of proxies" },
    format: { type: "string", value: "json|csv|lines", help: "lines: the secrets alone (default: json)" },
    file: { type: "string", value: "FILE", help: "a new file, readable by you only (default: standard output)" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, io }) {
    const { format = "json", secrets, file } = values;
    if (!FORMATS.includes(format)) throw usageError(`--format: expected ${FORMATS.join(", ")}, got "${format}".`);
    if (format === "lines" && !secrets) throw usageError("--format lines: expected --secrets with it: there is nothing else on a line.");
    await using folder = await openFolder(values, io);
    const tokens = await readAll(folder.store, secrets);
    const text =
      format === "json" ? jsonText(tokens) : format === "csv" ? csvText(tokens) : tokens.map(({ secret }) => `${secret}\n`).join("");
    if (file === undefined) io.stdout(text);
    else {
      writeNew(resolve(io.cwd, file), text);
      io.stdout(`${tokens.length} tokens are in ${file}\n`);
    }
    return 0;
  },
});

type Exported = ReturnType<typeof exported>;

async function readAll(store: Pick<Store, "listTokens" | "readTokenSecret">, secrets: boolean): Promise<Exported[]> {
  const tokens: Exported[] = [];
  for (const row of await store.listTokens()) tokens.push(exported(row, secrets ? (await store.readTokenSecret(row.id)).secret : null));
  return tokens;
}

/** Names as `gateway/token-record.ts` reads them. */
function exported(row: TokenRow, secret: string | null) {
  return {
    provider: row.provider,
    secret: secret ?? undefined,
    hint: secret === null ? row.hint : undefined,
    label: row.label,
    group: row.group,
    identity: row.identity,
    enabled: row.enabled,
    image_enabled: row.imageEnabled,
    video_enabled: row.videoEnabled,
    image_concurrency: row.imageConcurrency,
    video_concurrency: row.videoConcurrency,
    weight: row.weight,
    priority: row.priority,
    proxy: secret === null && row.proxy !== null ? redactText(row.proxy) : row.proxy,
    allow_families: row.allowFamilies,
    deny_families: row.denyFamilies,
    tags: row.tags,
    note: row.note,
    caps: row.caps,
  };
}

const jsonText = (tokens: Exported[]) => `${JSON.stringify({ tokens }, null, 2)}\n`;

/** Own caps are a table and have no place in a row. */
function csvText(tokens: Exported[]): string {
  const rows = tokens.map(({ caps: _, ...cells }) => Object.fromEntries(Object.entries(cells).filter(([, value]) => value !== undefined)));
  const names = Object.keys(rows[0] ?? { provider: "", secret: "", label: "" });
  return [names, ...rows.map((row) => Object.values(row))].map((cells) => `${cells.map(csvCell).join(",")}\n`).join("");
}

function csvCell(value: unknown): string {
  const text = Array.isArray(value) ? value.join(";") : `${value ?? ""}`.replace(/[\r\n]+/g, " ");
  return /[",;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

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
