// Usage routes: sums by day, model, key and token, and CSV.

import { Elysia } from "elysia";
import { BillingPage } from "../../views/usage/billing.tsx";
import { UsagePage } from "../../views/usage/usage.tsx";
import type { UsageAddress } from "../../views/usage/usage-address.ts";
import type { UsageRow } from "../db/ledger.ts";
import type { FailureQuery } from "../domain/request.ts";
import { billingCsv, pageOfBilling, positionText, readPosition } from "../gateway/reports/billing.ts";
import { downloadSlices, downloadText } from "../gateway/reports/download.ts";
import {
  parseUsageRange,
  readUsageBy,
  readUsageByKind,
  readUsageTotal,
  sortUsage,
  USAGE_GROUPS,
  USAGE_SORTS,
  UsageCache,
  type UsageFilter,
  usageCsv,
} from "../gateway/reports/usage.ts";
import type { AdminContext } from "./context.ts";
import { page, viewOf } from "./page.ts";

/** Rows of a table at most; the file has all. */
const MAX_ROWS = 100;
const BILLING_ROWS = 50;
/** What a table is first sorted by: who spent most, and which token failed most. */
const FIRST_SORT = { day: "group", model: "requests", key: "usd", token: "errors" } as const;
/** What the table can be put together by. */
const GROUPS = [...USAGE_GROUPS, "reason"] as const;

export const usageRoutes = (ctx: AdminContext) => {
  const book = new UsageCache({ store: ctx.store, now: ctx.clock.now });
  return new Elysia({ prefix: "/usage" })
    .get("/", async ({ request }) => {
      const at = addressOf(ctx, request);
      const only = narrowingOf(at);
      const by = at.by === "reason" ? null : at.by;
      const [total, along, sums, reasons] = await Promise.all([
        readUsageTotal(ctx.store, at.range, only),
        by === null ? { all: [], image: [], video: [] } : readUsageByKind(ctx.store, at.range, only, ctx.catalogue().idsByKind()),
        by === null ? [] : book.by(by, at.range, only),
        by === null ? ctx.requests.failures(failuresOf(at)) : null,
      ]);
      const nameOf = namesOf(ctx, request, at.by);
      const rows = sortUsage(sums, at.sort, at.descending)
        .slice(0, MAX_ROWS)
        .map((row) => ({ ...row, name: nameOf(row.group) }));
      const data = { ...at, total, along, rows, all: sums.length, reasons, models: modelsOf(ctx) };
      return page(ctx, request, (view) => ({ title: view.t.usage.title, nav: "usage", body: UsagePage({ view, data }) }));
    })
    .get("/csv", async ({ request }) => {
      const at = addressOf(ctx, request);
      const by = at.by === "reason" ? "day" : at.by;
      const rows = await readUsageBy(ctx.store, by, at.range, narrowingOf(at));
      const name = `usage-by-${by}-${daysOf(at)}.csv`;
      return downloadText(name, "text/csv", usageCsv(by, sortUsage(rows, at.sort, at.descending), namesOf(ctx, request, by)));
    })
    .get("/billing", async ({ request }) => {
      const at = addressOf(ctx, request);
      const after = readPosition(new URL(request.url).searchParams.get("after"));
      const found = await pageOfBilling(ctx.store, { ...at.range, ...narrowingOf(at) }, { after, size: BILLING_ROWS });
      const nameOf = namesOf(ctx, request, "key");
      const rows = found.rows.map((row) => ({ ...row, name: nameOf(row.keyId) }));
      const data = { ...at, rows, next: found.next && positionText(found.next), isFirst: !after, models: modelsOf(ctx) };
      return page(ctx, request, (view) => ({ title: view.t.usage.billing, nav: "usage", body: BillingPage({ view, data }) }));
    })
    .get("/billing.csv", ({ request, server }) => {
      const at = addressOf(ctx, request);
      const slices = billingCsv(ctx.store, { ...at.range, ...narrowingOf(at) }, namesOf(ctx, request, "key"));
      return downloadSlices({ request, server }, `usage-billing-${daysOf(at)}.csv`, "text/csv", slices);
    });
};

const day = (time: number) => new Date(time).toISOString().slice(0, 10);
const daysOf = ({ range }: UsageAddress) => `${day(range.from)}-${day(range.to - 1)}`;

const modelsOf = ({ catalogue }: AdminContext) => [...catalogue().families("image"), ...catalogue().families("video")].map(({ id }) => id);

/** What the request log is asked for the failures of an address. */
function failuresOf({ range, key, token, model }: UsageAddress): FailureQuery {
  const of = key ? { key: key.id } : token ? { token: token.id } : undefined;
  return { from: range.from, to: range.to, ...(of && { of }), ...(model === undefined ? {} : { family: model }) };
}

const narrowingOf = ({ key, token, model }: UsageAddress): UsageFilter => ({ key: key?.id, token: token?.id, model });

function addressOf(ctx: AdminContext, request: Request): UsageAddress {
  const query = new URL(request.url).searchParams;
  const one = <T extends string>(name: string, choices: readonly T[], fallback: T) =>
    choices.find((choice) => choice === query.get(name)) ?? fallback;
  const id = (name: string) => (/^[1-9]\d{0,14}$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null);
  const [keyId, tokenId] = [id("key"), id("token")];
  const key = keyId === null ? undefined : { id: keyId, name: namesOf(ctx, request, "key")(keyId) };
  const token = tokenId === null || key ? undefined : { id: tokenId, name: namesOf(ctx, request, "token")(tokenId) };
  const asked = one("by", GROUPS, "day");
  // Rollups know nothing of a key's tokens, nor of a token's keys.
  const by = (key || token) && (asked === "key" || asked === "token") ? "day" : asked;
  return {
    range: parseUsageRange({ span: query.get("span"), from: query.get("from"), to: query.get("to") }, ctx.clock.now()),
    by,
    key,
    token,
    model: query.get("model")?.slice(0, 200) || undefined,
    sort: one("sort", USAGE_SORTS, by === "reason" ? "requests" : FIRST_SORT[by]),
    descending: query.get("order") !== "asc",
  };
}

/** How groups are called; of what was deleted the number is left. */
function namesOf(ctx: AdminContext, request: Request, by: UsageAddress["by"]): (group: UsageRow["group"]) => string {
  const { gone } = viewOf(ctx, request).t.usage;
  if (by === "key") return (id) => ctx.keys.get(Number(id))?.name ?? gone(id);
  if (by === "token") return (id) => ctx.pool.view(Number(id))?.label ?? gone(id);
  if (by === "day") return (time) => new Date(time).toISOString().slice(0, 10);
  return String;
}
