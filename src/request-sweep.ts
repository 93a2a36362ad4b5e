// Deletes old rows of the request log, with the payloads in them: at the start and every hour.
import type { Clock } from "./clock.ts";
import type { RequestLog } from "./db/store.ts";
import type { Log } from "./log.ts";

const INTERVAL_MS = 3_600_000;
const DAY_MS = 86_400_000;

type Dependencies = { requests: Pick<RequestLog, "deleteBefore">; clock: Clock; log: Log; retentionDays: () => number };

export type RequestSweep = {
  start(): void;
  /** Resolves when a sweep that runs has ended, after its slice. */
  stop(): Promise<void>;
};

export function createRequestSweep({ requests, clock, log, retentionDays }: Dependencies): RequestSweep {
  const stopping = new AbortController();
  let cancel = () => {};
  let running: Promise<void> = Promise.resolve();

  async function sweep(): Promise<void> {
    try {
      const rows = await requests.deleteBefore(clock.now() - retentionDays() * DAY_MS, stopping.signal);
      if (rows > 0) log.info("Old rows of the request log are deleted", { rows });
    } catch (error) {
      log.error("Old rows of the request log could not be deleted", { error });
    }
    if (!stopping.signal.aborted) cancel = clock.after(INTERVAL_MS, begin);
  }
  const begin = () => {
    running = sweep();
  };

  return {
    start: begin,
    stop() {
      stopping.abort();
      cancel();
      return running;
    },
  };
}
