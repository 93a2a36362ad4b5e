// Delivery to one reader: the whole response, or it leaves before. The first that happens counts.

import type { AppError } from "../../../errors.ts";

const ONCE = { once: true };

export class Delivery {
  private isOpen = true;
  private refusal: AppError | null = null;

  /** @param signal aborts when the client disconnects, also before this */
  constructor(
    private readonly signal: AbortSignal,
    private readonly ends: { left(): void; delivered(): void },
  ) {
    if (signal.aborted) this.leave();
    else signal.addEventListener("abort", this, ONCE);
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.leave();
  }

  leave(): void {
    if (this.close()) this.ends.left();
  }

  /** Its client gets this error instead of the rest. False: it has left, or has everything. */
  dismiss(error: AppError): boolean {
    if (!this.isOpen) return false;
    this.refusal = error;
    this.leave();
    return true;
  }

  /** @throws {AppError} what the client was dismissed with */
  assertOpen(): void {
    if (this.refusal) throw this.refusal;
  }

  delivered(): void {
    if (this.close()) this.ends.delivered();
  }

  private close(): boolean {
    const { isOpen } = this;
    this.isOpen = false;
    if (isOpen) this.signal.removeEventListener("abort", this);
    return isOpen;
  }
}

/** Names the request whose call it was. */
export const joinedHeader = (requestId: string) => ({ "x-flow2api-joined": requestId });
