// Wishes for a video as texts of Google's fields. Pure; what says nothing here is left to the model.
import { RESOLUTIONS, type Resolution, type VideoAspect } from "../../gateway/types.ts";
import { fieldsOf, listOf, textOf } from "./proto-json.ts";

/** The nearer of the two shapes that videos have; a square says nothing. */
export function aspectOf(value: unknown): VideoAspect | undefined {
  const [, width, height] = /^(\d+(?:\.\d+)?)\s*[:x/]\s*(\d+(?:\.\d+)?)$/.exec(textOf(value) ?? "") ?? [];
  if (width === undefined || Number(width) === Number(height)) return undefined;
  return Number(width) > Number(height) ? "16:9" : "9:16";
}

export function resolutionOf(value: unknown): Resolution | undefined {
  const word = textOf(value)?.toLowerCase();
  return RESOLUTIONS.find((resolution) => resolution === word);
}

/** The one address that is told of the end; Google's API takes several, the first counts here. */
export function webhookOf(config: unknown): string | undefined {
  return listOf(fieldsOf(config).uris).map(textOf).find(Boolean);
}
