// Watchdog thread: logs a blocked event loop with its requests in flight, and lets SIGTERM end the process then.
import type { Log } from "../log.ts";
import { watchNatively } from "./native-thread.ts";
// @ts-expect-error Imported as text; the compiler reads it as a module without types.
import untypedSource from "./watchdog-thread.js" with { type: "text" };

const threadSource: string = untypedSource;

const BEAT_MS = 250;
const STALL_MS = 2_000;

/** The newest requests are recorded. A power of two. */
const SLOTS = 256;
const ID_BYTES = 48;
/** Places of the counts: beats; signals received; those of them before the last beat, which the main thread has handled; whether it stalled. */
const BEATS_AT = 0;
const SIGNALS_AT = 1;
const HANDLED_AT = 2;
const STALLED_AT = 3;
const COUNTS = 4;
const SEQUENCE_AT = 64;
const IDS_AT = SEQUENCE_AT + SLOTS * 4;
/** Ids of the requests under way as the thread has logged them: JSON, with a zero at its end. */
const STALLED_IDS_AT = IDS_AT + SLOTS * ID_BYTES;
/** Fifty ids with each character escaped, quotes and commas. A multiple of four. */
const IDS_BYTES = 50 * (2 * ID_BYTES + 4);

const CONSTANTS = {
  ...{ STALL_MS, SLOTS, ID_BYTES, BEATS_AT, SIGNALS_AT, HANDLED_AT, STALLED_AT, SEQUENCE_AT, IDS_AT, STALLED_IDS_AT, IDS_BYTES },
};

/** Shared with the native thread, which reads it as long as the process lives. */
let shared: SharedArrayBuffer | null = null;

type Options = {
  /** False: by a thread in JavaScript, as where no C can be compiled. Default true. */
  isNative?: boolean;
};

export class Watchdog implements Disposable {
  readonly #memory: SharedArrayBuffer;
  readonly #counts: Int32Array;
  readonly #sequence: Int32Array;
  readonly #ids: Uint8Array[];
  readonly #encoder = new TextEncoder();
  readonly #timer: Timer;
  readonly #end: () => void;
  #beatAt = performance.now();
  #next = 0;
  /** Resolves when the thread runs; false: it cannot count signals on this platform. */
  readonly ready: Promise<boolean>;

  /** Starts the thread. The handlers of SIGTERM and SIGINT must exist already: they are still called. */
  constructor(
    private readonly log: Log,
    format: "json" | "pretty",
    { isNative = true }: Options = {},
  ) {
    const isJson = format === "json";
    shared ??= new SharedArrayBuffer(STALLED_IDS_AT + IDS_BYTES);
    const end = isNative ? watchNatively(new Int32Array(shared), isJson, CONSTANTS) : null;
    this.#memory = end ? shared : new SharedArrayBuffer(shared.byteLength);
    this.#counts = new Int32Array(this.#memory, 0, COUNTS).fill(0);
    this.#sequence = new Int32Array(this.#memory, SEQUENCE_AT, SLOTS).fill(0);
    this.#ids = Array.from({ length: SLOTS }, (_, slot) => new Uint8Array(this.#memory, IDS_AT + slot * ID_BYTES, ID_BYTES));
    if (end) {
      this.#end = end;
      this.ready = Promise.resolve(true);
      this.#beat();
    } else {
      const thread = this.#startThread(isJson);
      this.#end = thread.end;
      this.ready = thread.ready;
    }
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    this.#timer.unref();
  }

  /** Where no C can be compiled. */
  #startThread(isJson: boolean): { end: () => void; ready: Promise<false> } {
    const address = URL.createObjectURL(new Blob([threadSource], { type: "application/javascript" }));
    const thread = new Worker(address, { smol: true });
    const ready = Promise.withResolvers<false>();
    thread.onmessage = () => {
      // The first beat: a block that begins before the timer's is watched too.
      this.#beat();
      ready.resolve(false);
    };
    thread.onerror = (event) => {
      this.log.error("Watchdog failed: a blocked event loop will not be logged", { error: event.message });
      ready.resolve(false);
    };
    const places = { counts: COUNTS, beatsAt: BEATS_AT, stalledAt: STALLED_AT, sequenceAt: SEQUENCE_AT, idsAt: IDS_AT };
    const layout = { ...places, stalledIdsAt: STALLED_IDS_AT, slots: SLOTS, idBytes: ID_BYTES, stallMs: STALL_MS };
    thread.postMessage({ memory: this.#memory, layout, isJson });
    // `unref` is Bun's; the DOM type lacks it.
    (thread as unknown as { unref(): void }).unref();
    return { end: () => thread.terminate(), ready: ready.promise };
  }

  #beat(): void {
    const now = performance.now();
    if (Atomics.exchange(this.#counts, STALLED_AT, 0) === 1)
      this.log.error("Event loop runs again", { stoodStillMs: Math.round(now - this.#beatAt), requestIds: this.#stalledIds() });
    this.#beatAt = now;
    Atomics.store(this.#counts, HANDLED_AT, Atomics.load(this.#counts, SIGNALS_AT));
    Atomics.add(this.#counts, BEATS_AT, 1);
  }

  #stalledIds(): string[] {
    // A copy: text is not decoded from shared memory.
    const bytes = Uint8Array.from(new Uint8Array(this.#memory, STALLED_IDS_AT));
    return JSON.parse(new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0))));
  }

  /** Records a request in flight; pass the result to `leave`. */
  enter(requestId: string): number {
    const mark = ++this.#next;
    const slot = mark & (SLOTS - 1);
    const id = this.#ids[slot]!;
    const { written } = this.#encoder.encodeInto(requestId, id.subarray(0, ID_BYTES - 1));
    id[written] = 0;
    this.#sequence[slot] = mark;
    return mark;
  }

  leave(mark: number): void {
    const slot = mark & (SLOTS - 1);
    // Otherwise a later request has taken the slot.
    if (this.#sequence[slot] === mark) this.#sequence[slot] = 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#end();
  }
}
