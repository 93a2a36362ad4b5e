// The Elysia app: the request pipeline, and every mounted group of routes.
import { Elysia } from "elysia";
import { ADMIN_HEADERS } from "./admin/auth/headers.ts";
import type { Admin } from "./admin/routes.ts";
import { inRanges } from "./api/address.ts";
import { BASE as ADMIN_API } from "./api/admin/guard.ts";
import { createSharedPaths, geminiRoutes } from "./api/gemini/routes.ts";
import { mcpRoutes } from "./api/mcp/routes.ts";
import { mediaRoutes } from "./api/media.ts";
import { openaiRoutes } from "./api/openai/routes.ts";
import { pluginRoutes } from "./api/plugin.ts";
import { openapiRoute, systemRoutes } from "./api/system.ts";
import type { Context } from "./context.ts";
import { UndoLog } from "./gateway/audit/undo.ts";
import type { ApiDocument } from "./gateway/reports/api-reference.ts";
import { Readiness } from "./gateway/reports/readiness.ts";
import { Late } from "./late.ts";
import { Mounted } from "./mounted.ts";
import { type PipelineOptions, RequestPipeline, type Served } from "./request-pipeline.ts";

export type AppOptions = Omit<PipelineOptions, "answerFirst" | "isAdminOpenTo" | "admin"> & {
  /** Aborts as soon as the server begins to stop. */
  stopping: AbortSignal;
};

/** What few servers are asked for is loaded when one is: the pages of the admin are a third of the program. They read their bodies themselves. */
const UNREAD = { parse: "none", detail: { hide: true } } as const;
/** Below `/admin`, and the addresses that lead to it. */
const ADMIN_PATHS = ["/", "/manage", "/login", "/test", "/admin", "/admin/*"] as const;

export function createApp(ctx: Context, options: AppOptions) {
  const { clock, media } = ctx;
  const served: Served & { server(): Elysia["server"] } = { server: () => app.server, handle: (request: Request) => app.handle(request) };
  const answerFirst: PipelineOptions["answerFirst"] = (call, server) => answerShared(call, server);
  const allowed = ctx.config.settings.admin.allow;
  const isAllowed = (address: string | null) => allowed.length === 0 || (address !== null && inRanges(allowed, address));
  // What was changed is stored: a response that shows a new key must not be lost because it cannot be loaded, which the next check does.
  const refresh = () => options.refresh().catch((error) => ctx.log.error("A change is stored and could not be loaded yet", { error }));
  const pages: Mounted<Admin> = new Mounted(async () => {
    const { createAdmin } = await import("./admin/routes.ts");
    return createAdmin(ctx, {
      ...{ bodies, isAllowed, refresh, stopping: options.stopping },
      originOf: (request) => pipeline.originOf(request),
      proxyHint: () => pipeline.proxyHint(),
      apiDocument: () => document.load(),
    });
  }, served.server);
  const admin = { pages, headers: ADMIN_HEADERS };
  const pipeline = new RequestPipeline(ctx, { ...options, answerFirst, admin, isAdminOpenTo: isAllowed }, served);
  const { bodies } = pipeline;
  const patternOf = (request: Request) => pages.patternOf(request) ?? adminApi.patternOf(request);
  const readiness = new Readiness({ ...ctx, settings: ctx.settings.current });
  const tokensByState = () => ctx.pool.gauges().tokens;
  const api = { ...ctx, bodies, callOf: (request: Request) => pipeline.callOf(request) };
  const answerShared = createSharedPaths(api);

  // Elysia looks for the path from the eleventh character on, where that of a short host name (`api`, `x`) has already begun.
  const app = new Elysia({ handler: { standardHostname: false } })
    .onRequest(({ request }) => {
      const response = pipeline.admit(request);
      // Elysia reads this text: a call behind `return` would make every request wait for a promise.
      if (response !== undefined) return response;
    })
    .onError(async ({ error, request, code, set, route }) => {
      const page = await pages.loaded?.pageOfMistakes(request, error);
      const pattern = patternOf(request) ?? route;
      return pipeline.finish(request, page ?? pipeline.fail(request, error, code === "NOT_FOUND"), set, pattern);
    })
    .mapResponse(({ request, responseValue, set, route }) => {
      const response = pipeline.finish(request, responseValue, set, patternOf(request) ?? route);
      if (response instanceof Response) return response;
    })
    .use(systemRoutes({ metrics: ctx.metrics, tokensByState, unready: () => readiness.reasons() }))
    .use(mediaRoutes({ media, callerOf: (request) => pipeline.keyIdOf(request), linkWatch: ctx.linkWatch }))
    .use(openaiRoutes(api))
    .use(geminiRoutes(api))
    .use(mcpRoutes(api))
    .use(pluginRoutes({ ...ctx, bodies, now: clock.now }));

  connectMetrics(ctx, tokensByState, () => bodies.held());
  app.use(openapiRoute(() => document.load()));
  // What is mounted by now: the API without the admin.
  const described = [...app.routes];
  const document: Late<ApiDocument> = new Late(async () => (await import("./api/openapi/document.ts")).describeApi(described));
  const adminApi: Mounted<{ routes: Elysia }> = new Mounted(async () => {
    const { adminApiRoutes } = await import("./api/admin/routes.ts");
    const undo = new UndoLog({ store: ctx.store, audit: ctx.audit, now: clock.now, log: ctx.log, refresh });
    const deps = { ...ctx, undo, bodies, refresh, isAllowed };
    return { routes: adminApiRoutes(deps, (request) => pipeline.callOf(request)) };
  }, served.server);
  for (const path of [ADMIN_API, `${ADMIN_API}/*`]) app.all(path, ({ request }) => adminApi.handle(request), UNREAD);
  for (const path of ADMIN_PATHS) app.all(path, ({ request }) => pages.handle(request), UNREAD);
  return app;
}

function connectMetrics(
  { metrics, pool, media, limits, store }: Context,
  tokensByState: () => Record<string, number>,
  bodyBytes: () => number,
) {
  metrics.connect({
    inFlight: () => pool.gauges().inFlight,
    queued: () => pool.gauges().queued,
    tokensByState,
    cooldowns: () => pool.countCooldowns(),
    isNetworkDown: () => pool.gauges().networkDegradedSince !== null,
    openJobs: () => store.countOpenJobs(),
    isLedgerDegraded: () => limits.degradedSince() !== null,
    diskFreeBytes: () => media.freeBytes(),
    mediaBytes: () => media.totalBytes(),
    bodyBytes,
    reservations: () => limits.gauges().reservations,
  });
}
