// Compiles the executable: dist/flow2api for this machine.
import { join } from "node:path";
import { $ } from "bun";

/** Threads that write: a module each, beside `main.ts` in the executable as here. */
const THREADS = ["src/store-thread.ts", "src/backup-thread.ts"];

/** What a package asks for if it happens to be there (`debug` for its colours): packages for development bring it, the executable has none. */
export const LEFT_OUT = ["supports-color"];

/** Which functions a server runs, by hashes of their syntax: the same for every target, and as long as they do not change. */
export const BYTECODE_ORDER = join(import.meta.dir, "bytecode.order");

const root = join(import.meta.dir, "..");

/**
 * Compiles one executable. `--format=esm` goes with `--bytecode`: without it `import.meta.dir` is this machine's path.
 * The two `--no-compile-autoload` flags keep the executable from running what lies in the folder it is started from.
 */
export async function build(outfile: string, target?: string): Promise<void> {
  const flags = [
    "--compile",
    "--minify",
    "--splitting",
    "--bytecode",
    // 4 MB less of the executable are in memory. After many changes: `bun run bytecode-order`.
    `--bytecode-order=${BYTECODE_ORDER}`,
    "--format=esm",
    // What a start runs once is hardly compiled: 15 to 20 ms of processor time and 1.4 MB less. `compileFromNow` ends it in each thread.
    "--compile-jit-policy=32",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
  ];
  const left = LEFT_OUT.map((name) => `--external=${name}`);
  const chosen = target ? [`--target=${target}`] : [];
  await $`bun build ${flags} ${left} ${chosen} src/main.ts ${THREADS} --asset ./views/assets --outfile ${outfile}`.cwd(root).quiet();
}

if (import.meta.main) {
  await build(join(root, "dist", "flow2api"));
  console.log("built dist/flow2api");
}
