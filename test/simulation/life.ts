// One simulated process: real pool, limits, ledger and generations on the disk, until it is killed.

import type { Clock } from "../../src/clock.ts";
import { sleep } from "../../src/clock.ts";
import { AppError } from "../../src/errors.ts";
import type { Generate } from "../../src/gateway/generation/contract.ts";
import { createGenerate } from "../../src/gateway/generation/generate.ts";
import { createAffinity } from "../../src/gateway/generation/inputs/affinity.ts";
import { Limits } from "../../src/gateway/limits/limits.ts";
import type { MediaStore } from "../../src/gateway/media/contract.ts";
import { CATALOGUE } from "../../src/gateway/models/testing.ts";
import type { Lease } from "../../src/gateway/pool/lease-contract.ts";
import { Pool } from "../../src/gateway/pool/pool.ts";
import { Credentials } from "../../src/gateway/tokens/credentials.ts";
import { silentLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { seededRandom } from "../../src/testing.ts";
import { openWorldStore, type VideoRow, type WorldStore } from "./disk.ts";
import { type LimitsWatch, watchLimits } from "./limits-watch.ts";
import { type PoolWatch, watchPool } from "./pool-watch.ts";
import type { World } from "./world.ts";

export type Life = {
  clock: Clock;
  /** Requests are answered. */
  isUp: boolean;
  pool: Pool;
  leases: PoolWatch;
  limits: LimitsWatch;
  tokens: Credentials;
  store: WorldStore;
  generate: Generate;
  /** Takes the token table as it is on disk. */
  loadTokens(): void;
  /** Everything in memory is gone; nothing that was asked for is ever answered. */
  kill(): void;
};

/** Begins a process; it is up some ms later. `resume` takes on a video that an earlier process left. */
export function startLife(world: World, resume: (life: Life, row: VideoRow, lease: Lease | null) => void): Life {
  const { time, disk, dice, chronicle, upstream, books, figures, settings, keys } = world;
  const { clock, end } = time.process();
  const store = openWorldStore(disk, clock, time.elapsed, dice, chronicle);
  const pool = new Pool({
    clock,
    random: seededRandom(dice.between(1, 2 ** 31)),
    settings: () => settings.pool,
    log: silentLog,
    saveHealth: store.saveHealth,
    familiesOf: ({ provider, families }) => CATALOGUE.servedFamilies(provider, families),
  });
  const providers = upstream.providers(clock);
  const openTempFile = () => Promise.reject(new Error("not simulated"));
  const tokens = new Credentials({ store, providers, openTempFile, now: clock.now, log: silentLog });
  const innerLimits = new Limits({
    catalogue: () => CATALOGUE,
    keys: { get: (id) => keys.get(id) ?? null },
    store,
    clock,
    log: silentLog,
    retentionDays: () => 30,
  });
  const { elapsed, now } = time;
  const leases = watchPool({ pool, books, chronicle, figures, elapsed, step: world.step, now, settings: () => settings.pool });
  const limits = watchLimits({ limits: innerLimits, disk, keys, chronicle, figures, now: time.now, chargesOf: upstream.chargesOf });
  const generate = createGenerate({
    catalogue: () => CATALOGUE,
    pool: leases,
    limits,
    providers,
    tokens,
    affinity: createAffinity({ results: 1000, signatures: 1_000_000 }),
    media: { get: async () => null, ...createWorldMedia(world, clock) },
    requests: { append: (row) => world.recorded(row) },
    settings: () => settings,
    metrics: createMetrics(),
    clock,
    random: seededRandom(dice.between(1, 2 ** 31)),
    log: silentLog,
    shutdown: new AbortController().signal,
  });
  const life: Life = {
    clock,
    isUp: false,
    pool,
    leases,
    limits,
    tokens,
    store,
    generate,
    loadTokens() {
      const rows = [...disk.tokens.values()];
      tokens.forget();
      books.load(rows);
      pool.load(rows);
      leases.loaded();
    },
    kill() {
      life.isUp = false;
      end();
    },
  };

  async function start(): Promise<void> {
    const videos = new Map([...disk.videos.values()].map((row) => [row.reservationId, row]));
    await innerLimits.load(({ id }) => videos.has(id));
    limits.restart();
    // The clock may have been set back while nothing ran.
    books.setBack();
    life.loadTokens();
    books.restart(pool.snapshot(), world.mayBeUnsaved);
    for (const row of videos.values()) resume(life, row, leases.adopt(row.tokenId, "video", row.family));
    life.isUp = true;
    chronicle.note("up");
  }
  // A disk that is full ends the start; whoever watches over the process tries again.
  start().catch((error) => (error.message.includes("full") ? world.restartSoon() : world.broken(error)));
  return life;
}

let media = 0;

/** Stores nothing; sometimes the disk is full when the image has arrived already. */
function createWorldMedia({ dice, disk }: World, clock: Clock): Pick<MediaStore, "store" | "discard" | "assertSpace" | "claimInputs"> {
  return {
    async store(_draft, { keyId, requestId }) {
      await sleep(clock, dice.between(0, 20));
      if (disk.isFull || dice.chance(0.001)) throw new AppError("unavailable", "The disk is full.", { retryAfterMs: 30_000 });
      const facts = { kind: "image", origin: "result", mime: "image/png", ext: "png", bytes: 1, width: 1, height: 1 } as const;
      return {
        id: `m${++media}`,
        ...facts,
        keyId,
        requestId,
        createdAt: clock.now(),
        expiresAt: null,
        name: null,
        purpose: null,
        family: null,
      };
    },
    discard: async () => {},
    claimInputs() {},
    assertSpace() {
      if (dice.chance(0.001)) throw new AppError("unavailable", "The disk is nearly full.");
    },
  };
}
