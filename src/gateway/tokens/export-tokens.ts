// Exports tokens as JSON or CSV that `token import` reads (field names: parse-token-fields.ts). Pure.
import { omit } from "../../domain/omit.ts";
import type { TokenRow } from "../../domain/token.ts";
import { redactText } from "../../log.ts";

export const TOKEN_FORMATS = ["json", "csv"] as const;
export type TokenFormat = (typeof TOKEN_FORMATS)[number];

/** Everything of a token; without its secret also its proxy is without a password. */
function exported(row: TokenRow, secret: string | undefined) {
  return {
    id: row.id,
    provider: row.provider,
    ...(secret === undefined ? {} : { secret }),
    label: row.label,
    hint: row.hint,
    identity: row.identity,
    group: row.group,
    enabled: row.enabled,
    image_enabled: row.imageEnabled,
    video_enabled: row.videoEnabled,
    image_concurrency: row.imageConcurrency,
    video_concurrency: row.videoConcurrency,
    weight: row.weight,
    priority: row.priority,
    proxy: row.proxy === null || secret !== undefined ? row.proxy : redactText(row.proxy),
    location: row.location,
    allow_families: row.allowFamilies,
    deny_families: row.denyFamilies,
    tags: row.tags,
    note: row.note,
    tier: row.tier,
    credits: row.credits,
    caps: row.caps,
  };
}

/** Tokens written at once. */
const SLICE = 250;

/** The text in slices. @param secrets by id, where the secrets are wanted, too; absent: no secret of any kind is in the text */
export function* exportTokens(rows: readonly TokenRow[], format: TokenFormat, secrets?: ReadonlyMap<number, string>): Generator<string> {
  const write = format === "json" ? jsonOf : csvOf;
  const [head, foot] = format === "json" ? [rows.length === 0 ? '{\n  "tokens": [' : '{\n  "tokens": [\n', "]\n}\n"] : ["", ""];
  yield head;
  for (let from = 0; from < rows.length; from += SLICE) {
    const tokens = rows.slice(from, from + SLICE).map((row) => exported(row, secrets?.get(row.id)));
    yield write(tokens, { isFirst: from === 0, isLast: from + SLICE >= rows.length });
  }
  yield foot;
}

type Exported = ReturnType<typeof exported>;
type Position = { isFirst: boolean; isLast: boolean };

function jsonOf(tokens: readonly Exported[], { isLast }: Position): string {
  const texts = tokens.map((token) => JSON.stringify(token, null, 2).replace(/^/gm, "    "));
  return `${texts.join(",\n")}${isLast ? "\n  " : ",\n"}`;
}

function csvOf(tokens: readonly Exported[], { isFirst }: Position): string {
  // Own caps are a table and have no column in a row.
  const flat = tokens.map((token) => omit(token, ["caps"]));
  const lines = flat.map((row) => Object.values(row));
  return [...(isFirst ? [Object.keys(flat[0]!)] : []), ...lines].map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("");
}

/** RFC 4180, one line a row. What a spreadsheet would take for a formula begins with a tab, which an import drops again. */
function csvCell(value: unknown): string {
  const isText = typeof value === "string";
  const plain = Array.isArray(value) ? value.join(";") : `${value ?? ""}`;
  const line = plain.replace(/[\r\n]+/g, " ");
  const safe = (isText || Array.isArray(value)) && /^[=+\-@]/.test(line) ? `\t${line}` : line;
  return /[",;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
