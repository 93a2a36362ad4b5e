// The world of one command line in tests: what it wrote, a folder of its own, signals by hand.
import { run } from "./cli.ts";
import type { Io } from "./verb.ts";

export type Recorded = Io & {
  /** What was written so far. */
  out: string;
  err: string;
  /** What `exit` was called with. */
  exits: number[];
  signal(): void;
  /** The process exits. */
  end(): void;
};

export type World = Partial<Pick<Io, "env" | "isTerminal" | "ask" | "now">> & { cwd: string; stdin?: string };

/** An Io that records what is written to it. Its clock stands at 2026-11-23T12:00:00Z. */
export function recordedIo(world: World): Recorded {
  const listeners = new Set<() => void>();
  const onExit = new Set<() => void>();
  const io: Recorded = {
    out: "",
    err: "",
    exits: [],
    stdout(text) {
      io.out += text;
    },
    stderr(text) {
      io.err += text;
      return true;
    },
    stdin: async () => world.stdin ?? "",
    ask: world.ask ?? (() => Promise.reject(new Error("Nobody is asked here."))),
    env: world.env ?? {},
    cwd: world.cwd,
    isTerminal: world.isTerminal ?? false,
    now: world.now ?? (() => Date.UTC(2026, 10, 23, 12)),
    onSignal(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onExit: (listener) => void onExit.add(listener),
    end() {
      for (const listener of onExit) listener();
    },
    exit: (code) => void io.exits.push(code),
    signal() {
      for (const listener of listeners) listener();
    },
  };
  return io;
}

/** Runs one command line to its end. */
export async function runRecorded(world: World, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = recordedIo(world);
  const code = await run(argv, io);
  return { code, out: io.out, err: io.err };
}
