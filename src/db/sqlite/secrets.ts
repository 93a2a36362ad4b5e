// Secrets at rest: one installation key, a key of its own for each purpose (HKDF), AES-256-GCM.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../errors.ts";

/** What can be done with the installation key. A purpose is a constant word: a box of one cannot be opened for another. */
export type Vault = {
  /** Encrypts. The same text never gives the same box. */
  seal(purpose: string, text: string): Uint8Array;
  /** @throws {Error} when the box was made with another key or purpose, or is damaged; says nothing of its content */
  open(purpose: string, box: Uint8Array): string;
  /** 32 bytes that belong to the purpose, for signing what leaves this program. */
  derive(purpose: string): Uint8Array;
  /** Keyed SHA-256: tells whether two texts are the same, and nothing else. */
  mac(purpose: string, text: string): Uint8Array;
};

const KEY_BYTES = 32;
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * The installation key: `FLOW2API_SECRET_KEY` (base64 of 32 bytes), else `secret.key` in the data folder, made on first use (0600).
 * @throws {AppError} `invalid_request` when it is no such key; `conflict` when the file is missing beside an existing database
 */
export function loadSecretKey(dataDir: string, env: Record<string, string | undefined>): Uint8Array {
  const given = env.FLOW2API_SECRET_KEY;
  if (given !== undefined) return parseKey(given, "FLOW2API_SECRET_KEY");
  const file = join(dataDir, "secret.key");
  if (!existsSync(file)) createKeyFile(dataDir, file);
  return parseKey(readFileSync(file, "utf8"), file);
}

function createKeyFile(dataDir: string, file: string): void {
  if (existsSync(join(dataDir, "flow2api.db")))
    throw new AppError(
      "conflict",
      `${file} is missing, and without it flow2api.db cannot be read: put it back or set FLOW2API_SECRET_KEY.`,
    );
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const handle = openSync(file, "wx", 0o600);
  try {
    writeSync(handle, `${randomBytes(KEY_BYTES).toString("base64")}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function parseKey(text: string, source: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed) ? Buffer.from(trimmed, "base64") : Buffer.alloc(0);
  if (bytes.length !== KEY_BYTES)
    throw new AppError("invalid_request", `${source}: expected 32 bytes in base64 (44 characters), as "openssl rand -base64 32" prints.`);
  if (new Set(bytes).size < 8) throw new AppError("invalid_request", `${source}: expected random bytes, got a pattern.`);
  return new Uint8Array(bytes);
}

/**
 * @param key 32 bytes, see {@link loadSecretKey}
 * @throws {Error} when the key has another length
 */
export function createVault(key: Uint8Array): Vault {
  if (key.byteLength !== KEY_BYTES) throw new Error(`The secret key must have ${KEY_BYTES} bytes.`);
  const derived = new Map<string, Buffer>();
  const keyFor = (use: "seal" | "derive" | "mac", purpose: string): Buffer => {
    const info = `flow2api/1/${use}/${purpose}`;
    let bytes = derived.get(info);
    if (!bytes) {
      bytes = Buffer.from(hkdfSync("sha256", key, new Uint8Array(0), info, KEY_BYTES));
      derived.set(info, bytes);
    }
    return bytes;
  };
  return {
    seal(purpose, text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keyFor("seal", purpose), nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return new Uint8Array(Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]));
    },
    open(purpose, box) {
      if (box.byteLength < HEAD_BYTES || box[0] !== VERSION) throw new Error("A sealed value is damaged.");
      const nonce = box.subarray(1, 1 + NONCE_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", keyFor("seal", purpose), nonce, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(box.subarray(1 + NONCE_BYTES, HEAD_BYTES));
      try {
        return Buffer.concat([decipher.update(box.subarray(HEAD_BYTES)), decipher.final()]).toString("utf8");
      } catch (error) {
        throw new Error("A sealed value does not open with this secret key.", { cause: error });
      }
    },
    derive: (purpose) => new Uint8Array(keyFor("derive", purpose)),
    mac: (purpose, text) => new Uint8Array(createHmac("sha256", keyFor("mac", purpose)).update(text).digest()),
  };
}
