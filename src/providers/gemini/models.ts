// The models of one of Google's APIs: those of the catalogue by public family, and which listed ids may be new ones.

import type { Kind } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { ProviderModels, WireModel } from "../provider.ts";

/**
 * The model that serves a family.
 * @throws {AppError} `upstream_model_denied` for a family that this upstream does not have
 */
export function requireModel({ models, title }: { models: ProviderModels; title: string }, kind: Kind, family: string): WireModel {
  const model = models.find(family);
  if (model?.kind === kind) return model;
  throw new AppError("upstream_model_denied", `${title} has no model for ${family}.`, {
    detail: { scope: "token_model", reason: "model_missing" },
  });
}

/** Parts of ids by which Google names models of images and of videos. */
const IMAGE_NAMES = ["image", "banana"];
const VIDEO_NAMES = ["omni"];
/** Ids of the list that are not served: what has methods of its own, and what is no model of images. */
const UNSERVED = /^(?:imagen|veo)-|embedding|-tts|-live|-audio/;
const GENERATES = "generateContent";

/**
 * What a listed model that is no family may make, by its name: the list says nothing of it. Null: nothing of ours.
 * @param methods as listed; which method an Omni model lists is not documented
 */
export function kindOfUnknown(id: string, methods: readonly unknown[]): Kind | null {
  if (UNSERVED.test(id)) return null;
  if (VIDEO_NAMES.some((part) => id.includes(part))) return "video";
  return IMAGE_NAMES.some((part) => id.includes(part)) && methods.includes(GENERATES) ? "image" : null;
}
