// Admin login with delays after failures, per address or browser and account, so that no lockout is possible.
import type { LoginCounts } from "../../db/shared.ts";
import { type Failures, type LoginTry, loginWaitMs, withFailure, withoutFailures } from "../../domain/login-failures.ts";
import { AppError } from "../../errors.ts";
import { RecentMap } from "../../recent-map.ts";

/** Wrong passwords of one address that cost nothing but themselves. */
const FREE_FAILURES = 3;
const LONGEST_DELAY_MS = 15 * 60_000;
/** All addresses together: more, because one operator's mistakes are not another's. */
const PASSWORDS_OF_ALL: OfAll = { free: 20, longestMs: 10_000 };
/** A code has a million values and three that are right: who knows the password must not be able to try them from many addresses. */
export const CODES_OF_ALL: OfAll = { free: 5, longestMs: 60_000 };
const MAX_NAMES = 20_000;

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

/**
 * Resolves with what the check made of a try: null, it is wrong.
 * @throws {AppError} `limit_exceeded` with `retryAfterMs` when it is too early to try; nothing is compared then
 */
export type Login<Attempt, Result> = (attempt: Attempt, origin: LoginOrigin) => Promise<Result | null>;

/** Where a password comes from. */
export type LoginOrigin = {
  address: string | null;
  /** Id of a browser that has signed in with this account before; absent: none, or none that we know. It has a count of its own instead of its address's. */
  device?: string | null;
};

type OfAll = { free: number; longestMs: number };
type Options<Attempt, Result> = {
  /** Tells its counts from those of other logins. */
  name: string;
  /** The account that is tried. */
  subjectOf(attempt: Attempt): string;
  check(attempt: Attempt): Promise<Result | null>;
  counts: LoginCounts;
  now: () => number;
  /** Failures of unknown browsers together. */
  ofAll?: OfAll;
};

/**
 * A success takes away the failures of its own account only: whoever can sign in as somebody is not given more tries of somebody else.
 * A browser that has signed in before waits for its own failures only; an address that once had the right password does not wait for the
 * failures of other addresses.
 */
export function createLogin<Attempt, Result>(options: Options<Attempt, Result>): Login<Attempt, Result> {
  const { name, subjectOf, check, counts, now, ofAll = PASSWORDS_OF_ALL } = options;
  const tryOf = (attempt: Attempt, { address, device }: LoginOrigin): LoginTry => ({
    own: {
      name: `${name} ${device ? `device ${device}` : throttleKey(address)}`,
      ...{ free: FREE_FAILURES, longestMs: LONGEST_DELAY_MS },
    },
    all: device ? null : { name: `${name} all`, ...ofAll },
    // Some type their password where the name goes.
    subject: new Bun.CryptoHasher("sha256").update(subjectOf(attempt)).digest("base64url").slice(0, 22),
    at: now(),
  });
  return async (attempt, origin) => {
    const counted = tryOf(attempt, origin);
    // Counted before it is compared, so that tries at once count each.
    const wait = await counts.countLoginTry(counted);
    if (wait > 0) throw new AppError("limit_exceeded", "Too many wrong tries; wait before the next one.", { retryAfterMs: wait });
    const result = await check(attempt);
    if (result !== null) await counts.endLoginFailures({ ...counted, at: now() });
    return result;
  };
}

/** Counts of one process, in its memory. */
export class MemoryLoginCounts implements LoginCounts {
  readonly #byName = new RecentMap<string, Failures>(MAX_NAMES);

  async countLoginTry(tried: LoginTry): Promise<number> {
    const { own, all, subject, at } = tried;
    const wait = loginWaitMs(tried, this.#of(own.name), this.#of(all?.name));
    if (wait > 0) return wait;
    for (const { name } of [own, all].filter((one) => one !== null)) this.#byName.set(name, withFailure(this.#of(name), subject, at));
    return 0;
  }

  async endLoginFailures(tried: LoginTry): Promise<void> {
    const { own, all } = tried;
    this.#byName.set(own.name, withoutFailures(this.#of(own.name), tried, { isKnown: true }));
    if (all) this.#byName.set(all.name, withoutFailures(this.#of(all.name), tried, { isKnown: false }));
  }

  #of(name: string | undefined): Failures {
    return (name === undefined ? undefined : this.#byName.get(name)) ?? {};
  }
}
