// Video job spec: the stored options of a video job, and the lease and provider requests made from it.

import type { Json, Tier, VideoRequest } from "../../domain/generation.ts";
import { openInput } from "../generation/inputs/inputs.ts";
import type { MediaStore } from "../media/contract.ts";
import type { FittedVideo } from "../models/video-options.ts";
import type { LeaseRequest } from "../pool/lease-contract.ts";
import { INPUT_GONE } from "./image-spec.ts";

export type VideoJobSpec = {
  prompt: string;
  seed?: number;
  /** By provider. */
  fits: Record<string, FittedVideo>;
  minTier: Record<string, Tier>;
  estimateUsd: number;
  /** Media ids of the images, in the client's order. */
  images: string[];
  source: {
    mediaId: string;
    /** Token and operation handle that made it; null: only the bytes are used. */
    known: { tokenId: number; operation: Json } | null;
  } | null;
  /** The same for successor families, best first; used when the upstream has retired the model. */
  successors?: Pick<VideoJobSpec, "fits" | "minTier" | "estimateUsd">[];
};

/** Column `plan` of a video job. */
export const readVideoSpec = (plan: Json): VideoJobSpec => plan as unknown as VideoJobSpec;
export const writeVideoSpec = (spec: VideoJobSpec): Json => spec as unknown as Json;

type LeaseBy = Pick<LeaseRequest, "exclude" | "avoid" | "costs"> & { keyId: number };

/** The tokens that can serve it. */
export function leaseOf(spec: VideoJobSpec, { keyId, exclude, avoid, costs }: LeaseBy): LeaseRequest {
  const [fit] = Object.values(spec.fits);
  const { family, seconds } = fit!;
  return {
    kind: "video",
    family,
    providers: Object.keys(spec.fits),
    minTier: spec.minTier,
    keyId,
    exclude,
    avoid,
    costs,
    pinned: spec.source?.known?.tokenId,
    estimate: { images: 0, videoSeconds: seconds, usd: spec.estimateUsd },
  };
}

/** @throws {AppError} `invalid_request` when an input was deleted in the meantime */
export async function requestOf(spec: VideoJobSpec, provider: string, media: Pick<MediaStore, "open">): Promise<VideoRequest> {
  const { seconds, ...fit } = spec.fits[provider]!;
  const images = await Promise.all(spec.images.map((id) => openInput(media, id, INPUT_GONE)));
  const source = spec.source && {
    media: await openInput(media, spec.source.mediaId, INPUT_GONE),
    operation: spec.source.known?.operation ?? null,
  };
  const isMadeNew = fit.mode !== "edit" && fit.mode !== "upscale";
  return {
    ...fit,
    prompt: spec.prompt,
    images,
    ...(isMadeNew ? { seconds } : {}),
    ...(spec.seed === undefined ? {} : { seed: spec.seed }),
    ...(source ? { source } : {}),
  };
}
