// What of a secret may be shown: its last four characters, for people to tell tokens apart. Pure.

/** The last four characters of a shorter secret would reveal too much of it. */
const SHORTEST_HINTED = 12;

/** The end of the secret, or of the id of a JSON key, which is no secret. */
export function hintOf(secret: string): string {
  const keyId = secret.startsWith("{") ? /"private_key_id":"([\w-]{4,})"/.exec(secret)?.[1] : undefined;
  if (keyId) return keyId.slice(-4);
  return secret.length >= SHORTEST_HINTED && !secret.startsWith("{") ? secret.slice(-4) : "";
}
