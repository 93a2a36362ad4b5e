// Tokens already tried for one request: those that are out for good, and those to avoid while another is free.
import type { NextStep } from "./retry.ts";

export class TriedTokens {
  readonly exclude = new Set<number>();
  readonly avoid = new Set<number>();
  readonly #failures = new Map<number, number>();

  /** Starts over for another model. */
  clear(): void {
    this.exclude.clear();
    this.avoid.clear();
    this.#failures.clear();
  }

  /** Counts a failure that is not the token's fault. */
  countFailure(tokenId: number): number {
    const failures = (this.#failures.get(tokenId) ?? 0) + 1;
    this.#failures.set(tokenId, failures);
    return failures;
  }

  /** What a lease must leave out to find a token that has not failed in this round. */
  untried(tokenId: number): ReadonlySet<number> {
    return new Set([...this.exclude, ...this.avoid, tokenId]);
  }

  /** @param isLastFree no other token is free: a new round begins, in which all but this one may be asked again */
  apply(step: NextStep, tokenId: number, isLastFree: boolean): void {
    if (step.token === "any") return;
    if (isLastFree) this.avoid.clear();
    (step.token === "excluded" ? this.exclude : this.avoid).add(tokenId);
  }
}
