// Timers of the whole program on one timer of the runtime: a heap by time, swept when the first is due.
import { createHeap, type HeapItem } from "./heap.ts";

type Timer = HeapItem & { due: number; order: number; task: () => void };

/** What the runtime has: a monotonic time in ms, and one timer at a time. */
export type Alarm = { now(): number; set(ms: number, ring: () => void): () => void };

/** Longest time that a timer of the runtime can be set to. */
const MAX_MS = 2 ** 31 - 1;

/** Most timers are deadlines that are cancelled: they cost one object each, and the runtime hears of none of them. */
export class Timers {
  readonly #heap = createHeap<Timer>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #ring = () => this.#sweep();
  #order = 0;
  /** When the runtime's timer rings; infinite: it is not set. */
  #ringsAt = Number.POSITIVE_INFINITY;
  #cancelAlarm = () => {};

  constructor(private readonly alarm: Alarm) {}

  /** Runs `task` once after `ms`; calling the result cancels it. Timers that are due together run in the order in which they were set. */
  after(ms: number, task: () => void): () => void {
    const timer: Timer = { at: -1, due: this.alarm.now() + Math.max(ms || 0, 0), order: this.#order++, task };
    this.#heap.put(timer);
    if (timer.due < this.#ringsAt) this.#setAlarm();
    return () => this.#heap.remove(timer);
  }

  get size(): number {
    return this.#heap.size();
  }

  #sweep(): void {
    this.#ringsAt = Number.POSITIVE_INFINITY;
    const now = this.alarm.now();
    try {
      // A task may set timers that are due at once: those wait for the next turn.
      const before = this.#order;
      for (let first = this.#heap.peek(); first && first.due <= now && first.order < before; first = this.#heap.peek()) {
        this.#heap.remove(first);
        first.task();
      }
    } finally {
      // Also after a task that threw, which ends the process unless something catches it there.
      this.#setAlarm();
    }
  }

  #setAlarm(): void {
    const first = this.#heap.peek();
    if (!first || first.due >= this.#ringsAt) return;
    this.#cancelAlarm();
    this.#ringsAt = first.due;
    // Rounded up: the runtime counts whole ms, and a timer that rings early rings twice.
    const ms = Math.ceil(first.due - this.alarm.now());
    this.#cancelAlarm = this.alarm.set(Math.min(Math.max(ms, 0), MAX_MS), this.#ring);
  }
}
