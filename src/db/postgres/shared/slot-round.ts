// SQL of the slots' part of a round: slots of tokens that a node gives back and takes.
import type { Kind } from "../../../domain/generation.ts";
import type { HeldSlots, SlotEnd, SlotOutcome, SlotRequest } from "../../shared.ts";
import { Bundle } from "../bundle.ts";
import type { Sql } from "../driver.ts";
import { SlotTable, type Spend, slotName, type Taken } from "./slot-table.ts";
import {
  askedFor,
  insertSpends,
  lockNodeSlots,
  makeRows,
  type RowNames,
  readRows,
  type SlotRows,
  setNodeSlots,
  takeSpends,
  writeTable,
} from "./slots.ts";

/**
 * `isAlive`: whether the node lives, else it takes nothing. `ids`: at least as many as {@link SlotRound.spends}. `now`: epoch ms of the
 * database's clock. `refused`: ids of requests whose reservation was refused.
 */
type Known = { isAlive: boolean; ids: readonly number[]; now: number; refused: ReadonlySet<string> };

type SlotCalls = { isLocked: boolean; node: number; ends: readonly SlotEnd[]; requests: readonly SlotRequest[] };

/** Those that are given back come first: they can be taken at once. */
export class SlotRound {
  readonly node: number;
  readonly requests: readonly SlotRequest[];
  readonly #ends: readonly SlotEnd[];
  readonly #names: RowNames;
  /** What it decides by is locked before it is read. */
  readonly isLocked: boolean;
  #rows: SlotRows = { slots: [], counters: [] };
  #held: readonly HeldSlots[] = [];
  #spends: ReadonlyMap<number, Spend> = new Map();
  #outcomes: readonly SlotOutcome[] = [];

  constructor(
    private readonly sql: Sql,
    { isLocked, node, ends, requests }: SlotCalls,
  ) {
    this.node = node;
    this.#ends = ends;
    this.requests = requests;
    const given = ends.map(({ tokenId, kind }) => ({ kind, tokens: [tokenId], counters: [] as string[] }));
    this.#names = askedFor([...given, ...requests]);
    // Counters are written as they were read.
    this.isLocked = isLocked || this.spends > 0 || ends.some(({ spend }) => spend !== null);
  }

  /** Most that takes may reserve against caps. */
  get spends(): number {
    return this.requests.filter(({ candidates }) => candidates.some(({ caps }) => caps.length > 0)).length;
  }

  /** Reads what is decided by. */
  async read(bundle: Bundle): Promise<void> {
    const { sql, node } = this;
    const ids = this.#ends.flatMap(({ spend }) => (spend === null ? [] : [spend]));
    [this.#spends, this.#held, this.#rows] = await Promise.all([
      takeSpends(sql, ids),
      lockNodeSlots(bundle, node, this.#names.slots),
      // Counters of caps are known by what was reserved against them.
      ids.length === 0 ? readRows(bundle, this.#names, this.isLocked) : NOTHING,
    ]);
  }

  /** Locks what {@link SlotRound.read} could not, because it was not known or not there; null: there is nothing, or nothing is locked. */
  complete(): Promise<void> | null {
    if (!this.isLocked) return null;
    const reserved = [...this.#spends.values()].flatMap(({ counters }) => counters);
    const names = { ...this.#names, counters: [...new Set([...this.#names.counters, ...reserved])] };
    return this.#hasAll(names) ? null : this.#lockAll(names);
  }

  #hasAll({ slots, counters }: RowNames): boolean {
    return this.#rows.slots.length === slots.length && this.#rows.counters.length === counters.length;
  }

  async #lockAll(names: RowNames): Promise<void> {
    const bundle = new Bundle(this.sql, true);
    this.#rows = await readRows(bundle, names, true);
    if (this.#hasAll(names)) return;
    makeRows(this.sql, names.slots, names.counters);
    this.#rows = await readRows(bundle, names, true);
  }

  /** Decides and writes. */
  write(bundle: Bundle, { isAlive, ids, now, refused }: Known): void {
    const { node } = this;
    const table = new SlotTable(this.#rows.slots, this.#rows.counters, now);
    const held = new Map(this.#held.map((row) => [slotName(row.tokenId, row.kind), row.count]));
    const before = new Map(held);
    const hold = (tokenId: number, kind: Kind, change: 1 | -1) => {
      const name = slotName(tokenId, kind);
      held.set(name, (held.get(name) ?? 0) + change);
    };
    for (const { tokenId, kind, spend, used } of this.#ends) {
      // What the node holds no more, because it was declared dead, is not given back again.
      if ((held.get(slotName(tokenId, kind)) ?? 0) > 0) {
        hold(tokenId, kind, -1);
        table.addSlots(tokenId, kind, -1);
      }
      const reserved = spend === null ? undefined : this.#spends.get(spend);
      if (reserved) table.settle(reserved, used);
    }
    const isRefused = ({ requestId }: SlotRequest) => requestId !== undefined && refused.has(requestId);
    const taken = this.requests.map((request) => (isAlive && !isRefused(request) ? table.take(request) : null));
    for (const one of taken) if (one) hold(one.tokenId, one.kind, 1);
    const free = [...ids];
    const spent: (Spend & { id: number })[] = [];
    const outcomeOf = ({ tokenId, spend }: Taken): SlotOutcome => {
      if (!spend) return { tokenId, spend: null };
      const id = free.shift()!;
      spent.push({ ...spend, id });
      return { tokenId, spend: id };
    };
    const refusalOf = (request: SlotRequest) => (isAlive ? (isRefused(request) ? "limit" : "full") : "node");
    this.#outcomes = taken.map((one, index) => (one === null ? { refused: refusalOf(this.requests[index]!) } : outcomeOf(one)));
    writeTable(bundle, table, !this.isLocked);
    setNodeSlots(
      bundle,
      node,
      this.#names.slots.flatMap(({ tokenId, kind }) => {
        const count = held.get(slotName(tokenId, kind)) ?? 0;
        return count === (before.get(slotName(tokenId, kind)) ?? 0) ? [] : [{ tokenId, kind, count }];
      }),
    );
    insertSpends(bundle, node, spent);
  }

  /** What became of so many requests from this one on. */
  outcomes(from: number, count: number): SlotOutcome[] {
    return this.#outcomes.slice(from, from + count);
  }
}

const NOTHING: SlotRows = { slots: [], counters: [] };
