// The overview: what happens now, live, and what needs the operator's hand.
import { Elysia } from "elysia";
import { type Need, type OverviewData, OverviewLive, OverviewPage } from "../../views/overview.tsx";
import { AppError } from "../errors.ts";
import { nextStep } from "../gateway/first-steps.ts";
import type { AdminContext } from "./context.ts";
import { live } from "./live.ts";
import { goTo, page, viewOf } from "./page.ts";

/** Tokens shown as needing a hand; the page of tokens has them all. */
const MAX_TOKENS_SHOWN = 8;

export const overviewRoutes = (ctx: AdminContext) =>
  new Elysia()
    .get("/", async ({ request }) => {
      const data = await overviewData(ctx);
      return page(ctx, request, (view) => ({ title: view.t.overview.title, nav: "overview", body: OverviewPage({ view, data }) }));
    })
    .get("/events/overview", ({ request, server }) =>
      live(ctx, { request, server }, async (view) => OverviewLive({ view, data: await overviewData(ctx) })),
    )
    .post("/overview/tokens/:id/cooldown", async ({ request, params }) => {
      const id = Number(params.id);
      const token = ctx.pool.snapshot().find((one) => one.id === id);
      if (!token || !ctx.pool.clearCooldown(id)) throw new AppError("not_found", `There is no token ${params.id}.`);
      const { address } = ctx.visitorOf(request);
      await ctx.audit.record({ action: "token.clear", subject: `token ${id}`, before: { health: token.health } }, { address });
      return goTo(ctx, request, "/admin", { text: viewOf(ctx, request).t.overview.cleared(token.label) });
    });

async function overviewData({ pool, store, keys }: AdminContext): Promise<OverviewData> {
  const { inFlight, queued, tokens, networkTroubleSince } = pool.gauges();
  const total = tokens.healthy + tokens.cooling + tokens.blocked + tokens.disabled;
  const needs: Need[] = [];
  if (total === 0 && (await nextStep(store)) !== null) needs.push({ kind: "unfinished" });
  else if (total === 0) needs.push({ kind: "noTokens" });
  if (keys.count() === 0) needs.push({ kind: "noKeys" });
  if (networkTroubleSince !== null) needs.push({ kind: "networkDown" });
  if (total > tokens.disabled && tokens.healthy === 0) needs.push({ kind: "allHeld" });
  if (tokens.blocked > 0) needs.push(...blockedTokens(pool));
  return { now: { inFlight, queued, tokens }, needs };
}

function blockedTokens(pool: AdminContext["pool"]): Need[] {
  const blocked = pool.snapshot().filter(({ health }) => health.state === "blocked");
  return blocked
    .slice(0, MAX_TOKENS_SHOWN)
    .map(({ id, label, health }) => ({ kind: "token", id, label, state: "blocked", reason: health.reason, until: health.until }));
}
