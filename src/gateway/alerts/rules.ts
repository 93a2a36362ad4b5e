// Alert rules: how long a condition has to last, what its end is worth, which conditions explain others.
import type { AlertFacts, RuleName } from "./facts.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

type Rule = {
  /** How long it has to be seen before it is an incident, ms. */
  forMs: number;
  /** False: what the message said already names the end (a day, a model), or there is none. */
  tellsEnd: boolean;
  /** It happens at one moment and has no end. */
  isEvent?: true;
};

export const RULES: Readonly<Record<RuleName, Rule>> = {
  pool_low: { forMs: MINUTE, tellsEnd: true },
  // Its message names when the caps begin anew.
  images_left: { forMs: MINUTE, tellsEnd: false },
  pool_empty: { forMs: 30 * SECOND, tellsEnd: true },
  tokens_blocked: { forMs: MINUTE, tellsEnd: true },
  errors: { forMs: 0, tellsEnd: true },
  limits: { forMs: 0, tellsEnd: false },
  jobs_unknown: { forMs: 15 * SECOND, tellsEnd: true },
  backup: { forMs: 0, tellsEnd: true },
  disk: { forMs: MINUTE, tellsEnd: true },
  sign_in: { forMs: 0, tellsEnd: false, isEvent: true },
  models_retire: { forMs: 0, tellsEnd: false },
  server: { forMs: 30 * SECOND, tellsEnd: true },
  other: { forMs: 2 * MINUTE, tellsEnd: true },
};

/** Rules of which nothing is sent while an incident of this kind lasts: it explains them. */
const EXPLAINS: Partial<Record<AlertFacts["kind"], readonly RuleName[]>> = {
  network: ["pool_empty", "pool_low", "tokens_blocked", "errors"],
  poolEmpty: ["pool_low", "images_left", "tokens_blocked", "errors"],
  ledger: ["errors"],
};

/** Whether one of the conditions explains an incident of the rule. */
export const isExplained = (rule: RuleName, kinds: Iterable<AlertFacts["kind"]>): boolean => {
  for (const kind of kinds) if (EXPLAINS[kind]?.includes(rule)) return true;
  return false;
};

/** A condition has to be absent for this long before its incident ends, ms: longer each time it has come back within the hour. */
export const clearMs = (returns: number): number => Math.min(2 * MINUTE * 2 ** returns, 30 * MINUTE);

/** One that begins this soon after its end has come back, ms. */
export const RETURN_MS = 60 * MINUTE;

/** A message waits this long for what happens together with it, ms. */
export const WAIT_MS = 30 * SECOND;
export const URGENT_WAIT_MS = 10 * SECOND;
/** Least time between two messages, ms. */
export const GAP_MS = 5 * MINUTE;
export const URGENT_GAP_MS = 30 * SECOND;
/** Messages in any hour. */
export const MOST_AN_HOUR = 10;
export const MOST_URGENT_AN_HOUR = 20;
