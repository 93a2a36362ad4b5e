// A token: an upstream's secret in the pool, with what the operator set and what checks have learned.

import type { Tier } from "./generation.ts";

/** A token as the pool needs it. Secrets are asked for separately, only when a call is made. Times are epoch ms. */
export type TokenRow = {
  id: number;
  provider: string;
  label: string;
  /** Tokens of one group share one upstream quota; null: a group of its own. */
  group: string | null;
  enabled: boolean;
  imageEnabled: boolean;
  videoEnabled: boolean;
  /** Calls at once; -1 unlimited. */
  imageConcurrency: number;
  videoConcurrency: number;
  weight: number;
  priority: number;
  /** Families that are the only ones allowed; empty: all. */
  allowFamilies: string[];
  denyFamilies: string[];
  proxy: string | null;
  /** Where the upstream is to serve it, for a provider that has locations; null: its default. */
  location: string | null;
  note: string;
  tags: string[];
  /** Learned by checks; null: not learned yet. */
  identity: string | null;
  tier: Tier | null;
  credits: number | null;
  families: string[] | null;
  checkedAt: number | null;
  renewBefore: number | null;
  /** Last four characters of the secret, for people to tell tokens apart. */
  hint: string;
  createdAt: number;
  /** Persisted health of the token and of its models; opaque JSON of `gateway/health.ts`. */
  health: unknown;
  /** Own caps, opaque JSON of `gateway/quota.ts`; null: none. */
  caps: unknown;
  /** When the operator deleted it; null: it is in the pool. */
  deletedAt: number | null;
};

export type NewToken = Pick<TokenRow, "provider" | "label"> & {
  secret: string;
  /** What its adapter is to remember from the start. */
  state?: Record<string, unknown>;
  /** What `TokenRow.health` is from the start; null or absent: healthy. */
  health?: unknown;
} & Partial<
    Pick<
      TokenRow,
      | "group"
      | "enabled"
      | "imageEnabled"
      | "videoEnabled"
      | "imageConcurrency"
      | "videoConcurrency"
      | "weight"
      | "priority"
      | "allowFamilies"
      | "denyFamilies"
      | "proxy"
      | "location"
      | "note"
      | "tags"
      | "identity"
      | "caps"
    >
  >;

export type TokenChange = Partial<Omit<TokenRow, "id" | "provider" | "createdAt" | "hint" | "deletedAt">>;

/** What held a token or a group back, from `at` on. Times are epoch ms. */
export type CooldownRow = {
  /** `token 12`, or `group gemini alpha` for a quota that its tokens share. */
  subject: string;
  /** Whose call met it. */
  tokenId: number;
  at: number;
  /** Null: all models. */
  family: string | null;
  /** As `gateway/health.ts` names it. */
  reason: string;
  /** When it ends by itself; null: only the operator ends it. */
  until: number | null;
};

/** `version`: the one that the change was made on; absent: it is written whatever is there. */
export type HealthChange = { id: number; health: unknown; pauses?: readonly CooldownRow[]; version?: number };

/** Stored health of a token. Its version grows with each change. */
export type HealthRow = { id: number; health: unknown; version: number };

/** The secret side of a token, decrypted. `version` grows with each change of either. */
export type TokenSecret = { secret: string; state: Record<string, unknown>; version: number };

/** Half an hour: calls of each token are counted by it. */
export const BEAT_MS = 1_800_000;
