// AdminGuard: allow-list, origin, session, form token, checked before the body. Closed by default.
import type { Settings } from "../../config/settings-schema.ts";
import { includesRole, type Role } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import { isChange, neededRole } from "../../gateway/auth/roles.ts";
import { isFormToken, type Session, type Sessions } from "../../gateway/auth/sessions.ts";
import { actorOf, type SignIn } from "../../gateway/auth/sign-in.ts";
import { type Identity, identityOfHeaders, roleOfIdentity } from "../../gateway/auth/sso.ts";
import type { SessionContext } from "../context.ts";
import { isOwnOrigin } from "./same-origin.ts";
import type { SessionCookie } from "./session-cookie.ts";

/** Pages without a session: the way in, and what it looks like. */
const OPEN_PATHS = /^\/(admin\/(login(\/(code|oidc|oidc\/callback))?|preferences|assets\/.+)|login|manage|test)?$/;
/** All that a one-time password opens. */
const FIRST_PATHS = /^\/admin\/(welcome(\/password)?|logout)$/;

export type AdminVerdict = {
  /** Headers of the response, beside {@link ADMIN_HEADERS} of headers.ts. */
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
  /** The connection comes from a proxy of `server.trust_proxy`: only then its headers say who is signed in. */
  isFromProxy: boolean;
};

export type AdminGuard = {
  decide(request: Request, arrival: Arrival): Promise<AdminVerdict>;
  /** Whether whoever sent `like` may open the page that `request` asks for, within the same session. */
  admitsToo(request: Request, like: Request): Promise<boolean>;
  /** @throws {Error} when the guard has not seen the request */
  sessionContextOf(request: Request): SessionContext;
  hasSeen(request: Request): boolean;
};

type Dependencies = {
  sessions: Sessions;
  signIn: SignIn;
  settings: () => Settings["sign_in"];
  cookie: SessionCookie;
  publicUrl: () => string;
  /** Whether an address may come at all. */
  isAllowed(address: string | null): boolean;
};

const refused = (kind: "forbidden" | "unauthorized", reason: RefusalReason, message: string) => new AppError(kind, message, { reason });

/** Reasons of the guard, worded by the page that is shown. */
export type RefusalReason = "not_allowed" | "wrong_origin" | "session_over" | "stale_form" | "password_first" | "role_missing";

export function createAdminGuard({ sessions, signIn, settings, cookie, publicUrl, isAllowed }: Dependencies): AdminGuard {
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
    if (!FIRST_PATHS.test(path) && context.session.account.passwordTemporary)
      return changes ? refused("forbidden", "password_first", "Set your own password first.") : { to: "/admin/welcome" };
    const needed = neededRole(request.method, path);
    if (!includesRole(context.session.account.role, needed))
      return refused("forbidden", "role_missing", `This needs the role ${needed}; yours is ${context.session.account.role}.`);
    if (!changes) return null;
    const token = request.headers.get("x-csrf-token");
    if (token !== null && isFormToken(context.session, token)) return null;
    context.owesToken = true;
    const isForm = FORM_TYPES.test(request.headers.get("content-type") ?? "");
    return token === null && isForm ? null : refused("forbidden", "stale_form", "The form token is missing or wrong.");
  };

  /** A session that a proxy's header opened counts for as long as the header names the same person, with the role of now. */
  const stillVouchedFor = async (session: Session, identity: Identity | null): Promise<boolean> => {
    const { account } = session;
    if (account.source === "password") return settings().password;
    if (account.source !== "header") return true;
    if (identity?.subject !== account.subject) return false;
    const role = roleOfIdentity(identity, settings());
    if (role === null) {
      await signIn.endAccess(identity);
      return false;
    }
    session.account = await signIn.vouch(account, identity, role);
    return true;
  };
  const openByHeader = async (identity: Identity, request: Request, address: string | null): Promise<Current> => {
    const role = roleOfIdentity(identity, settings());
    if (role === null) {
      await signIn.endAccess(identity);
      return null;
    }
    const agent = request.headers.get("user-agent") ?? "";
    return signIn.open(await signIn.accountOf(identity, role), { address, agent, way: "header" });
  };

  return {
    async decide(request, arrival) {
      const headers: Record<string, string> = {};
      const { address, secure } = arrival;
      const carried = await cookie.read(request.headers, secure);
      const identity = arrival.isFromProxy ? identityOfHeaders(request.headers, settings()) : null;
      const found = carried && (await sessions.find(carried.id));
      let current: Current = found && (await stillVouchedFor(found, identity)) ? { id: carried.id, session: found } : null;
      if (current && carried?.isAging) headers["set-cookie"] = await cookie.write(current.id, secure);
      if (!current && identity && isAllowed(address) && mayOpen(request)) {
        current = await openByHeader(identity, request, address);
        if (current) headers["set-cookie"] = await cookie.write(current.id, secure);
      }
      const session = current?.session ?? null;
      const context: SessionContext = {
        ...{ session, sessionId: current?.id ?? null, address, secure, owesToken: false },
        actor: session ? actorOf(session.account) : "nobody",
      };
      contexts.set(request, context);
      return { headers, refusal: await refusalOf(request, context, arrival) };
    },
    async admitsToo(request, like) {
      const context = { ...this.sessionContextOf(like), owesToken: false };
      contexts.set(request, context);
      const { pathname: path, search } = new URL(request.url);
      const { address, secure } = context;
      const arrival = { path, query: search.slice(1), address, secure, forwardedHost: null, isFromProxy: false };
      return (await refusalOf(request, context, arrival)) === null;
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

type Current = { id: string; session: Session } | null;

/**
 * Pages that a browser goes to open a session by themselves where a proxy vouches for the person; what follows from a page has the cookie,
 * and a program without cookies would open one with each request.
 */
const mayOpen = ({ method, headers }: Request) =>
  !isChange(method) && !headers.has("hx-request") && (headers.get("accept") ?? "").includes("text/html");

/** Role of a request's session; null without one. */
export const roleOf = ({ session }: SessionContext): Role | null => session?.account.role ?? null;
