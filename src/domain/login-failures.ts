// Login failures: counts under a name, by the account that was tried, and how long the next try waits. Pure.

/** Failures are forgotten after this much quiet, ms. */
export const FORGET_MS = 24 * 3_600_000;
/** Accounts of which one name counts apart; more share what is left. */
const MAX_SUBJECTS = 100;
/** Stands for the accounts beyond that: what is counted for it is forgotten by time only. */
const OTHERS = "";

/** What shares a count: an address, a browser, everybody. */
export type FailureCount = {
  name: string;
  /** Failures that cost nothing but themselves. */
  free: number;
  longestMs: number;
};

/** A try of an account's password or code. */
export type LoginTry = {
  /** Who tries. */
  own: FailureCount;
  /** All together; waited for by whom this account has not let in before. Null: not at all. */
  all: FailureCount | null;
  /** The account. */
  subject: string;
  /** Epoch ms. */
  at: number;
};

/** `count`: failures since the account let this name in; `known`: it did. `at`: epoch ms of the last. */
export type Failures = Record<string, { count: number; at: number; known?: boolean }>;

/** Ms from the last failure until the next try: none, then 1 s, doubling, up to `longest`. */
export function loginDelayMs(failures: number, free: number, longest: number): number {
  return failures <= free ? 0 : Math.min(1000 * 2 ** Math.min(failures - free - 1, 30), longest);
}

const fresh = (failures: Failures, now: number): [string, Failures[string]][] =>
  Object.entries(failures).filter(([, { at }]) => Math.abs(now - at) < FORGET_MS);

function waitOf(failures: Failures, { free, longestMs }: FailureCount, now: number): number {
  const counted = fresh(failures, now).filter(([, { count }]) => count > 0);
  const count = counted.reduce((sum, [, one]) => sum + one.count, 0);
  const delay = loginDelayMs(count, free, longestMs);
  const last = counted.reduce((latest, [, { at }]) => Math.max(latest, at), 0);
  return Math.min(Math.max(last + delay - now, 0), delay);
}

/** Ms until the next try, from what is stored under both names. */
export function loginWaitMs({ own, all, subject, at }: LoginTry, ofOwn: Failures, ofAll: Failures): number {
  const isKnown = fresh(ofOwn, at).some(([name, { known }]) => name === subject && known);
  return Math.max(waitOf(ofOwn, own, at), all === null || isKnown ? 0 : waitOf(ofAll, all, at));
}

/** With one more failure of an account. */
export function withFailure(failures: Failures, subject: string, at: number): Failures {
  const kept = Object.fromEntries(fresh(failures, at));
  const { count, known } = kept[subject] ?? { count: 0 };
  return bounded({ ...kept, [subject]: { count: count + 1, at, ...(known && { known }) } });
}

/** After an account let this name in: its own failures are gone, those of other accounts stay. */
export function withoutFailures(failures: Failures, { subject, at }: LoginTry, { isKnown }: { isKnown: boolean }): Failures {
  const { [subject]: _gone, ...kept } = Object.fromEntries(fresh(failures, at));
  return isKnown ? bounded({ ...kept, [subject]: { count: 0, at, known: true } }) : kept;
}

/** The longest quiet are added up under one name. */
function bounded(failures: Failures): Failures {
  const named = Object.entries(failures).filter(([name]) => name !== OTHERS);
  if (named.length <= MAX_SUBJECTS) return failures;
  const byAge = named.toSorted(([, one], [, other]) => other.at - one.at);
  const { count, at } = failures[OTHERS] ?? { count: 0, at: 0 };
  const rest = byAge.slice(MAX_SUBJECTS).map(([, one]) => one);
  const others = { count: rest.reduce((sum, one) => sum + one.count, count), at: rest.reduce((last, one) => Math.max(last, one.at), at) };
  return { ...Object.fromEntries(byAge.slice(0, MAX_SUBJECTS)), [OTHERS]: others };
}
