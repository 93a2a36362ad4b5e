// Idempotency-Key of the admin's JSON API: a repetition gets the first response, without its secrets, for a day.
import type { Store } from "../../db/store.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";

const DAY_MS = 86_400_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

/** Longest that a creation holds its key: then whoever began it has died. */
const RUNNING_MS = 5 * 60_000;

/** `body` absent: it runs. */
type Stored = { fingerprint: string; body?: Json };
type Dependencies = { store: Pick<Store, "putScratch" | "claimScratch" | "deleteScratch">; now: () => number };
type Asked = { tokenId: number; key: string; method: string; path: string; body: unknown; secrets: readonly string[] };

/** Claims in the store, so that of several requests at once, on whichever nodes, one creates. */
export class Idempotency {
  constructor(private readonly deps: Dependencies) {}

  /**
   * Runs `create`, or gives the response that the same request of the same token had.
   * @throws {AppError} `invalid_request` for a key that is none, `conflict` for one that another request had, or while the first one runs
   */
  async once(asked: Asked, create: () => Promise<unknown>): Promise<{ body: unknown; replayed: boolean }> {
    const { store, now } = this.deps;
    const { tokenId, key, method, path } = asked;
    if (!KEY.test(key))
      throw new AppError("invalid_request", "Idempotency-Key must be 1 to 255 visible ASCII characters.", { param: "Idempotency-Key" });
    const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64url");
    const name = `admin-api ${tokenId} ${hash(key)}`;
    const fingerprint = hash(JSON.stringify([method, path, asked.body]));
    const known = (await store.claimScratch(name, { fingerprint }, { expiresAt: now() + RUNNING_MS, now: now() })) as Stored | null;
    if (known && known.fingerprint !== fingerprint)
      throw conflict("This Idempotency-Key was used for another request.", "idempotency_mismatch");
    if (known?.body !== undefined) return { body: known.body, replayed: true };
    if (known) throw conflict("A request with this Idempotency-Key is under way.", "idempotency_running");
    const body = await create().catch(async (error: unknown) => {
      // Where it cannot be given back it expires by itself.
      await store.deleteScratch(name).catch(() => {});
      throw error;
    });
    await store.putScratch(name, { fingerprint, body: withoutSecrets(body, asked.secrets) }, now() + DAY_MS);
    return { body, replayed: false };
  }
}

const conflict = (message: string, reason: string) => new AppError("conflict", message, { param: "Idempotency-Key", reason });

function withoutSecrets(body: unknown, secrets: readonly string[]): Json {
  const copy = JSON.parse(JSON.stringify(body)) as Record<string, Json>;
  for (const name of secrets) copy[name] = null;
  return copy;
}
