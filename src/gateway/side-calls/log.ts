// SideCallBook: counts side calls answered and calls that were generated although they look like one, and holds the operator's rules.
import type { Clock } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import type { Log } from "../../log.ts";
import { readRules, type SideRule } from "./rules.ts";
import type { CallShape } from "./shape.ts";

/** Calls of one day. `generated`: those that look like side calls and were charged. */
export type SideCallCounts = { answered: number; generated: number };

/** Calls of one shape that were generated and look like side calls, or come again and again. */
export type SuspectShape = Pick<CallShape, "id" | "sample" | "kind" | "maxTokens" | "signs"> & {
  count: number;
  firstAt: number;
  lastAt: number;
  keyId: number;
  model: string;
};

const FACT = "side_calls.days";
const DAY_MS = 86_400_000;
const DAYS_KEPT = 31;
const FLUSH_MS = 60_000;
const MAX_SHAPES = 300;
/** As often as this within a day the same words are a machine's. */
const REPEATED = 5;

type Dependencies = { store: Pick<Store, "readFact" | "writeFact">; clock: Clock; log: Log };

export class SideCallLog {
  readonly #deps: Dependencies;
  /** By the key of their shape. */
  readonly #shapes = new Map<string, SuspectShape>();
  #days = new Map<number, SideCallCounts>();
  #rules: readonly SideRule[] = [];
  #ruleIds: ReadonlySet<string> = new Set();
  #isDirty = false;
  #cancel = () => {};

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Takes what the store holds of the rules. */
  loadRules(stored: unknown): void {
    this.#rules = readRules(stored);
    this.#ruleIds = new Set(this.#rules.map(({ id }) => id));
    for (const [key, { id }] of this.#shapes) if (this.#ruleIds.has(id)) this.#shapes.delete(key);
  }

  rules(): readonly SideRule[] {
    return this.#rules;
  }

  hasRules(): boolean {
    return this.#ruleIds.size > 0;
  }

  matches(id: string): boolean {
    return this.#ruleIds.has(id);
  }

  answered(): void {
    this.#today().answered++;
    this.#isDirty = true;
  }

  /** A call that is generated. One without a sign of a side call is remembered by its shape alone, and shown when it comes again and again. */
  generated(shape: CallShape, keyId: number, model: string): void {
    const now = this.#deps.clock.now();
    const before = this.#shapes.get(shape.key);
    const seen = before && now - before.firstAt <= DAY_MS ? before : newSuspect(shape, now, model);
    seen.count++;
    seen.lastAt = now;
    seen.keyId = keyId;
    // The one that was seen longest ago goes first.
    if (before) this.#shapes.delete(shape.key);
    this.#shapes.set(shape.key, seen);
    if (this.#shapes.size > MAX_SHAPES) this.#shapes.delete(this.#shapes.keys().next().value!);
    if (!isSuspect(seen)) return;
    this.#today().generated += seen.signs.length === 0 && seen.count === REPEATED ? REPEATED : 1;
    this.#isDirty = true;
  }

  suspect(id: string): SuspectShape | null {
    return this.#shapes.values().find((shape) => shape.id === id) ?? null;
  }

  /** Those seen most often first. */
  suspects(limit: number): SuspectShape[] {
    return [...this.#shapes.values()]
      .filter(isSuspect)
      .sort((a, b) => b.count - a.count || b.lastAt - a.lastAt)
      .slice(0, limit);
  }

  /** Sums of the UTC days from `from` on. */
  counts(from: number): SideCallCounts {
    const sum = { answered: 0, generated: 0 };
    for (const [day, { answered, generated }] of this.#days) {
      if (day < from - (from % DAY_MS)) continue;
      sum.answered += answered;
      sum.generated += generated;
    }
    return sum;
  }

  async start(): Promise<void> {
    this.#days = readDays(await this.#deps.store.readFact(FACT));
    this.#plan();
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#flush();
  }

  #plan(): void {
    this.#cancel = this.#deps.clock.after(FLUSH_MS, () => void this.#flush().then(() => this.#plan()));
  }

  async #flush(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    try {
      await this.#deps.store.writeFact(FACT, JSON.stringify([...this.#days]));
    } catch (error) {
      this.#isDirty = true;
      this.#deps.log.warn("Counts of side calls could not be stored", { error });
    }
  }

  #today(): SideCallCounts {
    const now = this.#deps.clock.now();
    const day = now - (now % DAY_MS);
    const counts = this.#days.get(day);
    if (counts) return counts;
    for (const old of this.#days.keys()) if (old < day - DAYS_KEPT * DAY_MS) this.#days.delete(old);
    const fresh = { answered: 0, generated: 0 };
    this.#days.set(day, fresh);
    return fresh;
  }
}

function newSuspect({ id, sample, kind, maxTokens, signs }: CallShape, now: number, model: string): SuspectShape {
  return { id, sample, kind, maxTokens, signs, count: 0, firstAt: now, lastAt: now, keyId: 0, model: model.slice(0, 100) };
}

const isSuspect = ({ signs, count }: SuspectShape): boolean => signs.length > 0 || count >= REPEATED;

function readDays(text: string | null): Map<number, SideCallCounts> {
  const isCount = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  try {
    const stored: unknown = JSON.parse(text ?? "[]");
    const days = (Array.isArray(stored) ? stored : []).flatMap((entry): [number, SideCallCounts][] => {
      const [day, { answered, generated } = {} as SideCallCounts] = entry as [number, SideCallCounts];
      return isCount(day) && isCount(answered) && isCount(generated) ? [[day, { answered, generated }]] : [];
    });
    return new Map(days);
  } catch {
    return new Map();
  }
}
