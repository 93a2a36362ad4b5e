// The SOCKS bridges in use: one for each proxy, opened at first use and closed after five minutes without any.
import type { Clock } from "./clock.ts";
import type { SocksBridge } from "./socks-bridge.ts";

/** Without a request and without a connection that stays open. */
export const IDLE_MS = 300_000;

type Open = { bridge: SocksBridge; url: string };
type Entry = { opening: Promise<Open>; usedAt: number };

export class SocksBridges {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {}

  /** Bridges that are open or being opened. */
  get count(): number {
    return this.#entries.size;
  }

  /** The bridge of a SOCKS proxy, and its address as an HTTP proxy. */
  async open(address: string): Promise<Open> {
    let entry = this.#entries.get(address);
    if (!entry) {
      entry = { opening: openBridge(address), usedAt: 0 };
      this.#entries.set(address, entry);
      this.#closeWhenIdle(address, entry, IDLE_MS);
      entry.opening.catch(() => this.#entries.delete(address));
    }
    entry.usedAt = this.clock.now();
    return entry.opening;
  }

  #closeWhenIdle(address: string, entry: Entry, ms: number): void {
    this.clock.after(ms, async () => {
      const open = await entry.opening.catch(() => null);
      if (!open) return;
      const left = open.bridge.connections > 0 ? IDLE_MS : entry.usedAt + IDLE_MS - this.clock.now();
      if (left > 0) return this.#closeWhenIdle(address, entry, left);
      if (this.#entries.get(address) === entry) this.#entries.delete(address);
      open.bridge.close();
    });
  }
}

/** The library is loaded by the first proxy that needs it. */
async function openBridge(address: string): Promise<Open> {
  const { SocksBridge } = await import("./socks-bridge.ts");
  const bridge = new SocksBridge(address);
  return { bridge, url: await bridge.listen() };
}
