// Admission of reservations on state that several nodes share: requests per minute, concurrency and budgets of keys. Pure.
import type { Amounts, NewReservation, Refusal, ReservationEnd } from "../../ledger.ts";
import { RecentMinute } from "./recent.ts";

/** A key's row. */
export type KeyState = { keyId: number; inFlight: number; recent: string };

/** What a key used and has reserved in a period. */
export type PeriodState = { keyId: number; period: string; used: Amounts; reserved: Amounts };

/** A reservation that is not open any more. `periods`: those in which its estimate was reserved; null: in none. */
export type ClosedReservation = { keyId: number; periods: readonly string[] | null; holdsConcurrency: boolean; estimate: Amounts };

/**
 * What becomes of a key's row; `rpm` and `concurrency` must still allow it. Null: they do not matter. `seen`: the last minute that it was
 * decided by; while the row still has that text, `rpm` allows it.
 */
export type KeyChange = Record<"keyId" | "inFlight" | "requests", number> & Record<"rpm" | "concurrency", number | null> & { seen: string };
/** What becomes of a key's period; with it each sum must be within its limit. Null: it does not matter. */
export type PeriodChange = PeriodState & { limits: Record<keyof Amounts, number | null> };

/** Names a key's period. */
export const periodName = (keyId: number, period: string) => `${keyId}/${period}`;

const addTo = (sum: Amounts, more: Amounts, sign: 1 | -1): void => {
  sum.images += sign * more.images;
  sum.videoMs += sign * more.videoMs;
  sum.microUsd += sign * more.microUsd;
};

/** Decides one after the other: what has ended or was admitted counts for those that follow. */
export class Admission {
  readonly #keys: Map<number, { inFlight: number; recent: RecentMinute; seen: string }>;
  readonly #changes = new Map<number, KeyChange>();
  readonly #periods: Map<string, PeriodState>;
  /** What was added here, by period. */
  readonly #added = new Map<string, PeriodChange>();

  /** @param now epoch ms of the database's clock */
  constructor(keys: readonly KeyState[], periods: readonly PeriodState[], now: number) {
    this.#keys = new Map(
      keys.map(({ keyId, inFlight, recent }) => [keyId, { inFlight, recent: new RecentMinute(recent, now), seen: recent }]),
    );
    this.#periods = new Map(periods.map((state) => [periodName(state.keyId, state.period), state]));
  }

  /** What it had reserved is free again, what it used counts. */
  end({ keyId, periods, holdsConcurrency, estimate }: ClosedReservation, { state, actual, periods: usedIn }: ReservationEnd): void {
    const key = this.#keys.get(keyId);
    if (periods !== null && holdsConcurrency) {
      if (key) key.inFlight = Math.max(0, key.inFlight - 1);
      this.#changeOf(keyId).inFlight -= 1;
    }
    for (const period of periods ?? []) addTo(this.#addedTo(keyId, period).reserved, estimate, -1);
    if (state !== "released") for (const period of usedIn) addTo(this.#addedTo(keyId, period).used, actual, 1);
  }

  /** The first limit that it does not fit; null: none. Changes nothing. */
  refusal({ keyId, shared, estimate }: NewReservation): Refusal | null {
    const key = this.#keys.get(keyId);
    if (!shared || !key) return null;
    const { rpm, concurrency, budgets } = shared.limits;
    const until = rpm === null ? 0 : key.recent.availableAt("requests", 1, rpm);
    if (until > 0) return { of: "rpm", until };
    if (concurrency !== null && key.inFlight >= concurrency) return { of: "concurrency" };
    for (const { period, of, limit } of budgets) {
      const used = this.#sum(keyId, period, of);
      if (estimate[of] > 0 && used + estimate[of] > limit) return { of, period, used };
    }
    return null;
  }

  /** Counts it. */
  admit({ keyId, shared, estimate }: NewReservation): void {
    const key = this.#keys.get(keyId);
    if (!shared || !key) return;
    key.inFlight += 1;
    key.recent.add(1, 0);
    const { rpm, concurrency, budgets } = shared.limits;
    const change = this.#changeOf(keyId);
    change.inFlight += 1;
    change.requests += 1;
    change.rpm = least(change.rpm, rpm);
    change.concurrency = least(change.concurrency, concurrency);
    for (const period of shared.periods) addTo(this.#addedTo(keyId, period).reserved, estimate, 1);
    for (const { period, of, limit } of budgets) {
      if (estimate[of] === 0) continue;
      const { limits } = this.#addedTo(keyId, period);
      limits[of] = least(limits[of], limit);
    }
  }

  /** In the order in which rows are locked. */
  changes(): { keys: KeyChange[]; periods: PeriodChange[] } {
    const periods = [...this.#added.values()].filter(({ used, reserved }) => isChange(used) || isChange(reserved));
    return {
      keys: [...this.#changes.values()].sort((a, b) => a.keyId - b.keyId),
      periods: periods.sort((a, b) => a.keyId - b.keyId || (a.period < b.period ? -1 : 1)),
    };
  }

  #changeOf(keyId: number): KeyChange {
    const known = this.#changes.get(keyId);
    if (known) return known;
    const change: KeyChange = { keyId, inFlight: 0, requests: 0, rpm: null, concurrency: null, seen: this.#keys.get(keyId)?.seen ?? "" };
    this.#changes.set(keyId, change);
    return change;
  }

  #addedTo(keyId: number, period: string): PeriodChange {
    const name = periodName(keyId, period);
    let added = this.#added.get(name);
    if (added) return added;
    const nothing = { images: 0, videoMs: 0, microUsd: 0 };
    added = { keyId, period, used: { ...nothing }, reserved: { ...nothing }, limits: { images: null, videoMs: null, microUsd: null } };
    this.#added.set(name, added);
    return added;
  }

  #sum(keyId: number, period: string, of: keyof Amounts): number {
    const name = periodName(keyId, period);
    const [state, added] = [this.#periods.get(name), this.#added.get(name)];
    return (state?.used[of] ?? 0) + (state?.reserved[of] ?? 0) + (added?.used[of] ?? 0) + (added?.reserved[of] ?? 0);
  }
}

const isChange = ({ images, videoMs, microUsd }: Amounts) => images !== 0 || videoMs !== 0 || microUsd !== 0;

/** Null: none. */
const least = (a: number | null, b: number | null): number | null => (a === null || b === null ? (a ?? b) : Math.min(a, b));
