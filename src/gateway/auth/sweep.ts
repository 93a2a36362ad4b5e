// Hourly sweep of what lives for minutes: scratch values and failures of logins that count no more.
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import { FORGET_MS } from "../../domain/login-failures.ts";
import type { Log } from "../../log.ts";

const INTERVAL_MS = 3_600_000;

type Dependencies = { store: Pick<Store, "deleteScratchBefore" | "shared">; clock: Clock; log: Log };

/** Now and every hour. */
export function startScratchSweep({ store, clock, log }: Dependencies): Repeated {
  return repeat(clock, INTERVAL_MS, async () => {
    try {
      await store.deleteScratchBefore(clock.now());
      await store.shared?.deleteLoginFailuresBefore(clock.now() - FORGET_MS);
    } catch (error) {
      log.warn("Values that have expired could not be deleted; it is tried again in an hour", { error });
    }
  });
}
