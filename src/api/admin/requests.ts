// Admin API: the request log, cancelling what runs, usage.
import { type Static, t } from "elysia";
import { failureReason, type RequestFilter, type RequestRow } from "../../domain/request.ts";
import { AppError } from "../../errors.ts";
import { cancelWork } from "../../gateway/jobs/cancel-work.ts";
import {
  parseUsageRange,
  readUsageBy,
  readUsageTotal,
  sortUsage,
  USAGE_GROUPS,
  USAGE_SPANS,
  type UsageGroup,
  type UsageRange,
} from "../../gateway/reports/usage.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, isoOf, PAGE_ROWS, PAGING, pageOf, route, TIME, timeOf } from "./route.ts";
import { ANYTHING, oneOf, orNull, showUsage, USAGE_FIELDS, whole } from "./schemas.ts";

const KINDS = ["image", "video"] as const;

const ATTEMPT = t.Object({
  token_id: whole(),
  provider: t.String(),
  family: t.String(),
  started_at: TIME,
  ms: t.Number(),
  outcome: t.String(),
  reason: orNull(t.String()),
  upstream_status: orNull(whole()),
});

const REQUEST = t.Object({
  id: t.String(),
  at: TIME,
  ms: t.Number(),
  dialect: t.String(),
  route: t.String(),
  key_id: orNull(whole()),
  model: t.String(),
  family: orNull(t.String()),
  kind: orNull(oneOf(KINDS)),
  outcome: t.String({ description: "`ok`, or the kind of the failure" }),
  reason: orNull(t.String({ description: "Why it failed, more exactly" })),
  message: orNull(t.String()),
  images: whole(),
  video_seconds: t.Number(),
  input_tokens: whole(),
  output_tokens: whole(),
  usd: t.Number(),
  stream: t.Boolean(),
  media_ids: t.Array(t.String()),
  attempts: t.Array(ATTEMPT),
});

const showRequest = (row: RequestRow) => ({
  ...{ id: row.id, at: isoOf(row.at), ms: row.ms, dialect: row.dialect, route: row.route, key_id: row.keyId, model: row.model },
  ...{ family: row.family, kind: row.kind, outcome: row.outcome, message: row.message, images: row.images, usd: row.usd },
  ...{ reason: row.outcome === "ok" ? null : failureReason(row), video_seconds: row.videoSeconds, input_tokens: row.inputTokens },
  ...{ output_tokens: row.outputTokens, stream: row.stream, media_ids: row.mediaIds },
  attempts: row.attempts.map(({ tokenId, startedAt, upstreamStatus, ...rest }) => ({
    ...rest,
    ...{ token_id: tokenId, started_at: isoOf(startedAt), upstream_status: upstreamStatus },
  })),
});

/** What the log can be narrowed by. */
export const REQUEST_FILTERS = {
  q: t.Optional(t.String({ minLength: 1, maxLength: 200, description: "Words of model, message and recorded prompt, or an id" })),
  outcome: t.Optional(t.String({ minLength: 1, maxLength: 60 })),
  failed: t.Optional(t.Boolean({ description: "Only failures" })),
  reason: t.Optional(t.String({ minLength: 1, maxLength: 60 })),
  kind: t.Optional(oneOf(KINDS)),
  key_id: t.Optional(whole({ minimum: 1 })),
  token_id: t.Optional(whole({ minimum: 1 })),
  model: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
  from: t.Optional(t.String({ description: "Ended at or after, e.g. 2026-11-30T12:00:00Z" })),
  to: t.Optional(t.String({ description: "Ended before" })),
};

const FILTER = t.Object(REQUEST_FILTERS);

/** @throws {AppError} `invalid_request` for a time that is none */
export function requestFilterOf({ q, key_id, token_id, from, to, failed, outcome, reason, kind, model }: Static<typeof FILTER>) {
  const filter = {
    ...{ text: q, keyId: key_id, tokenId: token_id, failed: failed || undefined, outcome, reason, kind, model },
    ...{ from: timeOf(from, "from"), to: timeOf(to, "to") },
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as Omit<RequestFilter, "limit">;
}

/** Of usage: by what, of which days, of whom. */
export const USAGE_QUERY = {
  by: t.Optional(oneOf(USAGE_GROUPS)),
  span: t.Optional(oneOf(USAGE_SPANS)),
  from: t.Optional(t.String({ description: "First UTC day, e.g. 2026-11-01; with `span=custom`" })),
  to: t.Optional(t.String({ description: "Last UTC day" })),
  key_id: t.Optional(whole({ minimum: 1 })),
  token_id: t.Optional(whole({ minimum: 1 })),
  model: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
};

type UsageSpan = { by?: UsageGroup; span?: string; from?: string; to?: string; key?: number; token?: number };

/** @throws {AppError} `invalid_request` */
export function usageRangeOf({ by, span, from, to, key, token }: UsageSpan, now: number): UsageRange {
  const refuse = (message: string, param: string) => new AppError("invalid_request", message, { param, reason: "invalid_value" });
  if (key !== undefined && token !== undefined) throw refuse("token_id cannot be combined with key_id.", "token_id");
  if ((key ?? token) !== undefined && (by === "key" || by === "token")) throw refuse("by must be day or model for one key or token.", "by");
  const isCustom = from !== undefined || to !== undefined || span === "custom";
  for (const [name, day] of Object.entries({ from, to }))
    if (day !== undefined && !/^\d{4}-\d\d-\d\d$/.test(day)) throw refuse(`${name} must be a day like 2026-11-30.`, name);
  if (isCustom && from === undefined) throw refuse("from is needed for a span of your own.", "from");
  return parseUsageRange({ span: isCustom ? "custom" : (span ?? "30"), from, to }, now);
}

export const requestRoutes = (ctx: AdminApiContext): ApiRoute[] => [
  route({
    ...{ method: "GET", path: "/requests", tag: "Requests", summary: "The request log, newest first" },
    query: t.Object({ ...PAGING, ...REQUEST_FILTERS }),
    response: pageOf(REQUEST),
    async run({ query: { limit = PAGE_ROWS, cursor, ...filter } }) {
      const rows = await ctx.requests.list({ ...requestFilterOf(filter), ...(cursor ? { before: cursor } : {}), limit: limit + 1 });
      const data = rows.slice(0, limit);
      return { data: data.map(showRequest), next: rows.length > limit ? data.at(-1)!.id : null };
    },
  }),
  route({
    ...{ method: "GET", path: "/requests/{id}", tag: "Requests", summary: "One request, with its prompt where that is recorded" },
    response: t.Object({
      ...REQUEST.properties,
      payload: orNull(t.Object({ prompt: t.String(), parameters: ANYTHING })),
    }),
    async run({ params }) {
      const row = await ctx.requests.get(params.id!);
      if (!row) throw new AppError("not_found", `There is no request ${params.id!.slice(0, 80)}.`, { param: "id" });
      return { ...showRequest(row), payload: row.payload ?? null };
    },
  }),
  route({
    ...{ method: "POST", path: "/requests/{id}/cancel", tag: "Requests", summary: "Cancel a request that runs or waits" },
    response: t.Object({
      id: t.String(),
      outcome: t.String({ description: "`over`: it had ended; `finishes`: it is paid for and ends by itself; else it is stopped" }),
    }),
    async run({ params, by }) {
      const id = params.id!;
      if (!/^req_[a-z2-7]{1,40}$/.test(id)) throw new AppError("not_found", `There is no request ${id.slice(0, 80)}.`, { param: "id" });
      const outcome = await cancelWork(ctx, id);
      await ctx.audit.record({ action: "request.cancel", subject: `request ${id}`, after: { outcome } }, by);
      return { id, outcome };
    },
  }),
  route({
    ...{ method: "GET", path: "/usage", tag: "Usage", summary: "Sums of a time, by day, model, key or token" },
    query: t.Object(USAGE_QUERY),
    response: t.Object({
      from: TIME,
      to: TIME,
      by: oneOf(USAGE_GROUPS),
      total: t.Object(USAGE_FIELDS),
      data: t.Array(t.Object({ group: t.String({ description: "A UTC day, a model, or the id of a key or token" }), ...USAGE_FIELDS })),
    }),
    async run({ query: { by = "day", span, from, to, key_id: key, token_id: token, model } }) {
      const range = usageRangeOf({ by, span, from, to, key, token }, ctx.clock.now());
      const [total, rows] = await Promise.all([
        readUsageTotal(ctx.store, range, { key, token, model }),
        readUsageBy(ctx.store, by, range, { key, token, model }),
      ]);
      const nameOf = (group: string | number) => (by === "day" ? isoOf(Number(group)).slice(0, 10) : String(group));
      const data = sortUsage(rows, by === "day" ? "group" : "requests", by !== "day").map((row) => ({
        group: nameOf(row.group),
        ...showUsage(row),
      }));
      return { from: isoOf(range.from), to: isoOf(range.to), by, total: showUsage(total), data };
    },
  }),
];
