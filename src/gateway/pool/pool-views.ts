// Views of the pool for the admin and the metrics: nothing here changes a token.

import type { TokenRow } from "../../domain/token.ts";
import type { CooldownCount } from "../../metrics.ts";
import { capUses } from "./cap-use.ts";
import { CapacityCount, type FamilyOfKind, type PoolCapacity } from "./capacity.ts";
import { type HeldReport, heldReport } from "./held.ts";
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
    return heldReport(this.registry.tokens.values(), this.now());
  }

  /** What each model of each provider can serve now. Walks the pool. */
  capacity(families: readonly FamilyOfKind[]): PoolCapacity {
    return new CapacityCount(families, this.now()).count(this.registry.tokens.values());
  }

  /** Whether any token or group has own caps. */
  hasCaps(): boolean {
    return this.registry.hasCaps();
  }

  /** Own caps per day of which at least this share is used. Walks the pool where there are any. */
  readonly capUses = (share: number) => (this.hasCaps() ? capUses(this.registry.tokens.values(), share, this.now()) : []);

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
