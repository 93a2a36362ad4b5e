// Fencing: an action of a dead node is refused, in its own transaction.
import { Bundle } from "./bundle.ts";
import type { Reader, Sql } from "./driver.ts";

export const ALIVE = "state IN ('serving', 'draining')";

/** Of the server, epoch ms. */
export const CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

export async function readClock(sql: Reader): Promise<number> {
  return (await sql.get<{ now: number }>(`SELECT ${CLOCK} AS now`))!.now;
}

/** Those of these nodes that live; none of them is declared dead before the transaction ends. Heartbeats do not wait for it. */
export async function readAlive(bundle: Bundle, ids: readonly number[]): Promise<Set<number>> {
  const sorted = [...new Set(ids)].filter((id) => id !== 0).sort((a, b) => a - b);
  if (sorted.length === 0) return new Set([0]);
  const rows = await bundle.read<{ id: number }>({
    name: "alive",
    text: `SELECT id FROM nodes WHERE id = ANY ($nodeIds::bigint[]) AND ${ALIVE} ORDER BY id FOR KEY SHARE`,
    bound: { nodeIds: sorted },
  });
  return new Set([0, ...rows.map(({ id }) => id)]);
}

/** As {@link readAlive}, in a statement of its own. */
export const lockAlive = (sql: Sql, ids: readonly number[]): Promise<Set<number>> => readAlive(new Bundle(sql, true), ids);

export const isAlive = async (sql: Sql, id: number): Promise<boolean> => (await lockAlive(sql, [id])).has(id);
