// The list of mounts, the door in front of them, and the last resort for errors.
import { Elysia } from "elysia";
import { createAccessLog } from "./api/access-log.ts";
import { publicOrigin } from "./api/address.ts";
import { createBodyReader } from "./api/body.ts";
import { type Dialect, dialectOf, splitUrl } from "./api/dialect.ts";
import { errorResponse as geminiError } from "./api/gemini/errors.ts";
import { createSharedPaths, geminiRoutes } from "./api/gemini/routes.ts";
import { createGuard, unknownUrl } from "./api/guard.ts";
import { mediaRoutes } from "./api/media.ts";
import { errorResponse as openaiError } from "./api/openai/errors.ts";
import { openaiRoutes } from "./api/openai/routes.ts";
import { createPluginDoor, errorResponse as pluginError, pluginRoutes } from "./api/plugin.ts";
import { openapiRoute, systemRoutes } from "./api/system.ts";
import type { Context } from "./context.ts";
import { AppError } from "./errors.ts";

/** Names of this machine, which the demo answers to. */
const LOCAL_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

const ENVELOPES = { openai: openaiError, gemini: geminiError, plugin: pluginError } as const satisfies Record<
  Dialect | "plugin",
  (error: unknown) => Response
>;

export function createApp(ctx: Context) {
  const { clock, keys, log, media, metrics, pool, simulated } = ctx;
  const { server: boot } = ctx.config.settings;
  const access = createAccessLog({ metrics, log, now: clock.now });
  const bodies = createBodyReader(() => ctx.settings.current().server);
  const guard = createGuard({
    keys,
    now: clock.now,
    trustProxy: boot.trust_proxy,
    metricsToken: boot.metrics_token,
    hosts: simulated ? LOCAL_NAMES : null,
    plugin: createPluginDoor(() => ctx.settings.current().plugin.connection_token, clock.now),
  });
  const peerOf = (request: Request): string | null => app.server?.requestIP(request)?.address ?? null;
  const callOf = (request: Request) => ({
    requestId: access.idOf(request),
    startedAt: access.startOf(request),
    key: guard.callerOf(request)!.key,
    origin: publicOrigin(request, peerOf(request), { public_url: ctx.settings.current().server.public_url, trust_proxy: boot.trust_proxy }),
  });
  const tokensByState = () => pool.gauges().tokens;
  const gemini = { ...ctx, bodies, callOf };

  const app = new Elysia()
    .onRequest(({ request, set }) => {
      const verdict = guard.decide(request, peerOf(request));
      Object.assign(set.headers, verdict.headers);
      set.headers["x-request-id"] = access.begin(request);
      if (simulated) set.headers["x-flow2api-simulated"] = "true";
      if (verdict.refusal === null) return;
      if (verdict.refusal === "preflight") return new Response(null, { status: 204 });
      return ENVELOPES[verdict.dialect](verdict.refusal);
    })
    .onError(({ error, request, code }) => {
      const { path, query } = splitUrl(request.url);
      const dialect = dialectOf({ method: request.method, path, query, header: (name) => request.headers.get(name) });
      if (code !== "NOT_FOUND" && !(error instanceof AppError)) log.error("A request failed by a bug", { error });
      return ENVELOPES[dialect](code === "NOT_FOUND" ? unknownUrl(request.method, path) : error);
    })
    .onAfterResponse(({ request, responseValue, set }) => {
      access.end(request, responseValue instanceof Response ? responseValue.status : Number(set.status ?? 200));
    })
    .use(systemRoutes({ metrics, tokensByState, unready: () => [] }))
    .use(mediaRoutes({ media, callerOf: (request) => keyIdOf(guard.callerOf(request)) }))
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
  return app.use(openapiRoute(app));
}

const keyIdOf = (caller: { key: { id: number } } | null) => caller && { keyId: caller.key.id };
