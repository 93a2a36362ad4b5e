// Token page routes: details, settings, secret replacement.

import { Elysia } from "elysia";
import type { TokenModel } from "../../../views/tokens/model-state.tsx";
import { type TokenData, TokenPage } from "../../../views/tokens/token.tsx";
import { tokenHref } from "../../../views/tokens/token-fields.tsx";
import type { RequestLog } from "../../db/store.ts";
import type { FailureSum } from "../../domain/request.ts";
import { AppError } from "../../errors.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import { groupSubject, tokenSubject } from "../../gateway/pool/health/health-tracker.ts";
import { fixActionOf } from "../../gateway/pool/health/reasons.ts";
import { nextPacificMidnight } from "../../gateway/pool/pacific-time.ts";
import type { TokenItem } from "../../gateway/tokens/list-tokens.ts";
import { NO_SUMS } from "../../gateway/tokens/token-usage.ts";
import type { AdminContext } from "../context.ts";
import { fileText } from "../file-text.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import { changedNotice, secretNotice, type TokenPages } from "./context.ts";
import { readSecret, readSettings, shownProxy } from "./form.ts";

const DAYS = 30;
const DAY_MS = 86_400_000;
const MAX_REQUESTS = 25;
const MAX_COOLDOWNS = 50;
const AUDIT_ROWS = 30;

export const tokenPageRoutes = (ctx: AdminContext, pages: TokenPages) =>
  new Elysia()
    .get("/:id", async ({ request, params }) => {
      const data = await tokenData(ctx, pages, pages.item(params.id));
      return page(ctx, request, (view) => ({ title: data.item.row.label, nav: "tokens", body: TokenPage({ view, data }) }));
    })
    .post("/:id/settings", async ({ request, params }) => {
      const { row } = pages.item(params.id);
      const form = await readForm(ctx, request);
      const { t } = viewOf(ctx, request);
      const change = readSettings(form, row, t);
      form.check();
      const done = await pages.admin.change([row.id], change, ctx.sessionContextOf(request));
      return goTo(ctx, request, tokenHref(row.id), changedNotice(done, t.tokens.changed));
    })
    .post("/:id/secret", async ({ request, server, params }) => {
      const { row } = pages.item(params.id);
      server?.timeout(request, 0);
      const form = await readForm(ctx, request);
      const view = viewOf(ctx, request);
      const file = await fileText(ctx, request);
      const { secret } = readSecret(form, row.provider, view.t, { file, isFixed: true });
      form.check();
      const failure = await pages.admin.replaceSecret(row.id, secret, ctx.sessionContextOf(request)).catch((error) => {
        if (!(error instanceof AppError) || error.reason !== "secret_known") throw error;
        form.refuse("secret", view.t.tokens.knownSecret);
        form.check();
        throw error;
      });
      return goTo(ctx, request, tokenHref(row.id), secretNotice(view, row.label, failure));
    });

async function tokenData(ctx: AdminContext, pages: TokenPages, item: TokenItem): Promise<TokenData> {
  const { id, proxy, provider, group } = item.row;
  const now = ctx.clock.now();
  const since = now - (now % DAY_MS) - (DAYS - 1) * DAY_MS;
  const subjects = [tokenSubject(id), ...(group === null ? [] : [groupSubject(provider, group)])];
  const today = now - (now % DAY_MS);
  const [usage, days, requests, pauses, changes, failures] = await Promise.all([
    pages.usages.of([id]),
    pages.usages.byDay(id, since),
    ctx.requests.list({ limit: MAX_REQUESTS, tokenId: id }),
    ctx.store.listCooldowns(subjects, MAX_COOLDOWNS),
    ctx.audit.list({ limit: AUDIT_ROWS, subject: `token ${id}` }),
    ctx.requests.failures({ from: today, to: today + DAY_MS, of: { token: id } }),
  ]);
  return {
    item,
    remedy: fixActionOf(item.view.health.reason),
    proxy: shownProxy(proxy),
    usage: usage.get(id) ?? { today: NO_SUMS, total: NO_SUMS },
    days,
    since,
    models: modelsOf(ctx.catalogue(), item),
    attempts: requests
      .flatMap((request) => request.attempts.map((attempt) => ({ ...attempt, requestId: request.id })))
      .filter(({ tokenId }) => tokenId === id)
      .sort((a, b) => b.startedAt - a.startedAt),
    pauses,
    changes,
    failures,
    retentionDays: ctx.settings.current().requests.retention_days,
    dayEnds: nextPacificMidnight(now),
  };
}

/** Families that the token has, and those in cooldown that no check has listed. */
export function modelsOf(catalogue: Catalogue, { row, view }: TokenItem): TokenModel[] {
  const ids = new Set([...catalogue.servedFamilies(row.provider, row.families), ...view.models.map(({ family }) => family)]);
  const isDenied = (id: string) => (row.allowFamilies.length > 0 && !row.allowFamilies.includes(id)) || row.denyFamilies.includes(id);
  return [...ids].map((id) => ({ id, title: catalogue.familyOf(id)?.title ?? id, isDenied: isDenied(id) }));
}

/** Calls of the running UTC day that failed, by reason, the most first. */
export function failuresToday(
  { requests, now }: { requests: Pick<RequestLog, "failures">; now: () => number },
  id: number,
): Promise<FailureSum[]> {
  const from = now() - (now() % DAY_MS);
  return requests.failures({ from, to: from + DAY_MS, of: { token: id } });
}
