// Ids that we mint (128 random bits as 26 lower-case base32 characters) and keys for clients.

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
/** The same letters in the order of their codes. */
const SORTED = "234567abcdefghijklmnopqrstuvwxyz";

/** 26 characters of `[a-z2-7]`: 130 random bits, unguessable, safe in paths and file names. */
export function newId(): string {
  return randomText(26);
}

/** Random characters made in advance, each given once. Small: an id may retain the whole text in memory. */
const POOL = 1024;
let pool = "";
let used = POOL;

function randomText(length: number): string {
  if (used + length > POOL) {
    pool = newPool();
    used = 0;
  }
  used += length;
  return pool.slice(used - length, used);
}

function newPool(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(POOL));
  for (let index = 0; index < POOL; index++) bytes[index] = ALPHABET.charCodeAt(bytes[index]! & 31);
  return Buffer.from(bytes.buffer).toString("latin1");
}

let lastMs = -1;
let lastPrefix = "";
let lastRequestPrefix = "";

/** As {@link newId}, sorted by time: ids made later come later, so that an index grows at its end. `now` in epoch ms. */
export function newTimeId(now: number): string {
  setPrefix(now);
  return lastPrefix + randomText(17);
}

function setPrefix(now: number): void {
  const ms = Math.floor(now);
  if (ms === lastMs) return;
  lastMs = ms;
  lastPrefix = timePrefix(ms, 9);
  lastRequestPrefix = `req_${lastPrefix}`;
}

function timePrefix(ms: number, places: number): string {
  let prefix = "";
  for (let rest = ms, place = 0; place < places; place++, rest = Math.floor(rest / 32)) prefix = SORTED[rest % 32] + prefix;
  return prefix;
}

/** The id of a request that began at `now`, epoch ms. */
export function newRequestId(now: number): string {
  setPrefix(now);
  return lastRequestPrefix + randomText(17);
}

const DAY_MS = 86_400_000;
let lastMediaMs = -1;
let lastMediaPrefix = "";

/**
 * An id of a media item made at `now`, epoch ms: 95 random bits. Those of a day begin with the same letter, of which the day has one of 32,
 * and then with the time: an index grows in one place, and folders by that letter hold a day each.
 */
export function newMediaId(now: number): string {
  const ms = Math.floor(now);
  if (ms !== lastMediaMs) {
    lastMediaMs = ms;
    lastMediaPrefix = SORTED[Math.floor(ms / DAY_MS) % 32] + timePrefix(ms % DAY_MS, 6);
  }
  return lastMediaPrefix + randomText(19);
}

const ID = /^[a-z2-7]{26}$/;

/** Whether `text` has the form of an id that {@link newId} mints. */
export function isId(text: string): boolean {
  return ID.test(text);
}

/** 256 random bits as 43 base64url characters, for secrets that people copy. */
export const newSecretText = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");

/** A key for a client, 256 random bits as `sk-f2a-` and 43 base64url characters, with the first characters that may be shown. */
export function newKey(): { key: string; prefix: string } {
  const key = `sk-f2a-${newSecretText()}`;
  return { key, prefix: key.slice(0, 11) };
}
