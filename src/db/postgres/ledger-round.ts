// SQL of the ledger's part of a round: reservations that end, and new ones, which fit the limits of their keys.
import type { Amounts, Begun, NewReservation, ReservationEnd } from "../ledger.ts";
import { bucketOf, type UsageShare } from "../usage-sums.ts";
import { Bundle, jsonOf, namesIn, rowsIn } from "./bundle.ts";
import type { Sql } from "./driver.ts";
import {
  Admission,
  type ClosedReservation,
  type KeyChange,
  type KeyState,
  type PeriodChange,
  type PeriodState,
} from "./shared/admission.ts";
import { makeKeys, readKeys, readPeriods, writeKeys, writePeriods } from "./shared/key-states.ts";
import { addUsage, putTokenCalls, type TokenCall } from "./usage.ts";

/** Ends come first: what they give back can be had at once. */
export class LedgerRound {
  /** Of several ends of one reservation the first counts. */
  readonly #ends = new Map<number, ReservationEnd>();
  readonly rows: readonly NewReservation[];
  #closed: readonly Closed[] = [];
  #keys: readonly KeyState[] = [];
  #periods: readonly PeriodState[] = [];
  #changes: { keys: readonly KeyChange[]; periods: readonly PeriodChange[] } = { keys: [], periods: [] };
  #begun: readonly Begun[] = [];

  constructor(
    private readonly sql: Sql,
    private isLocked: boolean,
    ends: readonly ReservationEnd[],
    begins: readonly NewReservation[],
  ) {
    for (const end of ends) if (!this.#ends.has(end.id)) this.#ends.set(end.id, end);
    this.rows = begins;
  }

  /** Closes what is open, and reads what is decided by. */
  async read(bundle: Bundle): Promise<void> {
    const closing = closeReservations(bundle, [...this.#ends.values()]);
    [this.#closed, [this.#keys, this.#periods]] = await Promise.all([closing, this.#load(bundle)]);
  }

  #load(bundle: Bundle): Promise<[KeyState[], PeriodState[]]> {
    return Promise.all([readKeys(bundle, this.rows, [...this.#ends.keys()], this.isLocked), readPeriods(bundle, this.rows)]);
  }

  /** Makes rows of keys that were not there, and locks all; null: none was missing. */
  complete(): Promise<void> | null {
    if (!makeKeys(this.sql, this.rows, this.#keys)) return null;
    this.isLocked = true;
    return this.#load(new Bundle(this.sql, true)).then((loaded) => {
      [this.#keys, this.#periods] = loaded;
    });
  }

  /**
   * Decides.
   * @param alive nodes that live @param ids as many as there are new reservations @param now epoch ms of the database's clock
   */
  decide(alive: ReadonlySet<number>, ids: readonly number[], now: number): void {
    const admission = new Admission(this.#keys, this.#periods, now);
    for (const row of this.#closed) admission.end(row, this.#ends.get(row.id)!);
    this.#begun = this.rows.map((row, index) => {
      if (!alive.has(row.node ?? 0)) return { refused: "node" };
      const by = admission.refusal(row);
      if (by) return { refused: "limit", by };
      admission.admit(row);
      return { id: ids[index]! };
    });
    this.#changes = admission.changes();
  }

  /** Writes what nobody else waits for: new reservations, and calls of those that have ended. */
  writeRows(bundle: Bundle): void {
    insertReservations(
      bundle,
      this.#begun.flatMap((begun, index) => ("id" in begun ? [{ id: begun.id, row: this.rows[index]! }] : [])),
    );
    putTokenCalls(bundle, this.#ended().flatMap(callsOf));
  }

  /** Ids of requests that may not begin. */
  refused(): Set<string> {
    return new Set(this.rows.filter((_, index) => "refused" in this.#begun[index]!).map(({ requestId }) => requestId));
  }

  writeKeys(bundle: Bundle): void {
    writeKeys(bundle, this.#changes.keys, !this.isLocked);
  }

  /** Writes what periods and rollups have more or less. */
  writeSums(bundle: Bundle): void {
    writePeriods(bundle, this.#changes.periods, !this.isLocked);
    addUsage(bundle, this.#ended().flatMap(sharesOf));
  }

  #ended(): Ended[] {
    return this.#closed.map((row) => ({ row, end: this.#ends.get(row.id)! }));
  }

  /** What became of so many new reservations from this one on. */
  begun(from: number, count: number): Begun[] {
    return this.#begun.slice(from, from + count);
  }

  /** How many of these have ended by their end here, not by an earlier one of the round. */
  countEnded(ends: readonly ReservationEnd[]): number {
    const closed = new Set(this.#closed.map(({ id }) => id));
    return new Set(ends.filter((end) => closed.has(end.id) && this.#ends.get(end.id) === end)).size;
  }
}

type Closed = ClosedReservation & { id: number; family: string };
type Ended = { row: Closed; end: ReservationEnd };

function insertReservations(bundle: Bundle, admitted: readonly { id: number; row: NewReservation }[]): void {
  if (admitted.length === 0) return;
  const rows = admitted.map(({ id, row }) => {
    const { keyId, requestId, kind, family, at, estimate, forJob = false, node = 0, shared } = row;
    return { id, keyId, requestId, kind, family, at, ...estimate, forJob, node, periods: shared ? JSON.stringify(shared.periods) : null };
  });
  bundle.send({
    name: "reserved",
    text: `INSERT INTO reservations (id, key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, periods,
         holds_concurrency, state)
       SELECT id, "keyId", "requestId", kind, family, at, images, "videoMs", "microUsd", "forJob", node, periods, periods IS NOT NULL, 'reserved'
       FROM ${rowsIn("reservations", RESERVED)}
       RETURNING 1`,
    bound: { reservations: jsonOf(rows) },
  });
}

const AMOUNTS = 'images bigint, "videoMs" bigint, "microUsd" bigint';
const RESERVED = `id bigint, "keyId" bigint, "requestId" text, kind text, family text, at bigint, ${AMOUNTS}, "forJob" boolean, node bigint,
  periods text`;

type RawClosed = Omit<Closed, "periods" | "estimate"> & { periods: string | null } & Amounts;

/**
 * Compare and set: those that are open. The condition is written so that no index of open ones serves it: in those each reservation that has
 * ended stays until a vacuum, and while they look small they are read whole.
 */
async function closeReservations(bundle: Bundle, ends: readonly ReservationEnd[]): Promise<Closed[]> {
  if (ends.length === 0) return [];
  const rows = await bundle.change<RawClosed>({
    name: "closed",
    text: `UPDATE reservations SET state = given.state, ended_at = given."endedAt", actual_images = given.images,
         actual_video_ms = given."videoMs", actual_micro_usd = given."microUsd"
       FROM ${namesIn("ends", `id bigint, state text, "endedAt" bigint, ${AMOUNTS}`)}
       WHERE reservations.id = given.id AND reservations.state || '' = 'reserved'
       RETURNING reservations.id, reservations.key_id AS "keyId", reservations.family, reservations.periods,
         reservations.holds_concurrency AS "holdsConcurrency", reservations.images, reservations.video_ms AS "videoMs",
         reservations.micro_usd AS "microUsd"`,
    bound: { ends: jsonOf(ends.map(({ id, state, endedAt, actual }) => ({ id, state, endedAt, ...actual }))) },
  });
  return rows.map(({ id, keyId, family, periods, holdsConcurrency, ...estimate }) => ({
    ...{ id, keyId, family, holdsConcurrency, estimate },
    periods: periods === null ? null : (JSON.parse(periods) as string[]),
  }));
}

/** What one end adds to the rollups: to all and to its key. */
function sharesOf({ end, row }: Ended): UsageShare[] {
  const { hour, ok, ms, inputTokens, outputTokens } = end;
  const whole = { hour, family: row.family, ok, ms, inputTokens, outputTokens, ...end.actual };
  return [
    { dimension: "all", subject: 0, ...whole },
    { dimension: "key", subject: row.keyId, ...whole },
  ];
}

const callsOf = ({ end: { hour, endedAt, calls }, row }: Ended): TokenCall[] =>
  calls.map(({ tokenId, ok, ms, amounts }) => {
    const rounded = Math.max(0, Math.round(ms));
    return { subject: tokenId, hour, family: row.family, ok, ms: rounded, bucket: bucketOf(rounded), at: endedAt, ...amounts };
  });
