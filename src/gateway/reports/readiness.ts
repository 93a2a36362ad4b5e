// Readiness check (/ready): store, disk, secret key and pool.
import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { Log } from "../../log.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Node } from "../nodes/node.ts";
import type { Pool } from "../pool/pool.ts";
import type { Maintenance } from "./maintenance.ts";

export type ReadinessDependencies = {
  store: Pick<Store, "writeFact">;
  media: Pick<MediaStore, "freeBytes">;
  maintenance: Pick<Maintenance, "hasSecretKey">;
  pool: Pick<Pool, "countUsable" | "gauges">;
  /** Absent: there are no other nodes. */
  node?: Pick<Node, "unready">;
  settings: () => Settings;
  clock: Clock;
  log: Log;
};

/** A write to the store is tried at most this often, however often readiness is asked for. */
const PROBE_AGE_MS = 3_000;
/** A store that has not taken a small write by then is not writable. */
const PROBE_LIMIT_MS = 2_000;
const PROBE_FACT = "readiness probe";
const MEBIBYTE = 1024 * 1024;

export class Readiness {
  #probe: { at: number; result: Promise<boolean> } | null = null;

  constructor(private readonly deps: ReadinessDependencies) {}

  /** Each reason in a sentence; empty: ready. A pool without any token is no reason. */
  async reasons(): Promise<string[]> {
    const { maintenance, settings, node } = this.deps;
    if (node?.unready) return [node.unready];
    const isWritable = await this.#isStoreWritable();
    const leastMb = settings().media.min_free_mb;
    return [
      ...(isWritable ? [] : ["The store cannot be written."]),
      ...(this.#hasSpace(leastMb) ? [] : [`Less than ${leastMb} MiB of disk are free.`]),
      ...(maintenance.hasSecretKey() ? [] : ["The secret key is missing."]),
      ...(this.#hasUsableToken() ? [] : ["No token of the pool is usable."]),
    ];
  }

  #hasUsableToken(): boolean {
    const { pool } = this.deps;
    return pool.countUsable() > 0 || Object.values(pool.gauges().tokens).every((count) => count === 0);
  }

  #hasSpace(leastMb: number): boolean {
    try {
      return this.deps.media.freeBytes() >= leastMb * MEBIBYTE;
    } catch (error) {
      this.deps.log.error("The free disk space cannot be read", { error });
      return false;
    }
  }

  #isStoreWritable(): Promise<boolean> {
    const now = this.deps.clock.now();
    if (this.#probe === null || Math.abs(now - this.#probe.at) >= PROBE_AGE_MS) this.#probe = { at: now, result: this.#tryWrite(now) };
    return this.#probe.result;
  }

  async #tryWrite(now: number): Promise<boolean> {
    const { store, clock, log } = this.deps;
    const late = Promise.withResolvers<false>();
    const cancel = clock.after(PROBE_LIMIT_MS, () => late.resolve(false));
    const written = store.writeFact(PROBE_FACT, String(now)).then(
      () => true,
      (error) => {
        log.error("The store cannot be written", { error });
        return false;
      },
    );
    const result = await Promise.race([written, late.promise]);
    cancel();
    return result;
  }
}
