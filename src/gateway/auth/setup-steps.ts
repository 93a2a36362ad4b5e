// Setup steps of a fresh data folder, in order; progress is stored.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../../db/store.ts";
import { isPasswordTemporary } from "./password.ts";

export const SETUP_STEPS = ["password", "key", "token", "picture"] as const;
export type SetupStep = (typeof SETUP_STEPS)[number];

/** Where password and key of the first start are written when there is no terminal; gone when the password is used. */
export const FIRST_START_FILE = "first-start.txt";

const FACT = "first_step";

/** The step that is next; null when all are done or left. */
export async function nextStep(store: Pick<Store, "readFact">): Promise<SetupStep | null> {
  if (await isPasswordTemporary(store)) return "password";
  const known = await store.readFact(FACT);
  if (known === "done") return null;
  return SETUP_STEPS.find((step) => step === known) ?? "key";
}

/** Goes on from a step to the one after it. */
export async function finishStep(store: Pick<Store, "writeFact">, step: SetupStep): Promise<SetupStep | null> {
  const next = SETUP_STEPS[SETUP_STEPS.indexOf(step) + 1] ?? null;
  await store.writeFact(FACT, next ?? "done");
  return next;
}

/** Leaves them for good. */
export const leaveSetup = (store: Pick<Store, "writeFact">): Promise<void> => store.writeFact(FACT, "done");

/** The one-time password was used: the file that showed it is deleted. */
export const deleteFirstStartFile = (dataDir: string): Promise<void> => rm(join(dataDir, FIRST_START_FILE), { force: true });
