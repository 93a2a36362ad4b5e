// The compiled executable for tests: built when it is older than its sources, run from an empty folder beside a simulator.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Simulator, type StartOptions as SimulatorStart, startSimulator } from "../src/simulator/simulator.ts";
import { temporaryFolder } from "../src/testing.ts";
import { serverEnv } from "./server-env.ts";

const root = join(import.meta.dir, "..");
export const EXECUTABLE = join(root, "dist", "flow2api");

const newestIn = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );

let building: Promise<void> | null = null;

/** Builds `dist/flow2api` unless it is newer than everything it is made of. One build for all tests of a process. */
export function ensureExecutable(): Promise<void> {
  building ??= (async () => {
    const newest = Math.max(newestIn(join(root, "src")), newestIn(join(root, "views")), statSync(join(root, "package.json")).mtimeMs);
    if (existsSync(EXECUTABLE) && statSync(EXECUTABLE).mtimeMs > newest) return;
    const { build } = await import("../scripts/build.ts");
    await build(EXECUTABLE);
  })();
  return building;
}

export type Run = { code: number; stdout: string; stderr: string };

export type Program = AsyncDisposable & {
  readonly url: string;
  key: string;
  folder: string;
  simulator: Simulator;
  readonly pid: number;
  /** Runs a verb of the executable on the same data folder. */
  cli(...args: string[]): Promise<Run>;
  /** Everything that the server wrote so far. */
  logged(): string;
  /** Asks the server to stop; resolves with its exit code. */
  terminate(signal?: NodeJS.Signals): Promise<number>;
  /** Serves again from the same folder, after the server has ended; at another address. */
  serve(): Promise<void>;
};

export type ProgramOptions = {
  tokens?: { provider: string; secret: string }[];
  env?: Record<string, string>;
  simulator?: SimulatorStart;
  withKey?: boolean;
  /** Text of `config/models.toml`. */
  models?: string;
};

/** Starts `serve` on a free port with a pool of two Gemini tokens and one Flow session, all of the simulator. */
export async function startProgram({
  tokens,
  env = {},
  simulator: simulated = {},
  withKey = true,
  models,
}: ProgramOptions = {}): Promise<Program> {
  await ensureExecutable();
  const folder = temporaryFolder();
  const simulator = await startSimulator(simulated);
  if (models !== undefined) await Bun.write(join(folder.path, "config", "models.toml"), models);
  const environment: Record<string, string> = {
    ...serverEnv(simulator),
    FLOW2API_SERVER_PORT: "0",
    FLOW2API_LOG_LEVEL: "debug",
    ...env,
  };
  const cli = (...args: string[]) => runExecutable(args, { cwd: folder.path, env: environment });
  const pool = tokens ?? [
    { provider: "gemini", secret: "alpha-project.key-one" },
    { provider: "gemini", secret: "beta-project.key-two" },
    { provider: "flow", secret: "flow-session-pro-one" },
  ];
  for (const { provider, secret } of pool) await cli("token", "add", "--provider", provider, "--secret", secret);
  const key = withKey ? (await cli("key", "create", "--name", "test")).stdout.trim() : "";

  let logged = "";
  const serve = async () => {
    const child = Bun.spawn([EXECUTABLE, "serve"], { cwd: folder.path, env: environment, stdout: "pipe", stderr: "pipe" });
    const begun = logged.length;
    const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
    const read = async (stream: ReadableStream<Uint8Array>) => {
      for await (const chunk of stream.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
        logged += chunk;
        const url = /"message":"listening","url":"([^"]+)"/.exec(logged.slice(begun))?.[1];
        if (url) resolve(url);
      }
    };
    void read(child.stdout);
    void read(child.stderr).then(() => reject(new Error(`The server did not start:\n${logged}`)));
    return { child, url: await listening };
  };
  let { child: server, url } = await serve();
  return {
    get url() {
      return url;
    },
    key,
    folder: folder.path,
    simulator,
    get pid() {
      return server.pid;
    },
    cli,
    logged: () => logged,
    async serve() {
      ({ child: server, url } = await serve());
    },
    async terminate(signal = "SIGTERM") {
      server.kill(signal);
      return server.exited;
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await server.exited;
      await simulator.stop();
      folder[Symbol.dispose]();
    },
  };
}

export async function runExecutable(args: string[], options: { cwd: string; env?: Record<string, string>; stdin?: string }): Promise<Run> {
  await ensureExecutable();
  const child = Bun.spawn([EXECUTABLE, ...args], {
    cwd: options.cwd,
    env: options.env ?? { PATH: process.env.PATH ?? "" },
    stdin: new Blob([options.stdin ?? ""]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, stdout, stderr };
}
