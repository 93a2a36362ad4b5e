// Simulated disk: rows that survive a process, and a store on them that commits late and may fail.

import { type Clock, sleep } from "../../src/clock.ts";
import type { Amounts, LedgerStore, NewReservation, Reservation, ReservationEnd } from "../../src/db/ledger.ts";
import type { Store } from "../../src/db/store.ts";
import type { TokenRow } from "../../src/domain/token.ts";
import { AppError } from "../../src/errors.ts";
import type { Chronicle, Dice } from "./chronicle.ts";

export type ReservationRow = Reservation & { state: "reserved" | ReservationEnd["state"]; actual: Amounts };

/** A video that the upstream works on, as the job table has it. */
export type VideoRow = { requestId: string; reservationId: number; keyId: number; tokenId: number; family: string; readyAt: number };

export type Disk = {
  tokens: Map<number, TokenRow>;
  reservations: Map<number, ReservationRow>;
  byRequest: Map<string, ReservationRow>;
  /** Sums of ended reservations, by key and period. */
  spent: Map<string, { keyId: number; period: string; amounts: Amounts }>;
  videos: Map<string, VideoRow>;
  /** Whether writes fail now, and the elapsed ms of the last one that did. */
  isFull: boolean;
  failedAt: number;
};

export const createDisk = (): Disk => ({
  tokens: new Map(),
  reservations: new Map(),
  byRequest: new Map(),
  spent: new Map(),
  videos: new Map(),
  isFull: false,
  failedAt: Number.NEGATIVE_INFINITY,
});

export type WorldStore = LedgerStore &
  Pick<Store, "saveHealth" | "readTokenSecret" | "writeTokenSecret" | "updateToken"> & {
    putVideo(row: VideoRow): Promise<void>;
    dropVideo(requestId: string): Promise<void>;
  };

type Act = { run: () => unknown; resolve: (value: never) => void; reject: (error: unknown) => void };

/** How long a commit takes, and its response after that, at most, in ms. */
const COMMIT_MS = 12;

/**
 * The store of one process. Acts take effect in the order they were asked for, some ms later, and are answered later still: a process that
 * dies loses what was not committed, and never hears of what was.
 */
export function openWorldStore(disk: Disk, clock: Clock, elapsed: () => number, dice: Dice, chronicle: Chronicle): WorldStore {
  const { note } = chronicle;
  const assert: Chronicle["assert"] = chronicle.assert;
  let queue: Act[] = [];
  let isWorking = false;

  async function work(): Promise<void> {
    isWorking = true;
    while (queue.length > 0) {
      await sleep(clock, dice.between(0, COMMIT_MS));
      const group = queue;
      queue = [];
      const responses = group.map(commit);
      await sleep(clock, dice.between(0, 2));
      for (const response of responses) response();
    }
    isWorking = false;
  }

  function commit({ run, resolve, reject }: Act): () => void {
    if (disk.isFull) {
      disk.failedAt = elapsed();
      return () => reject(new Error("database or disk is full"));
    }
    const value = run() as never;
    return () => resolve(value);
  }

  const write = <T>(run: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      queue.push({ run, resolve, reject });
      if (!isWorking) void work();
    });

  function insert(row: NewReservation): number {
    const id = disk.reservations.size + 1;
    const reservation: ReservationRow = { ...row, id, state: "reserved", actual: { images: 0, videoMs: 0, microUsd: 0 } };
    disk.reservations.set(id, reservation);
    disk.byRequest.set(row.requestId, reservation);
    return id;
  }

  function end({ id, state, actual, periods }: ReservationEnd): void {
    const row = disk.reservations.get(id);
    assert(row !== undefined && row.state === "reserved", "A reservation ends once:", { id, was: row?.state, state });
    Object.assign(row, { state, actual });
    note("on record", { reservation: id, state, ...actual });
    for (const period of periods) {
      const name = `${row.keyId}/${period}`;
      const sum = disk.spent.get(name) ?? { keyId: row.keyId, period, amounts: { images: 0, videoMs: 0, microUsd: 0 } };
      disk.spent.set(name, sum);
      for (const of of ["images", "videoMs", "microUsd"] as const) sum.amounts[of] += actual[of];
    }
  }

  return {
    begin: (rows) => write(() => rows.map((row) => ({ id: insert(row) }))),
    end: (ends) =>
      write(() => {
        ends.forEach(end);
        return ends.length;
      }),
    async readLedger(periods, since) {
      const rows = [...disk.reservations.values()];
      return {
        open: rows.filter(({ state }) => state === "reserved"),
        spent: [...disk.spent.values()].filter(({ period }) => periods.includes(period)),
        recent: rows.filter(({ at }) => at > since).sort((a, b) => a.at - b.at || a.id - b.id),
      };
    },
    addUploads: async () => {},
    readUploads: async () => [],
    readUsage: async () => [],
    readBeats: async () => [],
    readKeyDays: async () => [],
    deleteUsageBefore: async () => 0,
    saveHealth: (changes) =>
      write(() => {
        for (const { id, health } of changes) {
          const row = disk.tokens.get(id);
          if (row) disk.tokens.set(id, { ...row, health: JSON.parse(JSON.stringify(health)) });
        }
        return [];
      }),
    async readTokenSecret(id) {
      const row = disk.tokens.get(id);
      if (!row) throw new AppError("not_found", "There is no such token.");
      return { secret: `secret ${id}`, state: { group: row.group }, version: 0 };
    },
    writeTokenSecret: async () => 1,
    updateToken: async (id) => disk.tokens.get(id)!,
    putVideo: (row) => write(() => void disk.videos.set(row.requestId, row)),
    dropVideo: (requestId) => write(() => void disk.videos.delete(requestId)),
  };
}
