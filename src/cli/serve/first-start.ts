// First start on a data folder: a one-time admin password and a first key, shown once.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { FIRST_ACCOUNT } from "../../domain/account.ts";
import { storePassword } from "../../gateway/auth/password.ts";
import { FIRST_START_FILE } from "../../gateway/auth/setup-steps.ts";
import { hashKey } from "../../gateway/keys/keys.ts";
import { newKeyLimits } from "../../gateway/keys/manage-keys.ts";
import { newId, newKey } from "../../ids.ts";
import { recordChange } from "../audit.ts";
import type { Io } from "../verb.ts";

type Secrets = { password: string | null; key: string | null };

/**
 * Makes what a data folder lacks at its very first start, an admin password (to be changed at login) and a key. Shows both on the
 * terminal, or where there is none in a file (0600) of the data folder whose path alone is printed. Later starts do nothing.
 * @param now epoch ms
 */
export async function prepareFirstStart(
  store: Pick<
    Store,
    "readFact" | "writeFact" | "getAccount" | "updateAccount" | "listKeys" | "insertKey" | "insertAudit" | "listAudit" | "listAuditItems"
  >,
  io: Pick<Io, "stdout" | "isTerminal">,
  settings: Pick<Settings, "storage" | "keys">,
  now: number,
): Promise<void> {
  const dataDir = settings.storage.data_dir;
  if ((await store.readFact("first_start_at")) !== null) return;
  const { key, prefix } = newKey();
  const secrets: Secrets = {
    password: (await store.getAccount(FIRST_ACCOUNT))?.passwordHash ? null : newId(),
    key: (await store.listKeys()).length === 0 ? key : null,
  };
  // Shown before it counts: a file that cannot be written leaves the folder as it was, and the next start tries again.
  show(secrets, io, dataDir);
  if (secrets.password) await storePassword(store, secrets.password, true);
  if (secrets.key) {
    const { id, name } = await store.insertKey(
      { name: "first key", prefix, hash: hashKey(secrets.key), limits: newKeyLimits(settings) },
      now,
    );
    await recordChange(store, now, { action: "key.create", subject: `key ${id}`, after: { name, prefix } });
  }
  await store.writeFact("first_start_at", `${now}`);
}

function show(secrets: Secrets, io: Pick<Io, "stdout" | "isTerminal">, dataDir: string): void {
  const lines = [
    ...(secrets.password ? [`Admin password (to be changed at the first login): ${secrets.password}`] : []),
    ...(secrets.key ? [`API key: ${secrets.key}`] : []),
  ];
  if (lines.length === 0) return;
  if (io.isTerminal) {
    io.stdout(`First start. Keep these, they are shown this once:\n${lines.map((line) => `  ${line}\n`).join("")}`);
    return;
  }
  const file = join(dataDir, FIRST_START_FILE);
  rmSync(file, { force: true });
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  const what = [...(secrets.password ? ["admin password"] : []), ...(secrets.key ? ["first key"] : [])];
  io.stdout(`First start: ${what.join(" and ")} ${what.length > 1 ? "are" : "is"} in ${file}\n`);
}
