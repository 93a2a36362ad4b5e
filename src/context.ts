// Composition root: builds every long-lived object once.

import { alertWords as en } from "../views/locales/en/alert-words.ts";
import { alertWords as zh } from "../views/locales/zh/alert-words.ts";
import { BodyBudget } from "./api/body/body-budget.ts";
import type { Clock, Random } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Settings } from "./config/settings-schema.ts";
import type { RequestLog, Store } from "./db/store.ts";
import { type AlertParts, createAlertParts, withOutcomes } from "./gateway/alerts/alert-parts.ts";
import { type AuthParts, createAuthParts } from "./gateway/auth/auth.ts";
import type { Generate } from "./gateway/generation/contract.ts";
import { createGenerate } from "./gateway/generation/generate.ts";
import { type Affinity, createAffinity } from "./gateway/generation/inputs/affinity.ts";
import type { InputDependencies } from "./gateway/generation/inputs/inputs.ts";
import { RunningGenerations } from "./gateway/generation/running-generations.ts";
import { createStoredResponses, type StoredResponses } from "./gateway/generation/stored-responses.ts";
import { Undelivered } from "./gateway/generation/undelivered/undelivered.ts";
import { createJobParts, type JobParts } from "./gateway/jobs/jobs.ts";
import { createKeys, type Keys } from "./gateway/keys/keys.ts";
import { Limits } from "./gateway/limits/limits.ts";
import type { MediaStore } from "./gateway/media/contract.ts";
import { createMediaFetch } from "./gateway/media/fetch-media.ts";
import { mediaObjectsOf } from "./gateway/media/media-objects.ts";
import { RowMediaStore } from "./gateway/media/media-store.ts";
import { MemoryBudget } from "./gateway/media/memory-budget.ts";
import { createGuardedSend } from "./gateway/media/ssrf-guard.ts";
import type { Catalogue } from "./gateway/models/catalogue/catalogue.ts";
import { noteFound } from "./gateway/models/catalogue/found.ts";
import { CatalogueLayers } from "./gateway/models/catalogue/layers.ts";
import { ModelWatch } from "./gateway/models/model-watch.ts";
import { modelsFor, withCatalogue } from "./gateway/models/with-catalogue.ts";
import { createNodeParts, giveAway, type NodeParts } from "./gateway/pool/node-parts.ts";
import { Pool } from "./gateway/pool/pool.ts";
import { createLogTail, type LogTail } from "./gateway/reports/log-tail.ts";
import type { Maintenance } from "./gateway/reports/maintenance.ts";
import { VendorNews } from "./gateway/reports/vendor-news.ts";
import type { SettingsLayers } from "./gateway/settings/manage-settings.ts";
import { createSettings, type SettingsStore } from "./gateway/settings/settings.ts";
import { SideCallLog } from "./gateway/side-calls/log.ts";
import { type CompanionSessions, createCompanionSessions } from "./gateway/tokens/companion-sessions.ts";
import { Credentials } from "./gateway/tokens/credentials.ts";
import { Refresher } from "./gateway/tokens/refresh.ts";
import type { Log } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createFlow } from "./providers/flow/client.ts";
import { createGemini } from "./providers/gemini/client.ts";
import type { Provider } from "./providers/provider.ts";
import { createVertex } from "./providers/vertex/client.ts";
import type { Traces } from "./traces.ts";

type Parts = JobParts & AuthParts & AlertParts & NodeParts;

export type Context = Parts & {
  config: Config;
  settings: SettingsStore;
  /** Layers of the settings, for their editor. */
  layers: SettingsLayers;
  /** The layers of the catalogue: built in, file, admin. */
  models: CatalogueLayers;
  /** The catalogue that is in force. */
  catalogue: () => Catalogue;
  /** Logs models without a price and retirements that are near. */
  modelWatch: ModelWatch;
  store: Store;
  requests: RequestLog;
  keys: Keys;
  providers: ReadonlyMap<string, Provider>;
  pool: Pool;
  tokens: Credentials;
  refresher: Refresher;
  /** Flow sessions from the companion extension. */
  companionSessions: CompanionSessions;
  media: MediaStore;
  /** Of results that generations hold in memory. */
  memory: MemoryBudget;
  affinity: Affinity;
  inputs: InputDependencies;
  limits: Limits;
  generate: Generate;
  /** Generations under way, jobs' images included. */
  running: RunningGenerations;
  /** Results that were not delivered, for the next identical request. */
  undelivered: Undelivered;
  /** Stored responses, for `previous_response_id`. */
  responses: StoredResponses;
  /** Side calls of clients: counts, shapes, the operator's rules. */
  sideCalls: SideCallLog;
  /** 32 bytes that sign the admin's cookies and forms. */
  sessionSecret: Uint8Array;
  metrics: Metrics;
  /** Absent: OpenTelemetry is off. */
  traces?: Traces;
  /** Bytes of request bodies, and of the texts of requests that wait. */
  bodyBudget: BodyBudget;
  /** Backup, restore and sizes of the data folder. */
  maintenance: Maintenance;
  logTail: LogTail;
  /** Unknown words of upstreams. */
  vendorNews: VendorNews;
  /** Epoch ms. */
  startedAt: number;
  clock: Clock;
  random: Random;
  log: Log;
  /** Demo: responses are marked as simulated, foreign host names refused. */
  simulated: boolean;
};

type Options = {
  config: Config;
  layers: SettingsLayers;
  maintenance: Maintenance;
  store: Store;
  requests: RequestLog;
  log: Log;
  clock: Clock;
  random: Random;
  simulated: boolean;
  shutdown: AbortSignal;
  sessionSecret: Uint8Array;
  traces?: Traces;
};

/** Builds everything on an open store, without loading or starting it: see `server.ts`. */
export function createContext({ shutdown, ...options }: Options): Context {
  const { config, maintenance, store, requests, log, clock, random, sessionSecret, traces } = options;
  const { data_dir: dataDir } = config.settings.storage;
  const { allow_private_hosts: allowPrivateHosts } = config.settings.media;
  const settings = createSettings(config.settings);
  const [current, now] = [settings.current, clock.now];
  const { metrics, outcomes } = withOutcomes(createMetrics(), now);
  const models = new CatalogueLayers({ now, adoption: () => current().models.adopt, onChange: () => pool?.refresh() });
  const catalogue = models.current;
  const nodes = createNodeParts({ ...options, settings: config.settings, pool: () => pool });
  const base = { ...nodes, shared: store.shared, store, requests, settings: current, catalogue, metrics, traces, clock, random, log };
  const vendorNews = new VendorNews(base);
  const providers = createProviders(options, vendorNews, catalogue);
  const keys = createKeys();
  const undelivered = new Undelivered(base);
  const limits = new Limits({
    ...base,
    keys,
    retentionDays: () => current().requests.retention_days,
    hasUndelivered: (keyId) => undelivered.has(keyId),
  });
  const media = new RowMediaStore({
    ...base,
    dataDir,
    objects: mediaObjectsOf(config.settings.storage),
    countInput: (keyId, bytes) => limits.countUpload(keyId, bytes),
    orphans: maintenance.orphans,
  });
  const pool = withCatalogue(createPool(base), catalogue);
  const tokens = new Credentials({
    ...base,
    providers,
    sharedProxy: () => current().pool.proxy,
    openTempFile: (mime) => media.openTempFile(mime),
    now,
    onFacts: (id, facts) => {
      pool.updateFacts(id, facts);
      if (facts.found?.length) void noteFound({ models, store, log, now }, facts.found);
    },
  });
  const refresher = createRefresher(base, pool, tokens);
  const alertTexts = { texts: { en, zh }, outcomes };
  const parts = createAlertParts({ ...base, ...alertTexts, config, maintenance, models, pool, keys, limits, media });
  const affinity = createAffinity(undefined, store);
  const work = { ...base, undelivered, pool, limits, providers, tokens, keys, media };
  const bodyBudget = new BodyBudget(() => current().server);
  const holdBytes = (keyId: number, bytes: number) => bodyBudget.hold(keyId, bytes);
  const memory = new MemoryBudget();
  const running = new RunningGenerations(shutdown, clock);
  const generate = createGenerate({ ...work, affinity, shutdown, holdBytes, memory, running });
  return {
    ...options,
    ...parts,
    ...createAuthParts({ ...base, audit: parts.audit, now, secret: sessionSecret, ...signInOf(config) }),
    ...createJobParts({ ...work, generate, allowPrivateHosts, onUntaken: (id) => giveAway(nodes, id, log) }),
    settings,
    models,
    catalogue,
    modelWatch: new ModelWatch({ catalogue, pool, log, now }),
    keys,
    providers,
    pool,
    tokens,
    refresher,
    companionSessions: createCompanionSessions({
      ...{ provider: "flow", store, tokens, pool, refresher, audit: parts.audit, now },
      settings: () => current().pool,
    }),
    media,
    memory,
    affinity,
    inputs: createInputs(base, { media, affinity, fetchMedia: createMediaFetch({ ...base, allowPrivateHosts }) }),
    limits,
    generate,
    running,
    undelivered,
    ...nodes,
    responses: createStoredResponses(base),
    sideCalls: new SideCallLog(base),
    metrics,
    bodyBudget,
    logTail: createLogTail(log),
    vendorNews,
    startedAt: now(),
  };
}

function signInOf({ settings: { sign_in: settings } }: Config) {
  return { settings, send: createGuardedSend({ allowPrivateHosts: settings.oidc_private_hosts }) };
}

type Base = Pick<Options, "store" | "clock" | "random" | "log"> &
  NodeParts & {
    settings: () => Settings;
    catalogue: () => Catalogue;
    metrics: Metrics;
  };

function createPool(base: Base): Pool {
  return new Pool({
    ...base,
    settings: () => base.settings().pool,
    saveHealth: base.sharedHealth?.save ?? base.store.saveHealth,
    arbiter: base.slots ?? undefined,
    familiesOf: ({ provider, families }) => base.catalogue().servedFamilies(provider, families),
    awaitsCheck: () => base.settings().refresh.enabled,
    onCooldown: base.metrics.cooldownBegan,
  });
}

function createRefresher(base: Base, pool: Pool, tokens: Credentials): Refresher {
  const settings = () => base.settings().refresh;
  const intervalMs = (provider: string) => 1000 * checkInterval(settings(), provider);
  return new Refresher({ ...base, pool, tokens, settings, intervalMs, looksAfter: (id) => base.node.looksAfter(id) });
}

function createInputs({ store, settings, clock }: Base, parts: Pick<InputDependencies, "media" | "affinity" | "fetchMedia">) {
  return { ...parts, fileNamed: store.fileNamed, limits: () => dataUrlLimits(settings()), now: clock.now };
}

function dataUrlLimits({ media }: Settings) {
  return { maxBytes: media.fetch_limit_mb * 1024 * 1024, maxMegapixels: media.max_megapixels };
}

function createProviders(
  { config, clock, random, log }: Pick<Options, "config" | "clock" | "random" | "log">,
  news: VendorNews,
  catalogue: () => Catalogue,
): ReadonlyMap<string, Provider> {
  const { gemini, flow, vertex } = config.settings;
  const shared = { now: clock.now, log, news: news.report };
  const all = [
    createGemini({ ...shared, models: modelsFor(catalogue, "gemini"), baseUrl: gemini.base_url }),
    createFlow({ ...shared, models: modelsFor(catalogue, "flow"), labsBaseUrl: flow.labs_base_url, apiBaseUrl: flow.api_base_url, random }),
    createVertex({ ...shared, models: modelsFor(catalogue, "vertex"), baseUrl: vertex.base_url, tokenUrl: vertex.token_url }),
  ];
  return new Map(all.map((provider) => [provider.name, provider]));
}

/** Seconds between checks of a token of this provider. */
function checkInterval(refresh: Config["settings"]["refresh"], provider: string): number {
  if (provider === "flow") return refresh.flow_interval;
  return provider === "vertex" ? refresh.vertex_interval : refresh.gemini_interval;
}
