// The list of mounts, the door in front of them, and the last resort for errors.
import { Elysia } from "elysia";
import { ADMIN_HEADERS } from "./admin/auth/guard.ts";
import { createAdmin } from "./admin/routes.ts";
import { createAccessLog, type RequestTracker } from "./api/access-log.ts";
import { calledOrigin, clientAddress, forwardedHost, inRanges, publicOrigin } from "./api/address.ts";
import { createBodyReader, keyOwner } from "./api/body/body.ts";
import { type Dialect, dialectOf, splitUrl } from "./api/dialect.ts";
import { errorResponse as geminiError } from "./api/gemini/errors.ts";
import { createSharedPaths, geminiRoutes } from "./api/gemini/routes.ts";
import { createGuard, isUnknownKey, type Listener, unknownUrl, type Verdict } from "./api/guard.ts";
import { mediaRoutes } from "./api/media.ts";
import { errorResponse as openaiError } from "./api/openai/errors.ts";
import { openaiRoutes } from "./api/openai/routes.ts";
import { describeApi } from "./api/openapi/document.ts";
import { baseUrlHint, repairedUrl } from "./api/paths.ts";
import { createPluginGuard, errorResponse as pluginError, pluginRoutes } from "./api/plugin.ts";
import { createProxyWatch, trustProxyHint } from "./api/proxy-watch.ts";
import { openapiRoute, systemRoutes } from "./api/system.ts";
import type { Context } from "./context.ts";
import { AppError, knownFailure } from "./errors.ts";
import { Readiness } from "./gateway/reports/readiness.ts";

/** Names of this machine, which the demo answers to. */
const LOCAL_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

const ENVELOPES = { openai: openaiError, gemini: geminiError, plugin: pluginError } as const satisfies Record<
  Dialect | "plugin",
  (error: unknown) => Response
>;

/** Requests of listeners beside the app's own: who sent them, and what is to be found there. */
export type Arrivals = WeakMap<Request, { peer: string | null; listener: Listener }>;

export type AppOptions = {
  arrivals: Arrivals;
  /** Takes what was just written to the store into memory. */
  refresh(): Promise<void>;
  /** Aborts as soon as the server is told to stop. */
  stopping: AbortSignal;
  watch?: RequestTracker;
};

/** Unknown keys make the store be read at most this often. */
const LOOK_MS = 200;

export async function createApp(ctx: Context, { arrivals, refresh, stopping, watch }: AppOptions) {
  const { clock, keys, log, media, metrics, pool, simulated } = ctx;
  const { server: boot } = ctx.config.settings;
  const access = createAccessLog({ metrics, log, now: clock.now, watch });
  const bodies = createBodyReader(() => ctx.settings.current().server, {
    clock,
    ownerOf: (request) => bodyOwnerOf(request),
    // Bun would cut an idle connection without a word; the admin's own listener never does.
    onSlow: (request) => void (arrivals.has(request) || app.server?.timeout(request, 0)),
  });
  const guard = createGuard({
    keys,
    now: clock.now,
    trustProxy: boot.trust_proxy,
    metricsToken: boot.metrics_token,
    hosts: simulated ? LOCAL_NAMES : null,
    plugin: createPluginGuard(() => ctx.settings.current().plugin.connection_token, clock.now),
    hint: (request) => hintFor(request),
  });
  const proxies = createProxyWatch({ trustProxy: boot.trust_proxy, found: (address) => log.warn(trustProxyHint(address)) });
  const peerOf = (request: Request): string | null => {
    const arrival = arrivals.get(request);
    return arrival ? arrival.peer : (app.server?.requestIP(request)?.address ?? null);
  };
  const originSettings = () => ({ public_url: ctx.settings.current().server.public_url, trust_proxy: boot.trust_proxy });
  const originOf = (request: Request) => {
    const origin = publicOrigin(request, peerOf(request), originSettings());
    if (request.method === "POST") ctx.linkWatch.made(origin);
    return origin;
  };
  const calledOriginOf = (request: Request) => calledOrigin(request, peerOf(request), originSettings());
  let lookedAt = Number.NEGATIVE_INFINITY;
  /** Takes in what the command line has just changed; false when that was done a moment ago, so that wrong keys cost nothing. */
  const lookForNewKeys = async (): Promise<boolean> => {
    if (clock.now() < lookedAt + LOOK_MS) return false;
    lookedAt = clock.now();
    await refresh();
    return true;
  };
  const hintFor = (request: Request) => baseUrlHint(calledOriginOf(request));
  const callOf = (request: Request) => ({
    requestId: access.idOf(request),
    startedAt: access.startOf(request),
    key: guard.callerOf(request)!.key,
    origin: originOf(request),
    calledOrigin: calledOriginOf(request),
  });
  /** Every link of Gemini's dialect is followed by a program. */
  const geminiCallOf = (request: Request) => ({ ...callOf(request), origin: calledOriginOf(request) });
  const allowed = ctx.config.settings.admin.allow;
  const admin = await createAdmin(ctx, {
    bodies,
    refresh,
    stopping,
    originOf,
    proxyHint: () => {
      const proxy = proxies.untrusted();
      return proxy === null ? null : trustProxyHint(proxy);
    },
    isAllowed: (address) => allowed.length === 0 || (address !== null && inRanges(allowed, address)),
  });
  /** Bodies of a key count as its own; those of a signed-in operator have no share, and all others one together. */
  const bodyOwnerOf = (request: Request): string | null => {
    const caller = guard.callerOf(request);
    if (caller) return keyOwner(caller.key.id);
    return admin.door.hasSeen(request) && admin.door.sessionContextOf(request).session ? null : "strangers";
  };
  const mainListener: Listener = ctx.config.settings.admin.port === 0 ? "all" : "api";

  /** What the admin's door says of a request below `/admin`; undefined: come in. */
  const askAdmin = async (request: Request, headers: Record<string, string | number>): Promise<Response | undefined> => {
    const { path, query } = splitUrl(request.url);
    const peer = peerOf(request);
    const verdict = await admin.door.decide(request, {
      path,
      query,
      address: clientAddress(peer, request.headers, boot.trust_proxy),
      secure: publicOrigin(request, peer, { public_url: "", trust_proxy: boot.trust_proxy }).startsWith("https:"),
      forwardedHost: forwardedHost(peer, request.headers, boot.trust_proxy),
    });
    Object.assign(headers, verdict.headers);
    if (verdict.refusal === null) return undefined;
    if ("to" in verdict.refusal) return new Response(null, { status: 303, headers: { location: verdict.refusal.to } });
    return admin.errorResponse(request, verdict.refusal);
  };
  /** What is said to a request that goes no further than the door; undefined: the admin lets it in. */
  const answerAtTheDoor = async (request: Request, { refusal, dialect }: Verdict, headers: Record<string, string>) => {
    if (refusal === "admin") return askAdmin(request, Object.assign(headers, ADMIN_HEADERS));
    if (refusal !== "preflight") return ENVELOPES[dialect](refusal);
    return dialect === "plugin" ? new Response("OK") : new Response(null, { status: 204 });
  };
  const readiness = new Readiness({ ...ctx, settings: ctx.settings.current });
  const tokensByState = () => pool.gauges().tokens;
  const gemini = { ...ctx, bodies, callOf: geminiCallOf };

  /** The same request under the URL that its client meant. */
  const handleAgain = (request: Request, url: string): Promise<Response> => {
    const { method, headers, body, signal } = request;
    const next = new Request(url, { method, headers, body, signal });
    arrivals.set(next, { peer: peerOf(request), listener: arrivals.get(request)?.listener ?? mainListener });
    // The routes that take their time know only the second request, which is not the server's.
    app.server?.timeout(request, 0);
    return app.handle(next);
  };

  // The path of a short host name (`api`, `x`) begins before the eleventh character, where it is looked for otherwise.
  const app = new Elysia({ handler: { standardHostname: false } })
    .onRequest(async ({ request, set }) => {
      const meant = repairedUrl(request.url, (name) => request.headers.get(name));
      if (meant !== null) return handleAgain(request, meant);
      const peer = peerOf(request);
      proxies.observe(request, peer);
      const decide = () => guard.decide(request, peer, arrivals.get(request)?.listener ?? mainListener);
      let verdict = decide();
      if (isUnknownKey(verdict) && (await lookForNewKeys())) verdict = decide();
      Object.assign(set.headers, verdict.headers);
      set.headers["x-request-id"] = access.begin(request);
      if (simulated) set.headers["x-flow2api-simulated"] = "true";
      if (verdict.refusal === null) return;
      const answer = await answerAtTheDoor(request, verdict, set.headers as Record<string, string>);
      // No other hook hears of what is answered here.
      if (answer) access.end(request, answer.status);
      return answer;
    })
    .onError(({ error, request, code, set }) => {
      const { path, query } = splitUrl(request.url);
      const dialect = dialectOf({ method: request.method, path, query, header: (name) => request.headers.get(name) });
      if (code !== "NOT_FOUND" && !(error instanceof AppError))
        log.error(knownFailure(error) ? "The store failed" : "A request failed by a bug", { error });
      const failure = code === "NOT_FOUND" ? unknownUrl(request.method, path, hintFor(request)) : error;
      const answer = admin.door.hasSeen(request) ? admin.errorResponse(request, failure) : ENVELOPES[dialect](failure);
      // What the access log reads: here an answer's own status does not reach it.
      set.status = answer.status;
      return answer;
    })
    .onAfterResponse(({ request, responseValue, set }) => {
      const status = responseValue instanceof Response ? responseValue.status : Number(set.status ?? 200);
      access.end(request, status);
      void media.endRequest(access.idOf(request), status >= 400);
    })
    .use(systemRoutes({ metrics, tokensByState, unready: () => readiness.reasons() }))
    .use(mediaRoutes({ media, callerOf: (request) => keyIdOf(guard.callerOf(request)), linkWatch: ctx.linkWatch }))
    // Paths that both dialects have are OpenAI's routes; a request that speaks Gemini is answered before it gets there.
    .onBeforeHandle(createSharedPaths(gemini))
    .use(openaiRoutes({ ...ctx, bodies, callOf }))
    .use(geminiRoutes(gemini))
    .use(pluginRoutes({ ...ctx, bodies, now: clock.now }));

  metrics.connect({
    inFlight: () => pool.gauges().inFlight,
    queued: () => pool.gauges().queued,
    tokensByState,
    mediaBytes: media.totalBytes,
    bodyBytes: bodies.held,
    reservations: () => ctx.limits.gauges().reservations,
  });
  // The document is of what was mounted before it: the API, not the admin.
  const api = app.use(openapiRoute(() => document));
  const document = describeApi(api);
  admin.describe(document);
  return api.use(admin.routes);
}

const keyIdOf = (caller: { key: { id: number } } | null) => caller && { keyId: caller.key.id };
