// Request log routes: pages, live rows, one request.

import { Elysia } from "elysia";
import { RequestPage } from "../../views/requests/request.tsx";
import { PausedHint, type RequestQuery, RequestRows, RequestsPage, type ShownRequest } from "../../views/requests/requests.tsx";
import type { RequestFilter, RequestRow } from "../domain/request.ts";
import { AppError } from "../errors.ts";
import type { AdminContext } from "./context.ts";
import { follow } from "./live.ts";
import { keyChoices, tokenLabels } from "./names.ts";
import { fragment, page, viewOf } from "./page.ts";

const PAGE_ROWS = 50;
/** Rows that one poll of those who follow brings at most. */
const FOLLOW_ROWS = 50;
const MAX_THUMBS = 24;

export const requestRoutes = (ctx: AdminContext) =>
  new Elysia()
    .get("/requests", async ({ request }) => {
      const query = queryOf(request);
      const filter = filterOf(query);
      const [rows, [newest]] = await Promise.all([ctx.requests.list({ ...filter, limit: PAGE_ROWS + 1 }), ctx.requests.list({ limit: 1 })]);
      const shown = rows.slice(0, PAGE_ROWS);
      const data = {
        query,
        rows: shown.map((row) => named(ctx, row)),
        next: rows.length > PAGE_ROWS ? shown.at(-1)!.id : null,
        newest: newest?.id ?? null,
        keys: await keyChoices(ctx, query.key ?? ""),
        tokenName: filter.tokenId === undefined ? null : tokenName(ctx, request, filter.tokenId),
        models: [...ctx.catalogue().families("image"), ...ctx.catalogue().families("video")].map(({ id }) => id),
      };
      return page(ctx, request, (view) => ({ title: view.t.requests.title, nav: "requests", body: RequestsPage({ view, data }) }));
    })
    .get("/requests/paused", ({ request }) => fragment(ctx, request, (view) => PausedHint({ view, query: queryOf(request) })))
    .get("/events/requests", ({ request, server }) => {
      const filter = filterOf({ ...queryOf(request), before: undefined });
      const from = textOf(request, "after");
      return follow(ctx, { request, server }, async (view, seen) => {
        const after = seen ?? from;
        const rows = await ctx.requests.list({ ...filter, ...(after ? { after } : {}), limit: FOLLOW_ROWS });
        const [newest] = rows;
        return newest ? { id: newest.id, content: RequestRows({ view, rows: rows.map((row) => named(ctx, row)) }) } : null;
      });
    })
    .get("/requests/:id", async ({ request, params }) => {
      const row = await ctx.requests.get(params.id);
      if (!row) throw new AppError("not_found", viewOf(ctx, request).t.requests.none);
      const media = await Promise.all(row.mediaIds.slice(0, MAX_THUMBS).map((id) => ctx.media.get(id)));
      const data = {
        row: named(ctx, row),
        attempts: row.attempts.map((attempt) => ({ ...attempt, label: tokenLabels(ctx).get(attempt.tokenId) ?? null })),
        media: media.filter((one) => one !== null),
        isRecording: ctx.settings.current().requests.record_payloads,
      };
      return page(ctx, request, (view) => ({ title: view.t.requests.oneTitle, nav: "requests", body: RequestPage({ view, data }) }));
    });

const FIELDS = ["q", "outcome", "kind", "key", "token", "model", "from", "to", "before"] as const;

const textOf = (request: Request, name: string) => (new URL(request.url).searchParams.get(name) ?? "").trim().slice(0, 200);

/** The fields that say something. */
function queryOf(request: Request): RequestQuery {
  return Object.fromEntries(FIELDS.map((name) => [name, textOf(request, name)]).filter(([, value]) => value !== ""));
}

function filterOf({ q, outcome, kind, key, token, model, from, to, before }: RequestQuery): Omit<RequestFilter, "limit"> {
  const filter = {
    text: q,
    outcome: outcome === "failed" ? undefined : outcome,
    failed: outcome === "failed" || undefined,
    kind: kind === "image" || kind === "video" ? kind : undefined,
    keyId: idOf(key),
    tokenId: idOf(token),
    model,
    from: timeOf(from),
    to: timeOf(to),
    before,
  } satisfies Omit<RequestFilter, "limit">;
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

const idOf = (text: string | undefined) => (text && /^\d{1,15}$/.test(text) ? Number(text) : undefined);

/** `2026-11-23T14:00` in UTC, as a field of date and time has it. */
function timeOf(text: string | undefined): number | undefined {
  const time = text && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  return Number.isFinite(time) ? time : undefined;
}

function named(ctx: AdminContext, row: RequestRow): ShownRequest {
  const last = row.attempts.at(-1);
  return {
    ...row,
    keyName: row.keyId === null ? null : (ctx.keys.get(row.keyId)?.name ?? null),
    tokenLabel: last ? (tokenLabels(ctx).get(last.tokenId) ?? null) : null,
  };
}

const tokenName = (ctx: AdminContext, request: Request, id: number) => tokenLabels(ctx).get(id) ?? viewOf(ctx, request).t.requests.gone(id);
