// A client that waits for a job: what it joined, and whether it got the whole response.

import { AppError } from "../../../errors.ts";
import { Delivery, joinedHeader } from "./delivery.ts";

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

  /** What `respond` gives; a failure that it throws is delivered with that. */
  async deliver<T>(respond: () => Promise<T>): Promise<T> {
    try {
      return await respond();
    } catch (error) {
      if (error instanceof AppError) this.delivered();
      throw error;
    }
  }

  /** The events; a failure that ends them is delivered with that. */
  async *deliverEvents<T>(events: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* events;
    } catch (error) {
      if (error instanceof AppError) this.delivered();
      throw error;
    }
  }

  get headers(): Record<string, string> {
    return this.joined === null ? {} : joinedHeader(this.joined);
  }
}
