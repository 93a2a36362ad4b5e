// Overview routes: the page, its live parts, and the cancellation of what runs or waits.
import { Elysia } from "elysia";
import { OverviewPage, overviewParts } from "../../views/overview/overview.tsx";
import { WorkSection } from "../../views/overview/work.tsx";
import { cancelWork } from "../gateway/jobs/cancel-work.ts";
import { readActivity } from "../gateway/reports/activity.ts";
import { OverviewReader } from "../gateway/reports/overview.ts";
import { startOfDayIn } from "../gateway/reports/time-zone.ts";
import type { AdminContext } from "./context.ts";
import { liveParts } from "./live.ts";
import { changed, page, timeZoneOf, viewOf } from "./page.ts";
import { SharedParts } from "./shared-parts.ts";

export const overviewRoutes = (ctx: AdminContext) => {
  const { now } = ctx.clock;
  const reader = new OverviewReader({ ...ctx, settings: ctx.settings.current, now });
  const shared = new SharedParts(now);
  const startOfDay = (zone: string | null) => startOfDayIn(now(), zone);
  return new Elysia()
    .get("/", async ({ request }) => {
      const look = await reader.read(startOfDay(timeZoneOf(request)));
      const origin = ctx.originOf(request);
      return page(ctx, request, (view) => ({ title: view.t.overview.title, nav: "overview", body: OverviewPage({ view, look, origin }) }));
    })
    .get("/events/overview", ({ request, server }) =>
      liveParts(ctx, { request, server }, (view, isFirst) => {
        const from = startOfDay(view.timeZone);
        return shared.read(view, { name: `${from}`, page: "/admin", isFirst }, async (rendered) =>
          overviewParts(rendered, await reader.read(from)),
        );
      }),
    )
    .post("/overview/requests/:id/cancel", async ({ request, params }) => {
      const cancellation = await cancelWork(ctx, params.id);
      const subject = params.id.startsWith("req_") ? `request ${params.id}` : `job ${params.id}`;
      if (cancellation !== "over")
        await ctx.audit.record({ action: "request.cancel", subject, after: { cancellation } }, ctx.sessionContextOf(request));
      const work = await readActivity(ctx);
      return changed(ctx, request, {
        location: "/admin",
        notice: { text: viewOf(ctx, request).t.overview.work.cancelled[cancellation] },
        content: (view) => WorkSection({ view, work }),
      });
    });
};
