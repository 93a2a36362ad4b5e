// What the showcase is made of: tokens, keys, and prompts.
import type { NewToken, TokenChange } from "../src/domain/token.ts";
import type { FailureReason } from "../src/errors.ts";

type ShownToken = NewToken &
  Pick<TokenChange, "tier" | "credits"> & {
    held?: {
      kind: "upstream_unauthorized" | "upstream_rate_limited" | "upstream_verification" | "upstream_quota";
      reason: FailureReason;
      status: number;
      hours?: number;
    };
  };

const gemini = (name: string, group: string, more: Partial<ShownToken> = {}): ShownToken => ({
  provider: "gemini",
  label: name,
  group,
  secret: `${group}.${name}-${"key".repeat(8)}`,
  identity: `${group}@example.com`,
  tier: 1,
  ...more,
});
const flow = (name: string, tier: 0 | 1 | 2, credits: number, more: Partial<ShownToken> = {}): ShownToken => ({
  provider: "flow",
  label: name,
  secret: `${name}-${["free", "pro", "ultra"][tier]}-${"session".repeat(4)}`,
  identity: `${name.replace("flow-", "")}@example.com`,
  tier,
  credits,
  ...more,
});

export const TOKENS: readonly ShownToken[] = [
  gemini("aurora-1", "aurora", { tags: ["paid"], weight: 2 }),
  gemini("aurora-2", "aurora", { tags: ["paid"] }),
  gemini("birch-1", "birch", { note: "Shared with the design team" }),
  gemini("birch-2", "birch", { held: { kind: "upstream_unauthorized", reason: "key_invalid", status: 400 } }),
  gemini("cedar-1", "cedar", { held: { kind: "upstream_rate_limited", reason: "throttled", status: 429, hours: 0.4 } }),
  gemini("cedar-2", "cedar"),
  gemini("delta-1", "delta", { tags: ["trial"], enabled: false, note: "Paused until the invoice is settled" }),
  gemini("ember-1", "ember", { held: { kind: "upstream_quota", reason: "account_quota", status: 429 } }),
  gemini("fjord-1", "fjord", { tags: ["europe"] }),
  flow("flow-studio", 2, 11_840, { tags: ["video"] }),
  flow("flow-harbor", 1, 920, { tags: ["video"] }),
  flow("flow-grove", 1, 310, { held: { kind: "upstream_verification", reason: "verification", status: 403 } }),
];

/** The token that is shown on its own page. */
export const PAUSED = "cedar-1";

export const KEYS = ["Open WebUI", "LobeHub", "n8n workflows", "Cherry Studio", "Phone"] as const;

export const IMAGES: readonly [string, string][] = [
  ["A fox in fresh snow at first light", "1536x1024"],
  ["Harbour at dawn, long exposure, calm water", "1536x1024"],
  ["Poster for a jazz night in warm colours", "1024x1536"],
  ["雪山脚下的湖泊,清晨薄雾", "1536x1024"],
  ["A paper boat on a quiet lake, soft light", "1024x1024"],
  ["Isometric workshop full of tools", "1024x1024"],
  ["Lighthouse in a storm, oil on canvas", "1024x1536"],
  ["Street market in the rain, neon reflections", "1536x1024"],
  ["Botanical drawing of a fern", "1024x1536"],
  ["Desert road under a violet sky", "1536x1024"],
  ["Tea house in a bamboo forest", "1024x1024"],
  ["City of glass seen from above", "1536x1024"],
  ["A library inside a whale", "1024x1024"],
  ["Autumn forest from a drone", "1536x1024"],
  ["Portrait of an astronaut, studio light", "1024x1536"],
  ["Still life with pears and a blue jug", "1024x1024"],
];
export const TRIED = [
  "A heron at the edge of a pond, watercolour",
  "A cabin under the northern lights",
  "A balloon over green valleys, early morning",
] as const;
export const VIDEOS = ["Waves rolling over black sand, slow dolly in", "A kite above a wheat field, golden hour"] as const;
