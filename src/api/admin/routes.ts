// The admin's JSON API, mounted: reads and checks what was sent, runs the route, answers JSON.
import { Elysia, t } from "elysia";
import { AppError, knownFailure } from "../../errors.ts";
import { tokenActor } from "../../gateway/auth/admin-tokens.ts";
import type { Arrival } from "../arrival.ts";
import { accountRoutes } from "./accounts.ts";
import { alertRoutes } from "./alerts.ts";
import { backupRoutes } from "./backups.ts";
import { bulkRoutes } from "./bulk.ts";
import type { AdminApiContext } from "./context.ts";
import { errorResponse } from "./errors.ts";
import { exportRoutes } from "./exports.ts";
import { BASE } from "./guard.ts";
import { Idempotency } from "./idempotency.ts";
import { jobRoutes } from "./jobs.ts";
import { keyWebhookRoutes } from "./key-webhooks.ts";
import { keyRoutes } from "./keys.ts";
import { mediaRoutes } from "./media.ts";
import { modelRoutes } from "./models.ts";
import { describeAdminApi } from "./openapi.ts";
import { requestRoutes } from "./requests.ts";
import { type ApiRoute, route } from "./route.ts";
import { settingRoutes } from "./settings.ts";
import { systemRoutes } from "./system.ts";
import { tokenImportRoutes } from "./token-imports.ts";
import { tokenRoutes } from "./tokens.ts";

/** Every route, in the order of the document. */
export function adminApiTable(ctx: AdminApiContext): ApiRoute[] {
  const table = [
    ...systemRoutes(ctx),
    ...backupRoutes(ctx),
    ...tokenRoutes(ctx),
    ...tokenImportRoutes(ctx),
    ...bulkRoutes(ctx),
    ...keyRoutes(ctx),
    ...keyWebhookRoutes(ctx),
    ...jobRoutes(ctx),
    ...requestRoutes(ctx),
    ...exportRoutes(ctx),
    ...mediaRoutes(ctx),
    ...settingRoutes(ctx),
    ...modelRoutes(ctx),
    ...alertRoutes(ctx),
    ...accountRoutes(ctx),
  ];
  let document: ReturnType<typeof describeAdminApi> | undefined;
  const describing: ApiRoute = route({
    ...{ method: "GET", path: "/openapi.json", tag: "System", summary: "This document" },
    response: t.Record(t.String(), t.Unknown()),
    run: () => (document ??= describeAdminApi([...table, describing])),
  });
  return [...table, describing];
}

const NO_STORE = { "cache-control": "no-store" };

/** `arrivalOf`: what the guard knows of a request; it let in none without a token. */
export function adminApiRoutes(ctx: AdminApiContext, arrivalOf: (request: Request) => Arrival) {
  const idempotency = new Idempotency({ store: ctx.store, now: ctx.clock.now });
  const app = new Elysia({ name: "admin-api" });
  for (const one of adminApiTable(ctx)) {
    const path = BASE + one.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.route(
      one.method,
      path,
      async ({ request, params, server }) => {
        // Backups and checks of tokens may be silent for longer than a connection may.
        server?.timeout(request, 0);
        try {
          return await handle(ctx, one, {
            request,
            params: (params ?? {}) as Record<string, string>,
            arrival: arrivalOf(request),
            idempotency,
          });
        } catch (error) {
          if (!(error instanceof AppError))
            ctx.log.error(knownFailure(error) ? "The store failed" : "A request failed by a bug", { error });
          return errorResponse(error);
        }
      },
      { parse: "none", detail: { hide: true } },
    );
  }
  return app as unknown as Elysia;
}

type Sent = { request: Request; params: Record<string, string>; arrival: Arrival; idempotency: Idempotency };

async function handle(ctx: AdminApiContext, one: ApiRoute, { request, params, arrival, idempotency }: Sent): Promise<Response> {
  const token = arrival.adminToken;
  if (!token && one.path !== "/openapi.json") throw new AppError("unauthorized", "Missing admin token.", { reason: "invalid_admin_token" });
  const query = one.readQuery(new URLSearchParams(arrival.query));
  using body = one.readBody ? await readJson(ctx, one, request) : null;
  const by = { address: arrival.address, actor: token ? tokenActor(token) : "nobody" };
  const call = { request, params: decoded(params), query, body: body?.value, token, by };
  const run = () => one.run(call as never);
  const key = one.creates ? request.headers.get("idempotency-key") : null;
  if (key === null) return respond(await run(), one.status);
  const { secrets } = one.creates!;
  const once = await idempotency.once(
    { tokenId: token?.id ?? 0, key, method: one.method, path: arrival.path, body: body?.value ?? null, secrets },
    run,
  );
  return respond(once.body, one.status, once.replayed ? { "idempotent-replayed": "true" } : {});
}

function readJson({ bodies }: AdminApiContext, { readBody }: ApiRoute, request: Request) {
  const type = (request.headers.get("content-type") ?? "").toLowerCase();
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/.test(type))
    throw new AppError("unsupported_media_type", "Send the body as application/json.", { param: "Content-Type" });
  return bodies.json(request, readBody!);
}

const respond = (result: unknown, status: number, headers: Record<string, string> = {}): Response =>
  result instanceof Response ? result : Response.json(result, { status, headers: { ...NO_STORE, ...headers } });

function decoded(params: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    throw new AppError("not_found", "The path is not well encoded.");
  }
}
