// Overview route: live activity and alerts, usage plots.
import { Elysia } from "elysia";
import { OverviewLive, OverviewPage } from "../../views/overview.tsx";
import { AppError } from "../errors.ts";
import { type OverviewDependencies, readOverview, readOverviewPlots } from "../gateway/reports/overview.ts";
import type { AdminContext } from "./context.ts";
import { live } from "./live.ts";
import { goTo, page, viewOf } from "./page.ts";

export const overviewRoutes = (ctx: AdminContext) => {
  const deps: OverviewDependencies = { ...ctx, settings: ctx.settings.current, now: ctx.clock.now };
  return new Elysia()
    .get("/", async ({ request }) => {
      const [look, plots] = await Promise.all([readOverview(deps), readOverviewPlots(deps)]);
      const origin = ctx.originOf(request);
      return page(ctx, request, (view) => ({
        title: view.t.overview.title,
        nav: "overview",
        body: OverviewPage({ view, look, plots, origin }),
      }));
    })
    .get("/events/overview", ({ request, server }) =>
      live(ctx, { request, server }, async (view) => OverviewLive({ view, look: await readOverview(deps) })),
    )
    .post("/overview/tokens/:id/cooldown", async ({ request, params }) => {
      const id = Number(params.id);
      const token = ctx.pool.view(id);
      if (!token || !ctx.pool.clearCooldown(id)) throw new AppError("not_found", `There is no token ${params.id}.`);
      const { address } = ctx.sessionContextOf(request);
      await ctx.audit.record({ action: "token.clear", subject: `token ${id}`, before: { health: token.health } }, { address });
      return goTo(ctx, request, "/admin", { text: viewOf(ctx, request).t.overview.cleared(token.label) });
    });
};
