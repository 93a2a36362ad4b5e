// Every regular expression of the program takes time that is linear in its text, as a checker proves.
import { describe, expect, test } from "bun:test";
import { checkSync } from "recheck";
import { expressionsIn, type FoundExpression, findExpressions } from "./regular-expressions.ts";

const TIMEOUT_MS = 15_000;

/**
 * What is wrong with an expression; null: proven linear. What the checker cannot take is checked in a form that is as ambiguous: a short
 * repeat for a long counted one (`{26}`, `{1,100}`), whose automaton is too large to search; and without look-aheads, which must be of bounded length.
 */
function fault({ source, flags }: Pick<FoundExpression, "source" | "flags">): string | null {
  const check = (text: string) => checkSync(text, flags, { checker: "automaton", timeout: TIMEOUT_MS });
  const short = source.replace(/\{(\d+)(,?)(\d+)?\}/g, shortRepeat);
  let found = check(short);
  if (found.status === "unknown" && found.error.kind === "unsupported") {
    const { rest, lookaheads } = withoutLookaheads(short);
    if (lookaheads.some((text) => /[*+]|\{\d+,\}/.test(text))) return "has a look-ahead without bounds";
    found = check(rest);
  }
  if (found.status === "unknown") return `cannot be checked: ${JSON.stringify(found.error)}`;
  return found.status === "safe" && (found.complexity.type === "safe" || found.complexity.type === "linear")
    ? null
    : found.complexity.summary;
}

function shortRepeat(whole: string, least: string, comma: string, most: string | undefined): string {
  if (comma === "") return Number(least) > 4 ? "{4}" : whole;
  const from = Math.min(Number(least), 3);
  return most === undefined ? `{${from},}` : Number(most) > 4 ? `{${from},4}` : whole;
}

function withoutLookaheads(source: string): { rest: string; lookaheads: string[] } {
  const lookaheads: string[] = [];
  let rest = source;
  for (let start = rest.search(/\(\?[=!]/); start >= 0; start = rest.search(/\(\?[=!]/)) {
    const end = endOfGroup(rest, start);
    lookaheads.push(rest.slice(start + 3, end));
    rest = `${rest.slice(0, start)}(?:)${rest.slice(end + 1)}`;
  }
  return { rest, lookaheads };
}

/** Where the parenthesis closes that opens at `start`. */
function endOfGroup(source: string, start: number): number {
  let depth = 0;
  let inClass = false;
  for (let at = start; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at += 1;
    else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "(") depth += 1;
    else if (character === ")" && --depth === 0) return at;
  }
  throw new Error("A group has no end");
}

const expressions = await findExpressions(`${import.meta.dir}/../..`);

describe("regular expressions", () => {
  test("are all found: literals, texts given to RegExp and patterns of schemas", () => {
    const text = `const a = /a+$/g; const b = new RegExp("b+$", "i"); const c = { pattern: "c+$" }; const d = RegExp(\`d\${a}\`);`;
    expect(expressionsIn("x.ts", text).map(({ source, flags }) => `${source} ${flags}`)).toEqual(["a+$ g", "b+$ i", "c+$ ", "dx "]);
    expect(expressionsIn("x.tsx", "export const x = <p pattern={'e+$'}>{/f/.test('')}</p>;").map(({ source }) => source)).toContain("f");
    expect(expressions.length).toBeGreaterThan(250);
    for (const part of ["src/api/", "src/gateway/", "src/providers/", "src/admin/", "src/cli/", "views/assets/"])
      expect(expressions.some(({ file }) => file.startsWith(part))).toBe(true);
  });

  test.each([
    "!\\[[^\\]]*\\]\\(\\s*<?([^)\\s>]+)>?[^)]*\\)",
    "_+([a-z0-9])",
    "=+$",
    "\\s+#\\s.*$",
    "^(a+)+$",
    "(?:a|ab)*c$",
    "a(?!b*c)",
    "(?=x)y+$",
  ])("%s is no linear one", (source) => expect(fault({ source, flags: "g" })).not.toBeNull());

  test("are linear", () => {
    const faults = expressions.flatMap((expression) => {
      const why = fault(expression);
      return why === null ? [] : [`${expression.file}: /${expression.source}/${expression.flags}: ${why}`];
    });
    expect(faults).toEqual([]);
  }, 240_000);
});
