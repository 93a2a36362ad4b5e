// Writes PROJECT_INDEX.md, one line per source file from the line that opens it; with --check it fails when that is stale.
import { posix, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const INDEX = resolve(ROOT, "PROJECT_INDEX.md");
const SOURCES = new Bun.Glob("{src,views,scripts,bench,test}/**/*.{ts,tsx,js,mjs}");
/** Not written here, or data. */
const FOREIGN = /\/(node_modules|fixtures)\/|\/htmx[^/]*\.js$|\.min\.js$/;

const HEAD = `# Project index

One line per source file: the line that opens it. Made by \`bun run index\`.
`;

export type SourceFile = { path: string; text: string };

/** Every source file of the project, by path from its root. */
export async function readSources(): Promise<SourceFile[]> {
  const paths = [...SOURCES.scanSync({ cwd: ROOT })].map((path) => path.replaceAll("\\", "/")).filter((path) => !FOREIGN.test(`/${path}`));
  return Promise.all(paths.sort().map(async (path) => ({ path, text: await Bun.file(resolve(ROOT, path)).text() })));
}

/** What the line that opens a file says, or null when it is no `//` line. A `#!` line before it does not count. */
export function openingLine(text: string): string | null {
  return /^(?:#![^\n]*\n)?\/\/ +([^\n]*\S)/.exec(text)?.[1] ?? null;
}

/** The text of PROJECT_INDEX.md. @throws {Error} naming the files that do not open with a `//` line */
export function indexText(sources: SourceFile[]): string {
  const silent = sources.filter(({ text }) => openingLine(text) === null).map(({ path }) => path);
  if (silent.length > 0) throw new Error(`These files do not open with a line "// what it is": ${silent.join(", ")}`);
  const folders = Map.groupBy(sources, ({ path }) => posix.dirname(path));
  const sections = [...folders]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, files]) => {
      const lines = files.map(({ path, text }) => `- \`${posix.basename(path)}\`: ${openingLine(text)}\n`);
      return `\n## ${folder}\n\n${lines.join("")}`;
    });
  return HEAD + sections.join("");
}

/** The text that is on disk; empty when there is none. */
export async function readIndex(): Promise<string> {
  const file = Bun.file(INDEX);
  return (await file.exists()) ? file.text() : "";
}

async function main(check: boolean): Promise<number> {
  const text = indexText(await readSources());
  if (!check) {
    await Bun.write(INDEX, text);
    return 0;
  }
  if ((await readIndex()) === text) return 0;
  console.error("PROJECT_INDEX.md is stale: bun run index");
  return 1;
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.includes("--check"));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
