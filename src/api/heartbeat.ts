// Heartbeat of a response: fills the silence while its reader waits, with one timer for the whole response.
import { type Clock, monotonicNow } from "../clock.ts";

export class Heartbeat {
  #isWaiting = false;
  /** When the next heartbeat is due while waiting, by {@link monotonicNow}: a clock that is set back makes no silence longer. */
  #due = 0;
  /** When the timer runs out; null: none is set. */
  #runsOutAt: number | null = null;
  #cancel = () => {};

  /** `beat` is called after each `everyMs` of silence. */
  constructor(
    private readonly clock: Clock,
    private readonly everyMs: number,
    private readonly owner: { beat(): void },
  ) {}

  /** The reader waits from now on; the first heartbeat comes after `firstMs`. */
  wait(firstMs: number): void {
    this.#isWaiting = true;
    this.#due = monotonicNow(this.clock) + firstMs;
    // A timer that runs out earlier is set again then: most waits are over long before.
    if (this.#runsOutAt === null || this.#due < this.#runsOutAt) this.#set();
  }

  /** Something was sent. */
  rest(): void {
    this.#isWaiting = false;
  }

  stop(): void {
    this.#isWaiting = false;
    this.#runsOutAt = null;
    this.#cancel();
  }

  #set(): void {
    this.#cancel();
    this.#runsOutAt = this.#due;
    this.#cancel = this.clock.after(this.#due - monotonicNow(this.clock), () => this.#check());
  }

  #check(): void {
    this.#runsOutAt = null;
    if (!this.#isWaiting) return;
    const now = monotonicNow(this.clock);
    if (now >= this.#due) {
      this.#due = now + this.everyMs;
      this.owner.beat();
    }
    // `beat` may have ended the response.
    if (this.#isWaiting) this.#set();
  }
}
