// Wake-ups by chance: tokens move, break, are probed, capped and paused, the clock is set; nobody waits for a token that is ready.
import { expect, test } from "bun:test";
import { FAMILY, failure, limited, request, success, type TestPool, testPool, tokenRow } from "../../../test/pool.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { seededRandom, settled } from "../../testing.ts";
import type { Lease, LeaseRequest, Outcome } from "./lease-contract.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const FAMILIES = [FAMILY, "other-model"];
const TOKENS = 6;

const refused = (scope: "token" | "group", reason: "billing" | "key_invalid" | "internal") =>
  failure(reason === "internal" ? "upstream_unavailable" : "upstream_quota", { scope, reason }, { upstreamStatus: 400 });

class World {
  readonly random;
  readonly test: TestPool;
  readonly rows = new Map<number, TokenRow>();
  readonly calls = new Set<Lease>();
  readonly waits = new Set<{ request: LeaseRequest; client: AbortController }>();
  /** Tokens whose calls all fail. */
  readonly broken = new Set<number>();
  served = 0;
  waited = 0;

  /** `sort`: share of rows with caps of either kind, and whether most of what goes wrong is that groups run out of money. */
  constructor(
    seed: number,
    readonly sort: { caps: number; poor: boolean },
  ) {
    this.random = seededRandom(seed);
    for (let id = 1; id <= TOKENS; id++) this.rows.set(id, this.row(id, false));
    this.test = testPool([...this.rows.values()], { seed, settings: { wait_ms: 4 * MINUTE, queue_limit: 40 } });
  }

  chance = (share: number) => this.random() < share;
  below = (limit: number) => Math.floor(this.random() * limit);
  pick = <T>(list: readonly T[]): T => list[this.below(list.length)]!;

  row(id: number, mayCap = true): TokenRow {
    const mayBeCapped = (share: number) => mayCap && this.chance(share);
    const own = mayBeCapped(this.sort.caps) ? { requestsPerMinute: 1 + this.below(4), usdPerDay: this.pick([0.3, 20]) } : null;
    return tokenRow(id, {
      provider: "alpha",
      group: this.chance(0.7) ? `g${this.below(2)}` : null,
      enabled: this.chance(0.85),
      imageConcurrency: this.pick([1, 1, 2, -1]),
      denyFamilies: this.chance(0.15) ? ["other-model"] : [],
      location: this.chance(0.2) ? "here" : null,
      caps: mayBeCapped(this.sort.caps) ? { ...own, group: { requestsPerMinute: 2, imagesPerMinute: 2 } } : own,
    });
  }

  come(): void {
    const ids = [...this.rows.keys()];
    const wanted = request({
      family: this.pick(FAMILIES),
      keyId: this.below(3),
      exclude: new Set(this.chance(0.2) ? [this.pick(ids)] : []),
      pinned: this.chance(0.15) ? this.pick(ids) : undefined,
      estimate: { images: 1, videoSeconds: 0, usd: this.pick([0.04, 0.04, 0.5]) },
    });
    const wait = { request: wanted, client: new AbortController() };
    const onWait = () => {
      if (!this.waits.has(wait)) this.waited++;
      this.waits.add(wait);
    };
    this.test.pool.lease(wanted, { signal: wait.client.signal, onWait }).then(
      (lease) => {
        this.waits.delete(wait);
        this.calls.add(lease);
        this.served++;
      },
      (error) => {
        this.waits.delete(wait);
        expect(error).toBeInstanceOf(AppError);
      },
    );
  }

  outcome({ tokenId }: Lease): Outcome | null {
    if (this.broken.has(tokenId)) return refused("token", "internal");
    const end = this.below(20);
    if (this.sort.poor) return end < 4 ? success() : end < 14 ? failure("cancelled") : end < 16 ? refused("group", "billing") : null;
    if (end < 6) return success({ images: this.below(2), usd: 0.04 });
    if (end < 12) return failure("cancelled");
    if (end < 13) return null;
    if (end < 15) return refused("group", "billing");
    if (end < 16) return refused("token", "key_invalid");
    if (end < 18) return limited("per_minute", { retryAfterMs: SECOND + this.below(MINUTE) });
    return limited(this.pick(["throttled", "shared_capacity", "no_details"] as const));
  }

  async end(lease: Lease): Promise<void> {
    this.calls.delete(lease);
    const outcome = this.outcome(lease);
    if (outcome) lease.report(outcome);
    if (this.chance(0.5)) await settled();
    await lease[Symbol.asyncDispose]();
  }

  operate(): void {
    const { pool, settings } = this.test;
    const id = 1 + this.below(TOKENS);
    const act = this.below(10);
    if (act < 5) {
      if (this.chance(0.2)) this.rows.delete(id);
      else this.rows.set(id, this.row(id, this.chance(0.5)));
      if (this.rows.size === 0) this.rows.set(id, this.row(id));
      pool.load([...this.rows.values()]);
    } else if (act < 7) pool.clearCooldown(id, this.chance(0.5) ? undefined : this.pick(FAMILIES));
    else if (act < 8) pool.reportOutcome(id, success());
    else if (act < 9) this.broken.delete(id) || this.broken.add(id);
    else {
      settings.paused_providers = settings.paused_providers.length > 0 ? [] : ["alpha"];
      pool.refresh();
      if (this.chance(0.8)) settings.paused_providers = [];
      pool.refresh();
    }
  }

  async pass(): Promise<void> {
    const { clock } = this.test;
    if (this.chance(0.05)) {
      clock.jump(this.pick([-1, 1]) * this.pick([SECOND, 40 * SECOND, HOUR]));
      // The pool notices by itself within a second.
      await clock.advance(SECOND);
    } else await clock.advance(this.chance(this.sort.poor ? 0.3 : 0.05) ? this.below(2 * HOUR) : this.below(20 * SECOND));
  }

  async step(): Promise<void> {
    const act = this.random();
    if (act < 0.45) this.come();
    else if (act < 0.7 && this.calls.size > 0) await this.end(this.pick([...this.calls]));
    else if (act < 0.73 && this.waits.size > 0) this.pick([...this.waits]).client.abort(new AppError("cancelled", "gone"));
    else if (act < 0.85) this.operate();
    else await this.pass();
    await settled();
  }

  assertNobodyIsForgotten(): void {
    for (const { request: wanted } of this.waits) {
      const ready = this.test.pool.preview(wanted).filter(({ state, token }) => state === "ready" && !wanted.exclude.has(token.id));
      expect(ready.map(({ token }) => token.id)).toEqual([]);
    }
  }
}

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

test.each(SEEDS)("nobody waits for a token that is ready (seed %d)", async (seed) => {
  const world = new World(seed, { caps: [0, 0.03, 0.3][seed % 3]!, poor: seed % 2 === 0 });
  for (let step = 0; step < 500; step++) {
    await world.step();
    world.assertNobodyIsForgotten();
  }
  for (let round = 0; round < 20 && world.calls.size + world.waits.size > 0; round++) {
    for (const lease of [...world.calls]) await world.end(lease);
    await world.test.clock.advance(MINUTE);
  }
  expect([world.served > 0, world.waited > 0, world.waits.size, world.test.pool.gauges().queued]).toEqual([true, true, 0, 0]);
});
