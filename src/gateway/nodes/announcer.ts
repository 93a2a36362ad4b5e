// Announcer: tells other nodes what has changed, gathered to at most five messages a second, and hears them.
import type { Clock } from "../../clock.ts";
import type { SharedStore } from "../../db/shared.ts";
import { isRecord } from "../../domain/is-record.ts";
import type { Log } from "../../log.ts";
import type { NodeIdentity } from "./node.ts";

/** What has changed. Whoever hears it reads it again; a poll stands behind each. */
export type News = {
  /** Ids of jobs. */
  jobs?: readonly string[];
  /** Ids of tokens whose health is another. */
  health?: readonly number[];
  /** Ids of tokens whose secret is another. */
  secrets?: readonly number[];
  /** A slot came free. */
  slots?: boolean;
  /** Tokens, keys or settings. */
  tables?: boolean;
  /** What checks have found of tokens. */
  facts?: boolean;
  /** Jobs were handed over. */
  handedOver?: boolean;
};

type Dependencies = { shared: Pick<SharedStore, "notify" | "listen"> | null; node: NodeIdentity; clock: Clock; log: Log };

const GATHER_MS = 200;
/** Ids of one message: a message has a limit of bytes. */
const IDS = 100;

export class Announcer {
  readonly #jobs = new Set<string>();
  readonly #health = new Set<number>();
  readonly #secrets = new Set<number>();
  #flags: Pick<News, "slots" | "tables" | "facts" | "handedOver"> = {};
  #cancel: (() => void) | null = null;
  #stopListening: (() => Promise<void>) | null = null;

  constructor(private readonly deps: Dependencies) {}

  /** Sent soon; nothing where there are no other nodes. Never throws. */
  tell({ jobs = [], health = [], secrets = [], ...flags }: News): void {
    if (!this.deps.shared) return;
    for (const id of jobs) this.#jobs.add(id);
    for (const id of health) this.#health.add(id);
    for (const id of secrets) this.#secrets.add(id);
    Object.assign(this.#flags, flags);
    this.#cancel ??= this.deps.clock.after(GATHER_MS, () => {
      this.#cancel = null;
      void this.flush();
    });
  }

  /** @param hear news of other nodes @param missed some may have been lost */
  async start(hear: (news: News) => void, missed: () => void): Promise<void> {
    const { shared, node, log } = this.deps;
    if (!shared) return;
    const receive = (message: string) => {
      const { from, ...news } = parse(message);
      if (from === node.id) return;
      try {
        hear(news);
      } catch (error) {
        log.error("News of another node could not be taken in", { error });
      }
    };
    this.#stopListening = await shared.listen(receive, missed);
  }

  /** Sends what was gathered. What cannot be sent is found by polls. */
  async flush(): Promise<void> {
    const { shared, node, log } = this.deps;
    if (!shared) return;
    const messages = this.#messages().map((news) => JSON.stringify({ from: node.id, ...news }));
    try {
      for (const message of messages) await shared.notify(message);
    } catch (error) {
      log.debug("Other nodes could not be told", { error });
    }
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    await this.flush();
    await this.#stopListening?.();
  }

  #messages(): News[] {
    const messages: News[] = [];
    const take = <T>(name: "jobs" | "health" | "secrets", ids: Set<T>) => {
      const all = [...ids];
      ids.clear();
      for (let at = 0; at < all.length; at += IDS) messages.push({ [name]: all.slice(at, at + IDS) });
    };
    take("jobs", this.#jobs);
    take("health", this.#health);
    take("secrets", this.#secrets);
    if (Object.keys(this.#flags).length > 0) messages.push(this.#flags);
    this.#flags = {};
    return messages;
  }
}

function parse(message: string): News & { from?: number } {
  try {
    const value: unknown = JSON.parse(message);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
