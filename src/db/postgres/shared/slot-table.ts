// Slots and caps on state that several nodes share: which candidate has room, what is counted and given back. Pure.
import type { Kind } from "../../../domain/generation.ts";
import type { SlotCandidate, SlotCap, SlotRequest } from "../../shared.ts";
import { RecentMinute } from "./recent.ts";

export type SlotRow = { tokenId: number; kind: Kind; inFlight: number };
/** `limit`: calls under way at once that must not be exceeded by it; null: any number. */
export type SlotChange = { tokenId: number; kind: Kind; change: number; limit: number | null };
export type CounterRow = { counter: string; recent: string; dayUntil: number; dayRequests: number; dayMicroUsd: number };
/** What a call has reserved against caps; `at` epoch ms. */
export type Spend = { counters: string[]; at: number; images: number; microUsd: number; dayUntil: number };
/** `spend` null: the candidate had no caps. */
export type Taken = { tokenId: number; kind: Kind; spend: Spend | null };

/** Names a token's slots of a kind. */
export const slotName = (tokenId: number, kind: Kind) => `${tokenId}/${kind}`;

type Counter = { recent: RecentMinute; dayUntil: number; dayRequests: number; dayMicroUsd: number };

/** Takes one after the other: what was taken counts for those that follow. */
export class SlotTable {
  readonly #slots: Map<string, SlotRow>;
  readonly #counters: Map<string, Counter>;
  readonly #changes = new Map<string, SlotChange>();
  readonly #changedCounters = new Set<string>();

  /** @param now epoch ms of the database's clock */
  constructor(
    slots: readonly SlotRow[],
    counters: readonly CounterRow[],
    private readonly now: number,
  ) {
    this.#slots = new Map(slots.map((row) => [slotName(row.tokenId, row.kind), { ...row }]));
    this.#counters = new Map(counters.map(({ counter, recent, ...day }) => [counter, { ...day, recent: new RecentMinute(recent, now) }]));
  }

  /** Null: no candidate has room. */
  take(request: SlotRequest): Taken | null {
    const candidate = request.candidates.find((one) => this.#hasRoom(one, request));
    if (!candidate) return null;
    const { kind, images, microUsd, dayUntil } = request;
    this.addSlots(candidate.tokenId, kind, 1, candidate.limit);
    const counters = candidate.caps.map(({ counter }) => counter);
    for (const counter of counters) this.#count(counter, { requests: 1, images, microUsd, dayUntil }, this.now);
    const spend = counters.length === 0 ? null : { counters, at: this.now, images, microUsd, dayUntil };
    return { tokenId: candidate.tokenId, kind, spend };
  }

  /** So many more are held, or less. @param limit must still allow it when it is written; null: it does not matter */
  addSlots(tokenId: number, kind: Kind, change: number, limit: number | null = null): void {
    const name = slotName(tokenId, kind);
    const row = this.#slots.get(name) ?? { tokenId, kind, inFlight: 0 };
    this.#slots.set(name, { ...row, inFlight: Math.max(0, row.inFlight + change) });
    const former = this.#changes.get(name);
    const least = limit === null || !former || former.limit === null ? (limit ?? former?.limit ?? null) : Math.min(limit, former.limit);
    this.#changes.set(name, { tokenId, kind, change: (former?.change ?? 0) + change, limit: least });
  }

  /** Replaces what was reserved by what was used; null: the call was never made. */
  settle(spend: Spend, used: { images: number; microUsd: number } | null): void {
    const { at, dayUntil } = spend;
    const change = {
      requests: used ? 0 : -1,
      images: (used?.images ?? 0) - spend.images,
      microUsd: (used?.microUsd ?? 0) - spend.microUsd,
      dayUntil,
    };
    for (const counter of spend.counters) this.#count(counter, change, at);
  }

  /** What slots have more or less, and counters as they are from now on, in the order in which they are locked. */
  changes(): { slots: SlotChange[]; counters: CounterRow[] } {
    const slots = [...this.#changes.values()].filter(({ change }) => change !== 0);
    const counters = [...this.#changedCounters].sort().map((counter) => {
      const { recent, dayUntil, dayRequests, dayMicroUsd } = this.#counters.get(counter)!;
      return { counter, recent: recent.text, dayUntil, dayRequests, dayMicroUsd };
    });
    return { slots: slots.sort((a, b) => a.tokenId - b.tokenId || (a.kind < b.kind ? -1 : 1)), counters };
  }

  #hasRoom({ tokenId, limit, caps }: SlotCandidate, request: SlotRequest): boolean {
    const held = this.#slots.get(slotName(tokenId, request.kind))?.inFlight ?? 0;
    return (limit === null || held < limit) && caps.every((cap) => this.#allows(cap, request));
  }

  #allows(cap: SlotCap, { images, microUsd, dayUntil }: SlotRequest): boolean {
    const { recent, ...day } = this.#counters.get(cap.counter) ?? newCounter(dayUntil, this.now);
    const [dayRequests, dayMicroUsd] = day.dayUntil > this.now ? [day.dayRequests, day.dayMicroUsd] : [0, 0];
    return (
      (cap.requestsPerMinute === null || recent.availableAt("requests", 1, cap.requestsPerMinute) === 0) &&
      (cap.imagesPerMinute === null || recent.availableAt("images", images, cap.imagesPerMinute) === 0) &&
      (cap.requestsPerDay === null || dayRequests + 1 <= cap.requestsPerDay) &&
      (cap.microUsdPerDay === null || dayMicroUsd + microUsd <= cap.microUsdPerDay)
    );
  }

  #count(name: string, { requests, images, microUsd, dayUntil }: Change, at: number): void {
    const counter = this.#counters.get(name) ?? newCounter(dayUntil, this.now);
    counter.recent.add(requests, images, at);
    // A day that is over starts anew.
    if (counter.dayUntil <= this.now && dayUntil > this.now) Object.assign(counter, { dayUntil, dayRequests: 0, dayMicroUsd: 0 });
    // A call counts in the day that runs; what becomes of one of an earlier day counts no more.
    if (requests > 0 || counter.dayUntil === dayUntil) {
      counter.dayRequests = Math.max(0, counter.dayRequests + requests);
      counter.dayMicroUsd = Math.max(0, counter.dayMicroUsd + microUsd);
    }
    this.#counters.set(name, counter);
    this.#changedCounters.add(name);
  }
}

type Change = { requests: number; images: number; microUsd: number; dayUntil: number };

const newCounter = (dayUntil: number, now: number): Counter => ({
  ...{ recent: new RecentMinute("[]", now), dayUntil, dayRequests: 0, dayMicroUsd: 0 },
});
