// Interleaved rounds: every scenario of every target in turn, so that what else the machine does falls on all alike.
import { type Figures, load, median, warmUp } from "./load.ts";
import type { Shape, Target } from "./targets.ts";

export type Scenario = { name: string; connections: number };
export type Entry = { target: Target; scenario: Scenario; shape: Shape };

export class Rounds {
  readonly #figures = new Map<string, Figures[]>();

  constructor(
    private readonly loadCores: string,
    private readonly seconds: number,
  ) {}

  async warm(entries: readonly Entry[], count: number): Promise<void> {
    for (const entry of entries) await warmUp(this.#request(entry), entry.target.pid, this.loadCores, count);
  }

  async run(rounds: number, entries: readonly Entry[]): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (const entry of entries) {
        const key = keyOf(entry.target, entry.scenario);
        const figures = await load(this.#request(entry), entry.target.pid, this.loadCores);
        this.#figures.set(key, [...(this.#figures.get(key) ?? []), figures]);
      }
    }
  }

  /** Figures of other rounds, as where the cores were others. */
  adopt(other: Rounds): void {
    for (const [key, figures] of other.#figures) this.#figures.set(key, figures);
  }

  /** Median of the rounds; NaN where there were none. */
  of(target: Target, scenario: Scenario, figure: keyof Figures): number {
    return median((this.#figures.get(keyOf(target, scenario)) ?? []).map((one) => one[figure]));
  }

  errorsOf(target: Target): number {
    const own = [...this.#figures].filter(([key]) => key.startsWith(`${target.name}|`));
    return own.flatMap(([, figures]) => figures).reduce((sum, { errors }) => sum + errors, 0);
  }

  #request({ target, scenario, shape }: Entry) {
    const { path, body, headers } = shape;
    return { url: `${target.origin}${path}`, body, headers, connections: scenario.connections, seconds: this.seconds };
  }
}

const keyOf = (target: Target, scenario: Scenario) => `${target.name}|${scenario.name}`;
