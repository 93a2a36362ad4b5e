// Hash of a decoded request: field order and encoding do not matter, blobs count by their bytes.

/** SHA-256 of a decoded request. Fields count whatever their order, absent ones not at all, and blobs by their bytes. */
export async function hashRequest(request: unknown): Promise<string> {
  return sha256(JSON.stringify(await canonical(request)));
}

export async function canonical(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return `blob:${await hashBlob(value)}`;
  if (value instanceof Uint8Array) return `blob:${sha256(value)}`;
  if (Array.isArray(value)) return Promise.all(value.map(canonical));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(fields.map(async ([name, field]) => [name, await canonical(field)]));
}

export const sha256 = (bytes: string | Uint8Array): string => new Bun.CryptoHasher("sha256").update(bytes).digest("base64url");

export async function hashBlob(blob: Blob): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of blob.stream()) hasher.update(chunk);
  return hasher.digest("base64url");
}
