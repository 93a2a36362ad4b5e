// Routes about the server itself: liveness, readiness, metrics, and the description of the API.
import { toOpenAPISchema } from "@elysiajs/openapi/openapi";
import { type AnyElysia, Elysia } from "elysia";
import type { Metrics } from "../metrics.ts";
import { VERSION } from "../version.ts";

export type SystemContext = {
  metrics: Metrics;
  /** What keeps the server from being ready, in words; empty when it is. An empty pool does not. */
  unready(): Promise<string[]>;
  /** Tokens by health, for people who look at /ready. */
  tokensByState(): Record<string, number>;
};

export function systemRoutes({ metrics, unready, tokensByState }: SystemContext) {
  return new Elysia({ name: "system" })
    .get("/health", () => Response.json({ status: "ok", version: VERSION }), { detail: { tags: ["System"], summary: "Liveness" } })
    .get(
      "/ready",
      async () => {
        const reasons = await unready();
        const status = reasons.length === 0 ? 200 : 503;
        return Response.json({ status: status === 200 ? "ready" : "not ready", reasons, tokens: tokensByState() }, { status });
      },
      { detail: { tags: ["System"], summary: "Readiness" } },
    )
    .get("/metrics", async () => new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } }), {
      detail: { tags: ["System"], summary: "Prometheus metrics" },
    });
}

/** The description of the routes of `app`, as OpenAPI 3.1. */
export function describeApi(app: AnyElysia) {
  const { paths, components } = toOpenAPISchema(app);
  return {
    openapi: "3.1.0",
    info: { title: "flow2api", version: VERSION, description: "Google's image and video models behind OpenAI's and Gemini's APIs." },
    paths,
    components: { ...components, securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    security: [{ key: [] }],
  };
}

/** GET /openapi.json. */
export function openapiRoute(document: object) {
  return new Elysia({ name: "openapi" }).get("/openapi.json", () => Response.json(document), {
    detail: { tags: ["System"], summary: "This document" },
  });
}
