// Describes a media item: type by magic bytes, pixel size, expiry; or the reason to refuse it. Pure.

import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { MediaSource } from "../../db/media.ts";
import type { Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { newMediaId } from "../../ids.ts";
import { inspectInput, type MediaRules, type MediaType, readPixels, sniffType } from "./sniff.ts";

/** Owner and origin of a media item. `keyId` null: the operator's. */
export type MediaFacts = Pick<Media, "origin" | "keyId" | "requestId"> &
  Partial<Pick<Media, "name" | "purpose" | "family">> & {
    /** Of an input: what is accepted, images and videos by default, and the field to name in errors. */
    accept?: Omit<MediaRules, "maxMegapixels">;
    /** Of a result: the call that made it. */
    source?: MediaSource;
  };

type Dependencies = { settings: () => Settings; clock: Pick<Clock, "now"> };

const DAY_MS = 86_400_000;

/** The row of a media item, from its first bytes. */
export function describeMedia(head: Uint8Array, bytes: number, facts: MediaFacts, { settings, clock }: Dependencies): Media {
  const { origin, keyId, requestId, name = null, purpose = null, family = null, accept } = facts;
  const { max_age_days, input_max_age_days, max_megapixels } = settings().media;
  const input = origin === "input" ? inspectInput(head, { kinds: ["image", "video"], ...accept, maxMegapixels: max_megapixels }) : null;
  const type = input ? input.type : typeOfResult(head);
  const pixels = input ? input.pixels : readPixels(head, type);
  const now = clock.now();
  const days = origin === "input" ? input_max_age_days : max_age_days;
  return {
    id: newMediaId(now),
    kind: type.kind,
    origin,
    mime: type.mime,
    ext: type.ext,
    bytes,
    width: pixels?.width ?? null,
    height: pixels?.height ?? null,
    keyId,
    createdAt: now,
    expiresAt: days === 0 ? null : now + days * DAY_MS,
    requestId,
    name,
    purpose,
    family,
  };
}

/** A result is paid for: it is refused only when it cannot be used, never for its size. */
function typeOfResult(head: Uint8Array): MediaType {
  const type = sniffType(head);
  if (type) return type;
  throw invalidResult();
}

/** What an upstream handed over as a result and is none, an SVG or a page for example: paid, and nothing that the client did. */
function invalidResult(): AppError {
  return new AppError("upstream_unknown_outcome", "The upstream returned data that is no known image or video type.", {
    charged: true,
    detail: { scope: "upstream", reason: "malformed" },
    upstreamStatus: 200,
  });
}
