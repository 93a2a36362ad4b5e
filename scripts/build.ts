// Compiles the executable: dist/flow2api for this machine, or with --release every target and SHA256SUMS.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { $ } from "bun";

const TARGETS = [
  "bun-linux-x64",
  "bun-linux-arm64",
  "bun-linux-x64-musl",
  "bun-linux-arm64-musl",
  "bun-darwin-x64",
  "bun-darwin-arm64",
  "bun-windows-x64",
] as const;

const root = join(import.meta.dir, "..");

/**
 * Compiles one executable. `--format=esm` goes with `--bytecode`: without it `import.meta.dir` is this machine's path.
 * The two `--no-compile-autoload` flags keep the executable from running what lies in the folder it is started from.
 */
export async function build(outfile: string, target?: string): Promise<void> {
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const chosen = target ? [`--target=${target}`] : [];
  await $`bun build ${flags} ${chosen} src/main.ts --asset ./views/assets --outfile ${outfile}`.cwd(root).quiet();
}

async function release(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const target of TARGETS) {
    const name = target.replace("bun-", "flow2api-") + (target.includes("windows") ? ".exe" : "");
    await build(join(folder, name), target);
    console.log(`built ${name}`);
  }
  const files = readdirSync(folder).filter((file) => file.startsWith("flow2api"));
  const sums = await Promise.all(files.map(async (file) => `${await sha256(join(folder, file))}  ${basename(file)}`));
  await Bun.write(join(folder, "SHA256SUMS"), `${sums.sort().join("\n")}\n`);
}

async function sha256(file: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(file).stream()) hasher.update(chunk);
  return hasher.digest("hex");
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { release: { type: "boolean", default: false } } });
  if (values.release) await release(join(root, "dist", "release"));
  else {
    await build(join(root, "dist", "flow2api"));
    console.log("built dist/flow2api");
  }
}
