// Counts of the last minute by second, as text of a row. Pure. Never more than allowed in any 60 s: a second counts until it is wholly past.

/** Second since the epoch, and what was counted in it. */
type Second = [second: number, requests: number, images: number];

/** Seconds that count beside the present one. */
const SPAN = 60;

const secondOf = (ms: number) => Math.floor(ms / 1000);

export class RecentMinute {
  #seconds: Second[];

  /** @param now epoch ms of the database's clock */
  constructor(
    text: string,
    private readonly now: number,
  ) {
    const oldest = secondOf(now) - SPAN;
    // Nothing of the future: the clock may have been set back.
    this.#seconds = (JSON.parse(text) as Second[]).filter(([second]) => second >= oldest && second <= secondOf(now));
  }

  /** Epoch ms at which `wanted` more fit under `limit`; 0: now; Infinity: never. */
  availableAt(of: "requests" | "images", wanted: number, limit: number): number {
    if (wanted > limit) return Number.POSITIVE_INFINITY;
    const field = of === "requests" ? 1 : 2;
    let excess = this.#seconds.reduce((sum, second) => sum + second[field], 0) + wanted - limit;
    let until = 0;
    for (const second of this.#seconds) {
      if (excess <= 0) break;
      excess -= second[field];
      until = (second[0] + SPAN + 1) * 1000;
    }
    return until;
  }

  /** Counts, or takes back what was counted at `at` (epoch ms); what is past is nothing. */
  add(requests: number, images: number, at = this.now): void {
    const number = secondOf(at);
    const second = this.#seconds.find(([one]) => one === number);
    if (second) {
      second[1] = Math.max(0, second[1] + requests);
      second[2] = Math.max(0, second[2] + images);
    } else if (number === secondOf(this.now)) this.#seconds.push([number, Math.max(0, requests), Math.max(0, images)]);
  }

  get text(): string {
    return JSON.stringify(this.#seconds.filter(([, requests, images]) => requests > 0 || images > 0));
  }
}
