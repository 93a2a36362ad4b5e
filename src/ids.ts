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

const DAY_MS = 86_400_000;
/** Two digits of an id are of these, the lowest ones of its time: those above them are written once for so many ms. */
const SPAN_MS = 32 * 32;

/** `value` in so many digits of the base 32, which sort as numbers do. */
function digits(value: number, places: number): string {
  let text = "";
  for (let rest = value, place = 0; place < places; place++, rest = Math.floor(rest / 32)) text = SORTED[rest % 32] + text;
  return text;
}

const lowDigits = (ms: number): string => SORTED[Math.floor(ms / 32) % 32]! + SORTED[ms % 32]!;

let lastSpan = -1;
let upper = "";
let requestUpper = "";

/** The digits above the lowest two of a time. */
function setUpper(ms: number): void {
  const span = Math.floor(ms / SPAN_MS);
  if (span === lastSpan) return;
  lastSpan = span;
  upper = digits(span, 7);
  requestUpper = `req_${upper}`;
}

/** As {@link newId}, sorted by time: ids made later come later, so that an index grows at its end. `now` in epoch ms. */
export function newTimeId(now: number): string {
  const ms = Math.floor(now);
  setUpper(ms);
  return upper + lowDigits(ms) + randomText(17);
}

/** The id of a request that began at `now`, epoch ms. */
export function newRequestId(now: number): string {
  const ms = Math.floor(now);
  setUpper(ms);
  return requestUpper + lowDigits(ms) + randomText(17);
}

let lastDay = -1;
let lastDaySpan = -1;
let mediaUpper = "";

/**
 * An id of a media item made at `now`, epoch ms: 95 random bits. Those of a day begin with the same letter, of which the day has one of 32,
 * and then with the time: an index grows in one place, and folders by that letter hold a day each.
 */
export function newMediaId(now: number): string {
  const day = Math.floor(now / DAY_MS);
  const ms = Math.floor(now) - day * DAY_MS;
  const span = Math.floor(ms / SPAN_MS);
  if (span !== lastDaySpan || day !== lastDay) {
    lastDay = day;
    lastDaySpan = span;
    mediaUpper = SORTED[day % 32] + digits(span, 4);
  }
  return mediaUpper + lowDigits(ms) + randomText(19);
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
