// Sends webhook deliveries: a lane per target host, so that a receiver that does not answer holds up nobody else's.
import type { Clock } from "../../clock.ts";
import type { DeliveryRow, JobStore } from "../../db/jobs.ts";
import type { Log } from "../../log.ts";

type Dependencies = {
  store: Pick<JobStore, "listDueDeliveries" | "nextDeliveryAt">;
  enabled: () => boolean;
  /** Makes one attempt and records how it ended; the row is due again as that says. */
  deliver(delivery: DeliveryRow, stopping: AbortSignal): Promise<void>;
  clock: Clock;
  log: Log;
};

/** Attempts at once: to one host, for one key (it may name a host of its own in every request), and in all. */
const PER_HOST = 2;
const PER_KEY = 8;
const IN_ALL = 64;
/** Looked at even when nothing is known to be due: another delivery may have been queued. */
const IDLE_MS = 60_000;

/** Host and port that a delivery goes to: its lane. */
export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "");

export class WebhookSender {
  readonly #stopping = new AbortController();
  readonly #underWay = new Map<string, DeliveryRow>();
  readonly #sending = new Set<Promise<void>>();
  readonly #perLane = new Map<string, number>();
  readonly #perKey = new Map<number, number>();
  #picking: Promise<void> | null = null;
  #again = false;
  #started = false;
  #cancelTimer = () => {};

  constructor(private readonly deps: Dependencies) {}

  start(): void {
    this.#started = true;
    this.wake();
  }

  /** Something may be due. */
  wake(): void {
    if (!this.#started || this.#stopping.signal.aborted) return;
    this.#again = true;
    this.#picking ??= this.#pick().finally(() => {
      this.#picking = null;
      if (this.#again) this.wake();
    });
  }

  /** Ends the sending; what waits is sent after the next start. */
  async stop(reason: Error): Promise<void> {
    this.#started = false;
    this.#again = false;
    this.#stopping.abort(reason);
    this.#cancelTimer();
    await this.#picking;
    await Promise.all(this.#sending);
  }

  async #pick(): Promise<void> {
    const { clock, store, log, enabled } = this.deps;
    this.#cancelTimer();
    let pause = IDLE_MS;
    try {
      while (this.#again && !this.#stopping.signal.aborted) {
        this.#again = false;
        while (enabled() && (await this.#startDue()) > 0);
      }
      const next = enabled() ? await store.nextDeliveryAt(clock.now()) : null;
      if (next !== null) pause = Math.min(IDLE_MS, Math.max(next - clock.now(), 100));
    } catch (error) {
      log.error("Webhooks could not be sent", { error });
    }
    if (!this.#stopping.signal.aborted) this.#cancelTimer = clock.after(pause, () => this.wake());
  }

  /** Starts what is due where there is room; says how many. Each end looks again. */
  async #startDue(): Promise<number> {
    const room = IN_ALL - this.#underWay.size;
    if (room <= 0 || this.#stopping.signal.aborted) return 0;
    const due = await this.deps.store.listDueDeliveries(this.deps.clock.now(), room, {
      ids: [...this.#underWay.keys()],
      hosts: fullOf(this.#perLane, PER_HOST),
      keyIds: fullOf(this.#perKey, PER_KEY),
    });
    let started = 0;
    for (const delivery of due) {
      const lane = hostOf(delivery.url);
      const isFull = (this.#perLane.get(lane) ?? 0) >= PER_HOST || (this.#perKey.get(delivery.keyId) ?? 0) >= PER_KEY;
      if (isFull || this.#stopping.signal.aborted) continue;
      started++;
      this.#count(delivery, 1);
      const sending = this.#send(delivery).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }
    return started;
  }

  async #send(delivery: DeliveryRow): Promise<void> {
    const { deliver, clock, log } = this.deps;
    const end = () => {
      this.#count(delivery, -1);
      this.wake();
    };
    try {
      await deliver(delivery, this.#stopping.signal);
      end();
    } catch (error) {
      log.error("A webhook could not be sent", { jobId: delivery.jobId, error });
      // Its row says that it is due: at once it would only fail again.
      if (!this.#stopping.signal.aborted) clock.after(IDLE_MS, end);
    }
  }

  #count(delivery: DeliveryRow, change: 1 | -1): void {
    if (change === 1) this.#underWay.set(delivery.id, delivery);
    else this.#underWay.delete(delivery.id);
    add(this.#perLane, hostOf(delivery.url), change);
    add(this.#perKey, delivery.keyId, change);
  }
}

function add<Name>(counts: Map<Name, number>, name: Name, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}

const fullOf = <Name>(counts: ReadonlyMap<Name, number>, most: number): Name[] =>
  [...counts].filter(([, count]) => count >= most).map(([name]) => name);
