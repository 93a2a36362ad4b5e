// Overview route: live activity and alerts, usage plots.
import { Elysia } from "elysia";
import { OverviewLive, OverviewPage } from "../../views/overview/overview.tsx";
import { type OverviewDependencies, readOverview, readOverviewPlots } from "../gateway/reports/overview.ts";
import type { AdminContext } from "./context.ts";
import { live } from "./live.ts";
import { page } from "./page.ts";

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
    );
};
