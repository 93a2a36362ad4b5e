// Heartbeat of a response: fills the silence while its reader waits, with one timer for the whole response.
import type { Clock } from "../clock.ts";

export class Heartbeat {
  #isWaiting = false;
  /** When the next heartbeat is due while waiting, epoch ms. */
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
    this.#due = this.clock.now() + firstMs;
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
    this.#cancel = this.clock.after(this.#due - this.clock.now(), () => this.#check());
  }

  #check(): void {
    this.#runsOutAt = null;
    if (!this.#isWaiting) return;
    if (this.clock.now() >= this.#due) {
      this.#due = this.clock.now() + this.everyMs;
      this.owner.beat();
    }
    // `beat` may have ended the response.
    if (this.#isWaiting) this.#set();
  }
}
