// A gateway with a provider that does as a test says: real store, pool, limits and media, and a clock moved by hand.

import { type Config, loadConfig } from "../../src/config/config.ts";
import { openRequestLog, openStore } from "../../src/db/sqlite/store.ts";
import type { RequestLog, Store } from "../../src/db/store.ts";
import type { Json, TempFile, VideoRequest } from "../../src/domain/generation.ts";
import type { Job, JobState } from "../../src/domain/job.ts";
import type { NewToken } from "../../src/domain/token.ts";
import { AppError } from "../../src/errors.ts";
import { createGenerate } from "../../src/gateway/generation/generate.ts";
import { createAffinity } from "../../src/gateway/generation/inputs/affinity.ts";
import type { CreateImageJob, CreateVideoJob } from "../../src/gateway/jobs/contract.ts";
import { createJobParts } from "../../src/gateway/jobs/jobs.ts";
import { createKeys, hashKey } from "../../src/gateway/keys/keys.ts";
import { Limits } from "../../src/gateway/limits/limits.ts";
import { MP4_HEADER, PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { RowMediaStore } from "../../src/gateway/media/media-store.ts";
import { CATALOGUE, parseModel } from "../../src/gateway/models/testing.ts";
import { Node } from "../../src/gateway/nodes/node.ts";
import { Pool } from "../../src/gateway/pool/pool.ts";
import { Credentials } from "../../src/gateway/tokens/credentials.ts";
import { newId } from "../../src/ids.ts";
import { silentLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { CallContext, Provider, ProviderToken, VideoStatus } from "../../src/providers/provider.ts";
import { seededRandom, temporaryFolder, type VirtualClock, virtualClock } from "../../src/testing.ts";

/** What a test scripts. Everything else goes well. */
export type Script = {
  /** Before the body leaves. */
  beforeSubmit?(token: ProviderToken, request: VideoRequest | Json): Promise<void> | void;
  /** After the body left: throws, or hangs. */
  afterSubmit?(token: ProviderToken): Promise<void> | void;
  poll?(operation: Json, token: ProviderToken, nth: number): Promise<VideoStatus> | VideoStatus;
  download?(nth: number): Promise<void> | void;
  cancel?(): boolean;
  image?(): Promise<void> | void;
};

export type Seen = {
  submitted: { tokenId: number; request: VideoRequest | Json }[];
  polls: { tokenId: number; at: number }[];
  downloads: number;
  cancels: number;
  images: number;
};

export type World = AsyncDisposable & {
  ctx: Awaited<ReturnType<typeof startContext>>;
  store: Store;
  clock: VirtualClock;
  script: Script;
  seen: Seen;
  keyId: number;
  otherKeyId: number;
  order(change?: Partial<CreateVideoJob>): CreateVideoJob;
  images(change?: Partial<CreateImageJob>): CreateImageJob;
  /** Moves time until the job is in one of the states. */
  until(id: string, ...states: JobState[]): Promise<Job>;
  /** Moves time and lets the disk work. */
  pass(ms: number): Promise<void>;
  /** Moves time until something is so. */
  eventually(check: () => Promise<boolean>, stepMs?: number): Promise<void>;
  /** The program dies where it stands, and starts again on the same folder. What it was doing never goes on. */
  crash(): Promise<void>;
  /** Reservations, and what was used in all time. */
  ledger(keyId?: number): { open: number; videoSeconds: number; usd: number; images: number };
};

const TOKENS: NewToken[] = [{ provider: "gemini", label: "one", secret: "secret-of-token-one" }];

/** Steps after which a wait lets real time pass as well. */
const PATIENT_STEPS = 200;

export async function openWorld({
  tokens = TOKENS,
  settings = {},
}: {
  tokens?: NewToken[];
  settings?: Record<string, string | number | boolean | string[]>;
} = {}): Promise<World> {
  const folder = temporaryFolder();
  const clock = virtualClock();
  const store = await openStore({ dataDir: folder.path, secretKey: crypto.getRandomValues(new Uint8Array(32)) });
  const requests = await openRequestLog({ dataDir: folder.path, clock, log: silentLog });
  const flags = { "storage.data_dir": folder.path, "media.min_free_mb": 0, ...settings };
  const config = loadConfig({ file: null, env: {}, flags });
  for (const token of tokens) await store.insertToken(token, clock.now());
  const [key, other] = await Promise.all(
    ["mine", "other"].map((name) => store.insertKey({ name, hash: hashKey(name), prefix: name }, clock.now())),
  );
  const script: Script = {};
  const seen: Seen = { submitted: [], polls: [], downloads: 0, cancels: 0, images: 0 };
  let life = { isOver: false };
  const boot = () => startContext({ config, store: mortal(store, life), requests, clock, script: mortal(script, life), seen });
  let ctx = await boot();

  const turn = async () => {
    for (let count = 0; count < 6; count++) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  const world: World = {
    get ctx() {
      return ctx;
    },
    store,
    clock,
    script,
    seen,
    keyId: key!.id,
    otherKeyId: other!.id,
    order: (change = {}) => ({
      requestId: newId(),
      dialect: "openai",
      route: "POST /v1/videos",
      keyId: key!.id,
      choice: parseModel("gemini-omni-1.2-flash")!,
      prompt: "a fox",
      options: {},
      images: [],
      startedAt: clock.now(),
      ...change,
    }),
    images: (change = {}) => ({
      requestId: newId(),
      dialect: "openai",
      route: "POST /v1/images/generations",
      keyId: key!.id,
      choice: parseModel("gemini-nano-banana-2.1")!,
      options: {},
      turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }],
      n: 1,
      startedAt: clock.now(),
      ...change,
    }),
    async until(id, ...states) {
      const state = async () => (await ctx.jobs.get(id, null))?.state;
      await world
        .eventually(async () => states.includes((await state())!))
        .catch(async () => {
          throw new Error(
            `The job is ${await state()} (${JSON.stringify((await ctx.jobs.get(id, null))?.error)}), not ${states.join(" or ")}.`,
          );
        });
      return (await ctx.jobs.get(id, null))!;
    },
    async eventually(check, stepMs = 500) {
      for (let step = 0; step < 4000; step++) {
        if (await check()) return;
        await clock.advance(step < 20 ? 20 : stepMs);
        await turn();
        // The disk is real, and time by hand outruns it on a busy machine.
        if (step >= PATIENT_STEPS) await Bun.sleep(1);
      }
      throw new Error("It never came to pass.");
    },
    async pass(ms) {
      for (let left = ms; left > 0; left -= 500) {
        await clock.advance(Math.min(500, left));
        await turn();
      }
    },
    async crash() {
      life.isOver = true;
      life = { isOver: false };
      ctx = await boot();
    },
    ledger(keyId = key!.id) {
      const { total, reserved } = ctx.limits.usage(keyId);
      const { images, videoSeconds, usd } = total;
      return {
        open: ctx.limits.gauges().reservations,
        images: images - reserved.images,
        videoSeconds: videoSeconds - reserved.videoSeconds,
        usd: usd - reserved.usd,
      };
    },
    async [Symbol.asyncDispose]() {
      const stopped = ctx.worker.stop(0);
      await clock.advance(1);
      await stopped;
      await ctx.webhooks.stop();
      await ctx.limits.close();
      await requests.close();
      await store.close();
      folder[Symbol.dispose]();
    },
  };
  return world;
}

/** An object whose methods never answer once their program has died. */
function mortal<T extends object>(object: T, life: { isOver: boolean }): T {
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (life.isOver) return never;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

type Boot = { config: Config; store: Store; requests: RequestLog; clock: VirtualClock; script: Script; seen: Seen };

async function startContext({ config, store, requests, clock, script, seen }: Boot) {
  const settings = () => config.settings;
  const providers = new Map([["gemini", fakeProvider(script, seen, clock)]]);
  const { random, log, metrics } = { random: seededRandom(7), log: silentLog, metrics: createMetrics() };
  const media = new RowMediaStore({ dataDir: config.settings.storage.data_dir, store, clock, settings, log });
  const pool = new Pool({ clock, random, settings: () => config.settings.pool, log, saveHealth: store.saveHealth });
  const tokens = new Credentials({ store, providers, openTempFile: (mime) => media.openTempFile(mime), now: clock.now, log });
  const keys = createKeys();
  const node = new Node({ store, clock, log, url: null, version: "test" });
  const limits = new Limits({ catalogue: () => CATALOGUE, keys, store, clock, log, node, retentionDays: () => 30 });
  const shutdown = new AbortController().signal;
  const affinity = createAffinity();
  const shared = {
    node,
    catalogue: () => CATALOGUE,
    pool,
    limits,
    providers,
    tokens,
    media,
    requests,
    settings,
    metrics,
    clock,
    random,
    log,
  };
  const generate = createGenerate({ ...shared, affinity, shutdown });
  const room = createJobParts({ ...shared, store, keys, generate, allowPrivateHosts: ["localhost"] });
  await limits.load(room.worker.prepare(await node.join()));
  keys.load(await store.listKeys(), await store.listKeyHashes());
  pool.load(await store.listTokens());
  room.webhooks.start();
  await room.worker.start();
  return { ...room, pool, limits, media };
}

function fakeProvider(script: Script, seen: Seen, clock: VirtualClock): Provider {
  const start = async (request: VideoRequest | Json, token: ProviderToken, call: CallContext, onSubmit: () => Promise<void>) => {
    await stoppable(script.beforeSubmit?.(token, request), call.signal);
    await onSubmit();
    seen.submitted.push({ tokenId: token.id, request });
    await stoppable(script.afterSubmit?.(token), call.signal);
    return { operation: { name: `operation-${seen.submitted.length}` } };
  };
  return {
    name: "gemini",
    check: async () => ({}),
    async generateImages(_request, _token, call, sink) {
      await sink.onSubmit();
      seen.images++;
      await stoppable(script.image?.(), call.signal);
      await sink.onImage(await draftOf(call, PIXEL_PNG, "image/png"), false);
      return { finish: "stop", upstreamReason: "STOP", usage: null };
    },
    startVideo: start,
    continueVideo: start,
    async pollVideo(operation, token, call) {
      seen.polls.push({ tokenId: token.id, at: clock.now() });
      const status = script.poll?.(operation, token, seen.polls.length) ?? { state: "done", result: { file: "video" }, usage: null };
      return (await stoppable(status, call.signal))!;
    },
    async downloadVideo(_result, _token, call) {
      seen.downloads++;
      await stoppable(script.download?.(seen.downloads), call.signal);
      return draftOf(call, MP4_HEADER, "video/mp4");
    },
    async cancelVideo() {
      seen.cancels++;
      return script.cancel?.() ?? false;
    },
  };
}

/** What a call is worth: it ends when its signal does. */
async function stoppable<T>(act: Promise<T> | T, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  if (signal.aborted) reject(signal.reason);
  return Promise.race([Promise.resolve(act), promise]);
}

async function draftOf(call: CallContext, bytes: Uint8Array, mime: string): Promise<TempFile> {
  const writer = await call.openTempFile(mime);
  await writer.write(bytes.slice());
  return writer.close();
}

export const never = (): Promise<never> => new Promise(() => {});
export const failing =
  (kind: AppError["kind"], options = {}) =>
  () => {
    throw new AppError(kind, `As scripted: ${kind}.`, options);
  };
