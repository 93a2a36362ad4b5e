// Writer of one file in the thread: gathers actions while a batch is under way and sends them as the next.
import type { Outcome, WriteOptions, Writer } from "../writer.ts";
import { type FileName, type Packed, packActions, type SentAction } from "./messages.ts";

type Waiting = SentAction & { resolve: (value: never) => void; reject: (reason: unknown) => void };

/** Actions of one batch at most: other processes wait for the lock no longer than its commit takes. */
const BATCH = 256;
/** Actions in one batch from which on the next gathers, and for how long, in ms. */
const CROWD = 4;
const GATHER_MS = 2;

/** One batch is under way at a time: what arrives meanwhile makes up the next. */
export class Channel {
  #waiting: Waiting[] = [];
  #sent: Waiting[] = [];
  #isScheduled = false;
  #isClosed = false;
  #lastSize = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(
    readonly name: FileName,
    private readonly send: (batch: Packed) => void,
  ) {}

  write: Writer<Record<string, never>>["write"] = (action: string, args: readonly unknown[], options?: WriteOptions) => {
    if (this.#isClosed) return Promise.reject(new Error("The store is closed."));
    const { promise, resolve, reject } = Promise.withResolvers<never>();
    this.#waiting.push({ action, args, durable: options?.durable ?? false, resolve, reject });
    this.#schedule();
    return promise;
  };

  async drain(): Promise<void> {
    if (this.#sent.length === 0 && this.#waiting.length === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Resolves like {@link Channel.drain}; later writes are refused. */
  end(): Promise<void> {
    this.#isClosed = true;
    return this.drain();
  }

  /** The batch under way is committed, or has failed. */
  receive(outcomes: readonly Outcome[]): void {
    const sent = this.#sent;
    this.#sent = [];
    for (let index = 0; index < outcomes.length; index++) {
      const outcome = outcomes[index]!;
      if ("error" in outcome) sent[index]!.reject(outcome.error);
      else sent[index]!.resolve(outcome.value as never);
    }
    if (this.#waiting.length > 0) this.#schedule();
    else this.#settle();
  }

  /** The thread is gone: what waits is never answered. */
  abandon(error: Error): void {
    this.#isClosed = true;
    for (const { reject } of [...this.#sent.splice(0), ...this.#waiting.splice(0)]) reject(error);
    this.#settle();
  }

  #settle(): void {
    this.#idle?.resolve();
    this.#idle = null;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#sent.length > 0) return;
    this.#isScheduled = true;
    // A single action does not wait; under load a short wait makes few large commits of many small ones.
    if (this.#lastSize > CROWD) setTimeout(this.#post, GATHER_MS);
    else setImmediate(this.#post);
  }

  readonly #post = (): void => {
    this.#isScheduled = false;
    this.#sent = this.#waiting.splice(0, BATCH);
    this.#lastSize = this.#sent.length;
    if (this.#sent.length > 0) this.send(packActions(this.name, this.#sent));
  };
}
