// Round: all that generations ask of the store at once (reservations, slots, media), in two round trips and one commit.
import type { Begun, NewReservation, ReservationEnd } from "../ledger.ts";
import type { SlotEnd, SlotOutcome, SlotRequest } from "../shared.ts";
import { Bundle } from "./bundle.ts";
import type { Sql } from "./driver.ts";
import { CLOCK, readAlive, readClock } from "./fencing.ts";
import { LedgerRound } from "./ledger-round.ts";
import { insertMedia, type NewMedia } from "./media.ts";
import { SlotRound } from "./shared/slot-round.ts";

/** Arguments and result of what a round is made of. */
type Calls = {
  begin: { args: readonly [readonly NewReservation[]]; result: Begun[] };
  end: { args: readonly [readonly ReservationEnd[]]; result: number };
  insertMedia: { args: NewMedia; result: undefined };
  takeSlots: { args: readonly [node: number, batch: readonly SlotRequest[]]; result: SlotOutcome[] };
  giveSlots: { args: readonly [node: number, batch: readonly SlotEnd[]]; result: undefined };
};
export type CallName = keyof Calls;
export type ArgumentsOf<N extends CallName> = Calls[N]["args"];
export type ResultOf<N extends CallName> = Calls[N]["result"];
export type Call = { [N in CallName]: { name: N; args: ArgumentsOf<N> } }[CallName];

/**
 * Runs them together and resolves with their results, in their order. Whatever is given back comes before what is asked for. Rows that
 * other nodes write, too, are locked in one order: nodes, reservations, keys, slots, counters, periods, rollups, sums of media. Those that
 * many wait for come last, so that they are locked no longer than a commit takes.
 * @param isLocked false: what is decided by is not locked until it is written, in one send with the commit; where limits do not allow it
 * any more then, the transaction fails as `isContended`. True: it is locked before it is read
 */
export async function runRound(sql: Sql, calls: readonly Call[], isLocked: boolean): Promise<unknown[]> {
  const ledger = new LedgerRound(sql, isLocked, argumentsOf(calls, "end").flat(2), argumentsOf(calls, "begin").flat(2));
  const slots = slotRounds(sql, calls, isLocked);
  const { alive, now, reservations, spends } = await readAll(sql, calls, { ledger, slots, isLocked });
  const completing = [ledger, ...slots].map((one) => one.complete()).filter((one) => one !== null);
  await Promise.all(completing);
  // After the last lock: what others have counted before is never of the future.
  const last = completing.length > 0 ? await readClock(sql) : now;
  ledger.decide(alive, reservations, last);
  // Names are of one node.
  const writing = new Bundle(sql, slots.length > 1);
  ledger.writeRows(writing);
  insertMedia(
    writing,
    calls.flatMap((call) => (call.name === "insertMedia" ? [call.args] : [])),
  );
  ledger.writeKeys(writing);
  const refused = ledger.refused();
  for (const one of slots) one.write(writing, { isAlive: alive.has(one.node), ids: spends.splice(0, one.spends), now: last, refused });
  ledger.writeSums(writing);
  writing.run();
  return resultsOf(calls, ledger, slots);
}

type Rounds = { ledger: LedgerRound; slots: readonly SlotRound[]; isLocked: boolean };
type Read = Numbers & { alive: ReadonlySet<number> };

/** All that is decided by, in one statement where nothing is locked. The clock is read last. */
async function readAll(sql: Sql, calls: readonly Call[], { ledger, slots, isLocked }: Rounds): Promise<Read> {
  if (calls.every(({ name }) => name === "insertMedia")) return { alive: NO_NODES, ...NO_NUMBERS };
  const asking = slots.filter(({ requests }) => requests.length > 0);
  const reading = new Bundle(sql, isLocked);
  const alive = readAlive(reading, [...ledger.rows.map(({ node = 0 }) => node), ...asking.map(({ node }) => node)]);
  const rounds = [ledger.read(reading)];
  const isApart = isLocked || slots.length > 1 || slots.some((one) => one.isLocked);
  if (isApart) reading.run();
  const rest = isApart ? new Bundle(sql, true) : reading;
  rounds.push(...slots.map((one) => one.read(rest)));
  const numbers = readNumbers(rest, { reservations: ledger.rows.length, spends: slots.reduce((sum, { spends }) => sum + spends, 0) });
  rest.run();
  const read = await Promise.all([alive, numbers, ...rounds]);
  return { alive: read[0], ...read[1] };
}

const argumentsOf = <N extends CallName>(calls: readonly Call[], name: N): ArgumentsOf<N>[] =>
  calls.flatMap((call) => (call.name === name ? [call.args as ArgumentsOf<N>] : []));

function slotRounds(sql: Sql, calls: readonly Call[], isLocked: boolean): SlotRound[] {
  const [gives, takes] = [argumentsOf(calls, "giveSlots"), argumentsOf(calls, "takeSlots")];
  const nodes = new Set([...gives, ...takes].map(([node]) => node));
  const ofNode = <T>(node: number, all: readonly (readonly [number, readonly T[]])[]) =>
    all.flatMap(([of, batch]) => (of === node ? batch : []));
  const sorted = [...nodes].sort((a, b) => a - b);
  return sorted.map((node) => new SlotRound(sql, { isLocked, node, ends: ofNode(node, gives), requests: ofNode(node, takes) }));
}

type Numbers = { now: number; reservations: number[]; spends: number[] };
const NO_NUMBERS: Numbers = { now: 0, reservations: [], spends: [] };
const NO_NODES: ReadonlySet<number> = new Set();

/** The clock, and ids for new rows: known before the commit, whatever becomes of its answer. */
async function readNumbers(bundle: Bundle, wanted: { reservations: number; spends: number }): Promise<Numbers> {
  const idsOf = (table: string, count: string) =>
    `(SELECT string_agg(nextval('${table}_id_seq')::text, ',') FROM generate_series(1, $${count}::int))`;
  type Row = { now: number; reservations: string | null; spends: string | null };
  const [row] = await bundle.read<Row>({
    name: "numbers",
    text: `SELECT ${idsOf("reservations", "newReservations")} AS reservations, ${idsOf("cap_spends", "newSpends")} AS spends, ${CLOCK} AS now`,
    bound: { newReservations: wanted.reservations, newSpends: wanted.spends },
  });
  const numbersIn = (text: string | null) => (text === null ? [] : text.split(",").map(Number));
  return { now: row!.now, reservations: numbersIn(row!.reservations), spends: numbersIn(row!.spends) };
}

function resultsOf(calls: readonly Call[], ledger: LedgerRound, slots: readonly SlotRound[]): unknown[] {
  let begun = 0;
  const taken = new Map<number, number>();
  return calls.map((call) => {
    if (call.name === "begin") {
      const from = begun;
      begun += call.args[0].length;
      return ledger.begun(from, call.args[0].length);
    }
    if (call.name === "takeSlots") {
      const [node, batch] = call.args;
      const from = taken.get(node) ?? 0;
      taken.set(node, from + batch.length);
      return slots.find((one) => one.node === node)!.outcomes(from, batch.length);
    }
    return call.name === "end" ? ledger.countEnded(call.args[0]) : undefined;
  });
}
