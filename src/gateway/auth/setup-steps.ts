// Setup steps of a fresh data folder, in order; progress is stored.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../../db/store.ts";
import { type AccountRow, FIRST_ACCOUNT } from "../../domain/account.ts";

export const SETUP_STEPS = ["password", "key", "token", "picture"] as const;
export type SetupStep = (typeof SETUP_STEPS)[number];

/** Where password and key of the first start are written when there is no terminal; gone when the password is used. */
export const FIRST_START_FILE = "first-start.txt";

const FACT = "first_step";

/** The step that is next for an account; null when all are done or left. Steps after the password are those of who may take them. */
export async function nextStep(
  store: Pick<Store, "readFact">,
  account: Pick<AccountRow, "passwordTemporary" | "role">,
): Promise<SetupStep | null> {
  if (account.passwordTemporary) return "password";
  return account.role === "admin" ? setupStep(store) : null;
}

/** The step at which the setup of the data folder stands, passwords apart; null: it is done or left. */
export async function setupStep(store: Pick<Store, "readFact">): Promise<SetupStep | null> {
  const known = await store.readFact(FACT);
  return known === "done" ? null : (SETUP_STEPS.find((step) => step === known) ?? "key");
}

/** After an own password: the first account begins the setup, any other is where it was. */
export async function finishPassword(store: Pick<Store, "readFact" | "writeFact">, account: AccountRow): Promise<SetupStep | null> {
  if (account.id === FIRST_ACCOUNT) return finishStep(store, "password");
  return nextStep(store, { ...account, passwordTemporary: false });
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
