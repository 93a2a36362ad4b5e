// Two pools over one arbiter: nodes that crash, stand still and restart, a store that fails, an operator, checked by books of its own.
import type { Kind } from "../../src/domain/generation.ts";
import type { TokenRow } from "../../src/domain/token.ts";
import { AppError } from "../../src/errors.ts";
import { StoreSlots } from "../../src/gateway/nodes/slot-arbiter.ts";
import { SharedHealth } from "../../src/gateway/pool/health/shared-health.ts";
import type { Lease, Outcome } from "../../src/gateway/pool/lease-contract.ts";
import { nextPacificMidnight } from "../../src/gateway/pool/pacific-time.ts";
import { Pool } from "../../src/gateway/pool/pool.ts";
import { silentLog } from "../../src/log.ts";
import { seededRandom } from "../../src/testing.ts";
import { request, success, tokenRow } from "../pool.ts";
import { castSettings } from "./cast.ts";
import { type Chronicle, createChronicle, createDice, type Dice } from "./chronicle.ts";
import { createSharedSlots, type SharedSlots } from "./shared-slots.ts";
import { createTime, type Time } from "./time.ts";

export type PairFigures = Record<(typeof COUNTS)[number], number>;
const COUNTS = ["hours", "requests", "leases", "waited", "refused", "crashes", "fenced", "outages", "lostAnswers", "quietPoints"] as const;
export const noPairFigures = (): PairFigures => Object.fromEntries(COUNTS.map((name) => [name, 0])) as PairFigures;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Another node takes over from one that died. */
const DEAD_MS = 10 * SECOND;
/** News takes so long; what is lost is found by a look. */
const NEWS_MS = 200;
const LOST_NEWS = 0.03;
const VERIFY_MS = 100;
/** A request waits no longer than this while a token has had room for it all the time. */
const IDLE_MS = 3 * SECOND;
/** What a store may add to the longest wait: rounds that are under way. */
const STORE_MS = SECOND + VERIFY_MS;
/** Tokens from this id on never fail, so that nothing but their slots keeps a request waiting. */
const STURDY = 100;

type Node = {
  id: number;
  isUp: boolean;
  pool: Pool;
  health: SharedHealth;
  /** Its clock stops. */
  end(): void;
};
type Call = { node: Node; tokenId: number; kind: Kind; at: number; isCounted: boolean };
type Waiting = { node: Node; kind: Kind; until: number };
type Cap = { requestsPerMinute?: number; requestsPerDay?: number } | null;

/** @throws {Violation} when a promise is broken, with what led to it */
export async function simulatePair(seed: number, hours: number): Promise<PairFigures> {
  const pair = new Pair(seed);
  try {
    return await pair.run(hours);
  } catch (error) {
    const reported = [`${error instanceof Error ? error.message : error}`, "What led to it:", ...pair.chronicle.last()];
    throw new Error(reported.join("\n  "), { cause: error });
  }
}

class Pair {
  readonly dice: Dice;
  readonly time: Time;
  readonly chronicle: Chronicle;
  readonly store: SharedSlots;
  readonly settings = castSettings().pool;
  readonly figures = noPairFigures();
  readonly tokens = new Map<number, TokenRow>();
  readonly nodes: Node[] = [];
  readonly calls = new Set<Call>();
  /** Calls that count against caps, of all nodes that ever were. */
  counted: Call[] = [];
  readonly waiting = new Set<Waiting>();
  readonly cappedSince = new Map<number, number>();
  /** Since when each sturdy token has had room, elapsed ms. */
  readonly roomSince = new Map<string, number>();
  awaySince = 0;
  /** Nodes that have not read the operator's last change yet, and when one has read one last. */
  readonly unread = new Set<Node>();
  readAt = 0;
  lostNewsAt = -1;
  isResting = false;
  #ids = 0;
  #failure: unknown = null;

  constructor(seed: number) {
    this.dice = createDice(seededRandom(seed));
    this.time = createTime(
      Date.UTC(2026, this.dice.between(0, 11), this.dice.between(1, 28), this.dice.between(0, 23)),
      seededRandom(seed + 1),
    );
    this.chronicle = createChronicle(this.time.elapsed);
    this.store = createSharedSlots(this.time, this.dice);
    this.settings.queue_limit = 500;
  }

  async run(hours: number): Promise<PairFigures> {
    const { dice, time } = this;
    for (let id = 1; id <= dice.between(2, 6); id++) this.#put(id);
    for (let id = STURDY; id < STURDY + dice.between(1, 4); id++) this.#put(id);
    for (const place of [0, 1]) this.#begin(place);
    this.#repeat(MINUTE, () => this.#come(1));
    this.#repeat(40 * MINUTE, () => this.#come(dice.between(10, 40)));
    this.#repeat(HOUR, () => this.#operate());
    this.#repeat(2 * HOUR, () => this.#crash(dice.pick([0, 1])));
    this.#repeat(5 * HOUR, () => this.#standStill(dice.pick([0, 1])));
    this.#repeat(3 * HOUR, () => this.#outage());
    this.#repeat(2 * HOUR, () => this.isResting || this.#rest());
    let verifiedAt = 0;
    while (await time.step(hours * HOUR)) {
      if (this.#failure) throw this.#failure;
      if (time.elapsed() - verifiedAt < VERIFY_MS) continue;
      verifiedAt = time.elapsed();
      this.#verify();
    }
    return { ...this.figures, hours, lostAnswers: this.store.lostAnswers };
  }

  #repeat(everyMs: number, act: () => void): void {
    this.time.after(this.dice.spread(everyMs), () => {
      act();
      this.#repeat(everyMs, act);
    });
  }

  #put(id: number): void {
    const { dice } = this;
    const caps = dice.chance(0.4)
      ? { requestsPerMinute: dice.between(2, 8), ...(dice.chance(0.5) ? { requestsPerDay: dice.between(50, 400) } : {}) }
      : null;
    // What was called while there was no cap counts against none.
    if (this.tokens.get(id)?.caps === null && caps !== null) this.cappedSince.set(id, Number.POSITIVE_INFINITY);
    const concurrency = { imageConcurrency: dice.pick([1, 1, 2, 3]), videoConcurrency: dice.pick([1, 2]) };
    this.tokens.set(id, tokenRow(id, { ...concurrency, caps: id < STURDY ? caps : null, imageEnabled: dice.chance(0.95) }));
  }

  #begin(place: number): void {
    const { time, dice, store, settings } = this;
    const { clock, end } = time.process();
    const id = ++this.#ids;
    const others = () => this.nodes.filter((other) => other.id !== id && other.isUp);
    const tell = (hear: (node: Node) => void) => {
      if (dice.chance(LOST_NEWS)) this.lostNewsAt = time.elapsed();
      else for (const other of others()) time.after(dice.between(1, NEWS_MS), () => other.isUp && hear(other));
    };
    const slots = new StoreSlots({
      ...{ shared: store, node: { id, fence: () => this.#fence(place, id) }, clock, log: silentLog },
      onGiven: () => tell(({ pool }) => pool.slotsFreed()),
    });
    const holder = () => pool;
    const health = new SharedHealth({
      ...{ store, holder },
      announcer: { tell: ({ health: ids = [] }) => tell((other) => void other.health.take(ids).catch(() => {})) },
    });
    const pool = new Pool({
      ...{ clock, random: seededRandom(dice.between(1, 2 ** 31)), settings: () => settings, log: silentLog },
      ...{ saveHealth: health.save, arbiter: slots },
    });
    this.nodes[place] = { id, isUp: false, pool, health, end };
    this.chronicle.note("start", { id });
    time.after(dice.between(1, 5) * SECOND, () => {
      if (this.nodes[place]?.id !== id) return;
      this.#load(this.nodes[place]!)
        .then(() => {
          this.nodes[place]!.isUp = this.nodes[place]!.id === id;
        })
        // As a server that cannot reach its store at the start.
        .catch(() => this.#end(place));
    });
  }

  async #load({ pool, health }: Node): Promise<void> {
    const rows = [...this.tokens.values()];
    const stored = new Map((await this.store.listHealth(rows.map(({ id }) => id))).map((row) => [row.id, row.health]));
    pool.load(rows.map((row) => ({ ...row, health: stored.get(row.id) ?? null })));
    await health.load(rows);
  }

  /** Everything in its memory is gone; what runs upstream goes on without it. */
  #end(place: number): void {
    const node = this.nodes[place]!;
    node.isUp = false;
    node.end();
    for (const call of this.calls) if (call.node === node) this.calls.delete(call);
    for (const one of this.waiting) if (one.node === node) this.waiting.delete(one);
    this.time.after(DEAD_MS, () => this.store.declareDead(node.id));
    this.time.after(this.dice.between(1, 30) * SECOND, () => this.#begin(place));
  }

  #crash(place: number): void {
    if (!this.nodes[place]?.isUp) return;
    this.chronicle.note("crash", { id: this.nodes[place]!.id });
    this.figures.crashes++;
    this.#end(place);
  }

  /** It was declared dead while it lives: what it asks for next is refused. */
  #standStill(place: number): void {
    const node = this.nodes[place];
    if (!node?.isUp) return;
    this.chronicle.note("declared dead", { id: node.id });
    this.store.declareDead(node.id);
    // Its calls are nobody's any more: others use the slots.
    for (const call of this.calls) if (call.node === node) this.calls.delete(call);
  }

  #fence(place: number, id: number): void {
    if (this.nodes[place]?.id !== id || !this.nodes[place]!.isUp) return;
    this.chronicle.note("fenced", { id });
    this.figures.fenced++;
    this.#end(place);
  }

  #outage(): void {
    const { store, time, dice } = this;
    if (store.isAway) return;
    this.chronicle.note("store away");
    this.figures.outages++;
    store.isAway = true;
    time.after(dice.spread(15 * SECOND), () => {
      store.isAway = false;
      this.awaySince = time.elapsed();
      this.chronicle.note("store back");
    });
  }

  /** Both nodes take the change in, within a second of each other. */
  #operate(): void {
    const id = this.dice.pick([...this.tokens.keys()]);
    this.#put(id);
    this.chronicle.note("changed", { id });
    for (const node of this.nodes) {
      const load = () => {
        if (!node.isUp) return void this.unread.delete(node);
        // Tried again until the store answers, as a reloader does.
        this.#load(node).then(
          () => {
            this.unread.delete(node);
            this.readAt = this.time.elapsed();
          },
          () => this.time.after(SECOND, load),
        );
      };
      this.unread.add(node);
      this.time.after(this.dice.between(0, SECOND), load);
    }
  }

  #come(count: number): void {
    for (let at = 0; at < count; at++)
      this.time.after(this.dice.between(0, 5 * SECOND), () => {
        const node = this.dice.pick(this.nodes);
        if (this.isResting || !node.isUp) return;
        this.#client(node).catch((error) => {
          this.#failure ??= error;
        });
      });
  }

  async #client(node: Node): Promise<void> {
    const { dice, time, figures } = this;
    figures.requests++;
    const kind: Kind = dice.chance(0.15) ? "video" : "image";
    const waitMs = dice.pick([0, 2_000, 30_000, 60_000]);
    const one: Waiting = { node, kind, until: time.elapsed() + waitMs + STORE_MS };
    this.waiting.add(one);
    const leaving = new AbortController();
    if (dice.chance(0.05)) time.after(dice.between(0, 10 * SECOND), () => leaving.abort(new AppError("cancelled", "It left.")));
    let lease: Lease;
    try {
      const asked = request({ kind, keyId: dice.between(1, 3), providers: ["alpha"], estimate: { images: 1, videoSeconds: 0, usd: 0.04 } });
      lease = await node.pool.lease(asked, { signal: leaving.signal, waitMs });
    } catch (error) {
      figures.refused++;
      if (!(error instanceof AppError)) throw error;
      return;
    } finally {
      this.waiting.delete(one);
    }
    if (!node.isUp) return;
    await this.#call(node, lease, kind);
  }

  async #call(node: Node, lease: Lease, kind: Kind): Promise<void> {
    const { dice, time } = this;
    const call: Call = { node, tokenId: lease.tokenId, kind, at: time.now(), isCounted: true };
    this.#granted(call, lease.waitedMs);
    await new Promise<void>((resolve) => time.after(dice.spread(6 * SECOND), resolve));
    if (!node.isUp) return;
    const outcome = this.#outcomeOf(lease.tokenId);
    if (!outcome.ok && !outcome.charged && outcome.kind === "network") call.isCounted = false;
    lease.report(outcome);
    this.#expectShared(node, lease.tokenId);
    this.calls.delete(call);
    await lease[Symbol.asyncDispose]();
  }

  #outcomeOf(id: number): Outcome {
    const { dice } = this;
    if (id >= STURDY || dice.chance(0.9)) return success({ images: 1, usd: 0.04 });
    const failed = { ok: false as const, charged: false };
    return dice.pick<Outcome>([
      { ...failed, kind: "upstream_rate_limited", retryAfterMs: dice.between(5, 60) * SECOND },
      { ...failed, kind: "upstream_unavailable", upstreamStatus: 503 },
      { ...failed, kind: "network" },
      { ...failed, kind: "content_policy" },
    ]);
  }

  #granted(call: Call, waitedMs: number): void {
    const { time, figures } = this;
    const chronicle: Chronicle = this.chronicle;
    const { node, tokenId, kind } = call;
    const row = this.tokens.get(tokenId)!;
    figures.leases++;
    if (waitedMs > 0) figures.waited++;
    chronicle.note("lease", { node: node.id, tokenId, kind });
    const limit = kind === "image" ? row.imageConcurrency : row.videoConcurrency;
    const running = [...this.calls].filter((other) => other.tokenId === tokenId && other.kind === kind).length;
    // A limit that the operator has just lowered is known a moment later.
    const isKnown = this.#isKnown(row);
    chronicle.assert(!isKnown || running < limit, "No token has more calls at once than its limit:", { tokenId, kind, running, limit });
    const now = time.now();
    let since = this.cappedSince.get(tokenId) ?? 0;
    if (since === Number.POSITIVE_INFINITY && isKnown) {
      since = time.now();
      this.cappedSince.set(tokenId, since);
    }
    const own = this.counted.filter((other) => other.tokenId === tokenId && other.isCounted && other.at > since);
    const caps = row.caps as Cap;
    // A call counts from the moment at which the store took it on, a little before it is known here.
    const recent = own.filter(({ at }) => now - at < MINUTE - SECOND).length;
    const { requestsPerMinute = Number.POSITIVE_INFINITY, requestsPerDay = Number.POSITIVE_INFINITY } = caps ?? {};
    chronicle.assert(!isKnown || recent < requestsPerMinute, "No more calls a minute than the cap:", {
      tokenId,
      recent,
      requestsPerMinute,
    });
    const midnight = nextPacificMidnight(now);
    const today = own.filter(({ at }) => nextPacificMidnight(at) === midnight).length;
    chronicle.assert(!isKnown || today < requestsPerDay, "No more calls a day than the cap:", { tokenId, today, requestsPerDay });
    this.calls.add(call);
    this.counted = this.counted.filter(({ at }) => now - at < 25 * HOUR);
    this.counted.push(call);
  }

  /** Whether every node goes by this row: calls of before it was read may still run. */
  #isKnown(row: TokenRow): boolean {
    const isRead = this.unread.size === 0 && this.time.elapsed() - this.readAt > 3 * SECOND;
    return isRead && this.#knownSince(row) > 3 * SECOND;
  }

  readonly #changedAt = new WeakMap<TokenRow, number>();
  #knownSince(row: TokenRow): number {
    const { time } = this;
    const changedAt = this.#changedAt.get(row) ?? time.elapsed();
    this.#changedAt.set(row, changedAt);
    return time.elapsed() - changedAt;
  }

  /** A cooldown of a whole token is known to the other node a moment later, unless the store was away or news were lost. */
  #expectShared(node: Node, tokenId: number): void {
    const { time } = this;
    const chronicle: Chronicle = this.chronicle;
    const other = this.nodes.find((one) => one.id !== node.id);
    const until = node.pool.cooldownOf(tokenId)?.until ?? null;
    if (!other?.isUp || until === null || until - time.now() < 10 * SECOND) return;
    const at = time.elapsed();
    time.after(5 * SECOND, () => {
      const isFair =
        node.isUp && other.isUp && this.nodes.includes(node) && this.nodes.includes(other) && !this.store.isAway && this.awaySince < at;
      if (!isFair || node.pool.cooldownOf(tokenId) === null || this.lostNewsAt >= at) return;
      chronicle.assert(other.pool.cooldownOf(tokenId) !== null, "A cooldown is known to both nodes:", { tokenId, by: node.id });
    });
  }

  #verify(): void {
    const { time, store } = this;
    const chronicle: Chronicle = this.chronicle;
    const now = time.elapsed();
    for (const row of this.tokens.values()) this.#knownSince(row);
    for (const { until, node } of this.waiting)
      chronicle.assert(now <= until, "Every request is answered within its wait:", { node: node.id, lateMs: now - until });
    const held = store.held();
    for (const [id, row] of this.tokens) {
      if (id < STURDY) continue;
      for (const kind of ["image", "video"] as const) {
        const [limit, isOn] = kind === "image" ? [row.imageConcurrency, row.imageEnabled] : [row.videoConcurrency, row.videoEnabled];
        const hasRoom = isOn && this.#isKnown(row) && (held.get(`${id}/${kind}`) ?? 0) < limit && !store.isAway;
        if (!hasRoom) this.roomSince.delete(`${id}/${kind}`);
        else if (!this.roomSince.has(`${id}/${kind}`)) this.roomSince.set(`${id}/${kind}`, now);
        const idleMs = now - Math.max(this.roomSince.get(`${id}/${kind}`) ?? now, this.awaySince);
        if (idleMs <= IDLE_MS) continue;
        const forgotten = [...this.waiting].find(
          (one) => one.kind === kind && one.node.isUp && one.until - now < 60_000 + STORE_MS - IDLE_MS && this.#waitedMs(one) > IDLE_MS,
        );
        chronicle.assert(forgotten === undefined, "Nobody waits while a token has room:", { id, kind, idleMs });
      }
    }
  }

  readonly #since = new WeakMap<Waiting, number>();
  #waitedMs(one: Waiting): number {
    const since = this.#since.get(one) ?? this.time.elapsed();
    this.#since.set(one, since);
    return this.time.elapsed() - since;
  }

  /** Nobody comes until all is over: then nothing is held. */
  #rest(): void {
    const { time, store, figures } = this;
    const chronicle: Chronicle = this.chronicle;
    this.isResting = true;
    let quietSince: number | null = null;
    const look = () => {
      const isQuiet = this.calls.size + this.waiting.size === 0 && !store.isAway && this.nodes.every(({ isUp }) => isUp);
      if (!isQuiet) quietSince = null;
      else quietSince ??= time.elapsed();
      if (quietSince === null || time.elapsed() - quietSince < 2 * DEAD_MS) return void time.after(SECOND, look);
      chronicle.assert(store.held().size === 0, "Nothing is held when nothing runs:", [...store.held()]);
      chronicle.assert(store.spends() === 0, "Nothing is reserved against caps when nothing runs:", store.spends());
      for (const { pool } of this.nodes) {
        const { inFlight, queued } = pool.gauges();
        chronicle.assert(inFlight.image + inFlight.video + queued === 0, "A pool at rest counts nothing:", { inFlight, queued });
      }
      figures.quietPoints++;
      this.isResting = false;
    };
    time.after(SECOND, look);
  }
}
