// Webhooks: posts the end of a job to the URL of its request or key, signed and retried.
// Form and signature: Standard Webhooks (standardwebhooks.com, read 2026-11-23), as OpenAI's SDKs verify it.
import type { Clock, Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { DeliveryRow, JobStore, KeyWebhook, NewDelivery } from "../../db/jobs.ts";
import type { Job } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { withoutEndSlashes } from "../../http.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { MediaStore } from "../media/contract.ts";
import { type GuardedSend, parseGuardedUrl } from "../media/ssrf-guard.ts";
import { customerMessage } from "../pool/customer-message.ts";
import { failureOf } from "./job-state.ts";
import { WebhookSender } from "./webhook-sender.ts";

export type WebhookDependencies = {
  store: Pick<
    JobStore,
    "listDueDeliveries" | "claimDeliveries" | "nextDeliveryAt" | "updateDelivery" | "readKeyWebhook" | "writeKeyWebhook"
  >;
  media: Pick<MediaStore, "get">;
  guardedSend: GuardedSend;
  clock: Clock;
  random: Random;
  settings: () => Settings;
  log: Log;
};

/** Pauses between attempts; after the last one the delivery fails. */
const PAUSES_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000];
const RESPONSE_MS = 15_000;

export class Webhooks {
  readonly #sender: WebhookSender;

  constructor(private readonly deps: WebhookDependencies) {
    const { store, clock, log, settings } = deps;
    const enabled = () => settings().webhooks.enabled;
    this.#sender = new WebhookSender({ store, clock, log, enabled, deliver: (delivery, stopping) => this.#deliver(delivery, stopping) });
  }

  /** Checks the form of a URL, without a call. @throws {AppError} `invalid_request` naming `param` */
  check(url: string, param: string): void {
    parseGuardedUrl(url, undefined, (message) => new AppError("invalid_request", message, { param }));
  }

  /** The delivery to queue together with the end of this job; undefined when it has no webhook. */
  async deliveryOf(job: Job): Promise<NewDelivery | undefined> {
    const { store, media, settings, clock } = this.deps;
    if (!settings().webhooks.enabled) return undefined;
    const url = job.webhookUrl ?? (await store.readKeyWebhook(job.keyId))?.url;
    if (!url) return undefined;
    const id = `msg_${newId()}`;
    const payload = JSON.stringify(await eventOf(id, job, media, settings().server.public_url));
    return { id, jobId: job.id, keyId: job.keyId, url, type: eventType(job), payload, createdAt: clock.now() };
  }

  /** A key's URL, and the secret that signs its deliveries: created at first need. */
  async ofKey(keyId: number): Promise<KeyWebhook> {
    return (await this.deps.store.readKeyWebhook(keyId)) ?? this.#write(keyId, { url: null, secret: newSecret() });
  }

  /** Null: only requests name a URL. @throws {AppError} `invalid_request` */
  async setUrl(keyId: number, url: string | null): Promise<KeyWebhook> {
    if (url !== null) this.check(url, "webhook_url");
    return this.#write(keyId, { ...(await this.ofKey(keyId)), url });
  }

  /** Replaces the secret; waiting deliveries are signed with the new one. */
  async rotate(keyId: number): Promise<KeyWebhook> {
    return this.#write(keyId, { ...(await this.ofKey(keyId)), secret: newSecret() });
  }

  /** A delivery may be due. */
  wake(): void {
    this.#sender.wake();
  }

  start(): void {
    this.#sender.start();
  }

  /** Stops sending; waiting deliveries are sent after the next start. */
  stop(): Promise<void> {
    return this.#sender.stop(new AppError("cancelled", "The server is stopping."));
  }

  async #write(keyId: number, webhook: KeyWebhook): Promise<KeyWebhook> {
    await this.deps.store.writeKeyWebhook(keyId, webhook);
    return webhook;
  }

  async #deliver(delivery: DeliveryRow, stopping: AbortSignal): Promise<void> {
    const { store, clock, random, log } = this.deps;
    const { secret } = await this.ofKey(delivery.keyId);
    const { status, error } = await this.#post(delivery, secret, stopping);
    // Cut by a stop of the server: due again as it was.
    if (stopping.aborted && status === null) return giveBack(store, delivery);
    const attempts = delivery.attempts + 1;
    const isDelivered = status !== null && status >= 200 && status < 300;
    const pause = PAUSES_MS[attempts - 1];
    const isOver = isDelivered || status === 410 || pause === undefined;
    const now = clock.now();
    await store.updateDelivery(delivery.id, {
      state: isDelivered ? "delivered" : isOver ? "failed" : "waiting",
      attempts,
      nextAt: isOver ? null : now + Math.round(pause! * (0.9 + random() / 5)),
      endedAt: isOver ? now : null,
      lastStatus: status,
      lastError: isDelivered ? null : (error ?? `The server answered with status ${status}.`),
    });
    if (isOver && !isDelivered) log.warn("A webhook delivery failed", { jobId: delivery.jobId, attempts, status });
  }

  async #post(delivery: DeliveryRow, secret: string, stopping: AbortSignal): Promise<{ status: number | null; error?: string }> {
    const { guardedSend, clock } = this.deps;
    const late = new AbortController();
    const message = `No answer within ${RESPONSE_MS / 1000} s.`;
    const cancel = clock.after(RESPONSE_MS, () => late.abort(new AppError("upstream_timeout", message)));
    const refuse = (reason: string) => new AppError("invalid_request", reason);
    try {
      const response = await guardedSend({
        method: "POST",
        url: parseGuardedUrl(delivery.url, undefined, refuse),
        headers: signedHeaders(delivery, secret, clock.now()),
        body: delivery.payload,
        signal: AbortSignal.any([late.signal, stopping]),
        refuse,
      });
      response.body?.cancel().catch(() => {});
      return { status: response.status };
    } catch (error) {
      return { status: null, error: error instanceof AppError ? error.message : "Internal error" };
    } finally {
      cancel();
    }
  }
}

/** Due as before it was claimed. */
function giveBack(store: Pick<JobStore, "updateDelivery">, delivery: DeliveryRow): Promise<void> {
  const { id, state, attempts, nextAt, endedAt, lastStatus, lastError } = delivery;
  return store.updateDelivery(id, { state, attempts, nextAt, endedAt, lastStatus, lastError });
}

/** `whsec_` and 24 random bytes in base64, as Standard Webhooks has it. */
function newSecret(): string {
  return `whsec_${crypto.getRandomValues(Buffer.alloc(24)).toString("base64")}`;
}

/** @param now epoch ms */
export function signedHeaders({ id, payload }: Pick<DeliveryRow, "id" | "payload">, secret: string, now: number): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = new Bun.CryptoHasher("sha256", key).update(`${id}.${timestamp}.${payload}`).digest("base64");
  return {
    "content-type": "application/json",
    "user-agent": "flow2api",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}

/** OpenAI's events have no word for a cancelled job: it is `failed`, and `data.status` says `cancelled`. */
const eventType = ({ kind, state }: Job): string => `${kind}.${state === "completed" ? "completed" : "failed"}`;

/** OpenAI's event, with own fields in `data`; links only when `server.public_url` is set. */
async function eventOf(id: string, job: Job, media: Pick<MediaStore, "get">, publicUrl: string) {
  const stored = await Promise.all(job.mediaIds.map((mediaId) => media.get(mediaId)));
  const results = stored.flatMap((item) => {
    if (!item) return [];
    const path = `/media/${item.id}.${item.ext}`;
    return [
      {
        id: item.id,
        mime_type: item.mime,
        bytes: item.bytes,
        path,
        ...(publicUrl ? { url: `${withoutEndSlashes(publicUrl)}${path}` } : {}),
      },
    ];
  });
  const failure = job.error && failureOf(job);
  const error = job.error && { code: job.error.reason ?? job.error.kind, message: failure ? customerMessage(failure) : job.error.message };
  return {
    id,
    object: "event",
    type: eventType(job),
    created_at: Math.floor((job.endedAt ?? job.createdAt) / 1000),
    data: { id: job.id, status: job.state, model: job.model, results, error },
  };
}
