// The program: arguments and standard streams in, exit code out. The only module that acts when it is loaded.
import { prepareRuntime } from "./cli/serve/runtime.ts";

// Before anything else is loaded: where the process begins again, that would be done twice.
prepareRuntime(process.argv.slice(2), process.env, (more) => {
  // The executable finds its program by itself.
  const command = Bun.main.startsWith("/$bunfs/") ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)];
  try {
    process.execve?.(process.execPath, [process.argv0, ...command], { ...process.env, ...more });
  } catch {
    // Windows has no such thing, and an executable that was replaced under us cannot be found.
  }
});

const [{ run }, { StandardStreams }] = await Promise.all([import("./cli/cli.ts"), import("./cli/standard-streams.ts")]);

const streams = new StandardStreams();
const code = await run(process.argv.slice(2), {
  stdout: streams.stdout,
  stderr: streams.stderr,
  stdin: () => Bun.stdin.text(),
  ask: async (question) => (await import("./cli/terminal.ts")).askHidden(question),
  env: process.env,
  cwd: process.cwd(),
  get isTerminal() {
    return streams.isTerminal;
  },
  now: Date.now,
  onSignal(listener) {
    process.on("SIGINT", listener).on("SIGTERM", listener);
    return () => void process.off("SIGINT", listener).off("SIGTERM", listener);
  },
  onExit: (listener) => void process.on("exit", listener),
  exit: (status) => process.exit(status),
});

// Output that is still on its way is written before the process ends.
await streams.flush();
process.exit(code);
