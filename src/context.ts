// Composition root: builds every long-lived object once.

import { BodyBudget, keyOwner } from "./api/body/body-budget.ts";
import type { Clock, Random } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { RequestLog, Store } from "./db/store.ts";
import { type Audit, createAudit } from "./gateway/audit/audit.ts";
import { createLogin, type Login } from "./gateway/auth/login.ts";
import { createPasswordCheck } from "./gateway/auth/password.ts";
import { createSessions, type Sessions } from "./gateway/auth/sessions.ts";
import { type Affinity, createAffinity } from "./gateway/generation/affinity.ts";
import type { Generate } from "./gateway/generation/contract.ts";
import { createGenerate } from "./gateway/generation/generate.ts";
import type { InputDependencies } from "./gateway/generation/inputs.ts";
import { createStoredResponses, type StoredResponses } from "./gateway/generation/stored-responses.ts";
import { Undelivered } from "./gateway/generation/undelivered.ts";
import { createJobParts, type JobParts } from "./gateway/jobs/jobs.ts";
import { createKeys, type Keys } from "./gateway/keys/keys.ts";
import { Limits } from "./gateway/limits/limits.ts";
import { createMediaFetch } from "./gateway/media/fetch-media.ts";
import { LinkWatch } from "./gateway/media/link-watch.ts";
import { FileMediaStore, type MediaStore } from "./gateway/media/media-store.ts";
import { assumedFamilies } from "./gateway/models/models.ts";
import { createModelOverrides, type ModelOverrides } from "./gateway/models/overrides.ts";
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

export type Context = JobParts & {
  config: Config;
  settings: SettingsStore;
  /** Layers of the settings, for their editor. */
  layers: SettingsLayers;
  /** Disabled families and price overrides. */
  offer: ModelOverrides;
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
  affinity: Affinity;
  /** Detects media links that clients cannot open. */
  linkWatch: LinkWatch;
  inputs: InputDependencies;
  limits: Limits;
  generate: Generate;
  /** Results that were not delivered, for the next identical request. */
  undelivered: Undelivered;
  /** Stored responses, for `previous_response_id`. */
  responses: StoredResponses;
  /** Side calls of clients: counts, shapes, the operator's rules. */
  sideCalls: SideCallLog;
  /** The admin: sessions, login and audit log. */
  sessions: Sessions;
  login: Login;
  audit: Audit;
  /** 32 bytes that sign the admin's cookies and forms. */
  sessionSecret: Uint8Array;
  metrics: Metrics;
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
};

/** Builds everything on an open store, without loading or starting it: see `server.ts`. */
export function createContext(options: Options): Context {
  const { config, layers, maintenance, store, requests, log, clock, random, simulated, shutdown, sessionSecret } = options;
  const settings = createSettings(config.settings);
  const current = settings.current;
  const now = clock.now;
  const metrics = createMetrics();
  const vendorNews = new VendorNews({ clock, log });
  const { gemini, flow, storage, media: mediaSettings } = config.settings;
  const providers = new Map<string, Provider>(
    [
      createGemini({ baseUrl: gemini.base_url, now, log, news: vendorNews.report }),
      createFlow({ labsBaseUrl: flow.labs_base_url, apiBaseUrl: flow.api_base_url, now, random, log, news: vendorNews.report }),
    ].map((provider) => [provider.name, provider]),
  );
  const keys = createKeys();
  const undelivered = new Undelivered({ store, clock, log });
  const limits = new Limits({
    keys,
    store,
    clock,
    log,
    retentionDays: () => current().requests.retention_days,
    hasUndelivered: (keyId) => undelivered.has(keyId),
  });
  const media = new FileMediaStore({
    dataDir: storage.data_dir,
    store,
    clock,
    settings: current,
    log,
    countInput: (keyId, bytes) => limits.countUpload(keyId, bytes),
    orphans: maintenance.orphans,
  });
  const offer = createModelOverrides();
  const pool = offer.limit(
    new Pool({
      clock,
      random,
      settings: () => current().pool,
      log,
      saveHealth: store.saveHealth,
      assumed: assumedFamilies,
      awaitsCheck: () => current().refresh.enabled,
    }),
  );
  const tokens = new Credentials({
    store,
    providers,
    openTempFile: (mime) => media.openTempFile(mime),
    now,
    log,
    onFacts: (id, facts) => pool.updateFacts(id, facts),
  });
  const refresher = new Refresher({
    pool,
    tokens,
    settings: () => current().refresh,
    intervalMs: (provider) => 1000 * (provider === "flow" ? current().refresh.flow_interval : current().refresh.gemini_interval),
    checks: metrics.checks,
    clock,
    random,
    log,
  });
  const audit = createAudit({ store, now });
  const companionSessions = createCompanionSessions({
    provider: "flow",
    store,
    tokens,
    pool,
    refresher,
    audit,
    settings: () => current().pool,
    now,
  });
  const affinity = createAffinity();
  const linkWatch = new LinkWatch();
  const fetchMedia = createMediaFetch({ settings: current, allowPrivateHosts: mediaSettings.allow_private_hosts, clock });
  const dataUrlLimits = () => ({ maxBytes: current().media.fetch_limit_mb * 1024 * 1024, maxMegapixels: current().media.max_megapixels });
  const inputs = { media, fetchMedia, affinity, fileNamed: store.fileNamed, limits: dataUrlLimits, now: clock.now };
  const bodyBudget = new BodyBudget(() => current().server);
  const generate = createGenerate({
    holdBytes: (keyId, bytes) => bodyBudget.hold(keyOwner(keyId), bytes),
    undelivered,
    pool,
    limits,
    providers,
    tokens,
    affinity,
    media,
    requests,
    settings: current,
    prices: offer.prices,
    metrics,
    clock,
    random,
    log,
    shutdown,
  });
  const jobParts = createJobParts({
    undelivered,
    store,
    pool,
    limits,
    providers,
    tokens,
    keys,
    media,
    requests,
    generate,
    settings: current,
    prices: offer.prices,
    metrics,
    clock,
    random,
    log,
    allowPrivateHosts: mediaSettings.allow_private_hosts,
  });
  const sessions = createSessions({ store, now, secret: sessionSecret });
  const login = createLogin({ check: createPasswordCheck(store), now });
  return {
    ...jobParts,
    config,
    settings,
    layers,
    offer,
    store,
    requests,
    keys,
    providers,
    pool,
    tokens,
    refresher,
    companionSessions,
    media,
    affinity,
    linkWatch,
    inputs,
    limits,
    generate,
    undelivered,
    responses: createStoredResponses({ store, clock, log }),
    sideCalls: new SideCallLog({ store, clock, log }),
    sessions,
    login,
    audit,
    sessionSecret,
    metrics,
    bodyBudget,
    maintenance,
    logTail: createLogTail(log),
    vendorNews,
    startedAt: now(),
    clock,
    random,
    log,
    simulated,
  };
}
