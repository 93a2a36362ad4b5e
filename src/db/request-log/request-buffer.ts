// Rows of the request log that wait to be written: in batches, off the hot path, bounded in memory. Shared by the engines.
import type { Clock } from "../../clock.ts";
import type { RequestRow } from "../../domain/request.ts";
import type { Log } from "../../log.ts";

/** Rows held in memory at most, in batches: beyond it the newest are dropped and the log says how many. */
const MAX_BATCHES_HELD = 256;

export type BufferOptions = {
  clock: Clock;
  log: Log;
  /** Longest time a row waits to be written, in ms. */
  flushMs?: number;
  /** Rows that are written without waiting, and rows of one transaction: about 2 ms of the event loop for the default of 64. */
  batch?: number;
};

export class RequestBuffer {
  #held: RequestRow[] = [];
  #dropped = 0;
  #cancelTimer: (() => void) | null = null;
  #writing: Promise<void> | null = null;
  readonly #batch: number;
  readonly #flushMs: number;

  /** @param write rejects when its rows are lost */
  constructor(
    private readonly options: BufferOptions,
    private readonly write: (rows: readonly RequestRow[]) => Promise<unknown>,
  ) {
    this.#batch = options.batch ?? 64;
    this.#flushMs = options.flushMs ?? 250;
  }

  append(row: RequestRow): void {
    if (this.#held.length >= this.#batch * MAX_BATCHES_HELD) {
      this.#dropped++;
      return;
    }
    this.#held.push(row);
    if (this.#held.length >= this.#batch) void this.flush();
    else if (this.#cancelTimer === null) this.#flushLater();
  }

  #flushLater(): void {
    this.#cancelTimer = this.options.clock.after(this.#flushMs, () => void this.flush());
  }

  /** Resolves when what was appended before is written, or lost. */
  async flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#held.length > 0) this.#writing ??= this.#writeHeld();
    await this.#writing;
  }

  async #writeHeld(): Promise<void> {
    const { log } = this.options;
    while (this.#held.length > 0) {
      const rows = this.#held.slice(0, this.#batch);
      this.#held = this.#held.slice(this.#batch);
      await this.write(rows).catch((error) => {
        this.#dropped += rows.length;
        log.error("The request log cannot be written", { error });
      });
    }
    if (this.#dropped > 0) log.warn("Rows of the request log were dropped", { rows: this.#dropped });
    this.#dropped = 0;
    this.#writing = null;
  }
}
