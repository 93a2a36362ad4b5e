// SQL of what several nodes decide together: what a node holds indeed, locks.
import type { HeldSlots } from "../../shared.ts";
import { Bundle } from "../bundle.ts";
import type { Sql } from "../driver.ts";
import { ALIVE, isAlive, readClock } from "../fencing.ts";
import { loadTable, otherSpends, putNodeSlots, takeNodeSlots, takeSpends, writeTable } from "./slots.ts";

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
  writeTable(new Bundle(sql, true), table);
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
