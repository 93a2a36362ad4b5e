// Search route: one search over everything, as a page and as what is found while one types.
import { Elysia } from "elysia";
import { FoundParts, SearchPage } from "../../views/search.tsx";
import { type FoundPage, pagesLike } from "../../views/search-pages.ts";
import { failureReason } from "../domain/request.ts";
import { type Found, searchAll } from "../gateway/reports/search.ts";
import type { AdminContext } from "./context.ts";
import { tokenLabels } from "./names.ts";
import { fragment, goTo, isHtmx, page, timeZoneOf, viewOf } from "./page.ts";

const MAX_TEXT = 200;

export const searchRoutes = (ctx: AdminContext) =>
  new Elysia().get("/search", async ({ request }) => {
    const text = (new URL(request.url).searchParams.get("q") ?? "").trim().slice(0, MAX_TEXT);
    const query = new URL(request.url).searchParams;
    const view = viewOf(ctx, request);
    const pages = pagesLike(view, text);
    const found = await searchAll(ctx, text, { now: ctx.clock.now(), timeZone: timeZoneOf(request) });
    const target = query.has("go") ? targetOf(found, pages, text) : null;
    if (target) return goTo(ctx, request, target);
    const labels = tokenLabels(ctx);
    const requests = found.requests.map((row) => ({
      ...row,
      why: row.outcome === "ok" ? null : failureReason(row),
      keyName: row.keyId === null ? null : (ctx.keys.get(row.keyId)?.name ?? null),
      tokenLabel: labels.get(row.attempts.at(-1)?.tokenId ?? 0) ?? null,
    }));
    const data = { ...found, pages, text, requests, isRecording: ctx.settings.current().requests.record_payloads };
    if (isHtmx(request)) return fragment(ctx, request, (view) => FoundParts({ view, data }));
    return page(ctx, request, (view) => ({ title: view.t.search.title, nav: "overview", body: SearchPage({ view, data }) }));
  });

/** Where the box of the frame leads at once: the one thing with this id, or the one page of this name. Null: what was found is shown. */
function targetOf({ requests, jobs, media, keys, tokens }: Found, pages: readonly FoundPage[], text: string): string | null {
  const [request] = requests;
  if (request?.id === text) return `/admin/requests/${encodeURIComponent(text)}`;
  const [job] = jobs;
  if (job?.id === text) return `/admin/jobs/${encodeURIComponent(text)}`;
  if (job?.requestId === text) return `/admin/requests/${encodeURIComponent(text)}`;
  const [item] = media;
  if (item?.id === text) return `/admin/gallery/${encodeURIComponent(text)}`;
  const others = keys.length + tokens.length + requests.length;
  return pages.length === 1 && others === 0 ? pages[0]!.href : null;
}
