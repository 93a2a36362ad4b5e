// Simulated clients: they stay, abort, read slowly or never; images by real generation, videos beside it.

import { sleep } from "../../src/clock.ts";
import { AppError } from "../../src/errors.ts";
import type { ImageGeneration } from "../../src/gateway/generation/contract.ts";
import type { Admission } from "../../src/gateway/limits/contract.ts";
import { parseModel } from "../../src/gateway/models/testing.ts";
import type { Lease, Outcome } from "../../src/gateway/pool/lease-contract.ts";
import { type Chronicle, Violation } from "./chronicle.ts";
import type { VideoRow } from "./disk.ts";
import type { Life } from "./life.ts";
import type { World } from "./world.ts";

/** A request that is under way. `endsBy`: elapsed ms. `mayRepeat`: the operator allowed a call of unknown outcome to be repeated, at least for a while. */
export type Client = { requestId: string; endsBy: number; mayRepeat: boolean };

const MODELS = ["gemini-nano-banana-2.1", "gemini-3.1-flash-image", "gemini-3-pro-image"];
export const VIDEO_FAMILY = "gemini-omni-1.2-flash";
/** What the store, the disk and late timers may add to a deadline. */
const SLACK_MS = 3_000;
/** Longer than any deadline. */
const STALLED_MS = 900_000;

/** Who stalls keeps its connection and reads no more. */
type Manner = "stays" | "leaves" | "abandons" | "dawdles" | "stalls";

/** One client that wants images, from its request to its end. */
export async function wantImages(world: World, life: Life, keyId: number): Promise<void> {
  const { dice, time, settings, keys, upstream, figures } = world;
  const chronicle: Chronicle = world.chronicle;
  const requestId = world.nextRequest();
  const manner: Manner = dice.chance(0.75) ? "stays" : dice.pick(["leaves", "abandons", "dawdles", "stalls"]);
  const n = dice.chance(0.9) ? 1 : dice.between(2, 4);
  const pauses = manner === "dawdles" ? 20_000 : 0;
  const endsBy = time.elapsed() + settings.generation.image_timeout * 1000 + SLACK_MS + pauses;
  const client: Client = { requestId, endsBy, mayRepeat: settings.generation.retry_unknown_images };
  const gone = new AbortController();
  if (manner === "leaves") life.clock.after(dice.spread(10_000), () => gone.abort());
  const request: ImageGeneration = {
    requestId,
    dialect: "openai",
    route: "POST /v1/images/generations",
    stream: manner !== "stays",
    key: keys.get(keyId)!,
    choice: parseModel(dice.pick(MODELS))!,
    options: dice.chance(0.2) ? { size: "2K" } : {},
    turns: [{ role: "user", parts: [{ type: "text", text: requestId }] }],
    n,
    signal: gone.signal,
    startedAt: time.now(),
  };
  world.clients.add(client);
  // By then nothing is stored for a client that reads no more, though it is still there.
  if (manner === "stalls") life.clock.after(client.endsBy - time.elapsed() - 100, () => world.clients.delete(client));
  const goesOn = manner === "leaves" || manner === "abandons";
  chronicle.note("request", requestId, { key: keyId, model: request.choice.requested, n, manner });
  try {
    const result = await read(world, life, request, manner);
    if (result !== null) figures.ok++;
    chronicle.note("answered", requestId, { images: result });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    figures.failed[error.kind] = (figures.failed[error.kind] ?? 0) + 1;
    chronicle.note("failed", requestId, { kind: error.kind, message: error.message });
  } finally {
    // What the upstream has accepted is finished also for a client that has left, where the operator wants that.
    if (goesOn) time.after(Math.max(0, client.endsBy - time.elapsed() - 100), () => world.clients.delete(client));
    else world.clients.delete(client);
  }
  const { charged } = upstream.chargesOf(requestId);
  chronicle.assert(charged <= n || client.mayRepeat, "Nothing is submitted again that may have been charged:", { requestId, charged, n });
}

/** The number of images; null when the client went before the end. */
async function read(world: World, life: Life, request: ImageGeneration, manner: Manner): Promise<number | null> {
  const { dice } = world;
  const chronicle: Chronicle = world.chronicle;
  const run = await life.generate(request);
  const leavesAfter = manner === "abandons" || manner === "stalls" ? dice.between(0, 6) : Number.POSITIVE_INFINITY;
  let [events, images, pauses] = [0, 0, 0];
  for await (const event of run.events) {
    if (event.type === "image") images++;
    if (event.type === "done") {
      const isRefusal = event.finish.startsWith("policy");
      chronicle.assert(images > 0 || isRefusal, "Success has an image:", request.requestId, event);
      return images;
    }
    if (++events > leavesAfter) {
      if (manner === "stalls") await sleep(life.clock, STALLED_MS);
      return null;
    }
    if (manner === "dawdles" && ++pauses <= 4) await sleep(life.clock, dice.between(0, 5_000));
  }
  throw new Violation(`A generation ends with its result or an error: ${request.requestId}`);
}

/** One video: admitted, submitted once, written down before it is reported, followed to its end by this process or the next. */
export async function wantVideo(world: World, life: Life, keyId: number): Promise<void> {
  const { dice, time, settings, upstream, disk, figures } = world;
  const requestId = world.nextRequest();
  const client: Client = { requestId, endsBy: time.elapsed() + settings.pool.wait_ms + 600_000, mayRepeat: false };
  const estimate = { images: 0, videoSeconds: dice.pick([4, 6, 8]), usd: dice.between(0, 320) / 100 };
  const stays = new AbortController();
  world.clients.add(client);
  let admission: Admission | null = null;
  try {
    admission = await life.limits.admit(keyId, { requestId, kind: "video", model: VIDEO_FAMILY, family: VIDEO_FAMILY, estimate });
    const lease = await life.leases.lease(
      { kind: "video", family: VIDEO_FAMILY, providers: ["gemini", "flow"], keyId, exclude: new Set(), estimate },
      { signal: stays.signal },
    );
    try {
      const token = await life.tokens.open(lease.tokenId, lease);
      const late = life.clock.after(60_000, () => stays.abort(new AppError("upstream_timeout", "No answer.", { charged: true })));
      const ms = await upstream.submitVideo(life.clock, { requestId, provider: lease.provider, token, signal: stays.signal }).finally(late);
      const { family, tokenId } = { family: VIDEO_FAMILY, tokenId: lease.tokenId };
      const row: VideoRow = { requestId, reservationId: admission.id, keyId, tokenId, family, readyAt: time.elapsed() + ms };
      while (!disk.videos.has(requestId)) await life.store.putVideo(row).catch(() => sleep(life.clock, 1_000));
      await follow(world, life, row, admission, lease);
      figures.ok++;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { kind, detail, retryAfterMs, upstreamStatus, charged } = error;
      lease.report({ ok: false, kind, detail, retryAfterMs, upstreamStatus, charged });
      if (charged) admission.settle(estimate);
      throw error;
    } finally {
      await lease[Symbol.asyncDispose]();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    figures.failed[error.kind] = (figures.failed[error.kind] ?? 0) + 1;
    admission?.release();
  } finally {
    world.clients.delete(client);
  }
}

/** Goes on with a video of an earlier process. */
export function resumeVideo(world: World, life: Life, row: VideoRow, lease: Lease | null): void {
  const admission = life.limits.resume(row.reservationId);
  if (!admission) throw new Violation(`The reservation of a video that runs was kept: ${row.requestId}`);
  const client: Client = { requestId: row.requestId, endsBy: Math.max(row.readyAt, world.time.elapsed()) + 600_000, mayRepeat: false };
  world.clients.add(client);
  follow(world, life, row, admission, lease)
    .finally(() => world.clients.delete(client))
    .catch(world.broken);
}

async function follow({ time, disk }: World, life: Life, row: VideoRow, admission: Admission, lease: Lease | null): Promise<void> {
  await sleep(life.clock, Math.max(0, row.readyAt - time.elapsed()));
  const { estimate } = disk.reservations.get(row.reservationId)!;
  const used = { images: 0, videoSeconds: estimate.videoMs / 1000, usd: estimate.microUsd / 1e6 };
  const outcome: Outcome = { ok: true, usage: null, ...used };
  lease?.report(outcome);
  admission.settle(used);
  await lease?.[Symbol.asyncDispose]();
  // The end is on record before its row goes: a crash between finds the reservation settled.
  while (disk.videos.has(row.requestId)) await life.store.dropVideo(row.requestId).catch(() => sleep(life.clock, 1_000));
}
