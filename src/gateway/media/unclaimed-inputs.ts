// Inputs of requests that are not over and have not begun anything: deleted when the request is refused.
import type { Media } from "../../domain/generation.ts";
import { RecentMap } from "../../recent-map.ts";

/** Beyond it the oldest are forgotten: their inputs are deleted by age. */
const MAX_REQUESTS = 10_000;

export class UnclaimedInputs {
  private readonly byRequest = new RecentMap<string, Media[]>(MAX_REQUESTS);

  add(requestId: string, media: Media): void {
    this.byRequest.set(requestId, [...(this.byRequest.get(requestId) ?? []), media]);
  }

  /** Forgets the inputs of a request; undefined: it has none. */
  claim(requestId: string): Media[] | undefined {
    const inputs = this.byRequest.get(requestId);
    if (inputs) this.byRequest.delete(requestId);
    return inputs;
  }
}
