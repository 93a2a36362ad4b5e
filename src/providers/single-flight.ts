// One run of an effect for everyone who asks for it at the same time.
import { toNetworkError } from "../http.ts";

/**
 * Returns `share(key, task, signal)`: callers with the same key while a task runs get that task's result. A caller's signal ends only its
 * own wait; the task runs on, so it needs a time limit of its own.
 * @throws the task's error, or what `signal` stands for (`toNetworkError`)
 */
export function createSingleFlight<Key, Result>() {
  const running = new Map<Key, Promise<Result>>();
  return (key: Key, task: () => Promise<Result>, signal: AbortSignal): Promise<Result> => {
    if (signal.aborted) return Promise.reject(toNetworkError(signal.reason, signal));
    const known = running.get(key);
    if (known) return untilAborted(known, signal);
    const started = task().finally(() => running.delete(key));
    running.set(key, started);
    return untilAborted(started, signal);
  };
}

function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(toNetworkError(signal.reason, signal));
    signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
