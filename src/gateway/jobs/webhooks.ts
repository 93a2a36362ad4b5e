// Webhooks: the end of a job told to the address that its request or its key names, signed, retried, on record.
// Form and signature: Standard Webhooks (standardwebhooks.com, read 2026-11-23), as OpenAI's SDKs verify it.
import { createHmac, randomBytes } from "node:crypto";
import type { Clock, Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { DeliveryRow, JobStore, KeyWebhook, NewDelivery } from "../../db/jobs.ts";
import type { Job } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { MediaStore } from "../media/media-store.ts";
import { type GuardedSend, parseGuardedUrl } from "../media/ssrf-guard.ts";
import { customerMessage } from "../pool/customer-message.ts";
import { failureOf } from "./job-state.ts";
import { WebhookSender } from "./webhook-sender.ts";

export type Webhooks = {
  /**
   * Checks an address that a client names, without asking for it.
   * @throws {AppError} `invalid_request` naming `param`
   */
  check(url: string, param: string): void;
  /** What to queue together with the end of this job; undefined when nobody is to be told. */
  deliveryOf(job: Job): Promise<NewDelivery | undefined>;
  /** Where a key's events go, and the secret that signs them: made at first need. */
  ofKey(keyId: number): Promise<KeyWebhook>;
  /** Null: only where a request says so. @throws {AppError} `invalid_request` */
  setUrl(keyId: number, url: string | null): Promise<KeyWebhook>;
  /** Replaces the secret; deliveries that wait are signed with the new one. */
  rotate(keyId: number): Promise<KeyWebhook>;
  /** Something may be due. */
  wake(): void;
  start(): void;
  /** Ends the sending; what waits is sent after the next start. */
  stop(): Promise<void>;
};

export type WebhookDependencies = {
  store: Pick<JobStore, "listDueDeliveries" | "nextDeliveryAt" | "updateDelivery" | "readKeyWebhook" | "writeKeyWebhook">;
  media: Pick<MediaStore, "get">;
  guardedSend: GuardedSend;
  clock: Clock;
  random: Random;
  settings: () => Settings;
  log: Log;
};

/** Pauses between attempts; after the last one it is given up. */
const PAUSES_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000];
const ANSWER_MS = 15_000;

export function createWebhooks(deps: WebhookDependencies): Webhooks {
  const { store, media, guardedSend, clock, random, settings, log } = deps;
  const sender = new WebhookSender({ store, clock, log, enabled: () => settings().webhooks.enabled, deliver });

  async function ofKey(keyId: number): Promise<KeyWebhook> {
    return (await store.readKeyWebhook(keyId)) ?? keep(keyId, { url: null, secret: newSecret() });
  }
  async function keep(keyId: number, webhook: KeyWebhook): Promise<KeyWebhook> {
    await store.writeKeyWebhook(keyId, webhook);
    return webhook;
  }

  async function deliver(delivery: DeliveryRow, stopping: AbortSignal): Promise<void> {
    const { secret } = await ofKey(delivery.keyId);
    const { status, error } = await attempt(delivery, secret, stopping);
    // A stop is nobody's failure: it is sent again after the next start.
    if (stopping.aborted && status === null) return;
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
    if (isOver && !isDelivered) log.warn("A webhook was given up", { jobId: delivery.jobId, attempts, status });
  }

  async function attempt(delivery: DeliveryRow, secret: string, stopping: AbortSignal): Promise<{ status: number | null; error?: string }> {
    const late = new AbortController();
    const cancel = clock.after(ANSWER_MS, () => late.abort(new AppError("upstream_timeout", `No answer within ${ANSWER_MS / 1000} s.`)));
    const refuse = (message: string) => new AppError("invalid_request", message);
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

  return {
    check(url, param) {
      parseGuardedUrl(url, undefined, (message) => new AppError("invalid_request", message, { param }));
    },
    async deliveryOf(job) {
      if (!settings().webhooks.enabled) return undefined;
      const url = job.webhookUrl ?? (await store.readKeyWebhook(job.keyId))?.url;
      if (!url) return undefined;
      const id = `msg_${newId()}`;
      const payload = JSON.stringify(await eventOf(id, job, media, settings().server.public_url));
      return { id, jobId: job.id, keyId: job.keyId, url, type: eventType(job), payload, createdAt: clock.now() };
    },
    ofKey,
    async setUrl(keyId, url) {
      if (url !== null) parseGuardedUrl(url, undefined, (message) => new AppError("invalid_request", message, { param: "webhook_url" }));
      return keep(keyId, { ...(await ofKey(keyId)), url });
    },
    rotate: async (keyId) => keep(keyId, { ...(await ofKey(keyId)), secret: newSecret() }),
    wake: () => sender.wake(),
    start: () => sender.start(),
    stop: () => sender.stop(new AppError("cancelled", "The server is stopping.")),
  };
}

/** `whsec_` and 24 random bytes in base64, as Standard Webhooks has it. */
function newSecret(): string {
  return `whsec_${randomBytes(24).toString("base64")}`;
}

/** @param now epoch ms */
export function signedHeaders({ id, payload }: Pick<DeliveryRow, "id" | "payload">, secret: string, now: number): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${payload}`).digest("base64");
  return {
    "content-type": "application/json",
    "user-agent": "flow2api",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}

/** A cancelled job has no word of its own in OpenAI's events: it failed, and `data.status` says how. */
const eventType = ({ kind, state }: Job): string => `${kind}.${state === "completed" ? "completed" : "failed"}`;

/** OpenAI's event with fields of our own in `data`; links only where the address of this server is known. */
async function eventOf(id: string, job: Job, media: Pick<MediaStore, "get">, publicUrl: string) {
  const stored = await Promise.all(job.mediaIds.map((mediaId) => media.get(mediaId)));
  const results = stored.flatMap((medium) => {
    if (!medium) return [];
    const path = `/media/${medium.id}.${medium.ext}`;
    return [
      {
        id: medium.id,
        mime_type: medium.mime,
        bytes: medium.bytes,
        path,
        ...(publicUrl ? { url: `${publicUrl.replace(/\/$/, "")}${path}` } : {}),
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
