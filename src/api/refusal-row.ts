// Row of the request log for a request that was turned away: no body, no query, nothing that looks like a secret. Pure.
import type { RequestRow } from "../domain/request.ts";
import { type AppError, isRefusal } from "../errors.ts";
import { redactText } from "../log.ts";
import type { Arrival } from "./arrival.ts";
import { dialectOf } from "./dialect.ts";

/** Paths that programs ask for by the thousand, and that start no generation. */
const UNLOGGED: ReadonlySet<string> = new Set(["media", "metrics", "health", "ready", "favicon.ico", "robots.txt"]);

const MAX_PATH = 120;
const MAX_MESSAGE = 200;

/** Letters and digits in a row as keys have them, and no name of a model or a method has. */
const LIKE_A_SECRET = /^[\w~-]{28,}$/;

/** The path of a request as it may be stored and shown. */
export function shownPath(path: string): string {
  const segments = path.slice(0, 500).split("/");
  const shown = segments.map((segment) => (LIKE_A_SECRET.test(segment) ? "…" : segment)).join("/");
  return redactText(shown.length > MAX_PATH ? `${shown.slice(0, MAX_PATH - 1)}…` : shown);
}

/** Null: the failure is not the client's, or not of the API. */
export function refusalRow(
  arrival: Arrival,
  failure: AppError,
  { now, withAddress }: { now: number; withAddress: boolean },
): RequestRow | null {
  const { kind, reason = null, message } = failure;
  const { group, path, request, key, refusedKey, requestId, startedAt } = arrival;
  if (!isRefusal(kind) || UNLOGGED.has(group)) return null;
  const route = shownPath(path);
  const text = redactText(message.replaceAll(path.slice(0, 200), route));
  return {
    ...{ id: requestId, at: startedAt, ms: Math.max(0, now - startedAt), dialect: dialectOf(arrival), route: `${request.method} ${route}` },
    ...{ keyId: (key ?? refusedKey)?.id ?? null, model: "", family: null, kind: null, outcome: kind },
    message: text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text,
    ...{ images: 0, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, stream: false, mediaIds: [], attempts: [] },
    refusal: { reason, address: withAddress ? arrival.address : null, times: 1 },
  };
}
