// Admin API: files for spreadsheets and programs: requests, usage, usage for billing, tokens without their secrets.
import { t } from "elysia";
import type { KeyDay } from "../../db/ledger.ts";
import { billingCsv, pageOfBilling, positionText, readPosition } from "../../gateway/reports/billing.ts";
import { downloadSlices, downloadText } from "../../gateway/reports/download.ts";
import { requestsCsv } from "../../gateway/reports/requests.ts";
import { readUsageBy, sortUsage, type UsageGroup, type UsageRange, usageCsv } from "../../gateway/reports/usage.ts";
import { exportTokens, TOKEN_FORMATS } from "../../gateway/tokens/export-tokens.ts";
import { matchingIds, readTokenQuery } from "../../gateway/tokens/list-tokens.ts";
import type { AdminApiContext } from "./context.ts";
import { REQUEST_FILTERS, requestFilterOf, USAGE_QUERY, usageRangeOf } from "./requests.ts";
import { type ApiRoute, badCursor, isoOf, PAGE_ROWS, PAGING, pageOf, route } from "./route.ts";
import { oneOf, whole } from "./schemas.ts";
import { FILTERS, poolOf } from "./tokens.ts";

const CSV = "text/csv";

const { span, from, to, key_id, model } = USAGE_QUERY;
const BILLING_QUERY = { span, from, to, key_id, model };

const BILLED = t.Object({
  day: t.String({ description: "UTC day, e.g. 2026-11-30" }),
  key_id: whole(),
  key: t.String(),
  model: t.String(),
  requests: whole(),
  errors: whole(),
  images: whole(),
  video_seconds: t.Number(),
  input_tokens: whole(),
  output_tokens: whole(),
  usd: t.Number(),
});

const dayOf = (time: number) => isoOf(time).slice(0, 10);
const daysOf = (range: UsageRange) => `${dayOf(range.from)}-${dayOf(range.to - 1)}`;

export function exportRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { keys, pool, store, clock } = ctx;
  const keyName = (id: number) => keys.get(id)?.name ?? `key ${id}`;
  const nameOf = (by: UsageGroup) => (group: string | number) => {
    if (by === "key") return keyName(Number(group));
    if (by === "token") return pool.view(Number(group))?.label ?? `token ${group}`;
    return by === "day" ? dayOf(Number(group)) : String(group);
  };
  const showBilled = ({ day, keyId, family, requests, errors, images, videoSeconds, inputTokens, outputTokens, usd }: KeyDay) => ({
    ...{ day: dayOf(day), key_id: keyId, key: keyName(keyId), model: family, requests, errors, images, video_seconds: videoSeconds },
    ...{ input_tokens: inputTokens, output_tokens: outputTokens, usd },
  });
  return [
    route({
      ...{ method: "GET", path: "/requests/export", tag: "Requests", summary: "The request log as CSV, newest first, without an end" },
      query: t.Object(REQUEST_FILTERS),
      response: { type: CSV },
      run: ({ request, query }) =>
        downloadSlices({ request, server: null }, `requests-${dayOf(clock.now())}.csv`, CSV, requestsCsv(ctx, requestFilterOf(query))),
    }),
    route({
      ...{ method: "GET", path: "/usage/export", tag: "Usage", summary: "Sums of a time as CSV, by day, model, key or token" },
      query: t.Object(USAGE_QUERY),
      response: { type: CSV },
      async run({ query: { by = "day", key_id: key, token_id: token, model, ...days } }) {
        const range = usageRangeOf({ by, key, token, ...days }, clock.now());
        const rows = sortUsage(
          await readUsageBy(store, by, range, { key, token, model }),
          by === "day" ? "group" : "requests",
          by !== "day",
        );
        return downloadText(`usage-by-${by}-${daysOf(range)}.csv`, CSV, usageCsv(by, rows, nameOf(by)));
      },
    }),
    route({
      ...{ method: "GET", path: "/usage/billing", tag: "Usage", summary: "What each key used of each model on each day, in that order" },
      query: t.Object({ ...PAGING, ...BILLING_QUERY }),
      response: pageOf(BILLED),
      async run({ query: { limit = PAGE_ROWS, cursor, key_id: key, model, ...days } }) {
        const after = readPosition(cursor ?? null);
        if (cursor !== undefined && !after) throw badCursor();
        const range = usageRangeOf(days, clock.now());
        const { rows, next } = await pageOfBilling(store, { ...range, key, model }, { after, size: limit });
        return { data: rows.map(showBilled), next: next && positionText(next) };
      },
    }),
    route({
      ...{ method: "GET", path: "/usage/billing/export", tag: "Usage", summary: "The same as CSV, whole" },
      query: t.Object(BILLING_QUERY),
      response: { type: CSV },
      run({ request, query: { key_id: key, model, ...days } }) {
        const range = usageRangeOf(days, clock.now());
        const slices = billingCsv(store, { ...range, key, model }, keyName);
        return downloadSlices({ request, server: null }, `usage-billing-${daysOf(range)}.csv`, CSV, slices);
      },
    }),
    route({
      ...{ method: "GET", path: "/tokens/export", tag: "Tokens", summary: "Tokens as a file that an import reads, without their secrets" },
      query: t.Object({ ...FILTERS, format: t.Optional(oneOf(TOKEN_FORMATS)) }),
      response: { type: "application/json, or text/csv with `format=csv`" },
      run({ query: { format = "json", ...filter } }) {
        const states = poolOf(ctx).states();
        const ids = new Set(matchingIds(states, readTokenQuery(new URLSearchParams(filter as Record<string, string>))));
        const rows = states.map(({ row }) => row).filter(({ id }) => ids.has(id));
        const type = format === "json" ? "application/json" : CSV;
        return downloadText(`tokens-${dayOf(clock.now())}.${format}`, type, exportTokens(rows, format));
      },
    }),
  ];
}
