// Request log retention: deletes rows past their age, with their payloads, at start and every hour.
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { RequestLog } from "../../db/store.ts";
import type { Log } from "../../log.ts";

const INTERVAL_MS = 3_600_000;
const DAY_MS = 86_400_000;

type Dependencies = { requests: Pick<RequestLog, "deleteBefore">; clock: Clock; log: Log; retentionDays: () => number };

export function sweepRequests({ requests, clock, log, retentionDays }: Dependencies): Repeated {
  return repeat(clock, INTERVAL_MS, async (stopping) => {
    try {
      const rows = await requests.deleteBefore(clock.now() - retentionDays() * DAY_MS, stopping);
      if (rows > 0) log.info("Old rows of the request log were deleted", { rows });
    } catch (error) {
      log.error("Old rows of the request log could not be deleted", { error });
    }
  });
}
