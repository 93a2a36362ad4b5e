// Address of the request list: its fields, and the filter of the request log that they mean. Pure.
import type { RequestFilter } from "../../domain/request.ts";
import { timeIn } from "./time-zone.ts";

const REQUEST_FIELDS = [
  "q",
  "outcome",
  "reason",
  "attempt",
  "kind",
  "key",
  "token",
  "model",
  "family",
  "span",
  "from",
  "to",
  "before",
] as const;

/** Fields of an address, as they were sent; those that say nothing are left out. */
export type RequestQuery = Partial<Record<(typeof REQUEST_FIELDS)[number], string>>;

/** Longest value of a field that is read. */
const MAX_VALUE = 200;

export function readRequestQuery(params: URLSearchParams): RequestQuery {
  const fields = REQUEST_FIELDS.map((name) => [name, (params.get(name) ?? "").trim().slice(0, MAX_VALUE)] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== ""));
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Times before now that have a name; a day is a UTC day, as everything that is counted by day. */
const SPANS: Readonly<Record<string, (now: number) => number>> = {
  today: (now) => now - (now % DAY_MS),
  "24h": (now) => now - DAY_MS,
  "7d": (now) => now - 7 * DAY_MS,
};

/** Rows whose keys and tokens have the text of the query in their names. */
export type NamedAlike = { keys: readonly number[]; tokens: readonly number[] };

/** @param timeZone IANA name of the reader's; null: UTC */
export function requestFilter(
  query: RequestQuery,
  { now, timeZone, named }: { now: number; timeZone: string | null; named?: NamedAlike },
): Omit<RequestFilter, "limit"> {
  const { q, outcome, reason, attempt, kind, key, token, model, family, span, from, to, before } = query;
  const since = span === undefined ? undefined : SPANS[span]?.(now);
  const filter = {
    text: q,
    textKeys: q === undefined ? undefined : named?.keys,
    textTokens: q === undefined ? undefined : named?.tokens,
    outcome: outcome === "failed" || outcome === "refused" ? undefined : outcome,
    failed: outcome === "failed" || undefined,
    refused: outcome === "refused" || undefined,
    reason,
    attemptFailed: attempt === "failed" || undefined,
    kind: kind === "image" || kind === "video" ? kind : undefined,
    keyId: idOf(key),
    tokenId: idOf(token),
    model,
    family,
    from: timeIn(from, timeZone) ?? since,
    to: timeIn(to, timeZone) ?? undefined,
    before,
  } satisfies Omit<RequestFilter, "limit">;
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

const idOf = (text: string | undefined) => (text && /^\d{1,15}$/.test(text) ? Number(text) : undefined);
