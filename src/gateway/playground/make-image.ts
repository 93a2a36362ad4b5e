// One picture for the operator: the whole way through pool, upstream and store, under the operator's own key.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { Media } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { newTimeId } from "../../ids.ts";
import type { Generate } from "../generation/contract.ts";
import { DEFAULT_FAMILY, families, parseModel } from "../models/models.ts";
import type { Leases } from "../pool/lease-contract.ts";

type Dependencies = { generate: Generate; pool: Pick<Leases, "canServe">; clock: Clock };

/** The family that a picture without wishes is made with; null while no token can make one. */
export function servableImageFamily(pool: Pick<Leases, "canServe">): string | null {
  const ids = [DEFAULT_FAMILY.image, ...families("image").map(({ id }) => id)];
  return ids.find((id) => pool.canServe("image", id)) ?? null;
}

/** @throws {AppError} as {@link Generate}; `no_result` when the upstream drew nothing */
export async function makeImage(
  { generate, pool, clock }: Dependencies,
  { prompt, key, signal }: { prompt: string; key: KeyRow; signal: AbortSignal },
): Promise<{ media: Media; label: string; ms: number }> {
  const startedAt = clock.now();
  const family = servableImageFamily(pool);
  if (!family) throw new AppError("no_token", "There is no token that can make a picture.");
  const { events } = await generate({
    requestId: `req_${newTimeId(startedAt)}`,
    dialect: "openai",
    route: "POST /admin/welcome/picture",
    stream: false,
    key,
    choice: parseModel(family)!,
    options: { imageOnly: true },
    turns: [{ role: "user", parts: [{ type: "text", text: prompt }] }],
    n: 1,
    signal,
    startedAt,
  });
  let media: Media | null = null;
  let label = "";
  let said = "";
  for await (const event of events) {
    if (event.type === "token") label = event.label;
    if (event.type === "image") media = event.media;
    if (event.type === "done") said = event.message ?? "";
  }
  if (!media) throw new AppError("no_result", said || "The upstream made no picture.");
  return { media, label, ms: elapsedMs(startedAt, clock.now()) };
}
