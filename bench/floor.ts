// bun bench/floor.ts: what compiled servers that do nothing take at the least: start and anonymous memory, beside which ours are read.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { anonymousOf } from "./cpu.ts";
import { median } from "./load.ts";
import { firstAnswer, freePort, stop } from "./targets.ts";

export type Floor = { program: string; startMs: number; idleMb: number };

const PROGRAMS = { "bare Bun.serve": "bare", Elysia: "elysia", "Elysia, SQLite, two threads": "elysia-sqlite" } as const;
const IDLE_MS = 3_000;
const STARTS = 3;

/** Of executables that are built as ours is. */
export async function measureFloors(): Promise<Floor[]> {
  const folder = mkdtempSync(join(tmpdir(), "flow2api-floor-"));
  try {
    const floors: Floor[] = [];
    for (const [program, file] of Object.entries(PROGRAMS)) {
      const outfile = join(folder, file);
      const source = join(import.meta.dir, "floor", `${file}.ts`);
      await $`bun build --compile --minify --bytecode --format=esm ${source} --outfile ${outfile}`.quiet();
      floors.push({ program, ...(await measure(outfile)) });
    }
    return floors;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(executable: string): Promise<Omit<Floor, "program">> {
  const all = [];
  for (let time = 0; time < STARTS; time++) {
    const port = await freePort();
    const startedAt = performance.now();
    const server = Bun.spawn([executable, String(port)], { stdout: "ignore", stderr: "inherit" });
    const startMs = await firstAnswer(`http://127.0.0.1:${port}/health`, startedAt);
    await Bun.sleep(IDLE_MS);
    all.push({ startMs, idleMb: anonymousOf(server.pid) });
    await stop(server);
  }
  return { startMs: median(all.map(({ startMs }) => startMs)), idleMb: median(all.map(({ idleMb }) => idleMb)) };
}

export function printFloors(floors: readonly Floor[]): void {
  console.log("\nFloor: compiled servers that do nothing");
  console.table(
    floors.map(({ program, startMs, idleMb }) => ({ program, "start ms": startMs.toFixed(0), "anonymous MB": idleMb.toFixed(1) })),
  );
}

if (import.meta.main) printFloors(await measureFloors());
