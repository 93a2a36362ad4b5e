// Native thread of the watchdog: C that is compiled at the start, once in a process, by the compiler that Bun carries.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import source from "./watchdog-thread.c" with { type: "text" };

type Native = { begin(memory: Int32Array, isJson: number): number; end(): void };

/** Null: not asked for yet; false: no C can be compiled. */
let compiled: Native | false | null = null;

/** `CLOCK_MONOTONIC`. */
const CLOCK = process.platform === "darwin" ? 6 : 1;

/**
 * Starts the thread on this memory, which must live as long as the process; null where no C can be compiled, where a signal that is to be
 * seen has no handler, and where this process is watched already. Call the result to end the watch.
 */
export function watchNatively(memory: Int32Array, isJson: boolean, constants: Readonly<Record<string, number>>): (() => void) | null {
  if (process.platform === "win32") return null;
  compiled ??= compile({ ...constants, CLOCK });
  if (!compiled) return null;
  const { begin, end } = compiled;
  return begin(memory, isJson ? 1 : 0) === 1 ? () => end() : null;
}

/** The file is written for the compiler alone, which reads no text, beside its own. */
function compile(constants: Readonly<Record<string, number>>): Native | false {
  const file = join(
    process.env.BUN_TMPDIR || process.getBuiltinModule("node:os").tmpdir(),
    `flow2api-watchdog-${process.pid}-${crypto.randomUUID()}.c`,
  );
  try {
    const { cc } = require("bun:ffi") as typeof import("bun:ffi");
    const defines = Object.entries(constants).map(([name, value]) => `#define ${name} ${value}\n`);
    writeFileSync(file, defines.join("") + source, { flag: "wx", mode: 0o600 });
    const symbols = { begin: { args: ["ptr", "int"], returns: "int" }, end: { args: [], returns: "void" } } as const;
    return cc({ source: file, symbols }).symbols as unknown as Native;
  } catch {
    return false;
  } finally {
    rmSync(file, { force: true });
  }
}
