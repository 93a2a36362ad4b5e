// Watchdog thread: logs a blocked event loop with its requests in flight, and lets SIGTERM end the process then.
import type { Log } from "../log.ts";
// @ts-expect-error Imported as text; the compiler reads it as a module without types.
import untypedSource from "./watchdog-thread.js" with { type: "text" };

const threadSource: string = untypedSource;

const BEAT_MS = 250;
const STALL_MS = 2_000;

/** The newest requests are recorded. A power of two. */
const SLOTS = 256;
const ID_BYTES = 48;
const SEQUENCE_AT = 64;
const IDS_AT = SEQUENCE_AT + SLOTS * 4;

/** Counts a signal and calls the former handler. `signal` of the C library may be called from any thread. */
const SIGNALS_C = `
typedef void (*handler_t)(int);
extern handler_t signal(int, handler_t);
extern void _exit(int);
static handler_t before[32];
static volatile int *count;
static void take(int number) { (*count)++; before[number](number); }
static int follow(int number) {
  handler_t old = signal(number, (handler_t)1);
  if (old == (handler_t)-1) return 0;
  if (old == (handler_t)0 || old == (handler_t)1) { signal(number, old); return 0; }
  before[number] = old;
  signal(number, take);
  return 1;
}
int install(void *memory) { count = memory; int ok = follow(15); follow(2); return ok; }
void leave(int code) { _exit(code); }
`;

type FromThread = { ready: true; seesSignals: boolean } | { ready?: undefined; ms: number; requestIds: string[] };

export class Watchdog implements Disposable {
  readonly #memory = new SharedArrayBuffer(IDS_AT + SLOTS * ID_BYTES);
  /** Beats; signals received; signals received before the last beat, which the main thread has handled. */
  readonly #counts = new Int32Array(this.#memory, 0, 3);
  readonly #sequence = new Int32Array(this.#memory, SEQUENCE_AT, SLOTS);
  readonly #ids = Array.from({ length: SLOTS }, (_, slot) => new Uint8Array(this.#memory, IDS_AT + slot * ID_BYTES, ID_BYTES));
  readonly #encoder = new TextEncoder();
  readonly #thread: Worker;
  readonly #timer: Timer;
  #next = 0;
  /** Resolves when the thread runs; false: it cannot count signals on this platform. */
  readonly ready: Promise<boolean>;

  /** Starts the thread. The handlers of SIGTERM and SIGINT must exist already: they are still called. */
  constructor(log: Log, format: "json" | "pretty") {
    const address = URL.createObjectURL(new Blob([threadSource], { type: "application/javascript" }));
    this.#thread = new Worker(address, { smol: true });
    const ready = Promise.withResolvers<boolean>();
    this.ready = ready.promise;
    this.#thread.onmessage = ({ data }: MessageEvent<FromThread>) => {
      if (data.ready) {
        // The first beat: a block that begins before the timer's is watched too.
        this.#beat();
        ready.resolve(data.seesSignals);
      } else log.error("Event loop runs again", { stoodStillMs: data.ms, requestIds: data.requestIds });
    };
    this.#thread.onerror = (event) => {
      log.error("Watchdog failed: a blocked event loop will not be logged", { error: event.message });
      ready.resolve(false);
    };
    const layout = { slots: SLOTS, idBytes: ID_BYTES, sequenceAt: SEQUENCE_AT, idsAt: IDS_AT };
    this.#thread.postMessage({ memory: this.#memory, layout, stallMs: STALL_MS, format, source: SIGNALS_C });
    // `unref` is Bun's; the DOM type lacks it.
    (this.#thread as unknown as { unref(): void }).unref();
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    this.#timer.unref();
  }

  #beat(): void {
    Atomics.store(this.#counts, 2, Atomics.load(this.#counts, 1));
    Atomics.add(this.#counts, 0, 1);
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
    this.#thread.terminate();
  }
}
