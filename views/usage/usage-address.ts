// Addresses of the usage pages, and what they show. Pure.
import type { UsageRow } from "../../src/db/ledger.ts";
import type { FailureSum } from "../../src/domain/request.ts";
import type { UsageByKind, UsageGroup, UsageRange, UsageSort, UsageTotal } from "../../src/gateway/reports/usage.ts";
import type { RequestFields } from "../requests/href.ts";

/** What the address of the page says. */
export type UsageAddress = {
  range: UsageRange;
  /** `reason`: why requests failed, which is no sum of usage. */
  by: UsageGroup | "reason";
  key?: { id: number; name: string };
  token?: { id: number; name: string };
  model?: string;
  sort: UsageSort;
  descending: boolean;
};

export type UsageData = UsageAddress & {
  /** By outcome and reason, the most first; null: they are not asked for. */
  reasons: readonly FailureSum[] | null;
  total: UsageTotal;
  /** By hour or day, for the plots. */
  along: UsageByKind;
  /** Of the table, in order; `all` is how many there are. */
  rows: readonly (UsageRow & { name: string })[];
  all: number;
  /** Ids of the families that can be chosen. */
  models: readonly string[];
};

export const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

/** The page at another place: what is not changed stays. */
export function usageHref(
  at: UsageAddress,
  change: Partial<Record<"span" | "by" | "from" | "to" | "key" | "token" | "model", string>>,
  path = "",
) {
  const { span, from, to } = at.range;
  const own = span === "custom" ? { from: dayOf(from), to: dayOf(to - 1) } : {};
  const now = { span, by: at.by, ...own, key: at.key && `${at.key.id}`, token: at.token && `${at.token.id}`, model: at.model };
  const fields = Object.entries({ ...now, ...change }).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `/admin/usage${path}?${new URLSearchParams(fields)}`;
}

/** What of the request list the page is about: its span, and what narrows it. */
export function requestsOf({ range, key, token, model }: UsageAddress): RequestFields {
  return { key: key?.id, token: token?.id, family: model, from: range.from, to: range.to };
}
