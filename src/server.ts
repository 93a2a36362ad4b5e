// Start and stop of the server: open, load, wire, listen; refuse new requests, drain, flush, close.
import type { RequestTracker } from "./api/access-log.ts";
import { boundRefusals } from "./bound-refusals.ts";
import { type Clock, sleep, systemClock } from "./clock.ts";
import { handOver, startNode } from "./cluster.ts";
import { type Config, withDatabase } from "./config/config.ts";
import type { Settings } from "./config/settings-schema.ts";
import { type Context, createContext } from "./context.ts";
import { settleFolder } from "./db/sqlite/backup/restore.ts";
import { acquireFolder } from "./db/sqlite/lock.ts";
import { takeAskedRotation } from "./db/sqlite/rotate.ts";
import { StoreThread } from "./db/sqlite/thread/store-thread.ts";
import type { Store } from "./db/store.ts";
import { createVault } from "./db/vault.ts";
import { endSessionsOfFormerRules } from "./gateway/auth/sso.ts";
import { startAccessSweep, startScratchSweep } from "./gateway/auth/sweep.ts";
import { hashKey } from "./gateway/keys/keys.ts";
import { mediaObjectsOf } from "./gateway/media/media-objects.ts";
import { putMediaFolder } from "./gateway/media/put-media-folder.ts";
import { sweepRequests } from "./gateway/reports/request-sweep.ts";
import { startTokenSweep } from "./gateway/tokens/delete-tokens.ts";

import { drain, listen } from "./listeners.ts";
import type { Log } from "./log.ts";
import { createMaintenance } from "./maintenance.ts";
import { startReloader } from "./reload.ts";
import { engineOf, isShared } from "./store-engine.ts";
import type { Traces } from "./traces.ts";
import { VERSION } from "./version.ts";

export type StartOptions = {
  config: Config;
  log: Log;
  /** Demo: responses are marked as simulated, foreign host names refused. */
  simulated?: boolean;
  /** Demo: a key to insert at the start. */
  firstKey?: string;
  /** Stops and starts the server again in this process; absent: not supported. */
  restart?: () => void;
  /** Tests: a clock other than the system's. */
  clock?: Clock;
  /** The watchdog of the process; tests have none. */
  requestWatch?: RequestTracker;
};

export type RunningServer = {
  url: string;
  port: number;
  /** The running program, for tests. */
  context: Context;
  /** Loads what has changed in the database and the models file, without waiting for the next check. */
  reload(): Promise<void>;
  /** Resolves when every open response has ended or `server.drain_timeout` is over, and everything is written. */
  stop(): Promise<void>;
};

/** @throws {AppError} `conflict` when another process serves from the folder; errors of listening as Bun throws them */
export async function start(options: StartOptions): Promise<RunningServer> {
  const closing = new AsyncDisposableStack();
  try {
    return await open(options, closing);
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

/** Opens, loads, wires and listens; `closing` undoes each step in reverse order. */
async function open({ simulated = false, requestWatch, ...options }: StartOptions, closing: AsyncDisposableStack): Promise<RunningServer> {
  const { log, clock = systemClock, restart } = options;
  const shutdown = new AbortController();
  const stopping = new AbortController();
  const { config, store, requests, secretKey } = await openFolder({ ...options, clock }, closing);
  const { data_dir: dataDir } = config.settings.storage;
  const traces = await startTraces(config.settings.tracing, { log, now: clock.now });
  closing.defer(() => traces?.close());
  const objects = mediaObjectsOf(config.settings.storage);
  const ctx = createContext({
    config,
    layers: { base: options.config, merge: (stored) => withDatabase(options.config, stored) },
    maintenance: createMaintenance({
      ...{ dataDir, mediaUrl: config.settings.storage.media_url, isShared: isShared(config) },
      ...{ env: process.env, now: clock.now, restart, takeMedia: objects && ((folder) => putMediaFolder(objects, folder)) },
    }),
    store,
    requests,
    log,
    clock,
    random: Math.random,
    simulated,
    shutdown: shutdown.signal,
    sessionSecret: createVault(secretKey).derive("admin session"),
    traces,
  });
  const { refresh, startServices } = await loadServices(ctx, options.config, closing);
  const { app, adminServer } = listen(ctx, { refresh, stopping: stopping.signal, watch: requestWatch });
  await startServices();
  const { port, hostname } = app.server!;
  const url = `http://${hostname === "0.0.0.0" ? "localhost" : hostname}:${port}`;
  log.info("listening", { url, version: VERSION });
  return {
    url,
    port: port!,
    context: ctx,
    reload: refresh,
    async stop() {
      stopping.abort();
      if (ctx.node.isShared) await leaveOthersTheWork(ctx);
      await adminServer?.stop(true);
      const until = clock.now() + ctx.settings.current().server.drain_timeout * 1000;
      await drain(app.server!, ctx, shutdown);
      // Generations without a reader have until the same time; some have lost their reader only now.
      await ctx.undelivered.finish(Math.max(0, until - clock.now()));
      await closing.disposeAsync();
      log.info("stopped");
    },
  };
}

/** How long a node that stops goes on serving while it says that it is not ready: health checks of a balancer see it in this time. */
const UNREADY_MS = 3_000;

/** Jobs go to other nodes at once, new requests as soon as the balancer has seen that this one is not ready. */
async function leaveOthersTheWork(ctx: Context): Promise<void> {
  ctx.node.stopServing();
  const { drain_timeout } = ctx.settings.current().server;
  const unready = sleep(ctx.clock, Math.min(UNREADY_MS, drain_timeout * 1000));
  await ctx.worker.stop(drain_timeout * 1000);
  await handOver(ctx);
  await unready;
}

/** Loads OpenTelemetry where a collector is named, and only there. */
async function startTraces(settings: Settings["tracing"], deps: { log: Log; now: () => number }): Promise<Traces | undefined> {
  if (settings.endpoint === "") return undefined;
  const { OtlpTraces } = await import("./otlp-traces.ts");
  return new OtlpTraces(settings, deps);
}

/** Locks the data folder and opens its databases, after a staged restore or rotation of the secret key. */
async function openFolder({ config, log, clock, firstKey }: StartOptions & { clock: Clock }, closing: AsyncDisposableStack) {
  const dataDir = config.settings.storage.data_dir;
  closing.use(acquireFolder(dataDir));
  if (!isShared(config)) await settleOwnFolder(dataDir, { log, clock });
  const engine = engineOf(config, process.env);
  const thread = isShared(config) ? undefined : startThread(log, closing);
  const store = await engine.openStore({ thread });
  closing.defer(() => store.close());
  const requests = boundRefusals(await engine.openRequestLog({ clock, log, thread }), clock);
  closing.defer(() => requests.close());
  if (firstKey) await addKey(store, firstKey, clock.now());
  const effective = withDatabase(config, await store.readSettings());
  for (const warning of effective.warnings) log.warn(warning);
  if (effective.origins["log.level"] === "database") log.setLevel(effective.settings.log.level);
  return { config: effective, store, requests, secretKey: engine.secretKey };
}

/** Puts a waiting restore in place and replaces the secret key where that was asked for. */
async function settleOwnFolder(dataDir: string, { log, clock }: Pick<StartOptions, "log"> & { clock: Clock }): Promise<void> {
  const restored = settleFolder(dataDir, clock.now());
  if (restored) log.info("Backup restored; the former data was moved aside", restored);
  await rotateIfAsked(dataDir, { log, clock });
}

/** SQLite has one writer: a thread. */
function startThread(log: Log, closing: AsyncDisposableStack): StoreThread {
  const thread = new StoreThread({ url: new URL("./store-thread.ts", import.meta.url), onDeath: (why) => exit(log, THREAD_ENDED, why) });
  closing.defer(() => thread.close());
  return thread;
}

const THREAD_ENDED = "The thread that writes the databases has ended, so the server exits";

/** Nothing can be recorded any more: whatever is under way is settled at the next start, or by another node, as after a crash. */
function exit(log: Log, message: string, why: string): void {
  log.error(message, { why });
  process.exit(1);
}

/** Loads what lives in memory. `startServices` begins the work that runs in the background, once the server listens. */
async function loadServices(ctx: Context, boot: Config, closing: AsyncDisposableStack) {
  const { settings, clock, log, requests } = ctx;
  closing.defer(() => ctx.logTail.close());
  await endSessionsOfFormerRules(ctx.store, settings.current().sign_in);
  const inheritance = await ctx.node.join();
  closing.defer(() => ctx.node.leave());
  closing.defer(() => ctx.announcer.stop());
  await ctx.undelivered.load();
  await ctx.limits.load(ctx.worker.prepare(inheritance));
  closing.defer(() => ctx.limits.close());
  closing.defer(() => ctx.slots?.flush());
  await ctx.media.start();
  closing.defer(() => ctx.media.stop());
  const reloader = await startReloader(ctx, boot);
  closing.defer(() => reloader.stop());
  closing.defer(() => ctx.pool.close());
  closing.defer(() => ctx.refresher.stop());
  closing.defer(() => ctx.alerts.stop());
  closing.defer(() => ctx.backups.stop());
  closing.defer(() => ctx.webhooks.stop());
  closing.defer(() => ctx.responses.stop());
  closing.defer(() => ctx.sideCalls.stop());
  closing.defer(() => ctx.undelivered.close());
  closing.defer(() => handOver(ctx));
  closing.defer(() => ctx.worker.stop(settings.current().server.drain_timeout * 1000));
  const startServices = async () => {
    const sweep = sweepRequests({ requests, clock, log, retentionDays: () => settings.current().requests.retention_days });
    closing.defer(() => sweep.stop());
    const tokenSweep = startTokenSweep({ store: ctx.store, clock, log });
    closing.defer(() => tokenSweep.stop());
    const scratchSweep = startScratchSweep({ store: ctx.store, clock, log });
    closing.defer(() => scratchSweep.stop());
    const accessSweep = startAccessSweep({ signIn: ctx.signIn, leads: () => ctx.node.leads, clock, log });
    closing.defer(() => accessSweep.stop());
    ctx.refresher.start();
    ctx.webhooks.start();
    await ctx.backups.load();
    ctx.backups.start();
    await ctx.alerts.start();
    ctx.responses.start();
    await ctx.sideCalls.start();
    await ctx.worker.start();
    await startNode(ctx, { ...reloader, onFenced: () => exit(log, "Another node has declared this one dead, so it exits", "fenced") });
  };
  const refresh = async () => {
    await reloader.reload();
    ctx.announcer.tell({ tables: true });
  };
  return { refresh, startServices };
}

async function addKey(store: Store, key: string, now: number): Promise<void> {
  await store.insertKey({ name: "demo", hash: hashKey(key), prefix: key.slice(0, 4) }, now);
}

/** Replaces the secret key when the operator has asked for that in the admin. */
async function rotateIfAsked(dataDir: string, { log, clock }: Pick<StartOptions, "log"> & { clock: Clock }): Promise<void> {
  const entry = { at: clock.now(), actor: "admin", address: null, action: "secret.rotate", subject: "data", before: null, after: null };
  const rotation = await takeAskedRotation({ dataDir, env: process.env, trail: entry });
  if (rotation)
    log.info("Secret key replaced, as asked for in the admin; earlier backups need the former key", {
      values: rotation.values,
    });
}
