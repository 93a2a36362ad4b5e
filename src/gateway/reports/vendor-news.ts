// Unknown vendor words (finish reasons, statuses, fields): counted, logged once per kind and word.
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import type { News } from "../../providers/news.ts";

/** One kind of news. Times in epoch ms. */
export type VendorNewsEntry = News & { count: number; firstAt: number; lastAt: number };

const MAX_ENTRIES = 200;

export class VendorNews {
  readonly #entries = new Map<string, VendorNewsEntry>();
  readonly #clock: Pick<Clock, "now">;
  readonly #log: Log;

  constructor({ clock, log }: { clock: Pick<Clock, "now">; log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Counts it; the first of its kind is logged. A full list lets the one seen longest ago go. */
  readonly report = (news: News): void => {
    const now = this.#clock.now();
    const key = `${news.provider} ${news.kind} ${news.word}`;
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, known ? { ...known, count: known.count + 1, lastAt: now } : { ...news, count: 1, firstAt: now, lastAt: now });
    if (known) return;
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
    this.#log.warn("New at the vendor", { provider: news.provider, what: news.kind, word: news.word, shape: news.shape });
  };

  /** Seen last, first. */
  list(): VendorNewsEntry[] {
    return [...this.#entries.values()].reverse();
  }
}
