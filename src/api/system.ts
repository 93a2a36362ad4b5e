// Routes about the server itself: liveness, readiness, metrics, and the description of the API.
import { Elysia } from "elysia";
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

/** GET /openapi.json. */
export function openapiRoute(document: () => object) {
  return new Elysia({ name: "openapi" }).get("/openapi.json", () => Response.json(document()), {
    detail: { tags: ["System"], summary: "This document" },
  });
}
