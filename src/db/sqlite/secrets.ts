// Secret key of a data folder: from the environment, or from its file, which is made on first use.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import { KEY_CHECK } from "../sealed.ts";
import { createVault, KEY_BYTES } from "../vault.ts";
import { keyCheckOf } from "./settings.ts";

const KEY_FILE = "secret.key";
/** The key that takes its place, while a rotation is under way or after it was cut off. */
const NEXT_KEY_FILE = "secret.key.next";

/**
 * The installation key: `FLOW2API_SECRET_KEY` (base64 of 32 bytes), else `secret.key` in the data folder, made on first use (0600).
 * @throws {AppError} `invalid_request` when it is no such key; `conflict` when the file is missing beside an existing database
 */
export function loadSecretKey(dataDir: string, env: Record<string, string | undefined>): Uint8Array {
  const found = findSecretKey(dataDir, env);
  if (found) return found;
  createKeyFile(dataDir, join(dataDir, KEY_FILE));
  return parseKey(readFileSync(join(dataDir, KEY_FILE), "utf8"), join(dataDir, KEY_FILE));
}

/** As {@link loadSecretKey}, but makes nothing: null when there is no key. @throws {AppError} `invalid_request` when it is no such key */
export function findSecretKey(dataDir: string, env: Record<string, string | undefined>): Uint8Array | null {
  const given = env.FLOW2API_SECRET_KEY;
  if (given !== undefined) return parseKey(given, "FLOW2API_SECRET_KEY");
  const next = nextKey(dataDir);
  if (next && keyOpens(next, keyCheckOf(join(dataDir, "flow2api.db")))) return next;
  return readKeyFile(join(dataDir, KEY_FILE));
}

/** Whether there is a key at all, without reading it. */
export function hasSecretKey(dataDir: string, env: Record<string, string | undefined>): boolean {
  return env.FLOW2API_SECRET_KEY !== undefined || [KEY_FILE, NEXT_KEY_FILE].some((name) => existsSync(join(dataDir, name)));
}

/** The key that a rotation has laid ready; null when none is under way. */
export function nextKey(dataDir: string): Uint8Array | null {
  return readKeyFile(join(dataDir, NEXT_KEY_FILE));
}

/** Lays the next key ready beside the one in force; it is there whole or not at all. */
export function writeNextKey(dataDir: string, key: Uint8Array): void {
  writeKeyFile(join(dataDir, NEXT_KEY_FILE), key);
}

/** Ends a rotation: the key that opens the database is in `secret.key` alone. Only for the owner of the folder. */
export function settleSecretKey(dataDir: string): void {
  const next = nextKey(dataDir);
  if (!next) return;
  if (keyOpens(next, keyCheckOf(join(dataDir, "flow2api.db")))) renameSync(join(dataDir, NEXT_KEY_FILE), join(dataDir, KEY_FILE));
  else rmSync(join(dataDir, NEXT_KEY_FILE));
  flushToDisk(dataDir);
}

/** Whether a database with this key check value was sealed with `key`; one without the value has nothing sealed. */
export function keyOpens(key: Uint8Array, canary: Uint8Array | null): boolean {
  try {
    if (canary) createVault(key).open(KEY_CHECK, canary);
    return canary !== null;
  } catch {
    return false;
  }
}

/** A key as `secret.key` holds it. */
export function keyText(key: Uint8Array): string {
  return `${Buffer.from(key).toString("base64")}\n`;
}

/** Writes a private file that appears whole or not at all. */
function writeKeyFile(file: string, key: Uint8Array): void {
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  createWhole(partial, keyText(key));
  renameSync(partial, file);
  flushToDisk(join(file, ".."));
}

function createKeyFile(dataDir: string, file: string): void {
  if (existsSync(join(dataDir, "flow2api.db")))
    throw new AppError(
      "conflict",
      `${file} is missing, and without it flow2api.db cannot be read: put it back or set FLOW2API_SECRET_KEY.`,
    );
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  createWhole(file, keyText(newSecretKey()));
}

/** Makes a folder's key the given one. @throws {AppError} `conflict` when it has another */
export function laySecretKey(dataDir: string, key: Uint8Array): void {
  const there = readKeyFile(join(dataDir, KEY_FILE));
  if (there === null) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    createWhole(join(dataDir, KEY_FILE), keyText(key));
  } else if (Buffer.compare(there, key) !== 0)
    throw new AppError("conflict", `${dataDir} has a secret key of its own: expected an empty folder.`);
}

export function newSecretKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}

function createWhole(file: string, text: string): void {
  const handle = openSync(file, "wx", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Names that were given or taken in a folder survive the death of the machine. */
function flushToDisk(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

const readKeyFile = (file: string): Uint8Array | null => (existsSync(file) ? parseKey(readFileSync(file, "utf8"), file) : null);

/** @param source where the text comes from, for the message. @throws {AppError} `invalid_request`; never quotes the text */
export function parseKey(text: string, source: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed) ? Buffer.from(trimmed, "base64") : Buffer.alloc(0);
  if (bytes.length !== KEY_BYTES)
    throw new AppError("invalid_request", `${source}: expected 32 bytes in base64 (44 characters), as "openssl rand -base64 32" prints.`);
  if (new Set(bytes).size < 8) throw new AppError("invalid_request", `${source}: expected random bytes, got a pattern.`);
  return new Uint8Array(bytes);
}
