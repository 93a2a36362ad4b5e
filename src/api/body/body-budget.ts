// Body budget: bytes of request bodies in memory, in total and per owner.
import { AppError, serverFailure } from "../../errors.ts";

const MIB = 1024 * 1024;

export type BudgetLimits = {
  body_limit_mb: number;
  bodies_in_flight_mb: number;
  /** Share of one key, in percent; at least one body of the maximum size. */
  bodies_per_key_percent: number;
};

/** Whose bytes they are: a key's, by its id, or of others by a name. */
export type BodyOwner = number | string;

/** Bytes of one body. */
export class BodyCount {
  #bytes = 0;

  constructor(
    private readonly budget: BodyBudget,
    private readonly owner: BodyOwner | null,
    private readonly maxBytes: number,
  ) {}

  /** @throws {AppError} `payload_too_large`, `busy` (the owner's share is used up), `unavailable` (the total is) */
  grow(bytes: number): void {
    if (this.#bytes + bytes > this.maxBytes) throw bodyTooLarge(this.maxBytes);
    this.budget.take(this.owner, bytes);
    this.#bytes += bytes;
  }

  /** Counts so many bytes in all, if they are more than before. @throws as {@link grow} */
  growTo(bytes: number): void {
    if (bytes > this.#bytes) this.grow(bytes - this.#bytes);
  }

  release(): void {
    this.budget.give(this.owner, this.#bytes);
    this.#bytes = 0;
  }
}

export class BodyBudget {
  #held = 0;
  readonly #heldBy = new Map<BodyOwner, number>();

  constructor(private readonly limits: () => BudgetLimits) {}

  /** Bytes held now. */
  get held(): number {
    return this.#held;
  }

  /** Starts to count one body. `owner` null: the operator, without a share. */
  open(owner: BodyOwner | null, maxBytes = this.limits().body_limit_mb * MIB): BodyCount {
    return new BodyCount(this, owner, maxBytes);
  }

  /** Counts bytes that are held anyway, whatever the size of a body may be; the result releases them. @throws {AppError} `busy`, `unavailable` */
  hold(owner: BodyOwner, bytes: number): () => void {
    const count = this.open(owner, Number.POSITIVE_INFINITY);
    count.grow(bytes);
    return () => count.release();
  }

  /** @throws {AppError} `busy`, `unavailable` */
  take(owner: BodyOwner | null, bytes: number): void {
    const { body_limit_mb, bodies_in_flight_mb, bodies_per_key_percent } = this.limits();
    const most = bodies_in_flight_mb * MIB;
    if (this.#held + bytes > most) {
      throw serverFailure("The server holds too many large request bodies; try again shortly.", "body_budget", { retryAfterMs: 2_000 });
    }
    if (owner !== null) {
      const own = (this.#heldBy.get(owner) ?? 0) + bytes;
      if (own > Math.max((most * bodies_per_key_percent) / 100, body_limit_mb * MIB)) {
        throw new AppError("busy", "The requests under way of this key hold too many bytes; wait until one of them has ended.", {
          retryAfterMs: 2_000,
        });
      }
    }
    this.#held += bytes;
    if (owner !== null) this.#heldBy.set(owner, (this.#heldBy.get(owner) ?? 0) + bytes);
  }

  give(owner: BodyOwner | null, bytes: number): void {
    this.#held -= bytes;
    if (owner === null || bytes === 0) return;
    const left = (this.#heldBy.get(owner) ?? 0) - bytes;
    if (left > 0) this.#heldBy.set(owner, left);
    else this.#heldBy.delete(owner);
  }
}

export function bodyTooLarge(maxBytes: number): AppError {
  const size = maxBytes >= MIB ? `${Math.floor(maxBytes / MIB)} MiB` : `${Math.floor(maxBytes / 1024)} KiB`;
  return new AppError("payload_too_large", `The request body is larger than ${size}.`);
}
