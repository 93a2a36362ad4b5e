// Playground options: choices of each servable model, and a form resolved within them. Pure.

import {
  ASPECTS,
  type Aspect,
  IMAGE_SIZES,
  type ImageSize,
  type Media,
  type Resolution,
  VIDEO_MODES,
  type VideoAspect,
  type VideoMode,
  type VideoQuality,
} from "../../domain/generation.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { ImageFamily, Thinking, VideoFamily, VideoModeLimits } from "../models/family.ts";
import type { Leases } from "../pool/lease-contract.ts";

/** Input slots: images to go by, first and last frame, a video to start from. */
export const SLOTS = ["pictures", "first", "last", "video"] as const;
export type Slot = (typeof SLOTS)[number];
export type SlotRule = { slot: Slot; min: number; max: number };

/** Images of one run. */
export const MAX_IMAGES = 4;

type ModelFacts = { id: string; title: string; deprecated: boolean };
export type ImageModel = ModelFacts & {
  kind: "image";
  aspects: readonly Aspect[];
  sizes: readonly ImageSize[];
  thinking: readonly Thinking[];
  slots: readonly SlotRule[];
};
/** What a video of one mode may be made of. Empty lists and null: nothing to choose. */
export type ModeChoices = {
  mode: VideoMode;
  aspects: readonly VideoAspect[];
  resolutions: readonly Resolution[];
  qualities: readonly VideoQuality[];
  seconds: VideoModeLimits["seconds"] | null;
  slots: readonly SlotRule[];
};
export type VideoModel = ModelFacts & { kind: "video"; modes: readonly ModeChoices[] };
export type PlaygroundModel = ImageModel | VideoModel;

/** What the operator chose. Empty texts and null: left to the model. */
export type PlaygroundForm = {
  model: string;
  mode: VideoMode | "";
  prompt: string;
  aspect: Aspect | "";
  size: ImageSize | "";
  thinking: Thinking | "";
  n: number;
  resolution: Resolution | "";
  quality: VideoQuality | "";
  seconds: number | null;
  seed: number | null;
  /** Media ids. */
  inputs: Readonly<Record<Slot, readonly string[]>>;
};

export const EMPTY_FORM: PlaygroundForm = {
  model: "",
  mode: "",
  prompt: "",
  aspect: "",
  size: "",
  thinking: "",
  n: 1,
  resolution: "",
  quality: "",
  seconds: null,
  seed: null,
  inputs: { pictures: [], first: [], last: [], video: [] },
};

/** The families that the pool serves, images first, each with what its serving providers offer together. */
export function playgroundModels(catalogue: Catalogue, pool: Pick<Leases, "canServe">): PlaygroundModel[] {
  const images = catalogue.families("image").filter(({ id }) => pool.canServe("image", id));
  const videos = catalogue.families("video").filter(({ id }) => pool.canServe("video", id));
  return [
    ...images.map((family) => imageModel(family, (provider) => pool.canServe("image", family.id, [provider]))),
    ...videos.map((family) => videoModel(family, (provider) => pool.canServe("video", family.id, [provider]))),
  ];
}

function imageModel({ id, title, deprecated, providers }: ImageFamily, serves: (provider: string) => boolean): ImageModel {
  const limits = limitsOf(providers, serves);
  const max = Math.max(...limits.map(({ maxInputs }) => maxInputs));
  return {
    ...{ id, title, deprecated: deprecated === true, kind: "image" },
    aspects: inOrder(
      ASPECTS,
      limits.map(({ aspects }) => aspects),
    ),
    sizes: inOrder(
      IMAGE_SIZES,
      limits.map(({ sizes }) => sizes),
    ),
    thinking: limits.find(({ thinking }) => thinking.length > 0)?.thinking ?? [],
    slots: max > 0 ? [{ slot: "pictures", min: 0, max }] : [],
  };
}

function videoModel({ id, title, deprecated, providers }: VideoFamily, serves: (provider: string) => boolean): VideoModel {
  const limits = limitsOf(providers, serves);
  const modes = VIDEO_MODES.flatMap((mode): ModeChoices[] => {
    const own = limits.find(({ modes }) => modes[mode]);
    const rule = own?.modes[mode];
    if (!own || !rule) return [];
    // The source decides its own shape, and its length where it is not gone on from.
    const isNew = mode !== "edit" && mode !== "upscale";
    return [
      {
        mode,
        aspects: mode === "extend" || !isNew ? [] : own.aspects,
        resolutions: own.resolutions,
        qualities: rule.qualities ?? own.qualities,
        seconds: isNew ? rule.seconds : null,
        slots: slotsOf(mode, rule),
      },
    ];
  });
  return { id, title, deprecated: deprecated === true, kind: "video", modes };
}

function slotsOf(mode: VideoMode, { images }: VideoModeLimits): SlotRule[] {
  const one = (slot: Slot): SlotRule => ({ slot, min: 1, max: 1 });
  const references = (min: number): SlotRule[] => (images && images.max > 0 ? [{ slot: "pictures", min, max: images.max }] : []);
  if (mode === "text") return [];
  if (mode === "first_frame") return [one("first")];
  if (mode === "frames") return [one("first"), one("last")];
  return mode === "references" ? references(Math.max(1, images?.min ?? 0)) : [one("video"), ...references(0)];
}

/** The form as its model can take it: an unknown model or mode is the first, what is not offered is left to the model. Null: there is no model. */
export function settleForm(
  models: readonly PlaygroundModel[],
  values: PlaygroundForm,
): { model: PlaygroundModel; values: PlaygroundForm } | null {
  const model = models.find(({ id }) => id === values.model) ?? models[0];
  if (!model) return null;
  const offer = offerOf(model, model.kind === "video" ? modeFor(model, values) : "");
  const shared = {
    ...EMPTY_FORM,
    model: model.id,
    prompt: values.prompt,
    seed: values.seed,
    inputs: fitInputs(offer.slots, values.inputs),
  };
  if (model.kind === "image") {
    const { aspect, size, thinking, n } = values;
    return {
      model,
      values: {
        ...shared,
        aspect: among(model.aspects, aspect),
        size: among(model.sizes, size),
        thinking: among(model.thinking, thinking),
        n: Math.min(Math.max(n, 1), MAX_IMAGES),
      },
    };
  }
  const { mode, aspects, resolutions, qualities, seconds } = offer as ModeChoices;
  return {
    model,
    values: {
      ...shared,
      mode,
      aspect: among(aspects as readonly Aspect[], values.aspect),
      resolution: among(resolutions, values.resolution),
      quality: among(qualities, values.quality),
      seconds: fitSeconds(seconds, values.seconds),
    },
  };
}

/** A form that begins with these media: images to go by, or a video to change, with the first model that can. */
export function formUsing(models: readonly PlaygroundModel[], media: readonly Pick<Media, "id" | "kind">[]): PlaygroundForm {
  const images = media.filter(({ kind }) => kind === "image").map(({ id }) => id);
  const video = media.find(({ kind }) => kind === "video");
  if (!video) return { ...EMPTY_FORM, inputs: { ...EMPTY_FORM.inputs, pictures: images } };
  const inputs = { ...EMPTY_FORM.inputs, pictures: images, video: [video.id] };
  for (const model of models) {
    const offer = model.kind === "video" && model.modes.find(({ slots }) => slots.some(({ slot }) => slot === "video"));
    if (offer) return { ...EMPTY_FORM, model: model.id, mode: offer.mode, inputs };
  }
  return EMPTY_FORM;
}

/** The mode asked for; where the model has none such, one that takes the inputs that are there. */
function modeFor({ modes }: VideoModel, { mode, inputs }: PlaygroundForm): VideoMode | "" {
  if (modes.some((offer) => offer.mode === mode)) return mode;
  const images = inputs.pictures.length + inputs.first.length + inputs.last.length;
  const takes = (slots: readonly SlotRule[], slot: Slot) => slots.some((rule) => rule.slot === slot);
  const room = (slots: readonly SlotRule[]) => slots.reduce((sum, { max }) => sum + max, 0);
  const fits = ({ slots }: ModeChoices) =>
    inputs.video.length > 0 ? takes(slots, "video") : images === 0 ? slots.length === 0 : !takes(slots, "video") && room(slots) >= images;
  return modes.find(fits)?.mode ?? "";
}

/** What can be chosen of a model in this mode; in its first one where it has no such mode. */
export function offerOf(model: PlaygroundModel, mode: VideoMode | ""): ImageModel | ModeChoices {
  return model.kind === "image" ? model : (model.modes.find((offer) => offer.mode === mode) ?? model.modes[0]!);
}

/**
 * The inputs in the slots that there are. What has no slot goes to the first that takes its kind and has room: an image that was put
 * in for one mode is still there in another.
 */
function fitInputs(rules: readonly SlotRule[], inputs: PlaygroundForm["inputs"]): PlaygroundForm["inputs"] {
  const fitted: Record<Slot, string[]> = { pictures: [], first: [], last: [], video: [] };
  const left: string[] = [];
  for (const slot of SLOTS) {
    const max = rules.find((rule) => rule.slot === slot)?.max ?? 0;
    fitted[slot] = [...new Set(inputs[slot])].slice(0, max);
    if (slot !== "video") left.push(...inputs[slot].slice(max));
  }
  for (const { slot, max } of rules)
    if (slot !== "video") while (fitted[slot].length < max && left.length > 0) fitted[slot].push(left.shift()!);
  return fitted;
}

function fitSeconds(rule: VideoModeLimits["seconds"] | null, requested: number | null): number | null {
  if (rule === null || requested === null) return null;
  if (rule.values) return rule.values.includes(requested) ? requested : null;
  return Math.min(Math.max(Math.round(requested), rule.min), rule.max);
}

/** The id under which clients ask for this model, with the quality that only an id can say. */
export function modelIdFor(catalogue: Catalogue, { model, quality }: PlaygroundForm): string {
  const named = `${model}-${quality}`;
  const parsed = quality === "" ? null : catalogue.parseModel(named);
  return parsed?.families[0] === model && parsed.params.quality === quality ? named : model;
}

const limitsOf = <T>(providers: Readonly<Record<string, T>>, serves: (provider: string) => boolean): T[] =>
  Object.entries(providers).flatMap(([provider, limits]) => (serves(provider) ? [limits] : []));
const inOrder = <T>(order: readonly T[], lists: readonly (readonly T[])[]): T[] =>
  order.filter((value) => lists.some((list) => list.includes(value)));
const among = <T extends string>(offered: readonly T[], requested: T | ""): T | "" => (offered.includes(requested as T) ? requested : "");
