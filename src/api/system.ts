// Routes of the server itself: /health, /ready, /metrics and /openapi.json.
import { Elysia } from "elysia";
import type { Metrics } from "../metrics.ts";
import { VERSION } from "../version.ts";

export type SystemContext = {
  metrics: Metrics;
  /** Reasons why the server is not ready; empty when it is. An empty pool is not a reason. */
  unready(): Promise<string[]>;
  /** Tokens by health, shown in /ready. */
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
export function openapiRoute(document: () => Promise<object>) {
  return new Elysia({ name: "openapi" }).get("/openapi.json", async () => Response.json(await document()), {
    detail: { tags: ["System"], summary: "This document" },
  });
}
