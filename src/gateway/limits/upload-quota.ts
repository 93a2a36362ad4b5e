// Upload quota: bytes that each key has uploaded in a UTC day, against its limit. Survives a restart.
import type { Clock } from "../../clock.ts";
import type { LedgerStore, UploadSum } from "../../db/ledger.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { periodEnd, periodsAt } from "./periods.ts";

const MEBIBYTE = 1024 * 1024;
/** Sums are written in batches: a crash loses at most the uploads of this time, ms. */
const WRITE_MS = 500;

type Dependencies = {
  store: Pick<LedgerStore, "addUploads" | "readUploads">;
  /** The key's limit in MiB a day; null: none. */
  limitOf(keyId: number): number | null;
  clock: Clock;
  log: Log;
};

export class UploadQuota {
  #day = "";
  #bytes = new Map<number, number>();
  #unwritten = new Map<number, UploadSum>();
  #cancelWrite: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(private readonly deps: Dependencies) {}

  async load(): Promise<void> {
    this.#day = periodsAt(this.deps.clock.now()).day;
    this.#bytes = new Map((await this.deps.store.readUploads(this.#day)).map(({ keyId, bytes }) => [keyId, bytes]));
  }

  bytesToday(keyId: number): number {
    this.#startNewDay();
    return this.#bytes.get(keyId) ?? 0;
  }

  /** @throws {AppError} `limit_exceeded` when so many more bytes do not fit into the key's day */
  check(keyId: number, bytes: number): void {
    const limitMb = this.deps.limitOf(keyId);
    if (limitMb === null || this.bytesToday(keyId) + bytes <= limitMb * MEBIBYTE) return;
    const now = this.deps.clock.now();
    const until = periodEnd("day", now)!;
    const used = Math.floor(this.bytesToday(keyId) / MEBIBYTE);
    throw new AppError(
      "limit_exceeded",
      `Quota exceeded: this API key may upload ${limitMb} MiB per day (UTC); ${used} are used and this request brings ${Math.ceil(bytes / MEBIBYTE)}. It resets at ${new Date(until).toISOString().replace(".000Z", "Z")}.`,
      { reason: "insufficient_quota", retryAfterMs: until - now },
    );
  }

  /** Checks and counts. @throws {AppError} as {@link check} */
  take(keyId: number, bytes: number): void {
    this.check(keyId, bytes);
    this.#bytes.set(keyId, this.bytesToday(keyId) + bytes);
    const sum = this.#unwritten.get(keyId) ?? { keyId, period: this.#day, bytes: 0 };
    this.#unwritten.set(keyId, { ...sum, bytes: sum.bytes + bytes });
    this.#cancelWrite ??= this.deps.clock.after(WRITE_MS, () => void this.flush());
  }

  /** Writes the sums so far. What cannot be written is written with the next batch. */
  flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const rows = [...this.#unwritten.values()];
    this.#unwritten = new Map();
    try {
      if (rows.length > 0) await this.deps.store.addUploads(rows);
    } catch (error) {
      this.deps.log.error("Writing upload sums failed", { error });
      for (const row of rows) {
        const later = this.#unwritten.get(row.keyId);
        this.#unwritten.set(row.keyId, later ? { ...later, bytes: later.bytes + row.bytes } : row);
      }
    }
  }

  #startNewDay(): void {
    const { day } = periodsAt(this.deps.clock.now());
    if (day === this.#day) return;
    void this.flush();
    this.#day = day;
    this.#bytes = new Map();
  }
}
