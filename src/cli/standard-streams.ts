// Standard streams of the process. Node's are made with the first output: a server that only writes its log needs none of them.
import { fstatSync, statSync } from "node:fs";

/** One per process. */
export class StandardStreams {
  #hasOutput = false;
  #errors: ReturnType<typeof Bun.stderr.writer> | null = null;

  /** Whether output is shown on a terminal. Files, pipes and the null device are told apart without making a stream. */
  get isTerminal(): boolean {
    try {
      const output = fstatSync(1);
      const nullDevice = statSync("/dev/null", { throwIfNoEntry: false });
      if (!output.isCharacterDevice() || output.rdev === nullDevice?.rdev) return false;
    } catch {
      return false;
    }
    return process.stdout.isTTY === true;
  }

  readonly stdout = (text: string): void => {
    // Whoever reads our output may stop early (`| head`).
    if (!this.#hasOutput) process.stdout.on("error", () => process.exit(0));
    this.#hasOutput = true;
    process.stdout.write(text);
  };

  /** What a pipe does not take at once follows when its reader goes on; a reader that is gone is no reason to end. */
  readonly stderr = (text: string): void => {
    this.#errors ??= Bun.stderr.writer();
    this.#errors.write(text);
    void this.#flushErrors();
  };

  /** Resolves when all output is written. */
  async flush(): Promise<void> {
    const output = this.#hasOutput && new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
    await Promise.all([output, this.#flushErrors()]);
  }

  async #flushErrors(): Promise<void> {
    try {
      await this.#errors?.flush();
    } catch {
      // Nobody reads them.
    }
  }
}
