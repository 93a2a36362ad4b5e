// Secrets of a text that were neither taken nor refused: in comments, under other names, beside another session. Pure.
import { isRefused, type ParsedLine } from "./parsed-token.ts";
import { secretsIn } from "./secrets-in-text.ts";

const LEFT = "holds a secret that was left where it is: in a comment, or beside another one";

/** `parsed` and, for each line with a secret of a known form that nothing in it stands for, the reason. */
export function reportLeft(lines: readonly string[], parsed: readonly ParsedLine[]): ParsedLine[] {
  const refused = new Set(parsed.filter(isRefused).map(({ line }) => line));
  const taken = parsed.flatMap((one) => (isRefused(one) ? [] : [one.secret]));
  const isTaken = createBeginnings(taken);
  const left = lines.flatMap((text, index) => {
    const line = index + 1;
    return !refused.has(line) && !secretsIn(text).every(isTaken) ? [{ line, reason: LEFT }] : [];
  });
  return [...parsed, ...left];
}

/** Reports whether a text is one of `secrets` or the beginning of one: the first part of a cookie has the form of a whole one. */
function createBeginnings(secrets: readonly string[]): (text: string) => boolean {
  const exact = new Set(secrets);
  const sorted = [...exact].sort();
  return (text) => {
    if (exact.has(text)) return true;
    let from = 0;
    for (let to = sorted.length; from < to; ) {
      const middle = (from + to) >> 1;
      if (sorted[middle]! < text) from = middle + 1;
      else to = middle;
    }
    return sorted[from]?.startsWith(text) ?? false;
  };
}
