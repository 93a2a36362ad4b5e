// Pending admission: checked and reserved in memory, until its reservation is on record or refused.
import type { NewReservation } from "../../db/ledger.ts";
import type { Account, Hold } from "./budget.ts";
import type { Admission } from "./contract.ts";
import type { Reserving } from "./ledger.ts";
import { type AdmissionEnds, OpenAdmission } from "./open-admission.ts";

export class PendingAdmission implements Reserving {
  private readonly waiting = Promise.withResolvers<Admission>();

  constructor(
    readonly reservation: NewReservation,
    readonly account: Account,
    readonly hold: Hold,
    /** `refused` takes back what was reserved in memory, and gives the error as its client sees it. */
    private readonly ends: AdmissionEnds & { refused(pending: PendingAdmission, error: unknown): unknown },
  ) {}

  get admission(): Promise<Admission> {
    return this.waiting.promise;
  }

  resolve(id: number): void {
    this.waiting.resolve(new OpenAdmission(id, this.account, this.hold, this.ends));
  }

  reject(error: unknown): void {
    this.waiting.reject(this.ends.refused(this, error));
  }
}
