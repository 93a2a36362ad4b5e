// start(config): open, load, wire, listen; stop(): refuse new, finish open answers, flush, close.
import type { RequestTracker } from "./api/access-log.ts";
import { type AppOptions, type Arrivals, createApp } from "./app.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Config, withDatabase } from "./config/config.ts";
import { type Context, createContext } from "./context.ts";
import { acquireFolder } from "./db/sqlite/lock.ts";
import { settleFolder } from "./db/sqlite/restore.ts";
import { takeAskedRotation } from "./db/sqlite/rotate.ts";
import { createVault, loadSecretKey } from "./db/sqlite/secrets.ts";
import { createCheckpoints, openRequestLog, openStore } from "./db/sqlite/store.ts";
import type { Store } from "./db/store.ts";
import { hashKey } from "./gateway/keys/keys.ts";
import type { Log } from "./log.ts";
import { createMaintenance } from "./maintenance.ts";
import { startReloader } from "./reload.ts";
import { sweepRequests } from "./request-sweep.ts";
import { VERSION } from "./version.ts";

export type StartOptions = {
  config: Config;
  log: Log;
  /** Demo: answers are marked, foreign host names refused. */
  simulated?: boolean;
  /** Demo: a key that is there from the start. */
  firstKey?: string;
  /** Stops and starts the server again in this process; absent: nobody does. */
  restart?: () => void;
  /** Tests: another time than the system's. */
  clock?: Clock;
  /** The watchdog, which is the process's; tests have none. */
  requestWatch?: RequestTracker;
};

export type RunningServer = {
  url: string;
  port: number;
  /** The running program, for tests that look inside. */
  context: Context;
  /** Resolves when every open answer has ended or `server.drain_timeout` is over, and everything is written. */
  stop(): Promise<void>;
};

/** Longest body that Bun lets through; ours is smaller and answers with an envelope. */
const BUN_BODY_LIMIT = 2048 * 1024 * 1024;

/** @throws {AppError} `conflict` when another process serves from the folder; errors of listening as Bun throws them */
export async function start({
  config,
  log,
  simulated = false,
  firstKey,
  restart,
  clock = systemClock,
  requestWatch,
}: StartOptions): Promise<RunningServer> {
  const dataDir = config.settings.storage.data_dir;
  const lock = acquireFolder(dataDir);
  const shutdown = new AbortController();
  const stopping = new AbortController();
  const closing: (() => unknown)[] = [() => lock[Symbol.dispose]()];
  const closeAll = async () => {
    for (const close of closing.reverse()) await close();
  };
  try {
    const restored = settleFolder(dataDir, clock.now());
    if (restored) log.info("A backup is restored; what it replaced was moved aside", restored);
    await takeRotation(dataDir, { log, clock });
    const secretKey = loadSecretKey(dataDir, process.env);
    const checkpoints = createCheckpoints(log);
    const store = await openStore({ dataDir, secretKey, checkpoints });
    closing.push(() => store.close());
    const requests = await openRequestLog({ dataDir, clock, log, checkpoints });
    closing.push(() => requests.close(), checkpoints.close);
    if (firstKey) await addKey(store, firstKey, clock.now());
    const effective = withDatabase(config, await store.readSettings());
    for (const warning of effective.warnings) log.warn(warning);
    if (effective.origins["log.level"] === "database") log.setLevel(effective.settings.log.level);
    const ctx = createContext({
      config: effective,
      layers: { base: config, merge: (stored) => withDatabase(config, stored) },
      maintenance: createMaintenance({ dataDir, env: process.env, now: clock.now, restart }),
      store,
      requests,
      log,
      clock,
      random: Math.random,
      simulated,
      shutdown: shutdown.signal,
      sessionSecret: createVault(secretKey).derive("admin session"),
    });
    await ctx.undelivered.load();
    await ctx.limits.load(await ctx.worker.prepare());
    closing.push(() => ctx.limits.close());
    await ctx.media.start();
    closing.push(() => ctx.media.stop());
    const reloader = await startReloader(ctx, config);
    closing.push(
      () => reloader.stop(),
      () => ctx.pool.close(),
      () => ctx.refresher.stop(),
      () => ctx.webhooks.stop(),
      () => ctx.responses.stop(),
      () => ctx.sideCalls.stop(),
      () => ctx.undelivered.flush(),
      () => ctx.worker.stop(ctx.settings.current().server.drain_timeout * 1000),
    );
    const { app, adminServer } = await listen(ctx, { refresh: reloader.reload, stopping: stopping.signal, watch: requestWatch });
    const sweep = sweepRequests({ requests, clock, log, retentionDays: () => ctx.settings.current().requests.retention_days });
    closing.push(() => sweep.stop());
    ctx.refresher.start();
    ctx.webhooks.start();
    ctx.responses.start();
    await ctx.sideCalls.start();
    await ctx.worker.start();
    const { port, hostname } = app.server!;
    const url = `http://${hostname === "0.0.0.0" ? "localhost" : hostname}:${port}`;
    log.info("listening", { url, version: VERSION });
    return {
      url,
      port: port!,
      context: ctx,
      async stop() {
        stopping.abort();
        await adminServer?.stop(true);
        const until = ctx.clock.now() + ctx.settings.current().server.drain_timeout * 1000;
        await drain(app.server!, ctx, shutdown);
        // What nobody reads had the same time; it may have lost its reader only now.
        await ctx.undelivered.finish(Math.max(0, until - ctx.clock.now()));
        await closeAll();
        log.info("stopped");
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function listen(ctx: Context, options: Omit<AppOptions, "arrivals">) {
  const { host, port } = ctx.config.settings.server;
  const arrivals: Arrivals = new WeakMap();
  const app = await createApp(ctx, { ...options, arrivals });
  // Elysia would share the port with whoever else listens on it; a taken port has to be an error.
  app.listen({ hostname: host, port, maxRequestBodySize: BUN_BODY_LIMIT, reusePort: false });
  return { app, adminServer: listenForAdmin(ctx, (request) => app.handle(request), arrivals) };
}

/** The admin on an address of its own, where the settings ask for one. */
function listenForAdmin({ config, log }: Context, answer: (request: Request) => Promise<Response>, arrivals: Arrivals) {
  const { host, port } = config.settings.admin;
  if (port === 0) return null;
  const server = Bun.serve({
    hostname: host,
    port,
    // Event streams are silent for long.
    idleTimeout: 0,
    maxRequestBodySize: BUN_BODY_LIMIT,
    fetch(request, self) {
      arrivals.set(request, { peer: self.requestIP(request)?.address ?? null, listener: "admin" });
      return answer(request);
    },
  });
  log.info("admin listening", { url: `http://${host}:${server.port}/admin` });
  return server;
}

type Stoppable = { stop(force?: boolean): Promise<void> };

/** Refuses new connections and waits for open answers; after the drain timeout they are told and cut. */
async function drain(server: Stoppable, ctx: Context, shutdown: AbortController): Promise<void> {
  const drained = server.stop(false);
  const late = ctx.clock.after(ctx.settings.current().server.drain_timeout * 1000, () => {
    shutdown.abort();
    ctx.clock.after(1000, () => void server.stop(true));
  });
  await drained;
  late();
}

async function addKey(store: Store, key: string, now: number): Promise<void> {
  await store.insertKey({ name: "demo", hash: hashKey(key), prefix: key.slice(0, 4) }, now);
}

/** Replaces the secret key when the operator has asked for that in the admin. */
async function takeRotation(dataDir: string, { log, clock }: Pick<StartOptions, "log"> & { clock: Clock }): Promise<void> {
  const trail = { at: clock.now(), actor: "admin", address: null, action: "secret.rotate", subject: "data", before: null, after: null };
  const rotation = await takeAskedRotation({ dataDir, env: process.env, trail });
  if (rotation)
    log.info("The secret key is replaced, as asked for in the admin; earlier backups open with the former one only", {
      values: rotation.values,
    });
}
