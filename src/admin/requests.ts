// Request log routes: pages, live rows, one request, CSV.

import { Elysia } from "elysia";
import type { ShownRequest } from "../../views/requests/outcome.tsx";
import { RequestPage } from "../../views/requests/request.tsx";
import { OpenRequestPage } from "../../views/requests/request-open.tsx";
import { PausedHint, RequestRows, RequestsPage } from "../../views/requests/requests.tsx";
import { callReason, failureReason, type RequestRow } from "../domain/request.ts";
import { AppError } from "../errors.ts";
import { downloadSlices } from "../gateway/reports/download.ts";
import { readRequestQuery } from "../gateway/reports/request-query.ts";
import { filterOf, findRequest, pageOfRequests, requestsCsv } from "../gateway/reports/requests.ts";
import { requestsLike } from "../gateway/reports/requests-like.ts";
import { fieldTime, timeIn } from "../gateway/reports/time-zone.ts";
import type { AdminContext } from "./context.ts";
import { follow } from "./live.ts";
import { keyChoices, tokenLabels } from "./names.ts";
import { fragment, page, timeZoneOf, viewOf } from "./page.ts";

const PAGE_ROWS = 50;
/** Rows that one poll of those who follow brings at most. */
const FOLLOW_ROWS = 50;
const MAX_THUMBS = 24;

const queryOf = (request: Request) => readRequestQuery(new URL(request.url).searchParams);

const readerOf = (ctx: AdminContext, request: Request) => ({ now: ctx.clock.now(), timeZone: timeZoneOf(request) });

export const requestRoutes = (ctx: AdminContext) =>
  new Elysia()
    .get("/requests", async ({ request }) => {
      const query = queryOf(request);
      const reader = readerOf(ctx, request);
      const [{ rows, next }, [newest]] = await Promise.all([
        pageOfRequests(ctx, query, { size: PAGE_ROWS, ...reader }),
        ctx.requests.list({ limit: 1 }),
      ]);
      const tokenId = query.token === undefined ? null : Number(query.token);
      const field = (text: string | undefined) => {
        const time = timeIn(text, reader.timeZone);
        return time === null ? "" : fieldTime(time, reader.timeZone);
      };
      const data = {
        query,
        times: { from: field(query.from), to: field(query.to) },
        rows: rows.map((row) => named(ctx, row)),
        next,
        newest: newest?.id ?? null,
        keys: await keyChoices(ctx, query.key ?? ""),
        tokenName: tokenId === null ? null : tokenName(ctx, request, tokenId),
        models: [...ctx.catalogue().families("image"), ...ctx.catalogue().families("video")].map(({ id }) => id),
        isRecording: ctx.settings.current().requests.record_payloads,
      };
      return page(ctx, request, (view) => ({ title: view.t.requests.title, nav: "requests", body: RequestsPage({ view, data }) }));
    })
    .get("/requests/csv", async ({ request, server }) => {
      const filter = await filterOf(ctx, { ...queryOf(request), before: undefined }, readerOf(ctx, request));
      const name = `requests-${new Date(ctx.clock.now()).toISOString().slice(0, 10)}.csv`;
      return downloadSlices({ request, server }, name, "text/csv", requestsCsv(ctx, filter));
    })
    .get("/requests/paused", ({ request }) => fragment(ctx, request, (view) => PausedHint({ view, query: queryOf(request) })))
    .get("/events/requests", async ({ request, server }) => {
      const filter = await filterOf(ctx, { ...queryOf(request), before: undefined }, readerOf(ctx, request));
      const from = new URL(request.url).searchParams.get("after");
      return follow(ctx, { request, server }, async (view, seen) => {
        const after = seen ?? from;
        const rows = await ctx.requests.list({ ...filter, ...(after ? { after } : {}), limit: FOLLOW_ROWS });
        const [newest] = rows;
        return newest ? { id: newest.id, content: RequestRows({ view, rows: rows.map((row) => named(ctx, row)) }) } : null;
      });
    })
    .get("/requests/:id", async ({ request, params }) => {
      const found = await findRequest(ctx, params.id);
      if (!found) throw new AppError("not_found", viewOf(ctx, request).t.requests.none);
      return "open" in found ? openPage(ctx, request, found.open) : endedPage(ctx, request, found.row);
    });

async function endedPage(ctx: AdminContext, request: Request, row: RequestRow): Promise<Response> {
  const [media, job, like] = await Promise.all([
    Promise.all(row.mediaIds.slice(0, MAX_THUMBS).map((id) => ctx.media.get(id))),
    ctx.store.findJob(row.id),
    requestsLike(ctx.requests, row, ctx.clock.now()),
  ]);
  const labels = tokenLabels(ctx);
  const data = {
    row: named(ctx, row),
    attempts: row.attempts.map((attempt) => ({ ...attempt, why: callReason(attempt), label: labels.get(attempt.tokenId) ?? null })),
    media: media.filter((one) => one !== null),
    job: job && { id: job.id, state: job.state },
    like: like && { ...like, tokens: like.tokens.map((one) => ({ ...one, label: labels.get(one.tokenId) ?? null })) },
    isRecording: ctx.settings.current().requests.record_payloads,
  };
  return page(ctx, request, (view) => ({ title: view.t.requests.oneTitle, nav: "requests", body: RequestPage({ view, data }) }));
}

type Open = Extract<NonNullable<Awaited<ReturnType<typeof findRequest>>>, { open: unknown }>["open"];

function openPage(ctx: AdminContext, request: Request, open: Open): Promise<Response> {
  const { keyId } = open.row;
  const data = { ...open, keyName: keyId === null ? null : (ctx.keys.get(keyId)?.name ?? null) };
  return page(ctx, request, (view) => ({ title: view.t.requests.oneTitle, nav: "requests", body: OpenRequestPage({ view, data }) }));
}

function named(ctx: AdminContext, row: RequestRow): ShownRequest {
  const last = row.attempts.at(-1);
  return {
    ...row,
    why: row.outcome === "ok" ? null : failureReason(row),
    keyName: row.keyId === null ? null : (ctx.keys.get(row.keyId)?.name ?? null),
    tokenLabel: last ? (tokenLabels(ctx).get(last.tokenId) ?? null) : null,
  };
}

const tokenName = (ctx: AdminContext, request: Request, id: number) => tokenLabels(ctx).get(id) ?? viewOf(ctx, request).t.requests.gone(id);
