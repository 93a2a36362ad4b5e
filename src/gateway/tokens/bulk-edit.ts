// Bulk edit of tokens: tags, group, proxy, caps, concurrency; what is not named stays as each token has it. Pure.

import { isRecord } from "../../domain/is-record.ts";
import type { TokenChange, TokenRow } from "../../domain/token.ts";
import { type Cap, parseCaps } from "../pool/token-quota.ts";

/** Absent: it stays. */
export type TokenEdit = {
  /** Tags that each gets beside its own, and tags that each loses. */
  addTags?: readonly string[];
  removeTags?: readonly string[];
  /** Null: none. */
  group?: string | null;
  /** Null: the server's own. */
  proxy?: string | null;
  /** Caps by name; null takes that one away. */
  caps?: Partial<Cap>;
  /** Calls at once; -1 unlimited. */
  imageConcurrency?: number;
  videoConcurrency?: number;
  weight?: number;
  priority?: number;
  enabled?: boolean;
};

/** What an edit changes of one token. Fields that it does not name are absent. */
export function changeOf(row: Pick<TokenRow, "tags" | "caps">, { addTags = [], removeTags = [], caps, ...plain }: TokenEdit): TokenChange {
  const change: TokenChange = { ...plain };
  if (addTags.length + removeTags.length > 0) {
    const lost = new Set(removeTags);
    change.tags = [...new Set([...row.tags, ...addTags])].filter((tag) => !lost.has(tag));
  }
  if (caps && Object.keys(caps).length > 0) change.caps = withCap(row.caps, "token", mergedCap(parseCaps(row.caps)?.token ?? null, caps));
  return change;
}

const NO_CAP: Cap = { requestsPerMinute: null, requestsPerDay: null, imagesPerMinute: null, usdPerDay: null };

function mergedCap(own: Cap | null, change: Partial<Cap>): Cap | null {
  const next = { ...NO_CAP, ...own, ...change };
  return Object.values(next).some((value) => value !== null) ? next : null;
}

/** Caps with one of them replaced; caps by model, which forms do not show, stay. Null when nothing is capped. */
export function withCap(caps: unknown, whose: "token" | "group", cap: Cap | null): unknown {
  const known = isRecord(caps) ? caps : {};
  const { models, group } = known;
  const groupModels = isRecord(group) ? group.models : undefined;
  const own = whose === "token" ? cap : (parseCaps(caps)?.token ?? null);
  const shared = whose === "group" ? cap : (parseCaps(caps)?.group ?? null);
  const next = {
    ...own,
    ...(models === undefined ? {} : { models }),
    ...(shared || groupModels ? { group: { ...shared, ...(groupModels === undefined ? {} : { models: groupModels }) } } : {}),
  };
  return parseCaps(next) ? next : null;
}
