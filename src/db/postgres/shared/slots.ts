// SQL of slots: calls under way by token and kind, over all nodes and by node, and counters of caps. Rows are locked in one order.
import type { Kind } from "../../../domain/generation.ts";
import type { HeldSlots, SlotRequest } from "../../shared.ts";
import { Bundle, countOf, jsonOf, namesIn, rowsIn } from "../bundle.ts";
import type { Sql } from "../driver.ts";
import { readClock } from "../fencing.ts";
import { type CounterRow, type SlotRow, SlotTable, type Spend, slotName } from "./slot-table.ts";

/** Which rows are asked for. */
export type Asked = SlotRequest | { kind: Kind; tokens: readonly number[]; counters: readonly string[] };
export type RowNames = { slots: readonly SlotName[]; counters: readonly string[] };
export type SlotRows = { slots: SlotRow[]; counters: CounterRow[] };

const tokensOf = (asked: Asked) => ("tokens" in asked ? asked.tokens : asked.candidates.map(({ tokenId }) => tokenId));
const countersOf = (asked: Asked) =>
  "tokens" in asked ? asked.counters : asked.candidates.flatMap(({ caps }) => caps.map(({ counter }) => counter));

/** Names of the rows, each once. */
export function askedFor(batch: readonly Asked[]): RowNames {
  const slots = new Map<string, SlotName>();
  const counters = new Set<string>();
  for (const asked of batch) {
    for (const tokenId of tokensOf(asked)) slots.set(slotName(tokenId, asked.kind), { tokenId, kind: asked.kind });
    for (const counter of countersOf(asked)) counters.add(counter);
  }
  return { slots: [...slots.values()], counters: [...counters] };
}

/** Those that are there; locked: until the transaction ends. */
export async function readRows(bundle: Bundle, { slots, counters }: RowNames, isLocked: boolean): Promise<SlotRows> {
  const read = await Promise.all([readSlots(bundle, slots, isLocked), lockCounters(bundle, counters)]);
  return { slots: read[0], counters: read[1] };
}

/** Locks the rows of all that is asked for, then reads the clock; those that are not there are made first, because they cannot be locked. */
export async function loadTable(sql: Sql, batch: readonly Asked[]): Promise<SlotTable> {
  const { slots, counters } = askedFor(batch);
  const bundle = new Bundle(sql, true);
  const load = () => Promise.all([readSlots(bundle, slots, true), lockCounters(bundle, counters), readClock(sql)]);
  const loaded = await load();
  if (loaded[0].length === slots.length && loaded[1].length === counters.length) return new SlotTable(...loaded);
  makeRows(sql, slots, counters);
  return new SlotTable(...(await load()));
}

export type SlotName = { tokenId: number; kind: Kind };

const boundTo = (names: readonly SlotName[]) => ({ tokenIds: names.map(({ tokenId }) => tokenId), kinds: names.map(({ kind }) => kind) });

async function readSlots(bundle: Bundle, names: readonly SlotName[], isLocked: boolean): Promise<SlotRow[]> {
  if (names.length === 0) return [];
  return bundle.read({
    name: "slot_rows",
    text: `SELECT token_id AS "tokenId", kind, in_flight AS "inFlight" FROM slots
       JOIN ${namesIn("slotNames", '"tokenId" bigint, kind text')} USING (kind) WHERE token_id = "tokenId"
       ORDER BY token_id, kind ${isLocked ? "FOR UPDATE OF slots" : ""}`,
    bound: { slotNames: jsonOf(names) },
  });
}

async function lockCounters(bundle: Bundle, counters: readonly string[]): Promise<CounterRow[]> {
  if (counters.length === 0) return [];
  return bundle.read({
    name: "counter_rows",
    text: `SELECT counter, recent, day_until AS "dayUntil", day_requests AS "dayRequests", day_micro_usd AS "dayMicroUsd" FROM cap_counters
       WHERE counter = ANY ($counterNames::text[]) ORDER BY counter FOR UPDATE`,
    bound: { counterNames: counters },
  });
}

/** Makes rows that are not there. */
export function makeRows(sql: Sql, names: readonly SlotName[], counters: readonly string[]): void {
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

/** Writes what has changed. @param isGuarded the rows are not locked: the transaction fails where limits do not allow it any more */
export function writeTable(bundle: Bundle, table: SlotTable, isGuarded = false): void {
  const { slots, counters } = table.changes();
  if (slots.length > 0)
    bundle.sendAlone({
      name: "slot_changes",
      text: `UPDATE slots SET in_flight = greatest(0, in_flight + change)
         FROM ${namesIn("slotChanges", '"tokenId" bigint, kind text, change bigint, "limit" bigint')}
         WHERE slots.token_id = "tokenId" AND slots.kind = given.kind AND ("limit" IS NULL OR in_flight + change <= "limit")
         RETURNING 1`,
      check: `1 / (${countOf("slot_changes")} >= $expectedSlots::int)::int`,
      bound: {
        slotChanges: jsonOf(slots.map(({ limit, ...slot }) => (isGuarded && slot.change > 0 ? { ...slot, limit } : slot))),
        expectedSlots: isGuarded ? slots.length : 0,
      },
    });
  if (counters.length === 0) return;
  bundle.send({
    name: "counter_changes",
    text: `UPDATE cap_counters SET recent = given.recent, day_until = "dayUntil", day_requests = "dayRequests", day_micro_usd = "dayMicroUsd"
       FROM ${namesIn("counterChanges", 'counter text, recent text, "dayUntil" bigint, "dayRequests" bigint, "dayMicroUsd" bigint')}
       WHERE cap_counters.counter = given.counter
       RETURNING 1`,
    bound: { counterChanges: jsonOf(counters) },
  });
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

/** What a node holds of these, locked until the transaction ends. */
export async function lockNodeSlots(bundle: Bundle, node: number, names: readonly SlotName[]): Promise<HeldSlots[]> {
  if (names.length === 0) return [];
  return bundle.read({
    name: `held_rows_${node}`,
    text: `SELECT token_id AS "tokenId", kind, in_flight AS count FROM node_slots
       JOIN ${namesIn("heldNames", '"tokenId" bigint, kind text')} USING (kind)
       WHERE node = $node AND token_id = "tokenId" ORDER BY token_id, kind FOR UPDATE OF node_slots`,
    bound: { node, heldNames: jsonOf(names) },
  });
}

/** What a node holds from then on. */
export function setNodeSlots(bundle: Bundle, node: number, held: readonly HeldSlots[]): void {
  if (held.length === 0) return;
  bundle.send({
    name: "held_changes",
    text: `INSERT INTO node_slots (node, token_id, kind, in_flight)
       SELECT $node, "tokenId", kind, count FROM ${rowsIn("heldChanges", '"tokenId" bigint, kind text, count bigint')}
       ON CONFLICT (node, token_id, kind) DO UPDATE SET in_flight = excluded.in_flight
       RETURNING 1`,
    bound: { node, heldChanges: jsonOf(held) },
  });
}

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

export function insertSpends(bundle: Bundle, node: number, spends: readonly (Spend & { id: number })[]): void {
  if (spends.length === 0) return;
  bundle.send({
    name: "new_spends",
    text: `INSERT INTO cap_spends (id, node, counters, at, images, micro_usd, day_until)
       SELECT id, $node, counters::text, at, images, "microUsd", "dayUntil"
       FROM ${rowsIn("spends", 'id bigint, counters json, at bigint, images bigint, "microUsd" bigint, "dayUntil" bigint')}
       RETURNING 1`,
    bound: { node, spends: jsonOf(spends) },
  });
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
  writeTable(new Bundle(sql, true), table);
}
