// Video options from Google's fields: aspect, resolution, webhook. Pure; absent values are left to the model.

import { ASPECTS, RESOLUTIONS, type Resolution, VIDEO_ASPECTS, type VideoAspect } from "../../domain/generation.ts";
import { mustBe } from "../body/invalid.ts";
import { fieldsOf, listOf, textOf } from "./proto-json.ts";

/**
 * A shape that videos have.
 * @throws {AppError} `invalid_request` for any other
 */
export function aspectOf(value: unknown, param: string): VideoAspect | undefined {
  const word = textOf(value)?.toLowerCase();
  if (word === undefined || word === "auto") return undefined;
  const named = word === "landscape" ? "16:9" : word === "portrait" ? "9:16" : ratioOf(word);
  const aspect = VIDEO_ASPECTS.find((one) => one === named);
  if (aspect) return aspect;
  throw mustBe(param, `one of ${VIDEO_ASPECTS.join(", ")}`, value);
}

/**
 * The value, when it is a shape that some image model has or is none at all: Google takes no other, where the OpenAI dialect takes the nearest.
 * @throws {AppError} `invalid_request`
 */
export function exactAspect(value: unknown, param: string): unknown {
  const ratio = ratioOf(textOf(value)?.toLowerCase() ?? "");
  if (ratio === null || ASPECTS.some((aspect) => aspect === ratio)) return value;
  throw mustBe(param, `one of ${ASPECTS.join(", ")}`, value);
}

/** `16x9` is `16:9`; null for what is no pair of numbers. */
function ratioOf(word: string): string | null {
  const [, width, height] = /^(\d{1,5}(?:\.\d{1,4})?)\s?[:x/×*：]\s?(\d{1,5}(?:\.\d{1,4})?)$/.exec(word) ?? [];
  return width === undefined ? null : `${width}:${height}`;
}

export function resolutionOf(value: unknown): Resolution | undefined {
  const word = textOf(value)?.toLowerCase();
  return RESOLUTIONS.find((resolution) => resolution === word);
}

/** The one URL that is notified of the end; Google's API takes several, the first counts here. */
export function webhookOf(config: unknown): string | undefined {
  return listOf(fieldsOf(config).uris).map(textOf).find(Boolean);
}
