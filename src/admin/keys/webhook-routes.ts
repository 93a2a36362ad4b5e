// Webhook of a key: its URL and its secret.

import { Elysia } from "elysia";
import { WebhookSecretPage } from "../../../views/keys/key.tsx";
import { keyHref } from "../../../views/keys/keys.tsx";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { rotateKeyWebhook, setKeyWebhook } from "../../gateway/jobs/key-webhook.ts";
import type { AdminContext } from "../context.ts";
import { fragment, goTo, isHtmx, page, readForm, viewOf } from "../page.ts";
import { rowOf, shownKey } from "./shown-key.ts";

async function changeWebhook(ctx: AdminContext, request: Request, row: KeyRow): Promise<Response> {
  const form = await readForm(ctx, request);
  const url = form.text("webhook_url", { max: 2000 }) || null;
  form.check();
  const { secret, ...change } = await setKeyWebhook(ctx, row, url).catch((error) => {
    if (error instanceof AppError && error.param === "webhook_url") form.refuse("webhook_url", error.message);
    form.check();
    throw error;
  });
  await ctx.audit.record({ action: "key.webhook", subject: `key ${row.id}`, ...change }, ctx.sessionContextOf(request));
  if (secret !== null) return secretPage(ctx, request, row, secret);
  return goTo(ctx, request, keyHref(row.id), { text: viewOf(ctx, request).t.keys.webhookSaved });
}

/** Shown by a page of its own, also where htmx sent the form. */
async function secretPage(ctx: AdminContext, request: Request, row: KeyRow, secret: string): Promise<Response> {
  const shown = await shownKey(ctx, row);
  if (isHtmx(request)) return fragment(ctx, request, (view) => WebhookSecretPage({ view, shown, secret }));
  return page(ctx, request, (view) => ({ title: row.name, nav: "keys", body: WebhookSecretPage({ view, shown, secret }) }));
}

export const keyWebhookRoutes = (ctx: AdminContext) =>
  new Elysia()
    .post("/:id/webhook", async ({ request, params }) => changeWebhook(ctx, request, await rowOf(ctx, params.id)))
    .post("/:id/webhook/secret", async ({ request, params }) => {
      const row = await rowOf(ctx, params.id);
      const secret = await rotateKeyWebhook(ctx, row);
      await ctx.audit.record({ action: "key.webhook_secret", subject: `key ${row.id}` }, ctx.sessionContextOf(request));
      return secretPage(ctx, request, row, secret);
    });
