// Ids that we mint (128 random bits as 26 lower-case base32 characters) and keys for clients.

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** 26 characters of `[a-z2-7]`: 128 random bits, unguessable, safe in paths and file names. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(17));
  let id = "";
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5 && id.length < 26) {
      bits -= 5;
      id += ALPHABET[(buffer >> bits) & 31];
    }
  }
  return id;
}

/** Whether `text` has the form of an id that {@link newId} mints. */
export function isId(text: string): boolean {
  return /^[a-z2-7]{26}$/.test(text);
}

/** A key for a client, 256 random bits as `sk-f2a-` and 43 base64url characters, with the first characters that may be shown. */
export function newKey(): { key: string; prefix: string } {
  const key = `sk-f2a-${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url")}`;
  return { key, prefix: key.slice(0, 11) };
}
