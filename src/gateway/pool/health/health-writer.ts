// Health writer: saves changed health in batches off the hot path, at most 200 ms late; retries when the store fails.

import type { Clock } from "../../../clock.ts";
import type { CooldownRow, HealthChange } from "../../../domain/token.ts";
import type { Log } from "../../../log.ts";
import type { PoolToken } from "../pool-token.ts";
import { serializeHealth } from "./health-codec.ts";

const BATCH_MS = 200;
const RETRY_MS = 2_000;

export type SaveHealth = (changes: readonly HealthChange[]) => Promise<unknown>;

export class HealthWriter {
  /** With the new cooldowns of each token that are not saved yet. */
  #dirty = new Map<PoolToken, CooldownRow[]>();
  #cancelTimer: (() => void) | null = null;
  /** Saves run one after another: an older state never overwrites a newer one. */
  #saving: Promise<void> = Promise.resolve();

  constructor(private readonly deps: { clock: Clock; log: Log; save: SaveHealth }) {}

  /** The token's health changed; `cooldown` is one that begins now and goes into its history. */
  markDirty(token: PoolToken, cooldown?: CooldownRow): void {
    if (token.removed) return;
    const cooldowns = this.#dirty.get(token) ?? [];
    this.#dirty.set(token, cooldowns);
    if (cooldown) cooldowns.push(cooldown);
    this.#flushIn(BATCH_MS);
  }

  /** Saves what is dirty now; resolves when it is saved or has failed (then it stays dirty). */
  flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  #flushIn(ms: number): void {
    this.#cancelTimer ??= this.deps.clock.after(ms, () => void this.flush());
  }

  async #save(): Promise<void> {
    const { clock, log, save } = this.deps;
    const batch = [...this.#dirty].filter(([token]) => !token.removed);
    this.#dirty = new Map();
    if (batch.length === 0) return;
    const now = clock.now();
    try {
      await save(batch.map(([token, pauses]) => ({ id: token.row.id, health: serializeHealth(token, now), pauses })));
    } catch (error) {
      log.error("Saving token health failed; retrying", { tokens: batch.length, error });
      for (const [token, cooldowns] of batch) this.#dirty.set(token, [...cooldowns, ...(this.#dirty.get(token) ?? [])]);
      this.#flushIn(RETRY_MS);
    }
  }
}
