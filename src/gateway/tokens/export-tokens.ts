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
    allow_families: row.allowFamilies,
    deny_families: row.denyFamilies,
    tags: row.tags,
    note: row.note,
    tier: row.tier,
    credits: row.credits,
    caps: row.caps,
  };
}

/** @param secrets by id, where the secrets are wanted, too; absent: no secret of any kind is in the text */
export function exportTokens(rows: readonly TokenRow[], format: TokenFormat, secrets?: ReadonlyMap<number, string>): string {
  const tokens = rows.map((row) => exported(row, secrets?.get(row.id)));
  if (format === "json") return `${JSON.stringify({ tokens }, null, 2)}\n`;
  // Own caps are a table and have no place in a row.
  const flat = tokens.map((token) => omit(token, ["caps"]));
  const names = Object.keys(flat[0] ?? {});
  return [names, ...flat.map((row) => Object.values(row))].map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("");
}

/** RFC 4180, one line a row. What a spreadsheet would take for a formula begins with a tab, which an import drops again. */
function csvCell(value: unknown): string {
  const isText = typeof value === "string";
  const plain = Array.isArray(value) ? value.join(";") : `${value ?? ""}`;
  const line = plain.replace(/[\r\n]+/g, " ");
  const safe = (isText || Array.isArray(value)) && /^[=+\-@]/.test(line) ? `\t${line}` : line;
  return /[",;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
