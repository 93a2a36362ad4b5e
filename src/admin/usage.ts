// Usage routes: sums by day, model, key and token, and CSV.

import { Elysia } from "elysia";
import { type UsageAddress, UsagePage } from "../../views/usage.tsx";
import type { UsageRow } from "../db/ledger.ts";
import {
  parseUsageRange,
  readUsageAlong,
  readUsageBy,
  readUsageTotal,
  sortUsage,
  USAGE_GROUPS,
  USAGE_SORTS,
  UsageCache,
  type UsageFilter,
  usageCsv,
} from "../gateway/reports/usage.ts";
import type { AdminContext } from "./context.ts";
import { downloadText } from "./download.ts";
import { page, viewOf } from "./page.ts";

/** Rows of a table at most; the file has all. */
const MAX_ROWS = 100;

export const usageRoutes = (ctx: AdminContext) => {
  const book = new UsageCache({ store: ctx.store, now: ctx.clock.now });
  return new Elysia({ prefix: "/usage" })
    .get("/", async ({ request }) => {
      const at = addressOf(ctx, request);
      const only = narrowingOf(at);
      const [total, along, sums] = await Promise.all([
        readUsageTotal(ctx.store, at.range, only),
        readUsageAlong(ctx.store, at.range, only),
        book.by(at.by, at.range, only),
      ]);
      const nameOf = namesOf(ctx, request, at.by);
      const rows = sortUsage(sums, at.sort, at.descending)
        .slice(0, MAX_ROWS)
        .map((row) => ({ ...row, name: nameOf(row.group) }));
      const models = [...ctx.catalogue().families("image"), ...ctx.catalogue().families("video")].map(({ id }) => id);
      const data = { ...at, total, along, rows, all: sums.length, models };
      return page(ctx, request, (view) => ({ title: view.t.usage.title, nav: "usage", body: UsagePage({ view, data }) }));
    })
    .get("/csv", async ({ request }) => {
      const at = addressOf(ctx, request);
      const rows = await readUsageBy(ctx.store, at.by, at.range, narrowingOf(at));
      const day = (time: number) => new Date(time).toISOString().slice(0, 10);
      const name = `usage-by-${at.by}-${day(at.range.from)}-${day(at.range.to - 1)}.csv`;
      return downloadText(name, "text/csv", usageCsv(at.by, sortUsage(rows, at.sort, at.descending), namesOf(ctx, request, at.by)));
    });
};

const narrowingOf = ({ key, token, model }: UsageAddress): UsageFilter => ({ key: key?.id, token: token?.id, model });

function addressOf(ctx: AdminContext, request: Request): UsageAddress {
  const query = new URL(request.url).searchParams;
  const one = <T extends string>(name: string, choices: readonly T[], fallback: T) =>
    choices.find((choice) => choice === query.get(name)) ?? fallback;
  const id = (name: string) => (/^[1-9]\d{0,14}$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null);
  const [keyId, tokenId] = [id("key"), id("token")];
  const key = keyId === null ? undefined : { id: keyId, name: namesOf(ctx, request, "key")(keyId) };
  const token = tokenId === null || key ? undefined : { id: tokenId, name: namesOf(ctx, request, "token")(tokenId) };
  const asked = one("by", USAGE_GROUPS, "day");
  // Rollups know nothing of a key's tokens, nor of a token's keys.
  const by = (key || token) && (asked === "key" || asked === "token") ? "day" : asked;
  return {
    range: parseUsageRange({ span: query.get("span"), from: query.get("from"), to: query.get("to") }, ctx.clock.now()),
    by,
    key,
    token,
    model: query.get("model")?.slice(0, 200) || undefined,
    sort: one("sort", USAGE_SORTS, by === "day" ? "group" : "requests"),
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
