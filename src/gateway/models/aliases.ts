// Data: model ids that clients send, their families, and the ids that the list of models adds.
import type { Kind } from "../../domain/generation.ts";

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

const AFTER_FLASH = ["gemini-nano-banana-2.1", "gemini-3.1-flash-image", "gemini-3-pro-image"] as const;
const AFTER_VEO = ["veo-3.1", "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"] as const;
const IN_PLACE_OF_SORA = ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash", "veo-3.1", "omni"] as const;

/** Every spelling that clients send. Parameters follow the name as words: see `model-ids.ts`. */
export const NAMES: readonly Name[] = [
  { kind: "image", names: ["gemini-nano-banana-2.1", "nano-banana-2.1"], families: ["gemini-nano-banana-2.1"] },
  {
    kind: "image",
    names: ["gemini-3-pro-image", "gemini-3.0-pro-image", "nano-banana-pro", "gemini-nano-banana-pro"],
    families: ["gemini-3-pro-image"],
  },
  {
    kind: "image",
    names: ["gemini-3.1-flash-image", "nano-banana-2", "gemini-nano-banana-2"],
    families: ["gemini-3.1-flash-image", "gemini-nano-banana-2.1", "gemini-3-pro-image"],
  },
  { kind: "image", names: ["gemini-3.1-flash-lite-image", "nano-banana-2-lite"], families: ["gemini-3.1-flash-lite-image"] },
  {
    kind: "image",
    names: ["gemini-2.5-flash-image", "nano-banana", "gemini-nano-banana", "nano-banana-1"],
    families: ["gemini-2.5-flash-image", ...AFTER_FLASH],
  },
  {
    kind: "image",
    names: ["gemini-2.0-flash-exp-image-generation", "gemini-2.0-flash-preview-image-generation"],
    families: AFTER_FLASH,
    retired: true,
  },
  { kind: "image", names: ["imagen-4", "imagen-4.0", "imagen-4-generate", "imagen-4.0-generate"], families: ["imagen-4", ...AFTER_FLASH] },
  {
    kind: "image",
    names: [
      "imagen-4-ultra",
      "imagen-4-fast",
      "imagen-4.0-ultra",
      "imagen-4.0-fast",
      "imagen-4.0-ultra-generate",
      "imagen-4.0-fast-generate",
      "imagen-3",
      "imagen-3.0",
      "imagen-3.0-generate",
      "imagen-3.0-fast-generate",
      "imagen-3.0-capability",
      "imagegeneration",
    ],
    families: ["imagen-4", ...AFTER_FLASH],
    retired: true,
  },
  // Seen in other clients of Flow's next surface; which model stands behind it is not known.
  { kind: "image", names: ["harbor-seal"], families: AFTER_FLASH, retired: true },
  { kind: "image", names: ["dall-e-2", "dall-e-3"], families: [...AFTER_FLASH, "imagen-4"], retired: true },
  {
    kind: "image",
    names: ["gpt-image-1", "gpt-image-2", "chatgpt-image"],
    families: [...AFTER_FLASH, "imagen-4"],
    retired: true,
    open: true,
  },
  { kind: "video", names: ["gemini-omni-1.2-flash"], families: ["gemini-omni-1.2-flash"] },
  { kind: "video", names: ["gemini-omni-1.1-flash"], families: ["gemini-omni-1.1-flash", "gemini-omni-1.2-flash"] },
  { kind: "video", names: ["gemini-omni-flash"], families: ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash"], retired: true },
  { kind: "video", names: ["omni", "abra"], families: ["omni", "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"] },
  { kind: "video", names: ["veo-3.1"], families: AFTER_VEO },
  { kind: "video", names: ["veo-2", "veo-2.0", "veo-2.1", "veo-3", "veo-3.0"], families: AFTER_VEO, retired: true },
  { kind: "video", names: ["sora-2"], families: IN_PLACE_OF_SORA, retired: true, open: true },
];

/** Google's own ids besides the families': what its documentation, its SDKs and clients made for it call these models. */
export const OFFICIAL: Readonly<Record<Kind, readonly string[]>> = {
  image: ["gemini-{3-pro,3.1-flash,2.5-flash}-image-preview", "imagen-4.0-{,fast-,ultra-}generate-001"],
  video: ["veo-3.1-{,fast-,lite-}generate-preview", "veo-3.0-{,fast-}generate-001", "gemini-omni-flash-preview"],
};

/**
 * Ids that `GET /v1/models?all=true` shows besides the families, as patterns: `{a,b}` stands for each of its words.
 * The first ones are what users of the Python original have saved; the last ones what clients hard-code.
 */
export const LISTED: Readonly<Record<Kind, readonly string[]>> = {
  image: [
    "gemini-{3.0-pro,3.1-flash}-image{,-landscape,-portrait,-square,-four-three,-three-four}{,-2k,-4k}",
    "imagen-4.0-generate-preview{,-landscape,-portrait}",
    "gemini-2.5-flash-image-{landscape,portrait}",
    "gemini-{3-pro,3.1-flash,2.5-flash}-image-preview",
    "nano-banana{,-pro,-pro-preview,-2}",
    "imagen-4.0-{,fast-,ultra-}generate-001",
    "imagen-3.0-generate-002",
    "{dall-e-2,dall-e-3,gpt-image-1,gpt-image-1-mini,gpt-image-1.5,gpt-image-2,chatgpt-image-latest}",
  ],
  video: [
    "omni{,_portrait}",
    "veo_3_1_t2v_fast{,_landscape,_portrait}{,_4s,_6s,_8s}",
    "veo_3_1_t2v_fast{,_portrait}_{4k,1080p}",
    "veo_3_1_t2v_fast{,_portrait}_ultra{,_relaxed,_4k,_1080p}",
    "veo_3_1_{t2v,i2v_s}{,_landscape,_portrait}{,_4s,_6s,_8s}{,_4k,_1080p}",
    "veo_3_1_{t2v,i2v,interpolation}_lite{,_landscape,_portrait}",
    "veo_3_1_{t2v,i2v,interpolation}_lite_{4s,6s,8s}{,_landscape,_portrait}",
    "veo_3_1_{t2v,i2v,interpolation}_lite_{landscape,portrait}_{4s,6s,8s}",
    "veo_3_1_i2v_s_fast{,_landscape,_portrait}_{4s,6s,8s}_fl",
    "veo_3_1_i2v_s_fast{,_portrait}_fl",
    "veo_3_1_i2v_s_fast{,_portrait}_ultra_{fl,fl_4k,fl_1080p,relaxed}",
    "veo_3_1_r2v_fast{,_landscape,_portrait}{,_ultra,_ultra_relaxed}{,_8s}",
    "veo_3_1_r2v_fast{,_landscape,_portrait}_ultra_{4k,1080p}",
    "veo_3_1_extend{,_portrait}",
    "veo-3.1-{,fast-,lite-}generate-preview",
    "veo-3.0-{,fast-}generate-001",
    "gemini-omni-flash-preview",
    "sora-2{,-pro}",
  ],
};
