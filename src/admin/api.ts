// API reference route, made from the OpenAPI document.
import { Elysia } from "elysia";
import { ApiPage } from "../../views/api.tsx";
import type { Kind } from "../domain/generation.ts";
import { describeDialects } from "../gateway/reports/api-reference.ts";
import type { AdminContext } from "./context.ts";
import { page } from "./page.ts";

export const apiRoutes = (ctx: AdminContext) =>
  new Elysia({ prefix: "/api" }).get("/", async ({ request, query }) => {
    const origin = ctx.originOf(request);
    const surfaces = describeDialects(await ctx.apiDocument(), {
      origin,
      imageModel: exampleModel(ctx, "image"),
      videoModel: exampleModel(ctx, "video"),
    });
    const current = typeof query.surface === "string" ? query.surface : "";
    return page(ctx, request, (view) => ({ title: view.t.api.title, nav: "api", body: ApiPage({ view, surfaces, current, origin }) }));
  });

/** A family that works here; the recommended one where none does. */
function exampleModel({ catalogue, pool }: AdminContext, kind: Kind): string {
  const all = catalogue().families(kind);
  return (all.find(({ id }) => pool.canServe(kind, id)) ?? all[0]!).id;
}
