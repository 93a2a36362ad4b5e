// Image options as job rows and request hashes hold them. The field names are those of the first release and do not change.

import type { ImageOptions, ModelOptions } from "../../domain/generation.ts";
import { omit } from "../../domain/omit.ts";
import { MODEL_OPTIONS, pickModelOptions } from "../models/model-options.ts";

const SHAPE = ["aspect", "size", "pixels"] as const;
type Shape = Pick<ImageOptions, (typeof SHAPE)[number]>;

export type StoredOptions = Omit<ImageOptions, keyof Shape | keyof ModelOptions> & { wish: Shape; options?: ModelOptions };

export function storeOptions(options: ImageOptions): StoredOptions {
  const { aspect, size, pixels } = options;
  return { ...omit(options, [...SHAPE, ...MODEL_OPTIONS]), wish: { aspect, size, pixels }, options: pickModelOptions(options) };
}

export function readOptions({ wish, options, ...rest }: StoredOptions): ImageOptions {
  return { ...rest, ...wish, ...options };
}
