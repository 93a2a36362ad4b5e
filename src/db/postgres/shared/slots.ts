// SQL of slots: calls under way by token and kind, over all nodes and by node, and counters of caps. Rows are locked in one order.
import type { Kind } from "../../../domain/generation.ts";
import type { HeldSlots, SlotRequest } from "../../shared.ts";
import type { Sql } from "../driver.ts";
import { readClock } from "../fencing.ts";
import { type CounterRow, type SlotRow, SlotTable, type Spend, type Taken } from "./slot-table.ts";

/** Which rows are asked for. */
type Asked = SlotRequest | { kind: Kind; tokens: readonly number[]; counters: readonly string[] };

const tokensOf = (asked: Asked) => ("tokens" in asked ? asked.tokens : asked.candidates.map(({ tokenId }) => tokenId));
const countersOf = (asked: Asked) =>
  "tokens" in asked ? asked.counters : asked.candidates.flatMap(({ caps }) => caps.map(({ counter }) => counter));

/** Locks the rows of all that is asked for, then reads the clock; those that are not there are made first, because they cannot be locked. */
export async function loadTable(sql: Sql, batch: readonly Asked[]): Promise<SlotTable> {
  const names = new Map(
    batch.flatMap((asked) => tokensOf(asked).map((tokenId) => [`${tokenId}/${asked.kind}`, { tokenId, kind: asked.kind }] as const)),
  );
  const slots = [...names.values()];
  const counters = [...new Set(batch.flatMap(countersOf))];
  const load = () => Promise.all([lockSlots(sql, slots), lockCounters(sql, counters), readClock(sql)]);
  const loaded = await load();
  if (loaded[0].length === slots.length && loaded[1].length === counters.length) return new SlotTable(...loaded);
  makeRows(sql, slots, counters);
  return new SlotTable(...(await load()));
}

type SlotName = { tokenId: number; kind: Kind };

const boundTo = (names: readonly SlotName[]) => ({ tokenIds: names.map(({ tokenId }) => tokenId), kinds: names.map(({ kind }) => kind) });

async function lockSlots(sql: Sql, names: readonly SlotName[]): Promise<SlotRow[]> {
  if (names.length === 0) return [];
  return sql.all(
    `SELECT token_id AS "tokenId", kind, in_flight AS "inFlight" FROM slots
     JOIN unnest($tokenIds::bigint[], $kinds::text[]) AS asked (token_id, kind) USING (token_id, kind)
     ORDER BY token_id, kind FOR UPDATE OF slots`,
    boundTo(names),
  );
}

async function lockCounters(sql: Sql, counters: readonly string[]): Promise<CounterRow[]> {
  if (counters.length === 0) return [];
  return sql.all(
    `SELECT counter, recent, day_until AS "dayUntil", day_requests AS "dayRequests", day_micro_usd AS "dayMicroUsd" FROM cap_counters
     WHERE counter = ANY ($counters::text[]) ORDER BY counter FOR UPDATE`,
    { counters },
  );
}

function makeRows(sql: Sql, names: readonly SlotName[], counters: readonly string[]): void {
  sql.send(
    `INSERT INTO slots (token_id, kind, in_flight)
     SELECT token_id, kind, 0 FROM unnest($tokenIds::bigint[], $kinds::text[]) AS asked (token_id, kind) ORDER BY token_id, kind
     ON CONFLICT DO NOTHING`,
    boundTo(names),
  );
  sql.send(
    `INSERT INTO cap_counters (counter, recent, day_until, day_requests, day_micro_usd)
     SELECT counter, '[]', 0, 0, 0 FROM unnest($counters::text[]) AS asked (counter) ORDER BY counter ON CONFLICT DO NOTHING`,
    { counters },
  );
}

/** Writes what has changed. */
export function writeTable(sql: Sql, table: SlotTable): void {
  const { slots, counters } = table.changes();
  if (slots.length > 0)
    sql.send(
      `UPDATE slots SET in_flight = given.in_flight
       FROM unnest($tokenIds::bigint[], $kinds::text[], $inFlight::bigint[]) AS given (token_id, kind, in_flight)
       WHERE slots.token_id = given.token_id AND slots.kind = given.kind`,
      {
        tokenIds: slots.map(({ tokenId }) => tokenId),
        kinds: slots.map(({ kind }) => kind),
        inFlight: slots.map(({ inFlight }) => inFlight),
      },
    );
  if (counters.length === 0) return;
  sql.send(
    `UPDATE cap_counters SET recent = given.recent, day_until = given.day_until, day_requests = given.day_requests,
       day_micro_usd = given.day_micro_usd
     FROM unnest($counters::text[], $recent::text[], $untils::bigint[], $requests::bigint[], $microUsd::bigint[])
       AS given (counter, recent, day_until, day_requests, day_micro_usd)
     WHERE cap_counters.counter = given.counter`,
    {
      counters: counters.map(({ counter }) => counter),
      recent: counters.map(({ recent }) => recent),
      untils: counters.map(({ dayUntil }) => dayUntil),
      requests: counters.map(({ dayRequests }) => dayRequests),
      microUsd: counters.map(({ dayMicroUsd }) => dayMicroUsd),
    },
  );
}

function countHeld(slots: readonly { tokenId: number; kind: Kind }[]): HeldSlots[] {
  const sums = new Map<string, HeldSlots>();
  for (const { tokenId, kind } of slots) {
    const name = `${tokenId}/${kind}`;
    sums.set(name, { tokenId, kind, count: (sums.get(name)?.count ?? 0) + 1 });
  }
  return [...sums.values()];
}

/** In the order in which rows are locked. */
function listsOf(held: readonly HeldSlots[]) {
  const sorted = held.toSorted((a, b) => a.tokenId - b.tokenId || (a.kind < b.kind ? -1 : 1));
  return {
    tokenIds: sorted.map(({ tokenId }) => tokenId),
    kinds: sorted.map(({ kind }) => kind),
    ns: sorted.map(({ count }) => count),
  };
}

export const addNodeSlots = (sql: Sql, node: number, taken: readonly Taken[]): void => putNodeSlots(sql, node, countHeld(taken));

/** Adds to what a node holds. */
export function putNodeSlots(sql: Sql, node: number, held: readonly HeldSlots[]): void {
  if (held.length === 0) return;
  sql.send(
    `INSERT INTO node_slots AS held (node, token_id, kind, in_flight)
     SELECT $node, token_id, kind, n FROM unnest($tokenIds::bigint[], $kinds::text[], $ns::bigint[]) AS given (token_id, kind, n)
     ON CONFLICT (node, token_id, kind) DO UPDATE SET in_flight = held.in_flight + excluded.in_flight`,
    { node, ...listsOf(held) },
  );
}

/** What a node holds, which it does not from then on. */
export function takeNodeSlots(sql: Sql, node: number): Promise<HeldSlots[]> {
  return sql.all(`DELETE FROM node_slots WHERE node = $node RETURNING token_id AS "tokenId", kind, in_flight AS count`, { node });
}

/** Takes from what a node holds; says what it held indeed. */
export async function removeNodeSlots(sql: Sql, node: number, slots: readonly { tokenId: number; kind: Kind }[]): Promise<HeldSlots[]> {
  return sql.all(
    `WITH locked AS MATERIALIZED (
       SELECT held.token_id, held.kind, least(held.in_flight, given.n) AS n FROM node_slots AS held
       JOIN unnest($tokenIds::bigint[], $kinds::text[], $ns::bigint[]) AS given (token_id, kind, n) USING (token_id, kind)
       WHERE held.node = $node ORDER BY token_id, kind FOR UPDATE OF held)
     UPDATE node_slots SET in_flight = node_slots.in_flight - locked.n FROM locked
     WHERE node = $node AND node_slots.token_id = locked.token_id AND node_slots.kind = locked.kind
     RETURNING node_slots.token_id AS "tokenId", node_slots.kind, locked.n AS count`,
    { node, ...listsOf(countHeld(slots)) },
  );
}

/** Their ids, in order. */
export async function insertSpends(sql: Sql, node: number, spends: readonly Spend[]): Promise<number[]> {
  if (spends.length === 0) return [];
  const rows = await sql.all<{ id: number }>(
    `INSERT INTO cap_spends (node, counters, at, images, micro_usd, day_until)
     SELECT $node, counters, at, images, micro_usd, day_until
     FROM unnest($counters::text[], $ats::bigint[], $images::bigint[], $microUsd::bigint[], $untils::bigint[])
       WITH ORDINALITY AS given (counters, at, images, micro_usd, day_until, position)
     ORDER BY position RETURNING id`,
    {
      node,
      counters: spends.map(({ counters }) => JSON.stringify(counters)),
      ats: spends.map(({ at }) => at),
      images: spends.map(({ images }) => images),
      microUsd: spends.map(({ microUsd }) => microUsd),
      untils: spends.map(({ dayUntil }) => dayUntil),
    },
  );
  return rows.map(({ id }) => id);
}

/** Each is there once. */
export async function takeSpends(sql: Sql, ids: readonly number[]): Promise<Map<number, Spend>> {
  if (ids.length === 0) return new Map();
  const rows = await sql.all<Omit<Spend, "counters"> & { id: number; counters: string }>(
    `DELETE FROM cap_spends WHERE id = ANY ($ids::bigint[])
     RETURNING id, counters, at, images, micro_usd AS "microUsd", day_until AS "dayUntil"`,
    { ids },
  );
  return new Map(rows.map(({ id, counters, ...spend }) => [id, { ...spend, counters: JSON.parse(counters) }]));
}

/** Ids of what a node has reserved against caps, without these. */
export async function otherSpends(sql: Sql, node: number, known: readonly number[]): Promise<number[]> {
  const rows = await sql.all<{ id: number }>("SELECT id FROM cap_spends WHERE node = $node AND id <> ALL ($known::bigint[])", {
    node,
    known,
  });
  return rows.map(({ id }) => id);
}

/** What nodes still hold goes back. What they had sent stays counted against caps. */
export async function giveBackSlots(sql: Sql, nodes: readonly number[]): Promise<void> {
  if (nodes.length === 0) return;
  const held = await sql.all<HeldSlots>(
    `DELETE FROM node_slots WHERE node = ANY ($nodes::bigint[]) RETURNING token_id AS "tokenId", kind, in_flight AS count`,
    { nodes },
  );
  await sql.run("DELETE FROM cap_spends WHERE node = ANY ($nodes::bigint[])", { nodes });
  if (held.length === 0) return;
  const asked = held.map(({ tokenId, kind }) => ({ kind, tokens: [tokenId], counters: [] }));
  const table = await loadTable(sql, asked);
  for (const { tokenId, kind, count } of held) table.addSlots(tokenId, kind, -count);
  writeTable(sql, table);
}
