// Restore: checks and stages a backup, applies it at the next start, moves replaced files aside.
import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../../../errors.ts";
import { readTar, type TarEntry } from "../../tar.ts";
import { acquireFolder } from "../lock.ts";
import { REQUEST_MIGRATIONS, STORE_MIGRATIONS, schemaVersion } from "../migrate.ts";
import { findSecretKey, keyOpens, parseKey, settleSecretKey } from "../secrets.ts";
import { keyCheckOf } from "../settings.ts";
import { BACKUP_FORMAT, holdings, MANIFEST_NAME, type Manifest } from "./backup-file.ts";
import { STAGED, stagedRestore, writeAppliedRestore, writeStagedNote } from "./restore-notes.ts";

export type Restoration = {
  /** `staged`: a server uses the folder; it is put in place when the server starts next. */
  state: "applied" | "staged";
  /** Where the data that it replaces are, or will be. */
  aside: string;
  holds: string[];
  /** Hash of its database: the same for the same backup. */
  content: string;
};

type RestoreOptions = {
  dataDir: string;
  file: string;
  env: Record<string, string | undefined>;
  /** Epoch ms. */
  now: number;
  /** Takes media over from a folder, where they do not lie in files; absent: they become files of the data folder. */
  takeMedia?: ((folder: string) => Promise<void>) | null;
};

/** A backup on its way in, half unpacked; then it is staged whole. */
const INCOMING = "restore.incoming";

/** What a backup can hold, in the order of its being put in place, each with what must go with it. */
const UNITS = [
  { name: "flow2api.db", companions: ["flow2api.db-wal", "flow2api.db-shm"] },
  { name: "requests.db", companions: ["requests.db-wal", "requests.db-shm"] },
  { name: "secret.key", companions: ["secret.key.next"] },
  { name: "media", companions: [] },
] as const;

const NAMES = /^(flow2api\.db|requests\.db|secret\.key|media\/[a-z2-7]\/[a-z2-7]{26}\.[a-z0-9]{1,8})$/;
const MAX_MANIFEST_BYTES = 512 * 1024 * 1024;

const refuse = (message: string, cause?: unknown) => new AppError("invalid_request", message, { cause });
const damaged = (what: string) => refuse(`The backup is damaged: ${what}. Nothing was changed.`);

/**
 * Restores a backup, now or, when a server uses the folder, at its next start. What the backup does not hold stays as it is.
 * @throws {AppError} `invalid_request` when the file is no backup, damaged, newer than this build, or sealed with another secret key; then
 * nothing is changed
 */
export async function restoreBackup({ dataDir, file, env, now, takeMedia }: RestoreOptions): Promise<Restoration> {
  assertFile(file);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const incoming = join(dataDir, INCOMING);
  rmSync(incoming, { recursive: true, force: true });
  try {
    const { files, created_at } = await unpack(file, incoming);
    checkDatabase(incoming, "flow2api.db", STORE_MIGRATIONS.length);
    checkDatabase(incoming, "requests.db", REQUEST_MIGRATIONS.length);
    checkKey(incoming, dataDir, env);
    quieten(join(incoming, "flow2api.db"), now);
    // Before their rows: what is staged and never applied leaves objects without rows, which go after a day.
    if (takeMedia) {
      await takeMedia(join(incoming, "media"));
      rmSync(join(incoming, "media"), { recursive: true, force: true });
    }
    const aside = freeName(dataDir, `before-restore-${new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}`);
    const holds = holdings(files);
    writeStagedNote(incoming, { aside, stagedAt: now, backupAt: Date.parse(created_at) || null, holds });
    rmSync(join(dataDir, STAGED), { recursive: true, force: true });
    renameSync(incoming, join(dataDir, STAGED));
    return {
      state: applyAlone(dataDir, now) ? "applied" : "staged",
      aside: join(dataDir, aside),
      holds,
      content: files["flow2api.db"]!.sha256,
    };
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

function applyAlone(dataDir: string, now: number): boolean {
  try {
    using _lock = acquireFolder(dataDir);
    settleFolder(dataDir, now);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.kind === "conflict") return false;
    throw error;
  }
}

/**
 * Finishes what needs the folder unused: a restore, a secret key rotation that was cut off. For the owner of the
 * folder, before anything is opened. Cut off at any point, the next call continues.
 * @returns where the data are that a restore has replaced; null when there was none
 */
export function settleFolder(dataDir: string, now: number): { aside: string } | null {
  const aside = applyStaged(dataDir, now);
  settleSecretKey(dataDir);
  return aside === null ? null : { aside };
}

function applyStaged(dataDir: string, now: number): string | null {
  const staged = join(dataDir, STAGED);
  const note = stagedRestore(dataDir, now);
  if (!note) return null;
  const aside = join(dataDir, note.aside);
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  for (const { name, companions } of UNITS.filter((unit) => existsSync(join(staged, unit.name)))) {
    // First what would be taken for a part of the new database.
    for (const old of [...companions, name]) {
      if (existsSync(join(dataDir, old))) renameSync(join(dataDir, old), join(aside, freeName(aside, old)));
    }
    renameSync(join(staged, name), join(dataDir, name));
  }
  const { backupAt, holds } = note;
  writeAppliedRestore(dataDir, { aside: note.aside, backupAt, holds, restoredAt: now, movedMedia: null, seen: false });
  rmSync(staged, { recursive: true });
  return aside;
}

function freeName(folder: string, name: string): string {
  let free = name;
  for (let number = 2; existsSync(join(folder, free)); number++) free = `${name}-${number}`;
  return free;
}

/** Everything in the archive, each file as its manifest says. */
async function unpack(file: string, folder: string): Promise<Manifest> {
  mkdirSync(folder, { mode: 0o700 });
  const written: Manifest["files"] = {};
  let manifest: Manifest | null = null;
  for await (const entry of readTar(file)) {
    if (manifest) throw damaged(`something follows ${MANIFEST_NAME}`);
    if (entry.name === MANIFEST_NAME) {
      manifest = await readManifest(entry);
      continue;
    }
    if (!NAMES.test(entry.name)) throw refuse(`${JSON.stringify(entry.name.slice(0, 100))} is no part of a backup. Nothing was changed.`);
    if (entry.name in written) throw damaged(`${entry.name} is in it twice`);
    const path = join(folder, entry.name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    written[entry.name] = await entry.copyTo(path);
  }
  if (!manifest) throw damaged(`it has no ${MANIFEST_NAME}, as if it were cut off`);
  compare(manifest.files, written);
  return manifest;
}

/** @throws {AppError} when there is no such file: before anything else is asked for */
export function assertFile(file: string): void {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw refuse(`${file}: expected a backup, got no such file.`);
}

async function readManifest(entry: TarEntry): Promise<Manifest> {
  const text = new TextDecoder().decode(await entry.read(MAX_MANIFEST_BYTES));
  let manifest: Manifest;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    throw refuse(`The backup is damaged: ${MANIFEST_NAME} is no JSON. Nothing was changed.`, error);
  }
  if (manifest?.program !== "flow2api" || !Number.isInteger(manifest.format)) throw damaged(`${MANIFEST_NAME} is not ours`);
  if (manifest.format > BACKUP_FORMAT)
    throw refuse(`The backup was made by flow2api ${manifest.version}, whose format this build does not know: use a newer build.`);
  return manifest;
}

function compare(expected: Manifest["files"], found: Manifest["files"]): void {
  if (!expected || !("flow2api.db" in expected)) throw damaged("it holds no flow2api.db");
  for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const [promised, real] = [expected[name], found[name]];
    if (!real) throw damaged(`${name} is missing`);
    if (promised?.sha256 !== real.sha256) throw damaged(`${name} is not what was backed up`);
  }
}

function checkDatabase(folder: string, name: string, known: number): void {
  const file = join(folder, name);
  if (!existsSync(file)) return;
  const db = new Database(file, { readonly: true });
  try {
    const version = schemaVersion(db);
    if (version > known)
      throw refuse(
        `The backup's ${name} has schema version ${version}, this build knows ${known}: use a newer build. Nothing was changed.`,
      );
    if (version === 0 || db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check !== "ok")
      throw damaged(`${name} is no whole database`);
  } catch (error) {
    throw error instanceof AppError ? error : refuse(`The backup is damaged: ${name} cannot be read. Nothing was changed.`, error);
  } finally {
    db.close();
  }
}

/** The key that the next start will take has to be the one that the backup was sealed with. */
function checkKey(incoming: string, dataDir: string, env: RestoreOptions["env"]): void {
  const canary = keyCheckOf(join(incoming, "flow2api.db"));
  const file = join(incoming, "secret.key");
  const own = existsSync(file) ? parseKey(readFileSync(file, "utf8"), "The backup's secret.key") : null;
  const key = env.FLOW2API_SECRET_KEY === undefined && own ? own : findSecretKey(dataDir, env);
  if (canary === null || (key && keyOpens(key, canary))) return;
  if (own && keyOpens(own, canary))
    throw refuse(
      "The backup holds its secret key, but FLOW2API_SECRET_KEY is another one: unset it, or set it to that key. Nothing was changed.",
    );
  const missing = key === null ? "There is no secret key here, and the backup holds none" : "The backup was sealed with another secret key";
  throw refuse(
    `${missing}: give the key of that day in FLOW2API_SECRET_KEY or secret.key, or restore a backup made with --with-secret. Nothing was changed.`,
  );
}

/** Results of a backup that is older than their age would go at the first sweep. */
const RESTORED_MEDIA_MS = 7 * 86_400_000;

/**
 * Keeps the restored past from acting twice: who was signed in then has to sign in again, and a job that waited then may have been
 * submitted since, so that it becomes one whose outcome a person decides. Results stay for a week at least.
 */
function quieten(file: string, now: number): void {
  const db = new Database(file, { readwrite: true });
  try {
    const has = (table: string) => db.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== null;
    if (has("sessions")) db.run("DELETE FROM sessions");
    if (has("jobs")) db.run("UPDATE jobs SET state = 'submitting' WHERE state = 'queued'");
    // What was to be said then is not said again.
    if (has("alert_messages")) db.run("DELETE FROM alert_messages WHERE state = 'waiting'");
    if (has("media"))
      db.query("UPDATE media SET expires_at = max(expires_at, $until) WHERE origin = 'result' AND expires_at IS NOT NULL").run({
        until: now + RESTORED_MEDIA_MS,
      });
  } finally {
    db.close();
  }
}
