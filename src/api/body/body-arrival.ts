// Slow-body guard: minimum rate and maximum time of arriving request bodies, checked by one timer.
import type { Clock } from "../../clock.ts";
import { AppError } from "../../errors.ts";

export type ArrivalLimits = {
  /** Minimum rate in KiB/s; 0: none. */
  body_min_rate_kb: number;
  /** Maximum time of one body, in seconds. */
  body_timeout: number;
};

const CHECK_MS = 1_000;
/** The rate is measured over windows of this length. */
const WINDOW_MS = 10_000;
const UNWATCHED_BYTES = 64 * 1024;

type Arrival = {
  request: Request;
  isSlow: boolean;
  startedAt: number;
  windowStart: number;
  windowBytes: number;
  /** False while a piece is processed: that time is not the client's. */
  isWaiting: boolean;
  refuse(error: AppError): void;
  /** Of one that is read whole. */
  text: Promise<string> | null;
};

export type WatchedText = Arrival & { text: Promise<string> };

export class ArrivalWatch {
  readonly #arriving = new Set<Arrival>();
  #isChecking = false;
  #checkedAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly limits: () => ArrivalLimits,
    /** Called once for a body that is incomplete at the first check: from then on only this watch may end it. */
    private readonly onSlow: (request: Request) => void = () => {},
  ) {}

  /**
   * Bytes of one window at the minimum rate, 64 KiB at most: a body of that size is slow when it is incomplete after one window, and counts
   * only when it is complete.
   */
  get unwatchedBytes(): number {
    return Math.min((Math.max(this.limits().body_min_rate_kb, 1) * 1024 * WINDOW_MS) / 1000, UNWATCHED_BYTES);
  }

  /** Reads a body of at most {@link unwatchedBytes}: `text` rejects with `request_timeout`. To be followed by {@link forget}. */
  watchText(request: Request): WatchedText {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const arrival = this.#watch(request, reject, promise);
    request.text().then(resolve, reject);
    return arrival as WatchedText;
  }

  forget(arrival: WatchedText): void {
    this.#arriving.delete(arrival);
  }

  /** The pieces of a body as they arrive. @throws {AppError} `request_timeout` */
  async *pieces(request: Request): AsyncGenerator<Uint8Array> {
    const reader = request.body?.getReader();
    if (!reader) return;
    let failure: AppError | null = null;
    const arrival = this.#watch(request, (error) => {
      failure = error;
      // Ends the pending read.
      reader.cancel(error).catch(() => {});
    });
    let isOver = false;
    try {
      while (!isOver) {
        const { done, value } = await reader.read();
        if (failure) throw failure;
        isOver = done;
        if (!value) continue;
        arrival.windowBytes += value.byteLength;
        arrival.isWaiting = false;
        yield value;
        arrival.isWaiting = true;
      }
    } finally {
      this.#arriving.delete(arrival);
      if (!isOver) reader.cancel().catch(() => {});
    }
  }

  #watch(request: Request, refuse: (error: AppError) => void, text: Promise<string> | null = null): Arrival {
    const now = this.clock.now();
    const arrival = { request, isSlow: false, startedAt: now, windowStart: now, windowBytes: 0, isWaiting: true, refuse, text };
    this.#arriving.add(arrival);
    if (!this.#isChecking) this.#scheduleCheck();
    return arrival;
  }

  #scheduleCheck(): void {
    this.#isChecking = true;
    this.#checkedAt = this.clock.now();
    this.clock.after(CHECK_MS, () => {
      this.#check();
      if (this.#arriving.size > 0) this.#scheduleCheck();
      else this.#isChecking = false;
    });
  }

  #check(): void {
    const now = this.clock.now();
    const { body_min_rate_kb, body_timeout } = this.limits();
    const sinceLast = now - this.#checkedAt;
    // The event loop was blocked, or the clock was set: bytes that arrived meanwhile are not read yet.
    const isCheckLate = sinceLast > 3 * CHECK_MS || sinceLast < 0;
    for (const arrival of this.#arriving) {
      if (!arrival.isSlow) this.onSlow(arrival.request);
      arrival.isSlow = true;
      if (isCheckLate || !arrival.isWaiting) {
        arrival.windowStart += sinceLast;
        if (isCheckLate) arrival.startedAt += sinceLast;
        continue;
      }
      if (now - arrival.startedAt > body_timeout * 1000) this.#refuse(arrival, `did not arrive within ${body_timeout} s`);
      else if (now - arrival.windowStart >= WINDOW_MS) {
        const least = (body_min_rate_kb * 1024 * (now - arrival.windowStart)) / 1000;
        if (arrival.windowBytes < least) this.#refuse(arrival, `arrived at less than ${body_min_rate_kb} KiB/s`);
        arrival.windowStart = now;
        arrival.windowBytes = 0;
      }
    }
  }

  #refuse(arrival: Arrival, what: string): void {
    this.#arriving.delete(arrival);
    arrival.refuse(new AppError("request_timeout", `The request body ${what}; the connection is closed.`));
  }
}
