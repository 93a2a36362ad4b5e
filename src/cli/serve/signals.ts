// SIGINT and SIGTERM: the first asks for a graceful stop, the second ends the process at once.
import type { Io } from "../verb.ts";

/** As a shell reports a process that ended by SIGINT. */
const INTERRUPTED = 130;

/** Watches until disposed. `stopped` resolves at the first signal; at the second `last` runs (synchronously) and the process ends. */
export function watchSignals(io: Pick<Io, "onSignal" | "exit">, last: () => void = () => {}): Disposable & { stopped: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = false;
  const unwatch = io.onSignal(() => {
    if (seen) {
      last();
      io.exit(INTERRUPTED);
    }
    seen = true;
    resolve();
  });
  return { stopped: promise, [Symbol.dispose]: unwatch };
}
