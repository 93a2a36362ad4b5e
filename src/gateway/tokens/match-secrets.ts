// Matches lines of new secrets to the tokens whose secrets they replace: by label, else by account. Pure.

import type { TokenRow } from "../../domain/token.ts";
import { isRefused, type ParsedLine, type RefusedLine } from "./parsed-token.ts";

export type NewSecret = { id: number; secret: string };
export type MatchedSecrets = { matched: NewSecret[]; unmatched: RefusedLine[] };

type Known = Pick<TokenRow, "id" | "provider" | "label" | "identity">;

/** Each token gets at most one secret, each line one token. A line that names none is matched by nothing. */
export function matchSecrets(lines: readonly ParsedLine[], rows: readonly Known[]): MatchedSecrets {
  const byLabel = uniqueBy(rows, ({ label }) => label);
  const byIdentity = uniqueBy(rows, ({ identity }) => identity?.toLowerCase() ?? null);
  const found: MatchedSecrets = { matched: [], unmatched: [] };
  const taken = new Map<number, number>();
  for (const line of lines) {
    if (isRefused(line)) {
      found.unmatched.push(line);
      continue;
    }
    const row = (line.label && byLabel.get(line.label)) || (line.identity && byIdentity.get(line.identity.toLowerCase())) || null;
    const earlier = row ? taken.get(row.id) : undefined;
    if (!row) found.unmatched.push({ line: line.line, reason: "names none of these tokens" });
    else if (row.provider !== line.provider)
      found.unmatched.push({ line: line.line, reason: `is a secret of ${line.provider}, the token is of ${row.provider}` });
    else if (earlier !== undefined) found.unmatched.push({ line: line.line, reason: `repeats line ${earlier}` });
    else {
      taken.set(row.id, line.line);
      found.matched.push({ id: row.id, secret: line.secret });
    }
  }
  return found;
}

/** Names that two tokens share name neither. */
function uniqueBy(rows: readonly Known[], nameOf: (row: Known) => string | null): Map<string, Known> {
  const found = new Map<string, Known | null>();
  for (const row of rows) {
    const name = nameOf(row);
    if (name) found.set(name, found.has(name) ? null : row);
  }
  return new Map([...found].flatMap(([name, row]) => (row ? [[name, row] as const] : [])));
}
