// Simulated world: clients, tokens, outages, crashes, an operator and clock jumps from one seed, verified at every step.

import type { Settings } from "../../src/config/settings-schema.ts";
import type { KeyRow } from "../../src/domain/key.ts";
import type { RequestRow } from "../../src/domain/request.ts";
import { seededRandom } from "../../src/testing.ts";
import { castKey, castSettings, castToken, changeSettings, chosen } from "./cast.ts";
import { type Chronicle, createChronicle, createDice, type Dice } from "./chronicle.ts";
import { type Client, resumeVideo, wantImages, wantVideo } from "./clients.ts";
import { createDisk, type Disk } from "./disk.ts";
import { type Figures, noFigures } from "./figures.ts";
import { createHealthBooks, type HealthBooks, type Token } from "./health-books.ts";
import { type Life, startLife } from "./life.ts";
import { createTime, followed, type Time } from "./time.ts";
import { createUpstream, type Upstream } from "./upstream.ts";

export type World = {
  time: Time;
  dice: Dice;
  chronicle: Chronicle;
  disk: Disk;
  upstream: Upstream;
  books: HealthBooks;
  figures: Figures;
  settings: Settings;
  keys: Map<number, KeyRow>;
  /** Requests under way in the process that lives. */
  clients: Set<Client>;
  /** Number of the step that runs. */
  step(): number;
  nextRequest(): string;
  /** A row of the request log. */
  recorded(row: RequestRow): void;
  /** Whether a change of health at that time (elapsed ms) may not have reached the disk before the crash. */
  mayBeUnsaved(changedAt: number): boolean;
  restartSoon(): void;
  /** Something failed that nobody waits for. */
  broken(error: unknown): void;
};

/** What a world does of itself, and how often on average. */
type Happening = { everyMs: number; act(): void };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** How long changed health may be on its way to the disk. */
const SAVING_MS = 400;
const SAVING_AGAIN_MS = 2_500;
/** After the last client has ended, everything is given back within this. */
const ENDING_MS = 2 * SECOND;
const FARTHEST_JUMP_MS = 6 * HOUR;

/** Lives through `hours` of the world of a seed. @throws {Violation} when a promise is broken, with the chronicle as its cause's text */
export async function simulate(seed: number, hours: number): Promise<Figures> {
  const { world, run } = createWorld(seed);
  try {
    await run(hours);
    return world.figures;
  } catch (error) {
    const reported = [`${error instanceof Error ? error.message : error}`, "What led to it:", ...world.chronicle.last()];
    throw new Error(reported.join("\n  "), { cause: error });
  }
}

function createWorld(seed: number): { world: World; run(hours: number): Promise<void> } {
  const dice = createDice(seededRandom(seed));
  // Any time of the year, so that days, months and the changes of the clocks are all lived through.
  const time = createTime(Date.UTC(2026, dice.between(0, 23), dice.between(1, 28), dice.between(0, 23)), seededRandom(seed + 1));
  const chronicle: Chronicle = createChronicle(time.elapsed);
  const disk = createDisk();
  const settings = castSettings();
  const figures = noFigures();
  let life: Life;
  let step = 0;
  let requests = 0;
  let tokenIds = 0;
  let failure: { error: unknown } | null = null;
  let jumped = 0;
  let isResting = false;
  let idleSince = 0;
  let crashedAt = 0;

  const isOnRecord = (requestId: string) => disk.byRequest.get(requestId)?.state === "reserved";
  const upstream = createUpstream(dice, chronicle, isOnRecord, time.elapsed);
  const books = createHealthBooks({ chronicle, elapsed: time.elapsed, step: () => step, now: time.now, pool: () => life.pool });
  const world: World = {
    time,
    dice,
    chronicle,
    disk,
    upstream,
    books,
    figures,
    settings,
    keys: new Map(),
    clients: new Set(),
    step: () => step,
    nextRequest: () => `r${++requests}`,
    recorded(row) {
      const { charged } = upstream.chargesOf(row.id);
      chronicle.assert(
        row.usd >= 0 && row.ms >= -FARTHEST_JUMP_MS * 2 && row.images <= Math.max(charged, row.images),
        "A row of the log is sound:",
        row,
      );
    },
    mayBeUnsaved(changedAt) {
      const isRecent = crashedAt - changedAt < SAVING_MS;
      return isRecent || (disk.failedAt >= changedAt && crashedAt - Math.max(disk.failedAt, changedAt) < SAVING_AGAIN_MS);
    },
    restartSoon() {
      life.kill();
      time.after(dice.between(1, 30) * SECOND, begin);
    },
    broken(error) {
      failure ??= { error };
    },
  };

  function begin(): void {
    life = startLife(world, (next, row, lease) => resumeVideo(world, next, row, lease));
  }

  function crash(): void {
    chronicle.note("crash", { clients: world.clients.size });
    figures.crashes++;
    crashedAt = time.elapsed();
    world.clients.clear();
    world.restartSoon();
  }

  function come(count: number, withinMs: number): void {
    for (let i = 0; i < count; i++) {
      time.after(dice.between(0, withinMs), () => {
        if (isResting || !life.isUp) return;
        figures.requests++;
        const want = dice.chance(0.06) ? wantVideo : wantImages;
        want(world, life, dice.pick([...world.keys.keys()])).catch(world.broken);
      });
    }
  }

  /** The operator changes the table of tokens; the process sees it within a second. */
  function changeTokens(change: () => void): void {
    change();
    const seenBy = life;
    time.after(dice.between(0, SECOND), () => {
      if (life === seenBy && life.isUp) life.loadTokens();
    });
  }

  function addToken(): void {
    const row = castToken(dice, ++tokenIds);
    disk.tokens.set(row.id, row);
    chronicle.note("token added", { id: row.id, group: row.group });
  }

  function operate(): void {
    figures.operatorActs++;
    const ids = [...disk.tokens.keys()];
    const id = dice.pick(ids);
    const act = dice.between(0, 9);
    if (act < 2 && ids.length < 14) changeTokens(addToken);
    else if (act < 3 && ids.length > 2) changeTokens(() => disk.tokens.delete(id));
    else if (act < 5) changeTokens(() => disk.tokens.set(id, { ...disk.tokens.get(id)!, ...chosen(dice) }));
    else if (!life.isUp || !books.tokens.has(id)) return;
    else if (act < 8) clear(books.tokens.get(id)!);
    else replaceSecret(books.tokens.get(id)!);
  }

  function clear(token: Token): void {
    const { id, families } = token.row;
    const family = dice.chance(0.2) ? dice.pick(families!) : undefined;
    chronicle.note("cleared", { id, family });
    life.pool.clearCooldown(id, family);
    books.clear(token, family);
  }

  /** A new secret, and a check that succeeds with it. */
  function replaceSecret(token: Token): void {
    const { id } = token.row;
    chronicle.note("secret replaced", { id });
    upstream.weather.deadTokens.delete(id);
    life.pool.reportOutcome(id, { ok: true, usage: null, images: 0, videoSeconds: 0, usd: 0 });
    books.proven(token);
  }

  /** Something is out of order for a while. */
  function startOutage(begins: () => void, ends: () => void, meanMs: number): void {
    figures.outages++;
    begins();
    time.after(dice.spread(meanMs), ends);
  }

  function strike(): void {
    const { weather } = upstream;
    const provider = dice.pick(["gemini", "gemini", "flow"]);
    const fate = dice.pick(["internal", "overloaded", "lost", "hang", "no_details", "timeout"]);
    const proxy = dice.pick(["http://proxy-one:3128", "http://proxy-two:3128"]);
    const kind = dice.between(0, 9);
    chronicle.note("outage", kind < 5 ? { provider, fate } : kind < 7 ? { proxy } : "no network");
    if (kind < 5)
      startOutage(
        () => weather.outages.set(provider, fate),
        () => weather.outages.delete(provider),
        8 * MINUTE,
      );
    else if (kind < 7)
      startOutage(
        () => weather.deadProxies.add(proxy),
        () => weather.deadProxies.delete(proxy),
        10 * MINUTE,
      );
    else
      startOutage(
        () => (weather.isOffline = true),
        () => (weather.isOffline = false),
        3 * MINUTE,
      );
  }

  function fillDisk(): void {
    startOutage(
      () => (disk.isFull = true),
      () => (disk.isFull = false),
      20 * SECOND,
    );
    chronicle.note("disk full");
  }

  function jump(): void {
    const size = dice.pick([5 * SECOND, 40 * SECOND, 10 * MINUTE, HOUR, FARTHEST_JUMP_MS]);
    const ms = dice.between(Math.ceil(size / 2), size) * (jumped > 0 ? -1 : jumped < 0 ? 1 : dice.pick([1, -1]));
    jumped = Math.abs(jumped + ms) < FARTHEST_JUMP_MS ? jumped + ms : 0;
    figures.clockJumps++;
    chronicle.note("clock jumps", { ms });
    const before = time.now();
    time.jump(ms);
    if (!life.isUp) return;
    if (ms < 0) {
      // Whoever reads the pool next lets it know; that the clock was set on it has to notice by itself.
      life.pool.gauges();
      books.setBack(before);
    }
    life.leases.jumped(ms);
  }

  /** No new requests until all have ended: then nothing may be left. */
  function rest(): void {
    isResting = true;
    const look = () => {
      const isQuiet =
        world.clients.size === 0 && disk.videos.size === 0 && !disk.isFull && life.isUp && time.elapsed() - idleSince > 2 * ENDING_MS;
      if (!isQuiet) return void time.after(SECOND, look);
      verifyGivenBack();
      life.limits.verifyQuiet();
      figures.quietPoints++;
      isResting = false;
    };
    time.after(SECOND, look);
  }

  function verifyGivenBack(): void {
    const open = { calls: life.leases.open(), waiting: life.leases.waiting(), reservations: life.limits.open() };
    chronicle.assert(open.calls + open.waiting + open.reservations === 0, "Everything is given back when nobody asks any more:", open);
  }

  async function verify(): Promise<void> {
    if (failure) throw failure.error;
    if (!life.isUp) return;
    const now = time.elapsed();
    for (const { requestId, endsBy } of world.clients) chronicle.assert(now <= endsBy, "Every request ends by its deadline:", requestId);
    life.leases.verify();
    life.limits.verify();
    if (dice.chance(0.1)) {
      // Who reads the pool stirs it: what follows from that comes first.
      life.pool.gauges();
      await followed();
      life.leases.verifyDeeply();
    }
    if (world.clients.size > 0 || disk.videos.size > 0) idleSince = now;
    else if (now - idleSince > ENDING_MS) verifyGivenBack();
  }

  const HAPPENINGS: Happening[] = [
    { everyMs: 90 * SECOND, act: () => come(1, 1) },
    { everyMs: 40 * MINUTE, act: () => come(dice.between(5, 60), dice.pick([1, 5 * SECOND, MINUTE])) },
    { everyMs: 30 * MINUTE, act: operate },
    { everyMs: 3 * HOUR, act: operateSettings },
    { everyMs: 6 * HOUR, act: () => changeKey() },
    { everyMs: 4 * HOUR, act: strike },
    { everyMs: 10 * HOUR, act: fillDisk },
    { everyMs: 9 * HOUR, act: () => life.isUp && crash() },
    { everyMs: 16 * HOUR, act: jump },
    { everyMs: 5 * HOUR, act: () => isResting || rest() },
  ];

  function operateSettings(): void {
    changeSettings(dice, settings);
    for (const client of world.clients) client.mayRepeat ||= settings.generation.retry_unknown_images;
  }

  function changeKey(): void {
    const id = dice.pick([...world.keys.keys()]);
    world.keys.set(id, castKey(dice, id));
  }

  /** Lets it happen again and again. A crash comes in the thick of it more often than not. */
  function repeat({ everyMs, act }: Happening): void {
    time.after(dice.spread(everyMs), () => {
      act();
      repeat({ everyMs, act });
    });
  }

  return {
    world,
    async run(hours) {
      for (let count = dice.between(2, 10); count > 0; count--) addToken();
      for (let id = 1; id <= dice.between(2, 5); id++) world.keys.set(id, castKey(dice, id));
      changeSettings(dice, settings);
      begin();
      for (const happening of HAPPENINGS) repeat(happening);
      for (; await time.step(hours * HOUR); step++) await verify();
      if (failure) throw failure.error;
      Object.assign(figures, { hours, worlds: 1, steps: step, ...upstream.totals() });
    },
  };
}
