// How many calls to upstreams are held at once: the runtime reads that from its environment when it begins, and holds 256 without.
import type { TokenRow } from "../db/store.ts";
import type { Log } from "../log.ts";
import type { Io } from "./verb.ts";

/** Bun's own name, documented with its `fetch` (1.4). Calls beyond the number wait unseen, as if the upstream were slow. */
const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const WITHOUT = 256;
const ENOUGH = 8192;

/**
 * Lets a program that is to serve begin anew with room enough, unless the operator chose a number.
 * `restart` begins the same command again in this process, with more in its environment; it returns only where that is not possible.
 */
export function makeRoomForCalls(argv: readonly string[], env: Io["env"], restart: (more: Record<string, string>) => void): void {
  const [verb = ""] = argv;
  const serves = verb === "" || verb === "serve" || verb.startsWith("-");
  if (serves && !env[VARIABLE]) restart({ [VARIABLE]: String(ENOUGH) });
}

type Caller = Pick<TokenRow, "enabled" | "imageConcurrency" | "videoConcurrency">;

/** Warns when the tokens may make more calls at once than are held, and those are few. */
export function warnOfFewCalls(tokens: readonly Caller[], { env }: Pick<Io, "env">, log: Pick<Log, "warn">): void {
  const held = Number(env[VARIABLE] || WITHOUT);
  const count = (calls: number) => (calls < 0 ? Number.POSITIVE_INFINITY : calls);
  const wanted = tokens.reduce(
    (sum, token) => (token.enabled ? sum + count(token.imageConcurrency) + count(token.videoConcurrency) : sum),
    0,
  );
  if (wanted <= held || held >= ENOUGH) return;
  log.warn(`The tokens may make more calls at once than the runtime holds; further ones wait unseen. Set ${VARIABLE} before the start`, {
    held,
    wanted: Number.isFinite(wanted) ? wanted : "unlimited",
  });
}
