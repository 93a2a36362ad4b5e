// Rate bound of refusals in the request log: so many rows of their own, then one row for many.
import type { Clock } from "./clock.ts";
import type { RequestLog } from "./db/store.ts";
import type { RequestRow } from "./domain/request.ts";
import { newRequestId } from "./ids.ts";

/** Rows of their own that each key has at once, and one more per so many ms: about 9,000 a day. */
const KEY_ROWS = { burst: 60, everyMs: 10_000 };
/** The same of all requests without a key of ours together: about 4,300 a day, 40 MB in the 30 days that rows are stored. */
const STRANGERS_ROWS = { burst: 100, everyMs: 20_000 };
/** Of all keys together. */
const ALL_KEYS_ROWS = { burst: 1000, everyMs: 2_000 };
/** What is over the bound is one row per key, outcome and reason in this time. */
const SUMMARY_MS = 600_000;
/** Further ones are counted under no key. */
const MAX_SUMMARIES = 200;
/** A refusal waits so long for the row of its own generation, which takes its place. */
const HOLD_MS = 500;
const MAX_HELD = 2_000;

/** Token bucket: full at first. */
class Allowance {
  #left: number;
  #at = Number.NEGATIVE_INFINITY;

  constructor(private readonly rate: { burst: number; everyMs: number }) {
    this.#left = rate.burst;
  }

  take(now: number): boolean {
    const { burst, everyMs } = this.rate;
    this.#left = Math.min(burst, this.#left + Math.max(0, now - this.#at) / everyMs);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

type RefusedRow = RequestRow & { refusal: NonNullable<RequestRow["refusal"]> };

const isRefused = (row: RequestRow): row is RefusedRow => row.refusal !== undefined;

/** The same log, whose rows of refusals neither fill the disk nor cost much, whoever sends how many. Counts stay exact. */
export function boundRefusals(log: RequestLog, clock: Clock): RequestLog {
  const bound = new RefusalBound(log, clock);
  return {
    ...log,
    append: (row) => (isRefused(row) ? bound.add(row) : log.append(row)),
    async close() {
      bound.writeAll();
      await log.close();
    },
  };
}

class RefusalBound {
  readonly #strangers = new Allowance(STRANGERS_ROWS);
  readonly #allKeys = new Allowance(ALL_KEYS_ROWS);
  readonly #keys = new Map<number, Allowance>();
  /** By id: a generation that was refused and its response are one request. */
  #held = new Map<string, RefusedRow>();
  readonly #summaries = new Map<string, RefusedRow>();
  #isWaiting = false;
  #isCounting = false;

  constructor(
    private readonly log: Pick<RequestLog, "append">,
    private readonly clock: Clock,
  ) {}

  add(row: RefusedRow): void {
    // The first knows more: it comes from the generation.
    if (this.#held.has(row.id)) return;
    if (this.#held.size >= MAX_HELD || !this.#allows(row.keyId)) this.#count(row);
    else this.#hold(row);
  }

  writeAll(): void {
    this.#writeHeld();
    for (const summary of this.#summaries.values()) this.log.append(summary);
    this.#summaries.clear();
  }

  #allows(keyId: number | null): boolean {
    const now = this.clock.now();
    if (keyId === null) return this.#strangers.take(now);
    const own = this.#keys.get(keyId) ?? new Allowance(KEY_ROWS);
    this.#keys.set(keyId, own);
    return own.take(now) && this.#allKeys.take(now);
  }

  #hold(row: RefusedRow): void {
    this.#held.set(row.id, row);
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.clock.after(HOLD_MS, () => this.#writeHeld());
  }

  #writeHeld(): void {
    this.#isWaiting = false;
    for (const row of this.#held.values()) this.log.append(row);
    this.#held = new Map();
  }

  /** Adds to the row that stands for all alike: the first of them, until it is written. */
  #count(row: RefusedRow): void {
    const kind = `${row.outcome} ${row.refusal.reason}`;
    const own = `${row.keyId} ${kind}`;
    const name = this.#summaries.has(own) || this.#summaries.size < MAX_SUMMARIES ? own : `null ${kind}`;
    const summary = this.#summaries.get(name);
    if (summary) {
      summary.refusal.times += row.refusal.times;
      summary.ms = Math.max(summary.ms, row.at + row.ms - summary.at);
    } else {
      const keyId = name === own ? row.keyId : null;
      const id = newRequestId(row.at);
      this.#summaries.set(name, { ...row, id, keyId, refusal: { ...row.refusal, address: null } });
    }
    if (this.#isCounting) return;
    this.#isCounting = true;
    this.clock.after(SUMMARY_MS, () => {
      this.#isCounting = false;
      this.writeAll();
    });
  }
}
