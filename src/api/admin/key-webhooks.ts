// Admin API: webhooks of keys.
import { t } from "elysia";
import { rotateKeyWebhook, setKeyWebhook, webhookHost } from "../../gateway/jobs/key-webhook.ts";
import { readKey } from "../../gateway/keys/manage-keys.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, idOf, route } from "./route.ts";
import { orNull } from "./schemas.ts";

const HOST = orNull(t.String({ description: "Host and port of the URL, which is never read: it may carry a secret. null: there is none" }));
const SECRET = t.String({ description: "Signs what is sent. Shown this once" });

export function keyWebhookRoutes(ctx: AdminApiContext): ApiRoute[] {
  const find = (params: Readonly<Record<string, string>>) => readKey(ctx.store, idOf(params, "key"));
  return [
    route({
      ...{ method: "GET", path: "/keys/{id}/webhook", tag: "Keys", summary: "Where a key's ended jobs are told of" },
      response: t.Object({ webhook_host: HOST, has_secret: t.Boolean() }),
      async run({ params }) {
        const webhook = await ctx.store.readKeyWebhook((await find(params)).id);
        return { webhook_host: webhookHost(webhook?.url), has_secret: webhook !== null };
      },
    }),
    route({
      ...{ method: "PUT", path: "/keys/{id}/webhook", tag: "Keys", summary: "Set the URL that is told of a key's ended jobs" },
      creates: { secrets: ["secret"] },
      body: t.Object({ webhook_url: orNull(t.String({ minLength: 1, maxLength: 2000, description: "null: only requests name one" })) }),
      response: t.Object({ webhook_host: HOST, secret: orNull(SECRET) }),
      async run({ params, body, by }) {
        const key = await find(params);
        const { secret, ...change } = await setKeyWebhook(ctx, key, body.webhook_url);
        await ctx.audit.record({ action: "key.webhook", subject: `key ${key.id}`, ...change }, by);
        return { webhook_host: change.after.webhook_url, secret };
      },
    }),
    route({
      ...{
        method: "POST",
        path: "/keys/{id}/webhook/secret",
        tag: "Keys",
        summary: "A new secret for a key's webhook; the former one ends now",
      },
      creates: { secrets: ["secret"] },
      response: t.Object({ secret: orNull(SECRET) }),
      async run({ params, by }) {
        const key = await find(params);
        const secret = await rotateKeyWebhook(ctx, key);
        await ctx.audit.record({ action: "key.webhook_secret", subject: `key ${key.id}` }, by);
        return { secret };
      },
    }),
  ];
}
