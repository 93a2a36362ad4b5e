// Every regular expression of the program takes time that is linear in its text, as a checker proves.
import { describe, expect, test } from "bun:test";
import { checkSync } from "recheck";
import { expressionsIn, type FoundExpression, findExpressions } from "./regular-expressions.ts";

const TIMEOUT_MS = 3_000;

/**
 * What is wrong with an expression; null: proven linear. The automaton of a long counted repeat (`{26}`) is too large to search: such an
 * expression is checked with a short one in its place, which is as ambiguous.
 */
function fault({ source, flags }: Pick<FoundExpression, "source" | "flags">): string | null {
  const check = (text: string) => checkSync(text, flags, { checker: "automaton", timeout: TIMEOUT_MS });
  const whole = check(source);
  const found = whole.status === "unknown" && whole.error.kind === "timeout" ? check(shortened(source)) : whole;
  if (found.status === "unknown") return `cannot be checked: ${JSON.stringify(found.error)}`;
  return found.status === "safe" && (found.complexity.type === "safe" || found.complexity.type === "linear")
    ? null
    : found.complexity.summary;
}

const shortened = (source: string) => source.replace(/\{(\d{2,})\}/g, "{4}");

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

  test.each(["!\\[[^\\]]*\\]\\(\\s*<?([^)\\s>]+)>?[^)]*\\)", "_+([a-z0-9])", "=+$", "\\s+#\\s.*$", "^(a+)+$", "(?:a|ab)*c$"])(
    "%s is no linear one",
    (source) => expect(fault({ source, flags: "g" })).not.toBeNull(),
  );

  test("are linear", () => {
    const faults = expressions.flatMap((expression) => {
      const why = fault(expression);
      return why === null ? [] : [`${expression.file}: /${expression.source}/${expression.flags}: ${why}`];
    });
    expect(faults).toEqual([]);
  }, 240_000);
});
