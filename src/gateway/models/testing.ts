// The built-in catalogue, as tests ask for it. Tests only.

import type { Kind } from "../../domain/generation.ts";
import { BUILT_IN, builtInCatalogue } from "./catalogue/build.ts";
import type { Family } from "./family.ts";

export const CATALOGUE = builtInCatalogue();
export const { parseModel } = CATALOGUE;

export const familyOf = (id: string): Family | null => CATALOGUE.familyOf(id);
export const image = (id: string) => CATALOGUE.imageFamily(id);
export const video = (id: string) => CATALOGUE.videoFamily(id);
/** What an image or a video of the family costs at the provider. */
export const imageCosts = (id: string, provider: string) => CATALOGUE.imageCosts(id, provider);
export const videoCosts = (id: string, provider: string) => CATALOGUE.videoCosts(id, provider);
export const nearestModels = (id: string, count: number): string[] => CATALOGUE.nearestModels(id, count);

const KINDS: readonly Kind[] = ["image", "video"];
export const FAMILIES: readonly Family[] = KINDS.flatMap((kind) => CATALOGUE.families(kind));

/** The layer as the file has it. */
export const { layer: BUILT_IN_LAYER } = BUILT_IN;
