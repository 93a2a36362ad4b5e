// How a video job is to be carried out: what of it is kept on disk, and the upstream's request made from that.

import type { InputMedia, Json, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { FittedVideo } from "../models/video-options.ts";
import type { LeaseRequest } from "../pool/lease-contract.ts";

export type VideoPlan = {
  prompt: string;
  seed?: number;
  /** By provider. */
  fits: Record<string, FittedVideo>;
  minTier: Record<string, 0 | 1 | 2>;
  estimateUsd: number;
  /** Media ids of the pictures, in the client's order. */
  images: string[];
  source: {
    mediaId: string /** Token and handle that the upstream knows it by; null: only its bytes count. */;
    known: { tokenId: number; operation: Json } | null;
  } | null;
  /** The same for families that stand in when the upstream no longer has the model, best first. */
  successors?: Pick<VideoPlan, "fits" | "minTier" | "estimateUsd">[];
};

/** The plan of a job, as it was written. */
export const readPlan = (plan: Json): VideoPlan => plan as unknown as VideoPlan;
export const writePlan = (plan: VideoPlan): Json => plan as unknown as Json;

/** Which tokens can carry it out. */
export function leaseOf(plan: VideoPlan, keyId: number, exclude: ReadonlySet<number>, avoid?: ReadonlySet<number>): LeaseRequest {
  const [fit] = Object.values(plan.fits);
  const { family, seconds } = fit!;
  return {
    kind: "video",
    family,
    providers: Object.keys(plan.fits),
    minTier: plan.minTier,
    keyId,
    exclude,
    avoid,
    pinned: plan.source?.known?.tokenId,
    estimate: { images: 0, videoSeconds: seconds, usd: plan.estimateUsd },
  };
}

/** @throws {AppError} `invalid_request` when an input was deleted in the meantime */
export async function requestOf(plan: VideoPlan, provider: string, media: Pick<MediaStore, "open">): Promise<VideoRequest> {
  const { seconds, ...fit } = plan.fits[provider]!;
  const images = await Promise.all(plan.images.map((id) => openInput(id, media)));
  const source = plan.source && { media: await openInput(plan.source.mediaId, media), operation: plan.source.known?.operation ?? null };
  const isMadeNew = fit.mode !== "edit" && fit.mode !== "upscale";
  return {
    ...fit,
    prompt: plan.prompt,
    images,
    ...(isMadeNew ? { seconds } : {}),
    ...(plan.seed === undefined ? {} : { seed: plan.seed }),
    ...(source ? { source } : {}),
  };
}

async function openInput(id: string, media: Pick<MediaStore, "open">): Promise<InputMedia> {
  const found = await media.open(id);
  if (!found) throw new AppError("invalid_request", "An input of this job was deleted before it could be used.");
  return { mime: found.media.mime, data: found.blob, mediaId: id };
}
