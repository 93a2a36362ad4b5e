// Idempotency-Key of the admin's JSON API: a repetition gets the first response, without its secrets, for a day.
import type { Store } from "../../db/store.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";

const DAY_MS = 86_400_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

type Stored = { fingerprint: string; body: Json };
type Dependencies = { store: Pick<Store, "putScratch" | "getScratch">; now: () => number };
type Asked = { tokenId: number; key: string; method: string; path: string; body: unknown; secrets: readonly string[] };

export class Idempotency {
  readonly #running = new Set<string>();

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
    if (this.#running.has(name)) throw conflict("A request with this Idempotency-Key is under way.", "idempotency_running");
    this.#running.add(name);
    try {
      const known = (await store.getScratch(name, now())) as Stored | null;
      if (known && known.fingerprint !== fingerprint)
        throw conflict("This Idempotency-Key was used for another request.", "idempotency_mismatch");
      if (known) return { body: known.body, replayed: true };
      const body = await create();
      await store.putScratch(name, { fingerprint, body: withoutSecrets(body, asked.secrets) }, now() + DAY_MS);
      return { body, replayed: false };
    } finally {
      this.#running.delete(name);
    }
  }
}

const conflict = (message: string, reason: string) => new AppError("conflict", message, { param: "Idempotency-Key", reason });

function withoutSecrets(body: unknown, secrets: readonly string[]): Json {
  const copy = JSON.parse(JSON.stringify(body)) as Record<string, Json>;
  for (const name of secrets) copy[name] = null;
  return copy;
}
