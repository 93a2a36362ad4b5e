// AdminGuard: allow-list, origin, session, form token, checked before the body. Closed by default.
import type { Store } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import { isPasswordTemporary } from "../../gateway/auth/password.ts";
import { isFormToken, type Sessions } from "../../gateway/auth/sessions.ts";
import type { SessionContext } from "../context.ts";
import { isChange, isOwnOrigin } from "./same-origin.ts";
import type { SessionCookie } from "./session-cookie.ts";

/** Pages without a session: the way in, and what it looks like. */
const OPEN_PATHS = /^\/(admin\/(login|preferences|assets\/.+)|login|manage|test)?$/;
/** All that a one-time password opens. */
const FIRST_PATHS = /^\/admin\/(welcome(\/password)?|logout)$/;

/** Headers of every response below `/admin`. Same-origin as the referrer policy: with none, browsers send `Origin: null` with our own forms. */
export const ADMIN_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
} as const;

export type AdminVerdict = {
  /** Headers of the response, beside {@link ADMIN_HEADERS}. */
  headers: Record<string, string>;
  /** Where the browser is sent instead, or why it is refused; null: come in. */
  refusal: { to: string } | AppError | null;
};

/** A request as it arrived. */
export type Arrival = {
  path: string;
  query: string;
  /** The client's address, behind trusted proxies the forwarded one. */
  address: string | null;
  secure: boolean;
  /** Host that a trusted proxy was asked for. */
  forwardedHost: string | null;
};

export type AdminGuard = {
  decide(request: Request, arrival: Arrival): Promise<AdminVerdict>;
  /** @throws {Error} when the guard has not seen the request */
  sessionContextOf(request: Request): SessionContext;
  hasSeen(request: Request): boolean;
};

type Dependencies = {
  sessions: Sessions;
  cookie: SessionCookie;
  store: Pick<Store, "readFact">;
  publicUrl: () => string;
  /** Whether an address may come at all. */
  isAllowed(address: string | null): boolean;
};

const refused = (kind: "forbidden" | "unauthorized", reason: RefusalReason, message: string) => new AppError(kind, message, { reason });

/** Reasons of the guard, worded by the page that is shown. */
export type RefusalReason = "not_allowed" | "wrong_origin" | "session_over" | "stale_form" | "password_first";

export function createAdminGuard({ sessions, cookie, store, publicUrl, isAllowed }: Dependencies): AdminGuard {
  const contexts = new WeakMap<Request, SessionContext>();

  const refusalOf = async (
    request: Request,
    context: SessionContext,
    { path, query, forwardedHost }: Arrival,
  ): Promise<AdminVerdict["refusal"]> => {
    const changes = isChange(request.method);
    if (!isAllowed(context.address)) return refused("forbidden", "not_allowed", "The admin is not open to this address.");
    if (changes && !isOwnOrigin(request, publicUrl(), forwardedHost))
      return refused("forbidden", "wrong_origin", "The request comes from another site.");
    if (OPEN_PATHS.test(path)) return null;
    if (!context.session) {
      if (changes || request.headers.has("hx-request")) return refused("unauthorized", "session_over", "Not signed in.");
      return { to: `/admin/login?next=${encodeURIComponent(path + (query ? `?${query}` : ""))}` };
    }
    if (!FIRST_PATHS.test(path) && (await isPasswordTemporary(store)))
      return changes ? refused("forbidden", "password_first", "Set your own password first.") : { to: "/admin/welcome" };
    if (!changes) return null;
    const token = request.headers.get("x-csrf-token");
    if (token !== null && isFormToken(context.session, token)) return null;
    context.owesToken = true;
    const isForm = FORM_TYPES.test(request.headers.get("content-type") ?? "");
    return token === null && isForm ? null : refused("forbidden", "stale_form", "The form token is missing or wrong.");
  };

  return {
    async decide(request, arrival) {
      const headers: Record<string, string> = {};
      const { address, secure } = arrival;
      const carried = await cookie.read(request.headers, secure);
      const session = carried && (await sessions.find(carried.id));
      const context: SessionContext = { session, sessionId: session ? carried.id : null, address, secure, owesToken: false };
      contexts.set(request, context);
      if (session && carried.isAging) headers["set-cookie"] = await cookie.write(carried.id, secure);
      return { headers, refusal: await refusalOf(request, context, arrival) };
    },
    hasSeen: (request) => contexts.has(request),
    sessionContextOf(request) {
      const context = contexts.get(request);
      if (!context) throw new Error("A page of the admin was reached past its guard.");
      return context;
    },
  };
}

/** Bodies that a plain form sends, with the form token inside. */
const FORM_TYPES = /^(application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|$)/i;
