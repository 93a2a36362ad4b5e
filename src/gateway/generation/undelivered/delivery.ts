// Delivery to one reader: the whole response, or it leaves before. The first that happens counts.

export class Delivery {
  private isOpen = true;

  /** @param signal aborts when the client disconnects, also before this */
  constructor(
    private readonly signal: AbortSignal,
    private readonly ends: { left(): void; delivered(): void },
  ) {
    if (signal.aborted) this.leave();
    else signal.addEventListener("abort", this, { once: true });
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.leave();
  }

  leave(): void {
    if (this.close()) this.ends.left();
  }

  readonly delivered = (): void => {
    if (this.close()) this.ends.delivered();
  };

  private close(): boolean {
    const { isOpen } = this;
    this.isOpen = false;
    if (isOpen) this.signal.removeEventListener("abort", this);
    return isOpen;
  }
}

/** Names the request whose call it was. */
export const joinedHeader = (requestId: string) => ({ "x-flow2api-joined": requestId });
