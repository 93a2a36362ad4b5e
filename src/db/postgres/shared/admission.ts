// Admission of reservations on state that several nodes share: requests per minute, concurrency and budgets of keys. Pure.
import type { Amounts, NewReservation, Refusal } from "../../ledger.ts";
import { RecentMinute } from "./recent.ts";

/** A key's row. */
export type KeyState = { keyId: number; inFlight: number; recent: string };

/** What a key used and has reserved in a period. */
export type PeriodState = { keyId: number; period: string; used: Amounts; reserved: Amounts };

/** Names a key's period. */
export const periodName = (keyId: number, period: string) => `${keyId}/${period}`;

const NOTHING: Amounts = { images: 0, videoMs: 0, microUsd: 0 };

/** Admits one after the other: what it has admitted counts for those that follow. */
export class Admission {
  readonly #keys: Map<number, { inFlight: number; recent: RecentMinute }>;
  readonly #periods: Map<string, PeriodState>;
  /** What was reserved here, by period. */
  readonly #added = new Map<string, { keyId: number; period: string } & Amounts>();

  /** @param now epoch ms of the database's clock */
  constructor(keys: readonly KeyState[], periods: readonly PeriodState[], now: number) {
    this.#keys = new Map(keys.map(({ keyId, inFlight, recent }) => [keyId, { inFlight, recent: new RecentMinute(recent, now) }]));
    this.#periods = new Map(periods.map((state) => [periodName(state.keyId, state.period), state]));
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
    for (const period of shared.periods) {
      const name = periodName(keyId, period);
      const { images, videoMs, microUsd } = this.#added.get(name) ?? NOTHING;
      this.#added.set(name, {
        ...{ keyId, period, images: images + estimate.images, videoMs: videoMs + estimate.videoMs, microUsd: microUsd + estimate.microUsd },
      });
    }
  }

  /** Rows of keys as they are from now on, and what periods have reserved more; both in the order in which rows are locked. */
  changes(): { keys: KeyState[]; periods: ({ keyId: number; period: string } & Amounts)[] } {
    const keys = [...this.#keys].map(([keyId, { inFlight, recent }]) => ({ keyId, inFlight, recent: recent.text }));
    return {
      keys: keys.sort((a, b) => a.keyId - b.keyId),
      periods: [...this.#added.values()].sort((a, b) => a.keyId - b.keyId || (a.period < b.period ? -1 : 1)),
    };
  }

  #sum(keyId: number, period: string, of: keyof Amounts): number {
    const name = periodName(keyId, period);
    const state = this.#periods.get(name);
    return (state?.used[of] ?? 0) + (state?.reserved[of] ?? 0) + (this.#added.get(name)?.[of] ?? 0);
  }
}
