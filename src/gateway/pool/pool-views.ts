// Views of the pool for the admin and the metrics: nothing here changes a token.

import type { TokenRow } from "../../domain/token.ts";
import type { CooldownCount } from "../../metrics.ts";
import { visitInTurns } from "../../serial.ts";
import { type CapUse, CapUseCount } from "./cap-use.ts";
import { CapacityCount, type FamilyOfKind, type PoolCapacity } from "./capacity.ts";
import { HeldCount, type HeldReport } from "./held.ts";
import type { PoolToken } from "./pool-token.ts";
import type { TokenRegistry } from "./registry.ts";
import { countCooldowns, groupViews, type PoolGroupView, type PoolTokenView, type TokenState, tokenState, tokenView } from "./snapshot.ts";

export abstract class PoolViews {
  protected abstract readonly registry: TokenRegistry;

  /** Epoch ms. */
  protected abstract now(): number;

  snapshot(): PoolTokenView[] {
    const now = this.now();
    return this.registry.all().map((token) => tokenView(token, now));
  }

  /** Every token with its state, in the order of the snapshot. */
  states(): TokenState[] {
    const now = this.now();
    return this.registry.all().map((token) => tokenState(token, now));
  }

  /** Tokens of each provider by state, and those that are held back by reason. Walks the pool. */
  held(): HeldReport {
    const count = new HeldCount(this.now());
    for (const token of this.registry.tokens.values()) count.add(token);
    return count.report();
  }

  /** The same in turns. */
  async readHeld(): Promise<HeldReport> {
    const count = new HeldCount(this.now());
    await this.#visit(count);
    return count.report();
  }

  /** What each model of each provider can serve now. Walks the pool. */
  capacity(families: readonly FamilyOfKind[]): PoolCapacity {
    const count = new CapacityCount(families, this.now());
    for (const token of this.registry.tokens.values()) count.add(token);
    return count.result();
  }

  /** The same in turns. */
  async readCapacity(families: readonly FamilyOfKind[]): Promise<PoolCapacity> {
    const count = new CapacityCount(families, this.now());
    await this.#visit(count);
    return count.result();
  }

  #visit(count: { add(token: PoolToken): void }): Promise<void> {
    return visitInTurns(this.registry.tokens.values(), (token) => count.add(token));
  }

  /** Whether any token or group has own caps. */
  hasCaps(): boolean {
    return this.registry.hasCaps();
  }

  /** Own caps per day of which at least this share is used. Walks the pool where there are any, in turns. */
  async readCapUses(share: number): Promise<CapUse[]> {
    if (!this.hasCaps()) return [];
    const count = new CapUseCount();
    await this.#visit(count);
    return count.result(share, this.now());
  }

  /** One token of the snapshot; null when there is none. */
  view(id: number): PoolTokenView | null {
    const token = this.registry.get(id);
    return token && tokenView(token, this.now());
  }

  /** Rows in the order of the snapshot, with what checks have found since they were read; `health` in them is not current. */
  rows(): TokenRow[] {
    return this.registry.all().map(({ row }) => row);
  }

  /** The row of one token; null when there is none. */
  rowOf(id: number): TokenRow | null {
    return this.registry.get(id)?.row ?? null;
  }

  /** Groups that have a name. */
  groups(): PoolGroupView[] {
    return groupViews(this.registry.tokens.values(), this.now());
  }

  /** Enabled tokens that cool down or are blocked as a whole, by provider and reason. */
  countCooldowns(): CooldownCount[] {
    return countCooldowns(this.registry.tokens.values(), this.now());
  }
}
