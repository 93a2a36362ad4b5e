// Schema of a models file: every field of a family and of an alias, and what it may hold.

import {
  ASPECTS,
  IMAGE_SIZES,
  type Kind,
  RESOLUTIONS,
  SEARCH_TYPES,
  VIDEO_ASPECTS,
  VIDEO_MODES,
  VIDEO_QUALITIES,
} from "../../../domain/generation.ts";
import { day, flag, list, number, type Rule, record, table, text, whole, word } from "./fields.ts";

export const THINKING_LEVELS = ["minimal", "low", "medium", "high", "xhigh"] as const;
/** Most that one image, one second, one query or a million tokens may cost. */
export const MAX_USD = 1000;
const MAX_SECONDS = 3600;

export const idText = text("a model id of lower-case letters, digits, dots, - and _", /^[a-z0-9][a-z0-9._-]{0,99}$/);
/** A spelling that clients send. */
const nameText = text("a model id of printable characters", /^[\x21-\x7e]{1,200}$/);
const titleText = text("a text of 1 to 100 characters", /^[^\p{C}]{1,100}$/u);
const wireText = text("the provider's id of the model", /^[\x21-\x7e]{1,200}$/);
const providerText = text("a provider such as gemini, flow or vertex", /^[a-z][a-z0-9-]{0,30}$/);
const harmText = text("a harm category such as HARM_CATEGORY_HARASSMENT", /^[A-Z][A-Z0-9_]{2,80}$/);

const usd = number(0, MAX_USD, " (USD)");
const range = table({ min: whole(0, 100), max: whole(0, 100) });
const seconds = number(1, MAX_SECONDS);
const tier = whole(0, 2);

/** What both kinds have at a provider. */
const OF_PROVIDER: Record<string, Rule> = {
  enabled: flag,
  wire: wireText,
  retires: day,
  only_when_learned: flag,
};

const IMAGE_PROVIDER = table({
  ...OF_PROVIDER,
  aspects: list(word(ASPECTS), 1),
  default_aspect: word(ASPECTS),
  sizes: list(word(IMAGE_SIZES)),
  default_size: word(IMAGE_SIZES),
  max_inputs: whole(0, 1000),
  thinking: list(word(THINKING_LEVELS)),
  default_thinking: word(THINKING_LEVELS),
  thinks: flag,
  thinking_levels: record(word(THINKING_LEVELS), wireText),
  safety: list(harmText),
  search: list(word(SEARCH_TYPES)),
  sampling: flag,
  videos: flag,
  person_generation: flag,
  min_tier: record(word(IMAGE_SIZES), tier),
  price: table({
    by_plan: flag,
    per_image: record(word(IMAGE_SIZES), usd),
    per_million_tokens: table({ input_text: usd, input_image: usd, output_text: usd, output_image: usd }),
    per_thinking: record(word(THINKING_LEVELS), usd),
    per_input_image: usd,
    per_search: usd,
  }),
});

const VIDEO_MODE = table({
  seconds: table({ min: seconds, max: seconds, values: list(seconds, 1), default: seconds }),
  images: range,
  videos: range,
  qualities: list(word(VIDEO_QUALITIES), 1),
});

const VIDEO_PROVIDER = table({
  ...OF_PROVIDER,
  aspects: list(word(VIDEO_ASPECTS), 1),
  default_aspect: word(VIDEO_ASPECTS),
  resolutions: list(word(RESOLUTIONS), 1),
  default_resolution: word(RESOLUTIONS),
  qualities: list(word(VIDEO_QUALITIES)),
  default_quality: word(VIDEO_QUALITIES),
  modes: record(word(VIDEO_MODES), VIDEO_MODE),
  min_tier: record(word(RESOLUTIONS), tier),
  price: table({
    by_plan: flag,
    per_second: record(word(RESOLUTIONS), usd),
    per_million_tokens: table({ input: usd, output_text: usd, output_video: usd }),
    per_input_image: usd,
  }),
});

/** A family of this kind; a layer may say only a part of it. */
export const familyRule = (kind: Kind): Rule =>
  table({
    id: idText,
    kind: word([kind]),
    title: titleText,
    created: day,
    owned_by: titleText,
    enabled: flag,
    recommended: flag,
    deprecated: flag,
    retires: day,
    names: list(nameText),
    successors: list(idText),
    input_image_tokens: whole(1, 100_000),
    providers: record(providerText, kind === "image" ? IMAGE_PROVIDER : VIDEO_PROVIDER),
  });

/** Names that lead to families without being one of them. */
export const aliasRule = table({
  kind: word(["image", "video"]),
  names: list(nameText, 1),
  families: list(idText, 1),
  open: flag,
});

/** Patterns of ids by kind. */
export const patternsRule = table({ image: list(nameText), video: list(nameText) });
