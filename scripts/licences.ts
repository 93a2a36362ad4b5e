// Writes the licences of what is built in: the list that the admin shows, and their texts; with --check it fails when either is stale.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, readLocked } from "./release/lockfile.ts";

const LIST = join(ROOT, "src/admin/licences.json");
const TEXTS = join(ROOT, "views/assets/licences.txt");

type Manifest = { name: string; version: string; license?: string; licenses?: { type: string }[] };
type Licence = { name: string; version: string; licence: string };

/** Every package that the program needs at run time, whether all of it is built in or not; by name. */
function packages(): { manifest: Manifest; folder: string }[] {
  const found = new Map<string, { manifest: Manifest; folder: string }>();
  for (const { folder } of readLocked().packages) {
    const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
    found.set(manifest.name, { manifest, folder: join(ROOT, folder) });
  }
  return [...found.values()].sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
}

function textOf(folder: string): string {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.(md|txt))?$/i.test(name));
  return file ? readFileSync(join(folder, file), "utf8").trim() : "The package brings no text of its licence.";
}

/** The list and the texts, as they should be. */
export function licences(): { list: string; texts: string } {
  const all = packages();
  const list: Licence[] = all.map(({ manifest: { name, version, license, licenses } }) => ({
    name,
    version,
    // The second form is how old packages say it.
    licence: license ?? licenses?.map(({ type }) => type).join(", ") ?? "unknown",
  }));
  const texts = all.map(({ manifest, folder }) => `${manifest.name} ${manifest.version}\n\n${textOf(folder)}\n`);
  return { list: `${JSON.stringify(list, null, 2)}\n`, texts: texts.join(`\n${"=".repeat(80)}\n\n`) };
}

if (import.meta.main) {
  const { list, texts } = licences();
  if (process.argv.includes("--check")) {
    const isFresh = readFileSync(LIST, "utf8") === list && readFileSync(TEXTS, "utf8") === texts;
    if (!isFresh) console.error("The licences are stale: bun scripts/licences.ts");
    process.exit(isFresh ? 0 : 1);
  }
  await Bun.write(LIST, list);
  await Bun.write(TEXTS, texts);
}
