// Gathers log lines: one write for the lines of a few ms, at once from `warn` on and when the process exits.
import type { Clock } from "../../clock.ts";
import type { LogLevel } from "../../log.ts";

/** Longest time that a line waits, in ms. */
export const GATHER_MS = 5;
/** Gathered text beyond this is written at once: less than a pipe takes without waiting. */
export const MAX_GATHERED = 16 * 1024;

const AT_ONCE: Record<LogLevel, boolean> = { debug: false, info: false, warn: true, error: true };

export class LineWriter {
  #gathered = "";
  #isTimed = false;
  #lost = 0;

  /**
   * `write` gets whole lines, each with its newline; false: they are lost, for want of a reader.
   * `reportLost` is told how many were when the first is written again.
   */
  constructor(
    private readonly write: (text: string) => boolean,
    private readonly clock: Pick<Clock, "after">,
    private readonly reportLost: (lines: number) => void = () => {},
  ) {}

  /** Lines are written in the order in which they are added. */
  add(line: string, level: LogLevel): void {
    this.#gathered += `${line}\n`;
    if (AT_ONCE[level] || this.#gathered.length >= MAX_GATHERED) this.flush();
    else if (!this.#isTimed) {
      this.#isTimed = true;
      this.clock.after(GATHER_MS, () => {
        this.#isTimed = false;
        this.flush();
      });
    }
  }

  flush(): void {
    if (this.#gathered === "") return;
    const text = this.#gathered;
    this.#gathered = "";
    if (!this.write(text)) this.#lost += text.split("\n").length - 1;
    else if (this.#lost > 0) {
      const lost = this.#lost;
      this.#lost = 0;
      this.reportLost(lost);
    }
  }
}
