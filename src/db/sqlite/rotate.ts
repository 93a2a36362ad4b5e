// Secret key rotation: seals every secret again in one transaction; no crash loses the key.

import type { Database } from "bun:sqlite";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { AppError } from "../../errors.ts";
import type { AuditRow } from "../admin.ts";
import { KEY_CHECK, SEALED, SECRET } from "../sealed.ts";
import { createVault, type Vault } from "../vault.ts";
import { insertAudit } from "./audit.ts";
import { settleFolder } from "./backup/restore.ts";
import { closeDatabase, openDatabase, retryBusy } from "./database.ts";
import { acquireFolder } from "./lock.ts";
import { migrate, STORE_MIGRATIONS } from "./migrate.ts";
import { findSecretKey, keyOpens, newSecretKey, parseKey, settleSecretKey, writeNextKey } from "./secrets.ts";
import { keyCheckOf, readKeyCheck, writeKeyCheck } from "./settings.ts";

export type Rotation = {
  /** Values sealed again. */
  values: number;
  /** Where the new key is: in `secret.key`, or where the caller has it from, to be given as `FLOW2API_SECRET_KEY` from now on. */
  place: "file" | "environment";
  /** Where what a restore that waited has replaced now is; null: none waited. */
  restored: { aside: string } | null;
};

type RotateOptions = {
  dataDir: string;
  /** `FLOW2API_NEW_SECRET_KEY` is the new key, where it is given; where the key in force comes from the environment it must be. */
  env: Record<string, string | undefined>;
  /** Written into the audit log in the same transaction. */
  trail: Omit<AuditRow, "id" | "items">;
};

/**
 * Replaces the secret key of a data folder that is not in use. Cut off at any point, the folder opens with the key in force.
 * @throws {AppError} `not_found` without a database; `conflict` when a server uses the folder, or the key in force is another;
 * `invalid_request` when a key is missing or is none
 */
export async function rotateSecret(options: RotateOptions): Promise<Rotation> {
  if (!existsSync(join(options.dataDir, "flow2api.db"))) throw new AppError("not_found", `There is no flow2api.db in ${options.dataDir}.`);
  newKey(options.env);
  using _lock = takeFolder(options.dataDir);
  return await rotateOwned(options);
}

/** A file of this name in the data folder: the next server to own the folder replaces the key before it opens anything. */
const ASKED = "rotate-secret.asked";

export const isRotationAsked = (dataDir: string): boolean => existsSync(join(dataDir, ASKED));

/** Asks for a new key at the next start, or no more. */
export function askRotation(dataDir: string, isWanted: boolean): void {
  const note = join(dataDir, ASKED);
  if (isWanted) writeFileSync(note, "", { mode: 0o600 });
  else rmSync(note, { force: true });
}

/**
 * Replaces the key where that was asked for. For the owner of the folder, before anything is opened. What was asked for is forgotten
 * first, so that a rotation which cannot be done fails one start and no more.
 * @returns null when nothing was asked for. @throws {AppError} as {@link rotateSecret}
 */
export async function takeAskedRotation(options: RotateOptions): Promise<Rotation | null> {
  if (!isRotationAsked(options.dataDir)) return null;
  askRotation(options.dataDir, false);
  return rotateOwned(options);
}

/** Of a folder that is ours. */
async function rotateOwned({ dataDir, env, trail }: RotateOptions): Promise<Rotation> {
  const file = join(dataDir, "flow2api.db");
  const next = newKey(env);
  const restored = settleFolder(dataDir, trail.at);
  const place = env.FLOW2API_SECRET_KEY === undefined ? "file" : "environment";
  const current = findSecretKey(dataDir, env);
  refuseKeys(current, next, keyCheckOf(file), place);
  const db = await openDatabase(file);
  try {
    await migrate(db, STORE_MIGRATIONS);
    if (place === "file") writeNextKey(dataDir, next);
    if (restored) insertAudit(db, { ...trail, action: "restore.apply", after: { aside: basename(restored.aside) } });
    return { values: await sealAnew(db, createVault(current!), createVault(next), trail), place, restored };
  } finally {
    closeDatabase(db);
    if (place === "file") settleSecretKey(dataDir);
  }
}

function newKey(env: RotateOptions["env"]): Uint8Array {
  const given = env.FLOW2API_NEW_SECRET_KEY;
  if (given !== undefined) return parseKey(given, "FLOW2API_NEW_SECRET_KEY");
  if (env.FLOW2API_SECRET_KEY === undefined) return newSecretKey();
  throw new AppError(
    "invalid_request",
    'The secret key comes from FLOW2API_SECRET_KEY: give the new one in FLOW2API_NEW_SECRET_KEY ("openssl rand -base64 32" makes one), ' +
      "and in FLOW2API_SECRET_KEY once this has succeeded.",
  );
}

function takeFolder(dataDir: string): Disposable {
  try {
    return acquireFolder(dataDir);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError("conflict", "A server uses this data folder and holds secrets sealed with the present key: stop it first.", {
      cause: error,
    });
  }
}

function refuseKeys(current: Uint8Array | null, next: Uint8Array, canary: Uint8Array | null, place: Rotation["place"]): void {
  if (current && Buffer.from(current).equals(Buffer.from(next))) throw new AppError("conflict", "The new secret key is the present one.");
  if (current && (canary === null || keyOpens(current, canary))) return;
  if (place === "environment" && keyOpens(next, canary))
    throw new AppError("conflict", "The new secret key is in force already: give it in FLOW2API_SECRET_KEY.");
  throw new AppError(
    "conflict",
    "The present secret key is not the one that this data folder was made with: check FLOW2API_SECRET_KEY or secret.key.",
  );
}

/** The number of values. Afterwards nothing that the former key opens is left in the file. */
async function sealAnew(db: Database, from: Vault, to: Vault, auditLog: RotateOptions["trail"]): Promise<number> {
  db.run("PRAGMA synchronous = FULL");
  const values = await retryBusy(() =>
    db
      .transaction(() => {
        const counts = SEALED.map((column) => sealColumn(db, column, from, to));
        sealMacs(db, to);
        if (readKeyCheck(db)) writeKeyCheck(db, to.seal(KEY_CHECK, KEY_CHECK));
        insertAudit(db, auditLog);
        return counts.reduce((sum, count) => sum + count, 0);
      })
      .immediate(),
  );
  await retryBusy(() => db.run("VACUUM"));
  return values;
}

function sealColumn(db: Database, { table, key, column, purpose }: (typeof SEALED)[number], from: Vault, to: Vault): number {
  const rows = db
    .query<{ id: number | string; box: Uint8Array }, []>(`SELECT ${key} AS id, ${column} AS box FROM ${table} WHERE ${column} IS NOT NULL`)
    .all();
  const update = db.query(`UPDATE ${table} SET ${column} = $box WHERE ${key} = $id`);
  for (const { id, box } of rows) update.run({ id, box: to.seal(purpose, from.open(purpose, box)) });
  return rows.length;
}

/** After the secrets themselves: a keyed hash cannot be turned back. */
function sealMacs(db: Database, to: Vault): void {
  const update = db.query("UPDATE tokens SET secret_mac = $mac WHERE id = $id");
  for (const { id, secret } of db.query<{ id: number; secret: Uint8Array }, []>("SELECT id, secret FROM tokens").all())
    update.run({ id, mac: to.mac(SECRET, to.open(SECRET, secret)) });
}
