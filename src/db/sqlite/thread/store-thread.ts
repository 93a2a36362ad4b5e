// The thread that writes both databases, from the server's side: opens files in it, hands out their writers, notices its death.
import { serverFailure } from "../../../errors.ts";
import type { STORE_ACTIONS } from "../actions.ts";
import type { REQUEST_ACTIONS } from "../request-log/request-actions.ts";
import type { Writer } from "../writer.ts";
import { Channel } from "./channel.ts";
import { type FileName, type FromThread, receiveError, type SentError, type ToThread, unpackOutcomes } from "./messages.ts";

type Actions = { store: typeof STORE_ACTIONS; requests: typeof REQUEST_ACTIONS };

export type StoreThreadOptions = {
  /** The module that calls `runStoreThread`. */
  url: URL;
  /** It has ended although nobody asked it to: nothing can be written any more, and what was not acknowledged may be lost. */
  onDeath(why: string): void;
};

/** SQLite has one writer: this thread, with a connection of its own to each file. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #channels = new Map<FileName, Channel>();
  readonly #replies = new Map<string, PromiseWithResolvers<void>>();
  readonly #ended = Promise.withResolvers<void>();
  #isClosing = false;
  #lastError: string | null = null;

  constructor({ url, onDeath }: StoreThreadOptions) {
    this.#worker = new Worker(url, { smol: true });
    this.#worker.onmessage = ({ data }: MessageEvent<FromThread>) => this.#receive(data);
    this.#worker.onerror = ({ message }) => {
      this.#lastError = message;
    };
    this.#worker.addEventListener("close", (event) => {
      if (!this.#isClosing) onDeath(this.#lastError ?? `it ended with code ${"code" in event ? event.code : "unknown"}`);
      this.#abandon();
      this.#ended.resolve();
    });
  }

  /** Opens a database that is at this build's version. @throws {AppError} `invalid_request` naming the file */
  async open<N extends FileName>(open: N, options: { file: string; secretKey?: Uint8Array }): Promise<Writer<Actions[N]>> {
    await this.#ask(`opened ${open}`, { open, ...options });
    const channel = new Channel(open, (batch) => this.#post(batch));
    this.#channels.set(open, channel);
    return {
      write: channel.write as Writer<Actions[N]>["write"],
      drain: () => channel.drain(),
      close: async () => {
        await channel.end();
        if (this.#channels.get(open) !== channel) return;
        this.#channels.delete(open);
        await this.#ask(`closed ${open}`, { close: open });
      },
    };
  }

  /** Ends the thread, after its writers were closed. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#worker.terminate();
    await this.#ended.promise;
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #ask(reply: string, message: ToThread): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#replies.set(reply, waiting);
    this.#post(message);
    return waiting.promise;
  }

  #receive(data: FromThread): void {
    if (typeof data === "string" || "text" in data) {
      const { name, outcomes } = unpackOutcomes(data);
      this.#channels.get(name)?.receive(outcomes);
    } else if ("opened" in data) this.#settle(`opened ${data.opened}`, data.error);
    else this.#settle(`closed ${data.closed}`, data.error);
  }

  #settle(reply: string, error: SentError | undefined): void {
    const waiting = this.#replies.get(reply);
    this.#replies.delete(reply);
    if (error) waiting?.reject(receiveError(error));
    else waiting?.resolve();
  }

  #abandon(): void {
    const error = serverFailure("This server cannot write its records any more.", "store_unavailable");
    for (const channel of this.#channels.values()) channel.abandon(error);
    for (const waiting of this.#replies.values()) waiting.reject(error);
    this.#channels.clear();
    this.#replies.clear();
  }
}
