// Store that two simulated nodes share: slots by the real rules, health with versions, news; slow, sometimes away, sometimes without an answer.
import { SlotTable, type Spend } from "../../src/db/postgres/shared/slot-table.ts";
import type { HeldSlots, SharedStore, SlotEnd, SlotOutcome, SlotRequest } from "../../src/db/shared.ts";
import type { Kind } from "../../src/domain/generation.ts";
import type { HealthChange, HealthRow } from "../../src/domain/token.ts";
import type { Dice } from "./chronicle.ts";
import type { Time } from "./time.ts";

type Slots = Pick<SharedStore, "takeSlots" | "giveSlots" | "correctSlots">;

export type SharedSlots = Slots & {
  saveHealth(changes: readonly HealthChange[]): Promise<HealthRow[]>;
  listHealth(ids: readonly number[]): Promise<HealthRow[]>;
  /** Nothing is done and nothing answered while it is away. */
  isAway: boolean;
  lostAnswers: number;
  /** From now on nothing of this node is accepted, and its slots are free. */
  declareDead(node: number): void;
  /** Slots that are held, by `token/kind`. */
  held(): Map<string, number>;
  /** Rows of what is reserved against caps. */
  spends(): number;
};

/** Share of actions that take effect and whose answer is lost. */
const LOST = 0.01;

export function createSharedSlots(time: Time, dice: Dice): SharedSlots {
  const total = new Map<string, { tokenId: number; kind: Kind; inFlight: number }>();
  const byNode = new Map<number, Map<string, HeldSlots>>();
  const spends = new Map<number, Spend & { node: number }>();
  const health = new Map<number, HealthRow>();
  const dead = new Set<number>();
  let counters: ConstructorParameters<typeof SlotTable>[1] = [];
  let lastSpend = 0;

  const table = () => new SlotTable([...total.values()], counters, time.now());
  const write = (changed: SlotTable) => {
    const { slots, counters: rows } = changed.changes();
    for (const { tokenId, kind, change } of slots) {
      const name = `${tokenId}/${kind}`;
      total.set(name, { tokenId, kind, inFlight: Math.max(0, (total.get(name)?.inFlight ?? 0) + change) });
    }
    const other = counters.filter(({ counter }) => !rows.some((row) => row.counter === counter));
    counters = [...other, ...rows];
  };
  const add = (node: number, { tokenId, kind, count }: HeldSlots) => {
    const own = byNode.get(node) ?? new Map<string, HeldSlots>();
    const sum = (own.get(`${tokenId}/${kind}`)?.count ?? 0) + count;
    if (sum > 0) own.set(`${tokenId}/${kind}`, { tokenId, kind, count: sum });
    else own.delete(`${tokenId}/${kind}`);
    byNode.set(node, own);
  };
  /** Done at some moment on the way, in the order in which it was asked for. */
  let last: Promise<unknown> = Promise.resolve();
  const act = <T>(work: () => T): Promise<T> => {
    const pause = (ms: number) => new Promise<void>((resolve) => time.after(ms, resolve));
    const done = last.then(() => pause(dice.between(0, 4))).then(() => (store.isAway ? Promise.reject(new Error("away")) : work()));
    last = done.catch(() => {});
    return done.then(async (value) => {
      if (dice.chance(0.1)) await pause(dice.between(0, 20));
      if (!dice.chance(LOST)) return value;
      store.lostAnswers++;
      throw new Error("the answer was lost");
    });
  };

  const take = (node: number, batch: readonly SlotRequest[]): SlotOutcome[] => {
    if (dead.has(node)) return batch.map(() => ({ refused: "node" }));
    const now = table();
    const taken = batch.map((request) => now.take(request));
    write(now);
    return taken.map((one) => {
      if (one === null) return { refused: "full" };
      const { tokenId, kind, spend } = one;
      add(node, { tokenId, kind, count: 1 });
      if (spend) spends.set(++lastSpend, { ...spend, node });
      return { tokenId, spend: spend ? lastSpend : null };
    });
  };
  const give = (node: number, batch: readonly SlotEnd[]): void => {
    const now = table();
    for (const { tokenId, kind, spend, used } of batch) {
      if ((byNode.get(node)?.get(`${tokenId}/${kind}`)?.count ?? 0) > 0) {
        add(node, { tokenId, kind, count: -1 });
        now.addSlots(tokenId, kind, -1);
      }
      const reserved = spend === null ? undefined : spends.get(spend);
      if (reserved) now.settle(reserved, used);
      if (spend !== null) spends.delete(spend);
    }
    write(now);
  };
  const correct = (node: number, held: readonly HeldSlots[], known: readonly number[]): void => {
    if (dead.has(node)) return;
    const now = table();
    for (const { tokenId, kind, count } of byNode.get(node)?.values() ?? []) now.addSlots(tokenId, kind, -count);
    byNode.delete(node);
    for (const one of held) {
      add(node, one);
      now.addSlots(one.tokenId, one.kind, one.count);
    }
    for (const [id, spend] of spends) {
      if (spend.node !== node || known.includes(id)) continue;
      now.settle(spend, null);
      spends.delete(id);
    }
    write(now);
  };

  const store: SharedSlots = {
    takeSlots: (node, batch) => act(() => take(node, batch)),
    giveSlots: (node, batch) => act(() => give(node, batch)),
    correctSlots: (node, held, known) => act(() => correct(node, held, known)),
    saveHealth: (changes) =>
      act(() =>
        changes.flatMap(({ id, health: next, version }) => {
          const present = health.get(id) ?? { id, health: null, version: 0 };
          if (version !== undefined && version !== present.version) return [present];
          health.set(id, { id, health: structuredClone(next), version: present.version + 1 });
          return [];
        }),
      ),
    listHealth: (ids) => act(() => ids.map((id) => health.get(id) ?? { id, health: null, version: 0 })),
    isAway: false,
    lostAnswers: 0,
    declareDead(node) {
      dead.add(node);
      const now = table();
      for (const { tokenId, kind, count } of byNode.get(node)?.values() ?? []) now.addSlots(tokenId, kind, -count);
      byNode.delete(node);
      for (const [id, spend] of spends) if (spend.node === node) spends.delete(id);
      write(now);
    },
    held: () => new Map([...total].filter(([, { inFlight }]) => inFlight > 0).map(([name, { inFlight }]) => [name, inFlight])),
    spends: () => spends.size,
  };
  return store;
}
