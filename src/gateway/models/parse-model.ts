// Parses a model id: the families that it may mean and what else it fixes. Pure; a grammar over the names of the catalogue.
import {
  ASPECTS,
  type Aspect,
  type ImageSize,
  type Kind,
  type Resolution,
  type Tier,
  type VideoMode,
  type VideoQuality,
} from "../../domain/generation.ts";

/** Names that lead to families, and what may follow a name. */
export type Name = {
  kind: Kind;
  /** Spellings; case and the difference between `-`, `_`, `.` and `@` do not count. */
  names: readonly string[];
  /** Living families, the first that the pool can serve wins. */
  families: readonly [string, ...string[]];
  /** True when the first family is a successor rather than the model that is named. */
  retired?: true;
  /** True when words after the name that mean nothing here (a snapshot's date, a variant) are passed over. */
  open?: true;
};

/** What an id fixes beside the family. What is absent is open: to the request, then to the family's default. */
export type ModelParameters = {
  aspect?: Aspect;
  size?: ImageSize;
  seconds?: number;
  resolution?: Resolution;
  /** What a video may start from; the inputs decide among them. */
  modes?: readonly VideoMode[];
  quality?: VideoQuality;
  /** Least plan that the id names by itself (`_ultra`). Sizes and resolutions have their own in the catalogue. */
  tier?: Tier;
  /** True: the slower mode that costs no credits. */
  relaxed?: true;
};

export type ModelChoice = {
  /** As the client wrote it, without surrounding blanks; printable ASCII. */
  requested: string;
  kind: Kind;
  /** Living families that may serve it, best first; never empty. */
  families: readonly [string, ...string[]];
  /** True when even the first family is a successor of what the id names. */
  retired: boolean;
  params: ModelParameters;
};

/** Words that follow the name of an image model. `four-three` and `three-four` arrive here as ratios. */
const IMAGE_WORDS: Readonly<Record<string, ModelParameters>> = {
  landscape: { aspect: "16:9" },
  portrait: { aspect: "9:16" },
  square: { aspect: "1:1" },
  ...Object.fromEntries(ASPECTS.map((aspect) => [aspect.replace(":", "x"), { aspect }])),
  "1k": { size: "1K" },
  "2k": { size: "2K" },
  "4k": { size: "4K" },
};

const VIDEO_WORDS: Readonly<Record<string, ModelParameters>> = {
  landscape: { aspect: "16:9" },
  portrait: { aspect: "9:16" },
  "16x9": { aspect: "16:9" },
  "9x16": { aspect: "9:16" },
  "360p": { resolution: "360p" },
  "720p": { resolution: "720p" },
  "1080p": { resolution: "1080p" },
  "4k": { resolution: "4k" },
  t2v: { modes: ["text"] },
  i2v: { modes: ["first_frame", "frames"] },
  interpolation: { modes: ["frames"] },
  r2v: { modes: ["references", "text"] },
  extend: { modes: ["extend"] },
  lite: { quality: "lite" },
  fast: { quality: "fast" },
  quality: { quality: "quality" },
  ultra: { tier: 2 },
  relaxed: { relaxed: true },
};

/** Words that say nothing: release marks, dates and marks of Flow's own keys. */
const SILENT: Readonly<Record<Kind, RegExp>> = {
  image: /^(preview|exp|latest|\d{2,4})$/,
  video: /^(preview|exp|latest|generate|fl|s|d|\d{2,4})$/,
};

const SECONDS = /^([1-9]\d?)s$/;
const PRINTABLE = /^[\x21-\x7e]{1,200}$/;
const MAX_ID = 200;
const MAX_PARSED = 500;
const PREFIXES = /^(publishers\/google\/|models\/|google\/|openai\/)+/;

/**
 * The families and parameters that an id means, or null for an id that means nothing here. `models/` and `google/` before it and `:image`
 * after it do not count, nor do case and the difference between `-`, `_`, `.` and `@`.
 */
export function createModelParser(names: readonly Name[]): (id: string) => ModelChoice | null {
  const byName: ReadonlyMap<string, Name> = new Map(
    names.flatMap((name) => name.names.map((spelling) => [canonical(spelling), name] as const)),
  );
  const parse = (id: string): ModelChoice | null => {
    const requested = id.trim();
    if (!PRINTABLE.test(requested)) return null;
    const words = canonical(requested).split("-");
    for (let length = words.length; length > 0; length--) {
      const name = byName.get(words.slice(0, length).join("-"));
      const params = name && readWords(name, words.slice(length));
      if (params) return { requested, kind: name.kind, families: name.families, retired: name.retired ?? false, params };
    }
    return null;
  };
  /** Results by id, the newest. */
  const parsed = new Map<string, ModelChoice | null>();
  return (id) => {
    const known = parsed.get(id);
    if (known !== undefined) return known;
    const choice = parse(id);
    if (id.length > MAX_ID) return choice;
    if (parsed.size >= MAX_PARSED) parsed.delete(parsed.keys().next().value!);
    parsed.set(id, choice);
    return choice;
  };
}

/** An id without what does not count in it. */
export function canonical(id: string): string {
  return id
    .toLowerCase()
    .replace(PREFIXES, "")
    .replace(/:image$/, "")
    .replace(/[._@]/g, "-")
    .replace(/-four-three(?=-|$)/, "-4x3")
    .replace(/-three-four(?=-|$)/, "-3x4");
}

/** The parameters that the words say; null when one is unknown or two contradict each other. */
function readWords(name: Name, words: readonly string[]): ModelParameters | null {
  const params: ModelParameters = {};
  for (const word of words) {
    const says = readWord(name.kind, word);
    if (!says) {
      if (name.open || SILENT[name.kind].test(word)) continue;
      return null;
    }
    if (Object.keys(says).some((key) => key in params)) return null;
    Object.assign(params, says);
  }
  // The lite model takes one frame at the start; its way with two is `interpolation`.
  if (params.quality === "lite" && params.modes?.[0] === "first_frame") params.modes = ["first_frame"];
  return params;
}

function readWord(kind: Kind, word: string): ModelParameters | null {
  const seconds = kind === "video" ? SECONDS.exec(word) : null;
  if (seconds) return { seconds: Number(seconds[1]) };
  const known = kind === "image" ? IMAGE_WORDS : VIDEO_WORDS;
  return Object.hasOwn(known, word) ? known[word]! : null;
}
