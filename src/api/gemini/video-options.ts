// Wishes for a video as texts of Google's fields. Pure; what says nothing here is left to the model.
import { AppError } from "../../errors.ts";
import { ASPECTS, RESOLUTIONS, type Resolution, VIDEO_ASPECTS, type VideoAspect } from "../../gateway/types.ts";
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
  throw new AppError("invalid_request", `${param}: videos have no such shape; expected one of ${VIDEO_ASPECTS.join(", ")}.`, { param });
}

/**
 * The value, when it is a shape that some image model has or is none at all: Google takes no other, where the OpenAI dialect takes the nearest.
 * @throws {AppError} `invalid_request`
 */
export function exactAspect(value: unknown, param: string): unknown {
  const ratio = ratioOf(textOf(value)?.toLowerCase() ?? "");
  if (ratio === null || ASPECTS.some((aspect) => aspect === ratio)) return value;
  throw new AppError("invalid_request", `${param}: expected one of ${ASPECTS.join(", ")}.`, { param });
}

/** `16x9` is `16:9`; null for what is no pair of numbers. */
function ratioOf(word: string): string | null {
  const [, width, height] = /^(\d{1,5}(?:\.\d{1,4})?)\s?[:x/×：]\s?(\d{1,5}(?:\.\d{1,4})?)$/.exec(word) ?? [];
  return width === undefined ? null : `${width}:${height}`;
}

export function resolutionOf(value: unknown): Resolution | undefined {
  const word = textOf(value)?.toLowerCase();
  return RESOLUTIONS.find((resolution) => resolution === word);
}

/** The one address that is told of the end; Google's API takes several, the first counts here. */
export function webhookOf(config: unknown): string | undefined {
  return listOf(fieldsOf(config).uris).map(textOf).find(Boolean);
}
