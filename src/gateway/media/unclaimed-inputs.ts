// Inputs of requests that are not over and have not begun anything: deleted when the request is refused.
import type { Media } from "../../domain/generation.ts";

const MAX_REQUESTS = 10_000;

export class UnclaimedInputs {
  private readonly byRequest = new Map<string, Media[]>();

  add(requestId: string, media: Media): void {
    this.byRequest.set(requestId, [...(this.byRequest.get(requestId) ?? []), media]);
    // Inputs of a request whose end was never reported are deleted by their age.
    if (this.byRequest.size > MAX_REQUESTS) this.byRequest.delete(this.byRequest.keys().next().value!);
  }

  /** Forgets the inputs of a request; undefined: it has none. */
  claim(requestId: string): Media[] | undefined {
    const inputs = this.byRequest.get(requestId);
    if (inputs) this.byRequest.delete(requestId);
    return inputs;
  }
}
