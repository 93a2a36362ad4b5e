// SQL of slots: calls under way by token and kind, over all nodes and by node.
import type { Sql } from "./driver.ts";

/** Those that nodes still hold go back. */
export async function giveBackSlots(sql: Sql, nodes: readonly number[]): Promise<void> {
  if (nodes.length === 0) return;
  // In the order in which slots are taken: see takeSlots.
  await sql.run(
    `WITH held AS MATERIALIZED (
       SELECT token_id, kind, sum(in_flight) AS n FROM node_slots WHERE node = ANY ($nodes::bigint[]) GROUP BY token_id, kind),
     locked AS MATERIALIZED (
       SELECT slots.token_id, slots.kind FROM slots JOIN held USING (token_id, kind) ORDER BY token_id, kind FOR UPDATE OF slots)
     UPDATE slots SET in_flight = greatest(0, in_flight - held.n) FROM held JOIN locked USING (token_id, kind)
     WHERE slots.token_id = held.token_id AND slots.kind = held.kind`,
    { nodes },
  );
  await sql.run("DELETE FROM node_slots WHERE node = ANY ($nodes::bigint[])", { nodes });
  // What was sent stays counted against caps.
  await sql.run("DELETE FROM cap_spends WHERE node = ANY ($nodes::bigint[])", { nodes });
}
