// Every regular expression of the program: literals, `new RegExp("…")`, and the `pattern` texts of schemas.
import { type AnyNode, parse } from "acorn";
import { Glob } from "bun";

export type FoundExpression = { file: string; source: string; flags: string };

const PROGRAM = new Glob("{src,views}/**/*.{ts,tsx,js}");
/** A transpiler by itself finds no macro's file; what a macro has as expressions is found in its own file. */
const AS_MACRO = ' with { type: "macro" }';
const NOT_SHIPPED = /\.(test|fixtures)\.tsx?$|\/testing\.ts$/;

/** All of them, each once for a file. */
export async function findExpressions(root: string): Promise<FoundExpression[]> {
  const found: FoundExpression[] = [];
  for await (const file of PROGRAM.scan({ cwd: root })) {
    if (NOT_SHIPPED.test(file)) continue;
    found.push(...expressionsIn(file, await Bun.file(`${root}/${file}`).text()));
  }
  return found;
}

/** The expressions of one file. A pattern that is put together at run time is found with its parts, each variable standing for `x`. */
export function expressionsIn(file: string, text: string): FoundExpression[] {
  const loader = file.endsWith("x") ? "tsx" : file.endsWith(".js") ? "js" : "ts";
  const code = new Bun.Transpiler({ loader, deadCodeElimination: false, inline: false }).transformSync(text.replaceAll(AS_MACRO, ""));
  const found: FoundExpression[] = [];
  const add = (source: string, flags = "") => {
    if (!found.some((one) => one.source === source && one.flags === flags)) found.push({ file, source, flags });
  };
  visit(parse(code, { ecmaVersion: "latest", sourceType: "module" }), (node) => {
    if (node.type === "Literal" && node.regex) add(node.regex.pattern, node.regex.flags);
    if ((node.type === "NewExpression" || node.type === "CallExpression") && isNamed(node.callee, "RegExp")) {
      const source = staticText(node.arguments[0]);
      if (source !== null) add(source, staticText(node.arguments[1]) ?? "");
    }
    if (node.type === "Property" && isNamed(node.key, "pattern")) {
      const source = staticText(node.value);
      if (source !== null && isExpression(source)) add(source);
    }
  });
  return found;
}

type Node = AnyNode & Record<string, unknown>;

function visit(node: AnyNode, take: (node: AnyNode) => void): void {
  take(node);
  for (const value of Object.values(node as Node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === "object" && child !== null && "type" in child) visit(child as AnyNode, take);
    }
  }
}

const isNamed = (node: AnyNode, name: string) => node.type === "Identifier" && node.name === name;

function staticText(node: AnyNode | undefined): string | null {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type === "TemplateLiteral") return node.quasis.map(({ value }) => value.cooked ?? "").join("x");
  return null;
}

function isExpression(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
