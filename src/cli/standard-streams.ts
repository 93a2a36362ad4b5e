// Standard streams of the process. Node's are made with the first output: a server that only writes its log needs none of them.
import { fstatSync, statSync } from "node:fs";

/** Characters that wait for a reader that stands still (a paused terminal, a log driver that hangs); what comes then is lost. */
export const MAX_UNREAD = 8 * 1024 * 1024;

/** One per process. */
export class StandardStreams {
  #hasOutput = false;
  #errors: ReturnType<typeof Bun.stderr.writer> | null = null;
  #unread = 0;

  /** `lastWaitMs`: longest that an end waits for a reader of errors that stands still. */
  constructor(private readonly lastWaitMs = 3_000) {}

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

  /**
   * What a pipe does not take at once follows when its reader goes on; a reader that is gone is no reason to end.
   * Returns whether the text is written or will be: false where {@link MAX_UNREAD} characters wait already.
   */
  readonly stderr = (text: string): boolean => {
    if (this.#unread >= MAX_UNREAD) return false;
    this.#errors ??= Bun.stderr.writer();
    this.#errors.write(text);
    void this.#flushErrors(text.length);
    return true;
  };

  /** Resolves when all output is written, or the errors have waited too long for their reader. */
  async flush(): Promise<void> {
    const output = this.#hasOutput && new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
    await Promise.all([output, Promise.race([this.#flushErrors(0), Bun.sleep(this.lastWaitMs)])]);
  }

  async #flushErrors(length: number): Promise<void> {
    this.#unread += length;
    try {
      await this.#errors?.flush();
    } catch {
      // Nobody reads them.
    }
    this.#unread -= length;
  }
}
