// Webhook of a key: its URL and its secret.

import { Elysia } from "elysia";
import { WebhookSecretPage } from "../../../views/keys/key.tsx";
import { keyHref } from "../../../views/keys/keys.tsx";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { hostAndPort } from "../../http.ts";
import type { AdminContext } from "../context.ts";
import { fragment, goTo, isHtmx, page, readForm, viewOf } from "../page.ts";
import { rowOf, shownKey } from "./shown-key.ts";

async function changeWebhook(ctx: AdminContext, request: Request, row: KeyRow): Promise<Response> {
  const form = await readForm(ctx, request);
  const url = form.text("webhook_url", { max: 2000 }) || null;
  form.check();
  const before = await ctx.store.readKeyWebhook(row.id);
  const { secret } = await ctx.webhooks.setUrl(row.id, url).catch((error) => {
    if (error instanceof AppError && error.param === "webhook_url") form.refuse("webhook_url", error.message);
    form.check();
    throw error;
  });
  // A URL may carry a secret in its path: the audit log has its host only.
  const hostOf = (address: string | null | undefined) => ({ webhook_url: address ? hostAndPort(address) : null });
  const entry = { action: "key.webhook" as const, subject: `key ${row.id}`, before: hostOf(before?.url), after: hostOf(url) };
  await ctx.audit.record(entry, ctx.sessionContextOf(request));
  if (!before) return secretPage(ctx, request, row, secret);
  return goTo(ctx, request, keyHref(row.id), { text: viewOf(ctx, request).t.keys.webhookSaved });
}

async function livingRow(ctx: AdminContext, id: string): Promise<KeyRow> {
  const row = await rowOf(ctx, id);
  if (row.revokedAt !== null) throw new AppError("conflict", `Key ${row.id} was deleted: restore it first.`, { reason: "key_deleted" });
  return row;
}

/** Shown by a page of its own, also where htmx sent the form. */
async function secretPage(ctx: AdminContext, request: Request, row: KeyRow, secret: string): Promise<Response> {
  const shown = await shownKey(ctx, row);
  if (isHtmx(request)) return fragment(ctx, request, (view) => WebhookSecretPage({ view, shown, secret }));
  return page(ctx, request, (view) => ({ title: row.name, nav: "keys", body: WebhookSecretPage({ view, shown, secret }) }));
}

export const keyWebhookRoutes = (ctx: AdminContext) =>
  new Elysia()
    .post("/:id/webhook", async ({ request, params }) => changeWebhook(ctx, request, await livingRow(ctx, params.id)))
    .post("/:id/webhook/secret", async ({ request, params }) => {
      const row = await livingRow(ctx, params.id);
      const { secret } = await ctx.webhooks.rotate(row.id);
      await ctx.audit.record({ action: "key.webhook_secret", subject: `key ${row.id}` }, ctx.sessionContextOf(request));
      return secretPage(ctx, request, row, secret);
    });
