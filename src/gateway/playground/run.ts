// Playground runs: PlaygroundForm to job and back, and the image of the setup.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { InputMedia, Media, Part, VideoAspect } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { newRequestId } from "../../ids.ts";
import type { Generate } from "../generation/contract.ts";
import type { Affinity } from "../generation/inputs/affinity.ts";
import { openInput } from "../generation/inputs/inputs.ts";
import { partsOf } from "../generation/undelivered/image-output.ts";
import type { CreateVideoJob, Jobs } from "../jobs/contract.ts";
import { readImageSpec } from "../jobs/image-spec.ts";
import { readVideoSpec } from "../jobs/video-spec.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { Leases } from "../pool/lease-contract.ts";
import { EMPTY_FORM, MAX_IMAGES, offerOf, type PlaygroundForm, type PlaygroundModel, type Slot } from "./options.ts";

type Dependencies = {
  catalogue: () => Catalogue;
  jobs: Jobs;
  media: Pick<MediaStore, "open">;
  affinity: Affinity;
  clock: Clock;
};

const ROUTE = "POST /admin/playground/runs";

/**
 * Makes the job of a settled form, under the operator's key.
 * @throws {AppError} `invalid_request` for missing inputs or ones that are gone, and as `Jobs.createVideo`
 */
export async function runForm(deps: Dependencies, model: PlaygroundModel, values: PlaygroundForm, key: KeyRow): Promise<Job> {
  for (const { slot, min } of offerOf(model, values.mode).slots)
    if (values.inputs[slot].length < min) throw new AppError("invalid_request", "An input is missing.", { reason: `missing_${slot}` });
  const now = deps.clock.now();
  const shared = {
    requestId: newRequestId(now),
    dialect: "openai" as const,
    route: ROUTE,
    keyId: key.id,
    choice: deps.catalogue().parseModel(model.id)!,
    startedAt: now,
  };
  const open = (slot: Slot) => Promise.all(values.inputs[slot].map((id) => inputOf(deps, id)));
  if (model.kind === "image") {
    const parts: Part[] = (await open("pictures")).map((image) => ({ type: "image", image }));
    return deps.jobs.createImages({
      ...shared,
      options: {
        ...(values.aspect && { aspect: values.aspect }),
        ...(values.size && { size: values.size }),
        ...(values.thinking && { thinking: values.thinking }),
        ...(values.seed === null ? {} : { seed: values.seed }),
      },
      turns: [{ role: "user", parts: [{ type: "text", text: values.prompt }, ...parts] }],
      n: values.n,
    });
  }
  const images = (await Promise.all([open("first"), open("last"), open("pictures")])).flat();
  const [video] = values.inputs.video;
  return deps.jobs.createVideo({
    ...shared,
    prompt: values.prompt,
    options: {
      ...(values.mode && { mode: values.mode }),
      ...(values.aspect && { aspect: values.aspect as VideoAspect }),
      ...(values.resolution && { resolution: values.resolution }),
      ...(values.quality && { quality: values.quality }),
      ...(values.seconds === null ? {} : { seconds: values.seconds }),
      ...(values.seed === null ? {} : { seed: values.seed }),
    },
    images,
    ...(video === undefined ? {} : { source: await sourceOf(deps, video, key) }),
  });
}

/** The job that made the video, where the operator's key did: its token may know it. Else its bytes. */
async function sourceOf(deps: Dependencies, id: string, key: KeyRow): Promise<NonNullable<CreateVideoJob["source"]>> {
  const maker = await deps.jobs.makerOf(id, key.id);
  return maker?.state === "completed" ? { jobId: maker.id } : { media: await inputOf(deps, id) };
}

/** Of any key: the operator sees all. */
async function inputOf({ media, affinity }: Pick<Dependencies, "media" | "affinity">, id: string): Promise<InputMedia> {
  const input = await openInput(media, id, "An input was deleted.", "input_gone");
  return { ...input, signature: (await affinity.recall(id))?.signature };
}

/** What the model said beside its images. */
export const wordsOf = (job: JobRow): string =>
  partsOf(job)
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("")
    .trim();

/** What a job was made from, as far as the playground can say it. */
export function formOfJob(job: JobRow): PlaygroundForm {
  const base: PlaygroundForm = { ...EMPTY_FORM, model: job.family, prompt: job.prompt };
  if (job.kind === "image") {
    const { n, options, turns } = readImageSpec(job.plan);
    const images = turns.at(-1)?.parts.flatMap((part) => (part.type === "image" ? [part.mediaId] : [])) ?? [];
    return {
      ...base,
      aspect: options.aspect ?? "",
      size: options.size ?? "",
      thinking: options.thinking ?? "",
      n: Math.min(n, MAX_IMAGES),
      seed: options.seed ?? null,
      inputs: { ...EMPTY_FORM.inputs, pictures: images },
    };
  }
  const { fits, images, source, seed } = readVideoSpec(job.plan);
  const fit = Object.values(fits)[0];
  const isFrames = job.mode === "first_frame" || job.mode === "frames";
  return {
    ...base,
    mode: job.mode ?? "",
    aspect: job.aspect ?? "",
    resolution: job.resolution ?? "",
    quality: fit?.quality ?? "",
    seconds: job.seconds,
    seed: seed ?? null,
    inputs: {
      pictures: isFrames ? [] : images,
      first: isFrames ? images.slice(0, 1) : [],
      last: isFrames ? images.slice(1) : [],
      video: source ? [source.mediaId] : [],
    },
  };
}

/** The family of an image without options; null while no token can generate one. */
export function servableImageFamily(catalogue: Catalogue, pool: Pick<Leases, "canServe">): string | null {
  return catalogue.families("image").find(({ id }) => pool.canServe("image", id))?.id ?? null;
}

type ImageDependencies = { catalogue: () => Catalogue; generate: Generate; pool: Pick<Leases, "canServe">; clock: Clock };

/** Generates one image at once, for the setup. @throws {AppError} as {@link Generate}; `no_result` when the upstream made none */
export async function makeImage(
  { catalogue, generate, pool, clock }: ImageDependencies,
  { prompt, key, signal }: { prompt: string; key: KeyRow; signal: AbortSignal },
): Promise<{ media: Media; label: string; ms: number }> {
  const startedAt = clock.now();
  const family = servableImageFamily(catalogue(), pool);
  if (!family) throw new AppError("no_token", "There is no token that can make an image.");
  const { events } = await generate({
    requestId: newRequestId(startedAt),
    dialect: "openai",
    route: "POST /admin/welcome/picture",
    stream: false,
    key,
    choice: catalogue().parseModel(family)!,
    options: { imageOnly: true },
    turns: [{ role: "user", parts: [{ type: "text", text: prompt }] }],
    n: 1,
    signal,
    startedAt,
  });
  let media: Media | null = null;
  let label = "";
  let message = "";
  for await (const event of events) {
    if (event.type === "token") label = event.label;
    if (event.type === "image") media = event.media;
    if (event.type === "done") message = event.message ?? "";
  }
  if (!media) throw new AppError("no_result", message || "The upstream made no image.");
  return { media, label, ms: elapsedMs(startedAt, clock.now()) };
}
