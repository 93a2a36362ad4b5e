// What the runtime reads from its environment when it begins, and a server wants: room for calls to upstreams, a tidy memory, and little compiled.
import { accessSync, constants } from "node:fs";
import type { TokenRow } from "../../domain/token.ts";
import type { Log } from "../../log.ts";
import type { Io } from "../verb.ts";

/** Bun's own name, documented with its `fetch` (1.4). Calls beyond the number wait unseen, as if the upstream were slow. */
const CALLS = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const CALLS_WITHOUT = 256;
const CALLS_ENOUGH = 8192;

/** What is set where the operator has not. Dockerfile and deploy/flow2api.service set it too, so that there nothing begins twice. */
export const WANTED = {
  [CALLS]: String(CALLS_ENOUGH),
  // The engine lets garbage grow with the machine's memory. As if there were 8 GiB, 16 responses of 24 MiB take a third less at once,
  // and no longer: `bun run bench`.
  BUN_JSC_forceRAMSize: String(8 * 1024 ** 3),
  // Seconds of quiet before each of the runtime's idle collections (10, 110 and 480 by default): garbage of a burst and code that no longer
  // runs are given back while nobody waits. They mark beside the program, 3 ms at a time; a first request after them takes 1 ms more.
  // The last is late: compiled code that rested for 30 s goes then, and not in a pause between two images.
  BUN_IDLE_GC_SECONDS: "1,1,38",
  // Little is inlined and the last compiler hurries: few servers have the 100,000 requests that more would pay for. The first 20,000 take
  // 6 % less, their compilers a third less; later ones take no more, and memory and the slowest requests gain: `bench/README.md`.
  BUN_JSC_maximumFunctionForCallInlineCandidateBytecodeCostForDFG: "20",
  BUN_JSC_maximumFunctionForCallInlineCandidateBytecodeCostForFTL: "20",
  BUN_JSC_defaultB3OptLevel: "1",
};

/** Memory as a folder, and Bun's name for where it puts files of its own: a start that compiles the watchdog does not wait for a disk. */
const MEMORY_FOLDER = "/dev/shm";
const OWN_FILES = "BUN_TMPDIR";

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Options in the place of a verb that serve nothing. */
const ASKING: ReadonlySet<string> = new Set(["--help", "-h", "--version"]);

/**
 * Lets a program that is to serve begin again with what it wants, unless the operator chose otherwise.
 * `restart` begins the same command again in this process, with more in its environment; it returns only where that is not possible.
 */
export function prepareRuntime(
  argv: readonly string[],
  env: Io["env"],
  restart: (more: Record<string, string>) => void,
  isThere = isWritable,
): void {
  const [verb = ""] = argv;
  const serves = verb === "" || verb === "serve" || (verb.startsWith("-") && !ASKING.has(verb));
  const missing = Object.entries(WANTED).filter(([name]) => !env[name]);
  if (!serves || missing.length === 0) return;
  // Not worth a restart by itself.
  const folder: Record<string, string> = !env[OWN_FILES] && isThere(MEMORY_FOLDER) ? { [OWN_FILES]: MEMORY_FOLDER } : {};
  restart({ ...Object.fromEntries(missing), ...folder });
}

type Caller = Pick<TokenRow, "enabled" | "imageConcurrency" | "videoConcurrency">;

/** Warns when the tokens may make more calls at once than are held, and those are few. */
export function warnOfFewCalls(tokens: readonly Caller[], { env }: Pick<Io, "env">, log: Pick<Log, "warn">): void {
  const held = Number(env[CALLS] || CALLS_WITHOUT);
  if (held >= CALLS_ENOUGH) return;
  const count = (calls: number) => (calls < 0 ? Number.POSITIVE_INFINITY : calls);
  const wanted = tokens.reduce(
    (sum, token) => (token.enabled ? sum + count(token.imageConcurrency) + count(token.videoConcurrency) : sum),
    0,
  );
  if (wanted <= held) return;
  log.warn(`The tokens may make more calls at once than the runtime holds; further ones wait unseen. Set ${CALLS} before the start`, {
    held,
    wanted: Number.isFinite(wanted) ? wanted : "unlimited",
  });
}
