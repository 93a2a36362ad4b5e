// Stored responses of /v1/responses: bound to their key, for 30 days, within a total size.
import type { Clock } from "../../clock.ts";
import type { ResponseRow, ResponseStore } from "../../db/responses.ts";
import type { Json } from "../../domain/generation.ts";
import type { Log } from "../../log.ts";
import { above } from "../level.ts";

/** Age of a stored response, as at OpenAI. */
const AGE_MS = 30 * 24 * 3_600_000;
/** Largest JSON of one response with the conversation before it; images are stored as links. */
const LONGEST = 1024 * 1024;
/** Of all responses; the oldest of the keys that hold the most are deleted first. */
const MAX_BYTES = 256 * 1024 * 1024;
const SWEEP_MS = 3_600_000;
const SWEEP_ROWS = 500;

export type StoredResponses = {
  /** Resolves when it is stored; an existing one stays as it is. False: it is too long. */
  keep(row: ResponseRow): Promise<boolean>;
  /** The stored body; null when it is absent, expired, or another key's. */
  find(id: string, keyId: number): Promise<Json | null>;
  /** False: there was nothing to forget. */
  remove(id: string, keyId: number): Promise<boolean>;
  /** Deletes what is past its age or beyond the total size, now, every hour, and whenever as much again was stored. */
  start(): void;
  stop(): Promise<void>;
};

type Dependencies = { store: ResponseStore; clock: Clock; log: Log; maxBytes?: number };

export function createStoredResponses({ store, clock, log, maxBytes = MAX_BYTES }: Dependencies): StoredResponses {
  let isStopped = false;
  let isSweeping = false;
  let cancel = () => {};
  let sweeping = Promise.resolve();
  /** Since the last sweep began. */
  let keptBytes = 0;

  async function sweep(): Promise<void> {
    isSweeping = true;
    keptBytes = 0;
    cancel();
    try {
      const before = clock.now() - AGE_MS;
      while (!isStopped && (await store.deleteResponsesBefore(before, SWEEP_ROWS)) >= SWEEP_ROWS);
      while (!isStopped && (await deleteSurplus()) > 0);
    } catch (error) {
      log.error("Old responses could not be deleted", { error });
    }
    isSweeping = false;
    if (!isStopped) cancel = clock.after(SWEEP_MS, begin);
  }
  const begin = () => {
    sweeping = sweep();
  };

  /** One slice of what is too much; says how many went. */
  async function deleteSurplus(): Promise<number> {
    let deleted = 0;
    for (const sum of above(await store.sumResponses(maxBytes), maxBytes)) deleted += await store.deleteOldestResponses(sum, SWEEP_ROWS);
    return deleted;
  }

  async function find(id: string, keyId: number): Promise<Json | null> {
    const row = await store.getResponse(id, keyId);
    return row && row.createdAt > clock.now() - AGE_MS ? row.body : null;
  }

  return {
    async keep(row) {
      const { length } = JSON.stringify(row.body);
      if (length > LONGEST) return false;
      await store.insertResponse(row);
      keptBytes += length;
      if (keptBytes > maxBytes && !isSweeping && !isStopped) begin();
      return true;
    },
    find,
    remove: async (id, keyId) => (await find(id, keyId)) !== null && store.deleteResponse(id, keyId),
    start: begin,
    stop() {
      isStopped = true;
      cancel();
      return sweeping;
    },
  };
}
