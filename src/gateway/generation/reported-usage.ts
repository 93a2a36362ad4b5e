// What upstreams counted for calls of one request that made nothing, and how that reaches its response.

import { addUsage, type Usage } from "../../domain/generation.ts";
import { AppError, type ReportedUsage, withUsage } from "../../errors.ts";

/** Sums the counts of one request's failed calls. */
export class UsageOfFailures {
  #sum: Usage | null = null;

  add(error: AppError): void {
    if (error.usage) this.#sum = this.addTo(error.usage);
  }

  /** These counts and those of the failed calls. */
  addTo(usage: ReportedUsage | null): Usage | null {
    if (usage === null) return this.#sum;
    return this.#sum === null ? { ...usage } : addUsage(this.#sum, usage);
  }

  /** The failure with all counts, its own included. */
  within(error: unknown): unknown {
    return error instanceof AppError && this.#sum !== null ? withUsage(error, this.#sum) : error;
  }
}
