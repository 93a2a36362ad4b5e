// Companion extension protocol: /api/plugin/*, in the shapes of python-flow2api, errors as `{detail}`.

import { Elysia, t } from "elysia";
import type { Store } from "../db/store.ts";
import type { TokenRow } from "../domain/token.ts";
import { AppError, bodyRefusalHeaders, type ErrorKind, knownFailure } from "../errors.ts";
import { createThrottle } from "../gateway/auth/throttle.ts";
import { hashKey } from "../gateway/keys/keys.ts";
import type { Pool } from "../gateway/pool/pool.ts";
import type { PoolTokenView } from "../gateway/pool/snapshot.ts";
import type { SettingsStore } from "../gateway/settings/settings.ts";
import type { CompanionSessions } from "../gateway/tokens/companion-sessions.ts";
import { detectSecret, isDetected } from "../gateway/tokens/detect-secret.ts";
import type { Log } from "../log.ts";
import { type BodyReader, validator } from "./body/body.ts";

/** Access to these routes, decided before a body is read. */
export type PluginGuard = {
  /** False while no connection token is set: the routes do not exist then. */
  isOpen(): boolean;
  /** The refusal of this request, or null. `address` is the client's. */
  refusalOf(headers: Headers, address: string | null): AppError | null;
};

const FAILURES = { failures: 10, windowMs: 60_000 };

export function createPluginGuard(connectionToken: () => string, now: () => number): PluginGuard {
  const throttle = createThrottle({ ...FAILURES, now });
  return {
    isOpen: () => connectionToken() !== "",
    refusalOf(headers, address) {
      // Extensions send the token with or without the scheme.
      const presented = (headers.get("authorization") ?? "").replace(/^bearer\s+/i, "");
      if (connectionToken() !== "" && crypto.timingSafeEqual(hashKey(presented), hashKey(connectionToken()))) return null;
      // The throttle applies to wrong tokens only: guesses from the operator's address must not lock out the right one.
      const key = address ?? "";
      const retryAfterMs = throttle.waitMs(key);
      if (retryAfterMs > 0) return new AppError("limit_exceeded", "Too many attempts with a wrong connection token.", { retryAfterMs });
      throttle.fail(key);
      return new AppError("unauthorized", "Invalid connection token");
    },
  };
}

/** HTTP status by kind; kinds that are not here are 500, which extensions retry. */
const STATUS: Partial<Record<ErrorKind, number>> = {
  invalid_request: 400,
  upstream_unauthorized: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  payload_too_large: 413,
  request_timeout: 408,
  unsupported_media_type: 415,
  limit_exceeded: 429,
  busy: 429,
  unavailable: 503,
};

/** A failure in the envelope of python-flow2api. */
export function errorResponse(thrown: unknown): Response {
  const error = knownFailure(thrown);
  if (!error) return Response.json({ detail: "Internal error" }, { status: 500 });
  const { kind, message, retryAfterMs } = error;
  const headers = bodyRefusalHeaders(error);
  if (retryAfterMs !== undefined) headers["retry-after"] = `${Math.ceil(retryAfterMs / 1000)}`;
  return Response.json({ detail: message }, { status: STATUS[kind] ?? 500, headers });
}

export type PluginContext = {
  bodies: BodyReader;
  settings: SettingsStore;
  store: Pick<Store, "listTokens">;
  pool: Pick<Pool, "snapshot">;
  companionSessions: CompanionSessions;
  now: () => number;
  log: Log;
};

/** Longest session exchange, with all that precedes it, in seconds. */
const IDLE_SECONDS = 120;
const LENIENT = { additionalProperties: true };
/** Cookies, logins and passwords that extensions also send are not read. */
const readUpdate = validator(t.Object({ session_token: t.Optional(t.Unknown()) }, LENIENT));
const readCheck = validator(t.Object({ emails: t.Optional(t.Nullable(t.Array(t.String(), { maxItems: 10_000 }))) }, LENIENT));
const MAX_SESSION = 16_384;
const DETAIL = { tags: ["Plugin"] };

export function pluginRoutes(ctx: PluginContext) {
  return new Elysia({ name: "plugin" })
    .post(
      "/api/plugin/update-token",
      ({ request, server }) => {
        server?.timeout(request, IDLE_SECONDS);
        return respond(ctx, () => updateToken(ctx, request));
      },
      { parse: "none", detail: { ...DETAIL, summary: "Hand in an account's new session" } },
    )
    .post("/api/plugin/check-tokens", ({ request }) => respond(ctx, () => checkTokens(ctx, request)), {
      parse: "none",
      detail: { ...DETAIL, summary: "Which accounts need a new session" },
    });
}

/** What `work` returns, or its failure in the envelope of this protocol. */
async function respond({ log }: PluginContext, work: () => Promise<object>): Promise<Response> {
  try {
    const result = await work();
    return result instanceof Response ? result : Response.json(result);
  } catch (error) {
    if (!(error instanceof AppError)) log.error(knownFailure(error) ? "The store failed" : "A request failed by a bug", { error });
    return errorResponse(error);
  }
}

/** Refuses a body that is not an object as FastAPI does: 422 with a list of errors. */
function unprocessable(type: string, msg: string): Response {
  return Response.json({ detail: [{ type, loc: ["body"], msg, input: null }] }, { status: 422 });
}

/** The session token; the rest of the body is dropped. A `Response` where there is none. */
async function sessionIn(bodies: BodyReader, request: Request): Promise<string | Response> {
  if (hasNoBody(request)) return unprocessable("missing", "Field required");
  let text: unknown;
  try {
    using body = await bodies.json(request, readUpdate);
    text = body.value.session_token;
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "invalid_request") throw error;
    return unprocessable("dict_type", "Input should be a valid dictionary");
  }
  if (text === undefined || text === null || text === "") throw new AppError("invalid_request", "Missing session_token");
  const found = typeof text === "string" && text.length <= MAX_SESSION ? detectSecret(text, "flow", { isNamed: true }) : null;
  if (!found || !isDetected(found)) throw new AppError("invalid_request", `Invalid session token${found ? `: it ${found.reason}` : ""}`);
  return found.secret;
}

const hasNoBody = (request: Request): boolean => request.body === null || request.headers.get("content-length") === "0";

/** Synchronizers read the account from the end of `message`, after " for ". */
async function updateToken({ bodies, companionSessions, log }: PluginContext, request: Request) {
  const session = await sessionIn(bodies, request);
  if (session instanceof Response) return session;
  const { action, tokenId, identity, enabled } = await companionSessions.take(session, request.signal);
  log.info("Session received from the companion extension", { tokenId, action, enabled });
  const message = `Token ${action}${enabled ? " and auto-enabled" : ""} for ${identity}`;
  return { success: true, message, action, auto_enabled: enabled, token_id: tokenId };
}

async function checkTokens({ bodies, store, pool, settings, now }: PluginContext, request: Request) {
  const emails = hasNoBody(request) ? [] : await emailsIn(bodies, request);
  const wanted = new Set(emails.map((email) => email.trim().toLowerCase()));
  const views = new Map(pool.snapshot().map((view) => [view.id, view]));
  const { enabled, flow_interval } = settings.current().refresh;
  const tokens = (await store.listTokens())
    .filter((row) => row.provider === "flow" && (wanted.size === 0 || wanted.has(row.identity?.toLowerCase() ?? "")))
    .map((row) => ({
      ...describe(row, views.get(row.id), now()),
      auto_refresh_enabled: enabled && row.enabled,
      refresh_interval_minutes: Math.round(flow_interval / 60),
    }));
  return { success: true, tokens };
}

/** The requested accounts; an empty list: all. */
async function emailsIn(bodies: BodyReader, request: Request): Promise<string[]> {
  using body = await bodies.json(request, readCheck);
  return body.value.emails ?? [];
}

const isoOf = (time: number | null | undefined): string | null => (typeof time === "number" ? new Date(time).toISOString() : null);

/**
 * `is_active` is the operator's switch alone: synchronizers skip inactive tokens, and one with a dead session needs them.
 * `at_expires` is the latest renewal of the access token, shortly before it expires.
 */
function describe(row: TokenRow, view: PoolTokenView | undefined, now: number) {
  const isDead = view?.health.reason === "session_dead" || view?.health.reason === "imported_off";
  return {
    id: row.id,
    email: row.identity ?? "",
    is_active: row.enabled,
    needs_refresh: isDead || (row.renewBefore !== null && row.renewBefore <= now),
    at_expires: isoOf(row.renewBefore),
    last_used_at: isoOf(view?.usedAt),
    protocol_mode: "session",
    last_st_refresh_at: isoOf(row.checkedAt),
    last_st_refresh_result: isDead ? view.health.message : row.checkedAt === null ? "" : "success",
    credits: row.credits,
  };
}
