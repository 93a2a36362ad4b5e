// SQL of what several nodes decide together: slots and caps of tokens, locks.
import type { HeldSlots, Slot, SlotEnd, SlotOutcome, SlotRequest } from "../../shared.ts";
import type { Sql } from "../driver.ts";
import { ALIVE, isAlive, readClock } from "../fencing.ts";
import {
  addNodeSlots,
  insertSpends,
  loadTable,
  otherSpends,
  putNodeSlots,
  removeNodeSlots,
  takeNodeSlots,
  takeSpends,
  writeTable,
} from "./slots.ts";

/** In order: earlier ones count for later ones. */
export async function takeSlots(sql: Sql, node: number, batch: readonly SlotRequest[]): Promise<SlotOutcome[]> {
  const [alive, table] = await Promise.all([isAlive(sql, node), loadTable(sql, batch)]);
  if (!alive) return batch.map(() => ({ refused: "node" }));
  const taken = batch.map((request) => table.take(request));
  writeTable(sql, table);
  const slots = await holdSlots(
    sql,
    node,
    taken.filter((one) => one !== null),
  );
  return taken.map((one) => (one === null ? { refused: "full" } : slots.shift()!));
}

/** Writes down what a node took, in order. */
export async function holdSlots(sql: Sql, node: number, taken: Parameters<typeof addNodeSlots>[2]): Promise<Slot[]> {
  addNodeSlots(sql, node, taken);
  const spends = await insertSpends(
    sql,
    node,
    taken.flatMap(({ spend }) => (spend ? [spend] : [])),
  );
  return taken.map(({ tokenId, spend }) => ({ tokenId, spend: spend ? spends.shift()! : null }));
}

/** What the node holds no more, because it was declared dead, is not given back again. */
export async function giveSlots(sql: Sql, node: number, batch: readonly SlotEnd[]): Promise<void> {
  const ids = batch.flatMap(({ spend }) => (spend === null ? [] : [spend]));
  const asked = batch.map(({ tokenId, kind }) => ({ kind, tokens: [tokenId], counters: [] as string[] }));
  // Counters of caps are known by what was reserved against them; without caps everything is asked for at once.
  const [held, spends, slots] = await Promise.all([
    removeNodeSlots(sql, node, batch),
    takeSpends(sql, ids),
    ids.length === 0 ? loadTable(sql, asked) : null,
  ]);
  const counters = [...spends.values()].flatMap((spend) => spend.counters);
  const table = slots ?? (await loadTable(sql, [...asked, { kind: "image", tokens: [], counters }]));
  for (const { tokenId, kind, count } of held) table.addSlots(tokenId, kind, -count);
  for (const { spend, used } of batch) {
    const reserved = spend === null ? undefined : spends.get(spend);
    if (reserved) table.settle(reserved, used);
  }
  writeTable(sql, table);
}

/** Of a node that does not live nothing is counted any more. */
export async function correctSlots(sql: Sql, node: number, held: readonly HeldSlots[], spends: readonly number[]): Promise<void> {
  if (!(await isAlive(sql, node))) return;
  const counted = await takeNodeSlots(sql, node);
  const unknown = await takeSpends(sql, await otherSpends(sql, node, spends));
  const counters = [...unknown.values()].flatMap((spend) => spend.counters);
  const asked = [...counted, ...held].map(({ tokenId, kind }) => ({ kind, tokens: [tokenId], counters }));
  const table = await loadTable(sql, asked);
  for (const { tokenId, kind, count } of counted) table.addSlots(tokenId, kind, -count);
  for (const { tokenId, kind, count } of held) table.addSlots(tokenId, kind, count);
  // What was reserved for a call that was never made.
  for (const spend of unknown.values()) table.settle(spend, null);
  writeTable(sql, table);
  putNodeSlots(sql, node, held);
}

/** Free, the node's own, past its time, or of a node that does not live. */
export async function tryLock(sql: Sql, node: number, name: string, maxMs: number): Promise<boolean> {
  if (!(await isAlive(sql, node))) return false;
  const now = await readClock(sql);
  const written = await sql.run(
    `INSERT INTO locks AS held (name, node, until) VALUES ($name, $node, $until)
     ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until
     WHERE held.node = excluded.node OR held.until <= $now OR NOT EXISTS (SELECT 1 FROM nodes WHERE id = held.node AND ${ALIVE})`,
    { name, node, until: now + maxMs, now },
  );
  return written > 0;
}

export async function unlock(sql: Sql, node: number, name: string): Promise<void> {
  await sql.run("DELETE FROM locks WHERE name = $name AND node = $node", { name, node });
}
