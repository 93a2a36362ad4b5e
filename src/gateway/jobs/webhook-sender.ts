// Webhook sender: sends due deliveries, with a limit per target host, per key and in all.
import type { Clock } from "../../clock.ts";
import type { DeliveryRow, JobStore } from "../../db/jobs.ts";
import { hostAndPort } from "../../http.ts";
import type { Log } from "../../log.ts";

type Dependencies = {
  store: Pick<JobStore, "listDueDeliveries" | "claimDeliveries" | "nextDeliveryAt">;
  enabled: () => boolean;
  /** Makes one attempt and stores its result, with the time of the next one. */
  deliver(delivery: DeliveryRow, stopping: AbortSignal): Promise<void>;
  clock: Clock;
  log: Log;
};

/** Attempts at once: to one host, for one key (each of its requests may name another host), and in all. */
const PER_HOST = 2;
const PER_KEY = 8;
const IN_ALL = 64;
/** An attempt that its process did not end is made again after this time; longer than an attempt takes. */
const CLAIM_MS = 30_000;
/** Checked at least this often, also when no delivery is known to be due. */
const IDLE_MS = 60_000;

export class WebhookSender {
  readonly #stopping = new AbortController();
  readonly #underWay = new Map<string, DeliveryRow>();
  readonly #sending = new Set<Promise<void>>();
  readonly #perHost = new Map<string, number>();
  readonly #perKey = new Map<number, number>();
  #starting: Promise<void> | null = null;
  #isDirty = false;
  #started = false;
  #cancelTimer = () => {};

  constructor(private readonly deps: Dependencies) {}

  start(): void {
    this.#started = true;
    this.wake();
  }

  /** A delivery may be due. */
  wake(): void {
    if (!this.#started || this.#stopping.signal.aborted) return;
    this.#isDirty = true;
    this.#starting ??= this.#startAllDue().finally(() => {
      this.#starting = null;
      if (this.#isDirty) this.wake();
    });
  }

  /** Stops sending; waiting deliveries are sent after the next start. */
  async stop(reason: Error): Promise<void> {
    this.#started = false;
    this.#isDirty = false;
    this.#stopping.abort(reason);
    this.#cancelTimer();
    await this.#starting;
    await Promise.all(this.#sending);
  }

  async #startAllDue(): Promise<void> {
    const { clock, store, log, enabled } = this.deps;
    this.#cancelTimer();
    let pause = IDLE_MS;
    try {
      while (this.#isDirty && !this.#stopping.signal.aborted) {
        this.#isDirty = false;
        // What ended or came meanwhile is checked for other keys first.
        while (enabled() && ((await this.#startDue("of other keys")) > 0 || (!this.#isDirty && (await this.#startDue("any")) > 0)));
      }
      const next = enabled() ? await store.nextDeliveryAt(clock.now()) : null;
      if (next !== null) pause = Math.min(IDLE_MS, Math.max(next - clock.now(), 100));
    } catch (error) {
      log.error("Webhook deliveries could not be started", { error });
    }
    if (!this.#stopping.signal.aborted) this.#cancelTimer = clock.after(pause, () => this.wake());
  }

  /**
   * Starts due deliveries within the limits, and returns how many. Each end checks again. Keys that share a host take turns: a key with an
   * attempt under way there is passed over while another key has one due (`of other keys`).
   */
  async #startDue(which: "of other keys" | "any"): Promise<number> {
    const free = IN_ALL - this.#underWay.size;
    if (free <= 0 || this.#stopping.signal.aborted) return 0;
    const { store, clock } = this.deps;
    const due = await store.listDueDeliveries(clock.now(), free, {
      ids: [...this.#underWay.keys()],
      hosts: fullNames(this.#perHost, PER_HOST),
      keyIds: fullNames(this.#perKey, PER_KEY),
      pairs: which === "any" ? [] : [...this.#underWay.values()].map(({ url, keyId }) => ({ host: hostAndPort(url), keyId })),
    });
    const chosen: DeliveryRow[] = [];
    for (const delivery of due) {
      const host = hostAndPort(delivery.url);
      if ((this.#perHost.get(host) ?? 0) >= PER_HOST || (this.#perKey.get(delivery.keyId) ?? 0) >= PER_KEY) continue;
      this.#count(delivery, 1);
      chosen.push(delivery);
    }
    if (chosen.length === 0) return 0;
    const claimed = new Set(await this.#claim(chosen));
    for (const delivery of chosen) {
      if (!claimed.has(delivery.id)) {
        this.#count(delivery, -1);
        continue;
      }
      const sending = this.#send(delivery).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }
    return claimed.size;
  }

  /** Ids of those that this process may send now. */
  async #claim(chosen: readonly DeliveryRow[]): Promise<string[]> {
    const { store, clock } = this.deps;
    try {
      return await store.claimDeliveries(chosen, clock.now() + CLAIM_MS);
    } catch (error) {
      for (const delivery of chosen) this.#count(delivery, -1);
      throw error;
    }
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
      log.error("A webhook delivery could not be made", { jobId: delivery.jobId, error });
      // Its row is still due: an attempt at once would fail again.
      if (!this.#stopping.signal.aborted) clock.after(IDLE_MS, end);
    }
  }

  #count(delivery: DeliveryRow, change: 1 | -1): void {
    if (change === 1) this.#underWay.set(delivery.id, delivery);
    else this.#underWay.delete(delivery.id);
    add(this.#perHost, hostAndPort(delivery.url), change);
    add(this.#perKey, delivery.keyId, change);
  }
}

function add<Name>(counts: Map<Name, number>, name: Name, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}

const fullNames = <Name>(counts: ReadonlyMap<Name, number>, most: number): Name[] =>
  [...counts].filter(([, count]) => count >= most).map(([name]) => name);
