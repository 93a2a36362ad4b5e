// Answers of /v1/responses that are kept: bound to their key, for thirty days, within a total size.
import type { Clock } from "../../clock.ts";
import type { ResponseRow, ResponseStore } from "../../db/responses.ts";
import type { Json } from "../../domain/generation.ts";
import type { Log } from "../../log.ts";
import { above } from "../level.ts";

/** How long an answer is kept, as OpenAI keeps them. */
const AGE_MS = 30 * 24 * 3_600_000;
/** Longest JSON of one answer with the conversation before it; pictures are kept as links. */
const LONGEST = 1024 * 1024;
/** Of all answers; the oldest of the keys that hold the most go first. */
const MAX_BYTES = 256 * 1024 * 1024;
const SWEEP_MS = 3_600_000;
const SWEEP_ROWS = 500;

export type StoredResponses = {
  /** Resolves when it is kept; one that is there already stays as it is. False: it is too long. */
  keep(row: ResponseRow): Promise<boolean>;
  /** What was kept under the id; null: nothing, it is past its age, or another key's. */
  find(id: string, keyId: number): Promise<Json | null>;
  /** False: there was nothing to forget. */
  remove(id: string, keyId: number): Promise<boolean>;
  /** Deletes what is past its age or beyond the total size, now, every hour, and whenever as much again was kept. */
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
