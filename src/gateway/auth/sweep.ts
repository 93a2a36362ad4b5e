// Hourly sweeps: scratch values, failures of logins, and access of people on no list of single sign-on.
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import { FORGET_MS } from "../../domain/login-failures.ts";
import type { Log } from "../../log.ts";
import type { SignIn } from "./sign-in.ts";

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

type AccessDependencies = {
  signIn: Pick<SignIn, "endFormerAccess"> /** One node of all does it. */;
  leads(): boolean;
  clock: Clock;
  log: Log;
};

/** Now and every hour. Until then their tokens are refused. */
export function startAccessSweep({ signIn, leads, clock, log }: AccessDependencies): Repeated {
  return repeat(clock, INTERVAL_MS, async () => {
    try {
      if (leads()) await signIn.endFormerAccess();
    } catch (error) {
      log.warn("Admin tokens of people on no list of sign_in could not be ended; it is tried again in an hour", { error });
    }
  });
}
