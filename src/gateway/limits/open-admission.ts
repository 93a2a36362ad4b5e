// Open admission: a key's concurrency slot and an estimate reserved for it, given back exactly once.
import type { Amounts, ReservationEnd } from "../../db/ledger.ts";
import { type Account, type Hold, settle, toAmounts, zeroAmounts } from "./budget.ts";
import type { Admission, Cost, GenerationEnd } from "./contract.ts";
import { endOf } from "./reservation-end.ts";

/** What the end of an admission sets off; its owner's. */
export type AdmissionEnds = {
  /** Epoch ms. */
  now(): number;
  /** The slot is free before the reservation has ended. */
  giveSlot(id: number): void;
  end(end: ReservationEnd): void;
};

export class OpenAdmission implements Admission {
  private isOpen = true;
  private hasSlot = true;

  constructor(
    /** Of its reservation. */
    readonly id: number,
    private readonly account: Account,
    private readonly hold: Hold,
    private readonly ends: AdmissionEnds,
  ) {}

  settle(used: Cost, facts?: GenerationEnd): void {
    if (this.isOpen) this.end("settled", toAmounts(used), facts);
  }

  release(facts?: GenerationEnd): void {
    if (this.isOpen) this.end("released", zeroAmounts(), facts);
  }

  releaseSlot(): void {
    // One that the store does not hear of comes back with the end of the reservation.
    if (this.hasSlot) this.ends.giveSlot(this.id);
    this.freeSlot();
  }

  private end(state: "settled" | "released", actual: Amounts, facts?: GenerationEnd): void {
    this.isOpen = false;
    this.freeSlot();
    settle(this.hold, actual);
    this.ends.end(endOf(this.id, this.hold.at, { state, actual, endedAt: this.ends.now() }, facts));
  }

  private freeSlot(): void {
    if (this.hasSlot) this.account.inFlight -= 1;
    this.hasSlot = false;
  }
}
