// Wall clock: the time that cooldowns and caps end by, and whether it was set back since it was read last.

import { type Clock, monotonicNow } from "../../clock.ts";

/** A clock that goes back by more than this was set; less is measurement. */
export const SET_BACK_MS = 2_000;

export class WallClock {
  #now: number;
  #elapsed: number;
  #setBackFrom: number | null = null;

  constructor(private readonly clock: Clock) {
    this.#now = clock.now();
    this.#elapsed = monotonicNow(clock);
  }

  /** Epoch ms. */
  read(): number {
    const now = this.clock.now();
    const elapsed = monotonicNow(this.clock);
    const expected = this.#now + (elapsed - this.#elapsed);
    this.#setBackFrom = now < expected - SET_BACK_MS ? Math.round(expected) : null;
    this.#now = now;
    this.#elapsed = elapsed;
    return now;
  }

  /** What it would have shown at the last reading if it had not been set back since the one before; null: it was not. */
  get setBackFrom(): number | null {
    return this.#setBackFrom;
  }
}
