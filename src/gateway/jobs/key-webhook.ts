// Webhook of a key as its operator changes it: URL and secret, with what the audit log says of them.
import type { Store } from "../../db/store.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { hostAndPort } from "../../http.ts";
import type { Webhooks } from "./webhooks.ts";

type Dependencies = { store: Pick<Store, "readKeyWebhook">; webhooks: Pick<Webhooks, "setUrl" | "rotate"> };

/** For the audit log. A URL may carry a secret in its path: its host only. */
type Shown = { webhook_url: string | null };

const shown = (url: string | null | undefined): Shown => ({ webhook_url: webhookHost(url) });

/** Host and port of a webhook's URL; null: there is none. */
export const webhookHost = (url: string | null | undefined): string | null => (url ? hostAndPort(url) : null);

/**
 * Sets the URL that is told of the key's jobs; null: only requests name one. `secret` signs what is sent; null unless it was made now, as it
 * is shown once.
 * @throws {AppError} `conflict` for a deleted key, `invalid_request` naming `webhook_url`
 */
export async function setKeyWebhook(
  { store, webhooks }: Dependencies,
  key: KeyRow,
  url: string | null,
): Promise<{ secret: string | null; before: Shown; after: Shown }> {
  assertLiving(key);
  const former = await store.readKeyWebhook(key.id);
  const { secret } = await webhooks.setUrl(key.id, url);
  return { secret: former ? null : secret, before: shown(former?.url), after: shown(url) };
}

/** The new secret. @throws {AppError} `conflict` for a deleted key */
export async function rotateKeyWebhook({ webhooks }: Pick<Dependencies, "webhooks">, key: KeyRow): Promise<string> {
  assertLiving(key);
  return (await webhooks.rotate(key.id)).secret;
}

function assertLiving({ id, revokedAt }: KeyRow): void {
  if (revokedAt !== null) throw new AppError("conflict", `Key ${id} was deleted: restore it first.`, { reason: "key_deleted" });
}
