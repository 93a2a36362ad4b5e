// The Elysia app: the request pipeline, and every mounted group of routes.
import { Elysia } from "elysia";
import { createAdmin } from "./admin/routes.ts";
import { inRanges } from "./api/address.ts";
import { adminApiRoutes } from "./api/admin/routes.ts";
import { createSharedPaths, geminiRoutes } from "./api/gemini/routes.ts";
import { mcpRoutes } from "./api/mcp/routes.ts";
import { mediaRoutes } from "./api/media.ts";
import { openaiRoutes } from "./api/openai/routes.ts";
import { describeLater } from "./api/openapi/document.ts";
import { pluginRoutes } from "./api/plugin.ts";
import { openapiRoute, systemRoutes } from "./api/system.ts";
import type { Context } from "./context.ts";
import { UndoLog } from "./gateway/audit/undo.ts";
import { Readiness } from "./gateway/reports/readiness.ts";
import { type PipelineOptions, RequestPipeline } from "./request-pipeline.ts";

export type AppOptions = Omit<PipelineOptions, "answerFirst" | "isAdminOpenTo"> & {
  /** Aborts as soon as the server begins to stop. */
  stopping: AbortSignal;
};

export async function createApp(ctx: Context, options: AppOptions) {
  const { clock, media } = ctx;
  const served = { server: () => app.server, handle: (request: Request) => app.handle(request) };
  const answerFirst: PipelineOptions["answerFirst"] = (call, server) => answerShared(call, server);
  const allowed = ctx.config.settings.admin.allow;
  const isAllowed = (address: string | null) => allowed.length === 0 || (address !== null && inRanges(allowed, address));
  const pipeline = new RequestPipeline(ctx, { ...options, answerFirst, isAdminOpenTo: isAllowed }, served);
  const { bodies } = pipeline;
  // What was changed is stored: a response that shows a new key must not be lost because it cannot be loaded, which the next check does.
  const refresh = () => options.refresh().catch((error) => ctx.log.error("A change is stored and could not be loaded yet", { error }));
  const admin = await createAdmin(ctx, {
    bodies,
    refresh,
    stopping: options.stopping,
    originOf: (request) => pipeline.originOf(request),
    proxyHint: () => pipeline.proxyHint(),
    isAllowed,
  });
  pipeline.admin = admin;
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
      const page = await admin.pageOfMistakes(request, error);
      return pipeline.finish(request, page ?? pipeline.fail(request, error, code === "NOT_FOUND"), set, route);
    })
    .mapResponse(({ request, responseValue, set, route }) => {
      const response = pipeline.finish(request, responseValue, set, route);
      if (response instanceof Response) return response;
    })
    .use(systemRoutes({ metrics: ctx.metrics, tokensByState, unready: () => readiness.reasons() }))
    .use(mediaRoutes({ media, callerOf: (request) => pipeline.keyIdOf(request), linkWatch: ctx.linkWatch }))
    .use(openaiRoutes(api))
    .use(geminiRoutes(api))
    .use(mcpRoutes(api))
    .use(pluginRoutes({ ...ctx, bodies, now: clock.now }));

  connectMetrics(ctx, tokensByState, () => bodies.held());
  // The document describes what is mounted before it: the API without the admin.
  const described = app.use(openapiRoute(() => document()));
  const document = describeLater(described);
  admin.describe(document);
  const undo = new UndoLog({ store: ctx.store, audit: ctx.audit, now: clock.now, log: ctx.log, refresh });
  const adminApi = adminApiRoutes({ ...ctx, undo, bodies, refresh, isAllowed }, (request) => pipeline.callOf(request));
  return described.use(adminApi).use(admin.routes);
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
