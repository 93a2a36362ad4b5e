// Writes PROJECT_INDEX.md: a line per folder from its README. With --check it fails when that is stale.
import { posix, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const INDEX = resolve(ROOT, "PROJECT_INDEX.md");
const SOURCES = new Bun.Glob("{src,views,scripts,bench,test}/**/*.{ts,tsx,js,mjs}");
/** Not written here, or data. */
const FOREIGN = /\/(node_modules|fixtures)\/|\/htmx[^/]*\.js$|\.min\.js$/;

const HEAD = `# Project index

One line per folder, from the README that lies in it. Made by \`bun run index\`. The first line of each file says what the file is.
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

/** Folders that hold sources; those of data, fixtures and the tests' recorded responses are described by the folder above. */
export const foldersOf = (sources: SourceFile[]): string[] =>
  [...new Set(sources.map(({ path }) => posix.dirname(path)))]
    .filter((folder) => !/(^|\/)(assets|answers|packaged)(\/|$)/.test(folder))
    .sort();

/** First sentence below the title of a README, in one line; null without one. */
export function summaryOf(readme: string): string | null {
  const paragraph = readme.replace(/^#[^\n]*\n+/, "").split(/\n\s*\n/)[0]!;
  const line = paragraph.replace(/\s+/g, " ").trim();
  if (line === "" || line.startsWith("|") || line.startsWith("- ")) return null;
  return /^.*?[^.][.:](?= [A-Z`]|$)/.exec(line)?.[0].replace(/:$/, ".") ?? line;
}

/** The text of PROJECT_INDEX.md. @throws {Error} naming the folders without a README that begins with what the folder is */
export async function indexText(sources: SourceFile[]): Promise<string> {
  const lines = await Promise.all(
    foldersOf(sources).map(async (folder) => {
      const file = Bun.file(resolve(ROOT, folder, "README.md"));
      const summary = (await file.exists()) ? summaryOf(await file.text()) : null;
      return { folder, line: summary && `- [${folder}](${folder}/README.md): ${summary}\n` };
    }),
  );
  const silent = lines.filter(({ line }) => line === null).map(({ folder }) => folder);
  if (silent.length > 0) throw new Error(`These folders have no README.md that begins with what they are: ${silent.join(", ")}`);
  return `${HEAD}\n${lines.map(({ line }) => line).join("")}`;
}

/** The text that is on disk; empty when there is none. */
export async function readIndex(): Promise<string> {
  const file = Bun.file(INDEX);
  return (await file.exists()) ? file.text() : "";
}

async function main(check: boolean): Promise<number> {
  const text = await indexText(await readSources());
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
