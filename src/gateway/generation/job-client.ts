// A client that waits for a job: what it joined, and whether it got the whole response.
import { Delivery } from "./delivery.ts";
import { joinedHeader } from "./join.ts";

export class JobClient {
  private joined: string | null = null;
  private delivery: Delivery | null = null;

  /** @param insist a new job is wanted, whatever an identical request before has left */
  constructor(
    readonly signal: AbortSignal,
    readonly insist: boolean,
  ) {}

  /** @param joined request that made the job, when it was another */
  attach(joined: string | null, ends: { left(): void; delivered(): void }): void {
    this.joined = joined;
    this.delivery = new Delivery(this.signal, ends);
  }

  /** To be called when the response has been sent whole. */
  readonly delivered = (): void => this.delivery?.delivered();

  get headers(): Record<string, string> {
    return this.joined === null ? {} : joinedHeader(this.joined);
  }
}
