// Everything that must hold before a change is good; with --quick types, lint and import rules. Ends with the runner's own count.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { failuresIn } from "./failures.ts";

const root = join(import.meta.dir, "..");

/**
 * Test files of a worker share its modules, as all do when `bun test` runs alone. More workers than four gain little and need memory. The
 * slowest, as once measured, begin first.
 */
const SIDE_BY_SIDE = [`--parallel=${Math.min(4, availableParallelism())}`, "--no-isolate", "--timings=test/timings.json"];

/** Runs one step with its output shown, and kept in `kept` when that is given. Null when it ended well, else its name. */
async function step(name: string, command: string[], kept?: string[]): Promise<string | null> {
  const startedAt = performance.now();
  console.log(`\n== ${name}: ${command.join(" ")}`);
  const child = kept
    ? Bun.spawn(command, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    : Bun.spawn(command, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (kept) await Promise.all([passOn(child.stdout, kept), passOn(child.stderr, kept)]);
  const code = await child.exited;
  console.log(`== ${name}: ${code === 0 ? "ok" : `failed (${code})`}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return code === 0 ? null : name;
}

async function passOn(from: ReadableStream<Uint8Array> | undefined, kept: string[]): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of from ?? []) {
    const text = decoder.decode(chunk, { stream: true });
    kept.push(text);
    process.stdout.write(text);
  }
}

/** Runs the tests as a step, and says again at the end what failed, and why. */
async function tests(report: string): Promise<string | null> {
  const command = ["bun", "test", ...SIDE_BY_SIDE, "--timeout=90000", "--reporter=junit", `--reporter-outfile=${report}`];
  const output: string[] = [];
  const broken = await step("tests", command, output);
  for (const failure of failuresIn(output.join(""))) console.log(`\n-- ${failure}`);
  return broken;
}

type Counts = { passed: number; failed: number; skipped: number };

/** Counts of a JUnit report, from its root element. */
export function countsOf(report: string): Counts {
  const [head] = /<testsuites[^>]*>/.exec(report) ?? [""];
  const read = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = read("failures") + read("errors");
  return { passed: read("tests") - failed - read("skipped"), failed, skipped: read("skipped") };
}

/** What can be said in seconds: `bun run check`. */
async function quick(): Promise<number> {
  const broken = [
    await step("types", ["bunx", "tsc", "--noEmit"]),
    await step("format and lint", ["bunx", "biome", "ci", "."]),
    await step("import rules", ["bun", "test", "src/architecture.test.ts"]),
  ].filter((name) => name !== null);
  return broken.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "flow2api-check-"));
  const report = join(folder, "report.xml");
  try {
    const steps = [
      await step("format and lint", ["bunx", "biome", "ci", "."]),
      await step("types", ["bunx", "tsc", "--noEmit"]),
      await step("project index", ["bun", "scripts/index.ts", "--check"]),
      await step("executable", ["bun", "scripts/build.ts"]),
      await tests(report),
    ];
    const counts = countsOf((await Bun.file(report).exists()) ? await Bun.file(report).text() : "");
    const broken = steps.filter((name) => name !== null);
    const failed = Math.max(counts.failed, broken.length);
    if (broken.length > 0) console.log(`\nfailed: ${broken.join(", ")}`);
    console.log(`\n${counts.passed} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`);
    return failed === 0 && counts.passed > 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exit(await (process.argv.includes("--quick") ? quick() : main()));
