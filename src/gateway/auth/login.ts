// Admin login with delays after failures, per address and device, so that no lockout is possible.
import { AppError } from "../../errors.ts";

/** Wrong passwords of one address that cost nothing but themselves. */
const FREE_FAILURES = 3;
const LONGEST_DELAY_MS = 15 * 60_000;
/** All addresses together: more, because one operator's mistakes are not another's. */
const PASSWORDS_OF_ALL: OfAll = { free: 20, longestMs: 10_000 };
/** A code has a million values and three that are right: who knows the password must not be able to try them from many addresses. */
export const CODES_OF_ALL: OfAll = { free: 5, longestMs: 60_000 };
/** Failures are forgotten after this much quiet. */
const FORGET_MS = 24 * 3_600_000;
const MAX_ADDRESSES = 10_000;

/** Ms from the last failure until the next try: none, then 1 s, doubling, up to `longest`. Pure. */
export function loginDelayMs(failures: number, free: number, longest: number): number {
  return failures <= free ? 0 : Math.min(1000 * 2 ** Math.min(failures - free - 1, 30), longest);
}

/** Who shares a count: an IPv4 address, or the /64 that an IPv6 host picks its addresses from. */
export function throttleKey(address: string | null): string {
  if (!address?.includes(":")) return address ?? "unknown";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter(Boolean);
  const rest = tail === undefined ? [] : tail.split(":").filter(Boolean);
  const full = tail === undefined ? groups : [...groups, ...Array(Math.max(0, 8 - groups.length - rest.length)).fill("0"), ...rest];
  return full
    .slice(0, 4)
    .map((group) => group.replace(/^0+/, "").toLowerCase() || "0")
    .join(":");
}

type Failures = { count: number; at: number };

/**
 * Resolves with what the check made of a try: null, it is wrong.
 * @throws {AppError} `limit_exceeded` with `retryAfterMs` when it is too early to try; nothing is compared then
 */
export type Login<Attempt, Result> = {
  (attempt: Attempt, origin: LoginOrigin): Promise<Result | null>;
  /** Ms until the next try; asked before the form is read. */
  waitMs(origin: LoginOrigin): number;
};

/** Where a password comes from. */
export type LoginOrigin = {
  address: string | null;
  /** Id of a browser that has signed in before; absent: none, or none that we know. It has a count of its own instead of its address's. */
  device?: string | null;
};

type OfAll = { free: number; longestMs: number };
type Options<Attempt, Result> = {
  check(attempt: Attempt): Promise<Result | null>;
  now: () => number;
  /** Failures of unknown browsers together. */
  ofAll?: OfAll;
};

/**
 * Counts in memory. A browser that has signed in before waits for its own failures only; an address that once had the right password does
 * not wait for the failures of other addresses.
 */
export function createLogin<Attempt, Result>({
  check,
  now,
  ofAll: all = PASSWORDS_OF_ALL,
}: Options<Attempt, Result>): Login<Attempt, Result> {
  const byAddress = new Map<string, Failures>();
  const known = new Set<string>();
  let ofAll: Failures = { count: 0, at: 0 };

  const current = (failures: Failures | undefined): Failures =>
    failures && Math.abs(now() - failures.at) < FORGET_MS ? failures : { count: 0, at: 0 };
  const waitOf = ({ count, at }: Failures, free: number, longest: number) => {
    const delay = loginDelayMs(count, free, longest);
    return Math.min(Math.max(at + delay - now(), 0), delay);
  };

  const nameOf = ({ address, device }: LoginOrigin) => (device ? `device ${device}` : throttleKey(address));
  const waitMs = (origin: LoginOrigin): number => {
    const name = nameOf(origin);
    return Math.max(
      waitOf(current(byAddress.get(name)), FREE_FAILURES, LONGEST_DELAY_MS),
      origin.device || known.has(name) ? 0 : waitOf(current(ofAll), all.free, all.longestMs),
    );
  };
  const login = async (attempt: Attempt, origin: LoginOrigin): Promise<Result | null> => {
    const name = nameOf(origin);
    const own = current(byAddress.get(name));
    const wait = waitMs(origin);
    if (wait > 0) throw new AppError("limit_exceeded", "Too many wrong tries; wait before the next one.", { retryAfterMs: wait });
    // Counted before it is compared, so that tries at once count each.
    byAddress.delete(name);
    byAddress.set(name, { count: own.count + 1, at: now() });
    if (byAddress.size > MAX_ADDRESSES) byAddress.delete(byAddress.keys().next().value!);
    ofAll = { count: current(ofAll).count + 1, at: now() };
    const result = await check(attempt);
    if (result === null) return null;
    byAddress.delete(name);
    if (!origin.device) known.add(name);
    ofAll = { count: 0, at: 0 };
    return result;
  };
  return Object.assign(login, { waitMs });
}
