// Capacity of the pool: for each provider and model how many tokens can serve it now, when the next is back, and what is left today. Pure.

import type { Kind } from "../../domain/generation.ts";
import { DayLeft } from "./day-left.ts";
import { cooldownEnd } from "./health/cooldown.ts";
import { HEALTH_REASONS, type HealthReason } from "./health/reasons.ts";
import {
  BUSY,
  hasFamily,
  isGroupCapped,
  isOn,
  isOpenFor,
  limitOf,
  longestCooldown,
  type PoolToken,
  READY,
  readiness,
} from "./pool-token.ts";
import { currentCooldown, isQuiet } from "./snapshot.ts";

/** Why tokens do not serve: what the upstream said, the operator's own caps or switches. */
export type CapacityReason = HealthReason | "caps" | "operator";

/** Tokens of one provider for one model, or for one kind. Times are epoch ms. */
export type Capacity = {
  provider: string;
  /** Tokens that have the model and are enabled, held back or not. */
  tokens: number;
  /** Those with a free slot. */
  ready: number;
  /** Those that lack only a slot. */
  busy: number;
  /** Tokens that have the model and are disabled. */
  off: number;
  /** When the first of those held back is by itself; null: none is. */
  until: number | null;
  /** Why most of those that do not serve do not; null: all serve. */
  reason: CapacityReason | null;
  /** Requests left today and allowed today by the operator's own caps; null: some token has none. */
  left: { requests: number; of: number } | null;
  /** Credits of those that serve, as far as known; null: none is. */
  credits: number | null;
};

export type FamilyOfKind = { id: string; kind: Kind };

export type PoolCapacity = {
  /** By provider, then family. */
  families: ReadonlyMap<string, ReadonlyMap<string, Capacity>>;
  /** By kind; of all providers together. */
  kinds: Record<Kind, Capacity>;
};

type Cell = Capacity & { reasons: Map<CapacityReason, number>; day: DayLeft };

/** `token`: of those alike the one that is back first. */
type Alike = { token: PoolToken; count: number; credits: number | null };

const REASONS = Object.keys(HEALTH_REASONS);

/** State of a token that serves nothing by itself: -2; else as from `readiness`. */
const OFF = -2;

export class CapacityCount {
  readonly #cells = new Map<string, Map<string, Cell>>();
  readonly #kinds: Record<Kind, Cell> = { image: newCell("image"), video: newCell("video") };
  readonly #kindOf: ReadonlyMap<string, Kind>;
  /** By list of models and sort. */
  readonly #alike = new Map<readonly string[], Map<number, Alike>>();

  constructor(
    families: readonly FamilyOfKind[],
    private readonly now: number,
  ) {
    this.#kindOf = new Map(families.map(({ id, kind }) => [id, kind]));
  }

  /** Each token once. Tokens alike in all that matters are counted together. */
  add(token: PoolToken): void {
    if (token.removed || !token.has) return;
    const { provider, credits } = token.row;
    const sort = this.#sortOf(token);
    const sorts = this.#alike.get(token.has) ?? new Map<number, Alike>();
    this.#alike.set(token.has, sorts);
    const known = sort === null ? undefined : sorts.get(sort);
    if (sort === null || (known && known.token.row.provider !== provider)) this.#add(token, 1, credits);
    else if (!known) sorts.set(sort, { token, count: 1, credits });
    else {
      known.count++;
      if (credits !== null) known.credits = (known.credits ?? 0) + credits;
      if (this.#endOf(token) < this.#endOf(known.token)) known.token = token;
    }
  }

  /** Of all that were added. */
  result(): PoolCapacity {
    for (const sorts of this.#alike.values()) for (const { token, count, credits } of sorts.values()) this.#add(token, count, credits);
    this.#alike.clear();
    return this.#result();
  }

  /** When it is back as a whole; 0: it is there. */
  #endOf(token: PoolToken): number {
    return Math.max(cooldownEnd(token.health, this.now), cooldownEnd(token.group.health, this.now));
  }

  /** A number that tokens share that are alike for every model of their list; null: models have to be looked at one by one. */
  #sortOf(token: PoolToken): number | null {
    const { row, inFlight, group } = token;
    if (token.families.size + group.families.size + token.place.families.size > 0) return null;
    if (token.caps || isGroupCapped(group) || row.allowFamilies.length + row.denyFamilies.length > 0) return null;
    const full = (kind: Kind) => (limitOf(token, kind) !== -1 && inFlight[kind] >= limitOf(token, kind) ? 1 : 0);
    const open = (kind: Kind) => (isOpenFor(token, kind) ? 1 : 0);
    const sort = open("image") + 2 * open("video") + 4 * full("image") + 8 * full("video");
    if (isQuiet(token) || !isOn(token)) return sort;
    const cooldown = currentCooldown(token, this.now);
    // Half open: one call at a time.
    if (!cooldown) return null;
    return sort + 16 * (1 + REASONS.indexOf(cooldown.reason)) + (cooldown.until === null ? 4096 : 0);
  }

  #add(token: PoolToken, count: number, credits: number | null): void {
    const best: Record<Kind, { state: number; reason: CapacityReason | null } | null> = { image: null, video: null };
    for (const family of token.has ?? []) {
      const kind = this.#kindOf.get(family);
      if (kind === undefined || !hasFamily(token, family)) continue;
      const found = this.#stateOf(token, kind, family);
      addTo(this.#cellOf(token.row.provider, family), found, count, credits);
      if (found.state !== OFF && found.state !== Number.POSITIVE_INFINITY)
        this.#cellOf(token.row.provider, family).day.add(token, [family]);
      const known = best[kind];
      if (!known || rank(found.state) < rank(known.state)) best[kind] = found;
    }
    for (const kind of ["image", "video"] as const) {
      const found = best[kind];
      if (!found) continue;
      addTo(this.#kinds[kind], found, count, credits);
      if (found.state === OFF || found.state === Number.POSITIVE_INFINITY) continue;
      this.#kinds[kind].day.add(
        token,
        token.has!.filter((family) => this.#kindOf.get(family) === kind),
      );
    }
  }

  #stateOf(token: PoolToken, kind: Kind, family: string): { state: number; reason: CapacityReason | null } {
    if (!isOpenFor(token, kind)) return { state: OFF, reason: "operator" };
    const images = kind === "image" ? 1 : 0;
    const want = { kind, family, providers: [token.row.provider], estimate: { images, videoSeconds: 1 - images, usd: 0 } };
    const state = readiness(token, want, this.now);
    if (state === READY || state === BUSY) return { state, reason: null };
    const cooldown = longestCooldown(token, family, this.now) ?? currentCooldown(token, this.now);
    return { state, reason: cooldown?.reason ?? "caps" };
  }

  #cellOf(provider: string, family: string): Cell {
    const cells = this.#cells.get(provider) ?? new Map<string, Cell>();
    this.#cells.set(provider, cells);
    const cell = cells.get(family) ?? newCell(provider);
    cells.set(family, cell);
    return cell;
  }

  #result(): PoolCapacity {
    const families = new Map(
      [...this.#cells].map(([provider, cells]) => [
        provider,
        new Map([...cells].map(([family, cell]) => [family, toCapacity(cell, this.now)])),
      ]),
    );
    const { image, video } = this.#kinds;
    return { families, kinds: { image: toCapacity(image, this.now), video: toCapacity(video, this.now) } };
  }
}

/** What serves first. */
const rank = (state: number): number => (state === READY ? 0 : state === BUSY ? 1 : state === OFF ? Number.POSITIVE_INFINITY : 1 + state);

const newCell = (provider: string): Cell => ({
  ...{ provider, tokens: 0, ready: 0, busy: 0, off: 0, until: null, reason: null, left: null, credits: null },
  ...{ reasons: new Map(), day: new DayLeft() },
});

function addTo(
  cell: Cell,
  { state, reason }: { state: number; reason: CapacityReason | null },
  count: number,
  credits: number | null,
): void {
  if (reason !== null) cell.reasons.set(reason, (cell.reasons.get(reason) ?? 0) + count);
  if (state === OFF) {
    cell.off += count;
    return;
  }
  cell.tokens += count;
  if (state === READY) cell.ready += count;
  else if (state === BUSY) cell.busy += count;
  else if (Number.isFinite(state)) cell.until = cell.until === null ? state : Math.min(cell.until, state);
  if (state <= READY && credits !== null) cell.credits = (cell.credits ?? 0) + credits;
}

function toCapacity({ reasons, day, ...cell }: Cell, now: number): Capacity {
  const most = [...reasons].sort((a, b) => b[1] - a[1])[0];
  return { ...cell, reason: most?.[0] ?? null, left: day.left(now) };
}
