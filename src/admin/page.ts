// Admin responses: document, htmx fragment, redirect, error.
import type { ComponentChildren, VNode } from "preact";
import { Fragment, h } from "preact";
import type { Messages } from "../../views/locales/en.ts";
import { ErrorPage } from "../../views/ui/error.tsx";
import { documentResponse, fragmentResponse } from "../../views/ui/html.ts";
import { Layout } from "../../views/ui/layout.tsx";
import { ErrorAlert, type Notice, ToastBeside } from "../../views/ui/messages.tsx";
import { NAV, type PageName } from "../../views/ui/nav.ts";
import { chooseLocale, LOCALES, type LocaleName, THEMES, type Theme, type View } from "../../views/ui/view.ts";
import { includesRole } from "../domain/account.ts";
import { AppError, bodyRefusalHeaders, type ErrorKind, HTTP_STATUS } from "../errors.ts";
import { neededRole } from "../gateway/auth/roles.ts";
import { knownZone } from "../gateway/reports/time-zone.ts";
import { readCookie } from "./auth/session-cookie.ts";
import type { AdminContext } from "./context.ts";
import { formStateOf, isSentByHtmx } from "./form-state.ts";
import { createFormReader, FormError, type FormReader } from "./forms.ts";
import { pathOfUrl } from "./own-path.ts";

type PageContext = Pick<AdminContext, "alerts" | "assets" | "clock" | "maintenance" | "notices" | "simulated" | "sessionContextOf">;

/** What views are given beside their data. */
export function viewOf(ctx: PageContext, request: Request): View {
  const { session, secure, address } = ctx.sessionContextOf(request);
  const { headers } = request;
  const { pathname, search } = new URL(request.url);
  const locale = readCookie(headers, "locale");
  const theme = readCookie(headers, "theme");
  const name: LocaleName = locale !== null && locale in LOCALES ? (locale as LocaleName) : chooseLocale(headers.get("accept-language"));
  return {
    t: LOCALES[name],
    locale: name,
    theme: THEMES.find((one) => one === theme) ?? ("system" satisfies Theme),
    now: ctx.clock.now(),
    may: (to) => !session || includesRole(session.account.role, neededRole("POST", to.split(/[?#]/, 1)[0]!)),
    timeZone: timeZoneOf(request),
    form: formStateOf(request),
    formToken: session?.formToken ?? "",
    assets: ctx.assets,
    path: pathOfUrl(headers.get("hx-current-url")) ?? pathname + search,
    insecure: !secure && !isThisMachine(address),
    simulated: ctx.simulated,
    incidents: session ? ctx.alerts.open() : undefined,
    staged: session ? ctx.maintenance.stagedRestore() : null,
  };
}

const isThisMachine = (address: string | null) => address === null || /^(127\.|::1$|::ffff:127\.)/.test(address);

/** IANA name of the browser's time zone, which `app.js` puts into a cookie; null: not known, so that times are UTC. */
export function timeZoneOf(request: Request): string | null {
  const zone = readCookie(request.headers, "tz");
  return zone === null ? null : knownZone(zone);
}

type PageOptions = { title: string; nav: PageName | null; status?: number; headers?: Record<string, string> };

/** Where htmx puts the content of a page that answers a form. */
const IN_MAIN = { "hx-retarget": "#main", "hx-reswap": "innerHTML show:window:top" };

/** A whole page in the frame; for a form that htmx sent, its content alone. With the mistakes of a refused form it is 422. */
export async function page(
  ctx: PageContext,
  request: Request,
  content: (view: View) => PageOptions & { body: ComponentChildren },
): Promise<Response> {
  const view = viewOf(ctx, request);
  const { session } = ctx.sessionContextOf(request);
  const { title, nav, body, status: own = 200, headers } = content(view);
  const status = view.form && own === 200 ? 422 : own;
  const notices = session ? await ctx.notices.take(session.mark) : [];
  if (isSentByHtmx(request) || (request.method === "POST" && isHtmx(request))) {
    const beside = notices.map((notice) => ToastBeside({ view, notice }));
    const named = h("title", null, `${title} · ${view.t.shell.product}`);
    return fragmentResponse(h(Fragment, null, named, body, ...beside), { status, headers: { ...IN_MAIN, ...headers } });
  }
  return documentResponse(Layout({ view, title, nav, notices, children: body }), { status, headers });
}

/** A part of a page, with a toast beside it when there is something to say. */
export function fragment(ctx: PageContext, request: Request, content: (view: View) => VNode, notice?: Notice): Response {
  const view = viewOf(ctx, request);
  const beside = notice ? ToastBeside({ view, notice }) : null;
  return fragmentResponse(h(Fragment, null, content(view), beside), { status: view.form ? 422 : 200 });
}

export const isHtmx = (request: Request): boolean => request.headers.get("hx-request") === "true";

/** Sends the browser elsewhere, where the notice is shown. */
export async function goTo(
  ctx: Pick<AdminContext, "notices" | "sessionContextOf">,
  request: Request,
  path: string,
  notice?: Notice,
): Promise<Response> {
  const { session } = ctx.sessionContextOf(request);
  if (notice && session) await ctx.notices.add(session.mark, notice);
  if (isHtmx(request)) return new Response(null, { status: 204, headers: { "hx-redirect": path } });
  return new Response(null, { status: 303, headers: { location: path } });
}

/** The whole page is what a form without a target of its own replaces. */
const wantsPart = (request: Request): boolean => isHtmx(request) && request.headers.get("hx-target") !== "main#main";

/**
 * The response to a change: htmx gets the fragment with a toast where it replaces a part, else it is sent to `location`, where the notice is shown.
 * `content` null: htmx goes to `location` too.
 */
export function changed(
  ctx: PageContext,
  request: Request,
  { location, notice, content }: { location: string; notice?: Notice; content: ((view: View) => VNode) | null },
): Promise<Response> | Response {
  return content && wantsPart(request) ? fragment(ctx, request, content, notice) : goTo(ctx, request, location, notice);
}

/** The request's form, to be read field by field and then checked. Its token was compared before the handler ran. */
export async function readForm(ctx: PageContext & Pick<AdminContext, "forms">, request: Request): Promise<FormReader> {
  return createFormReader(await ctx.forms.fields(request), viewOf(ctx, request).t);
}

/** Of a form whose fields are wrong: htmx puts the response of a 422 into its place. */
const STATUS: Record<ErrorKind, number> = { ...HTTP_STATUS, invalid_request: 422, content_policy: 422 };

/** What a failure looks like: an alert among the toasts for htmx (a form may name a target by `hx-status:422`), else a page of its own. */
export function errorResponse(ctx: PageContext, request: Request, error: unknown): Response {
  const view = viewOf(ctx, request);
  const status = error instanceof AppError ? STATUS[error.kind] : 500;
  const message = messageOf(error, view.t);
  const retry = bodyRefusalHeaders(error instanceof AppError ? error : null);
  if (error instanceof AppError && error.retryAfterMs) retry["retry-after"] = `${Math.ceil(error.retryAfterMs / 1000)}`;
  const wrong = error instanceof FormError ? namedMistakes(error, view.t) : undefined;
  if (!isHtmx(request)) {
    const nav = ctx.sessionContextOf(request).session ? navOf(view.path) : null;
    const title = request.method === "POST" ? view.t.errors.title : view.t.errors.page;
    return documentResponse(ErrorPage({ view, title, message, wrong, nav }), { status, headers: retry });
  }
  if (status === 401) return new Response(null, { status, headers: { "hx-redirect": signInAgain(request) } });
  return fragmentResponse(ErrorAlert({ view, message, wrong, dismissable: true }), {
    status,
    headers: { ...retry, "hx-retarget": "#toasts", "hx-reswap": "innerHTML" },
  });
}

/** The login, which says that the session ended and leads back to the page that htmx was on. */
function signInAgain(request: Request): string {
  const next = pathOfUrl(request.headers.get("hx-current-url"));
  return `/admin/login?${new URLSearchParams({ ended: "1", ...(next !== null && { next }) })}`;
}

/** Mistakes of a form that has no page of its own, each with the name of its field. */
const namedMistakes = ({ wrong }: FormError, { forms }: Messages) =>
  Object.fromEntries(Object.entries(wrong).map(([name, why]) => [name, `${forms.field(name)}: ${why}`]));

/** The page of the menu that a path belongs to; the overview where it is none. */
const navOf = (path: string): PageName => NAV.findLast((one) => path === one.path || path.startsWith(`${one.path}/`))?.name ?? "overview";

function messageOf(error: unknown, { errors }: Messages): string {
  if (!(error instanceof AppError)) return errors.internal;
  const byReason: Record<string, string> = {
    not_allowed: errors.notAllowed,
    wrong_origin: errors.wrongOrigin,
    session_over: errors.sessionOver,
    stale_form: errors.staleForm,
    role_missing: errors.roleMissing,
    oidc_away: `${errors.ssoFailed} ${error.message}`,
    oidc_refused: `${errors.ssoFailed} ${error.message}`,
    unknown_url: errors.notFound,
  };
  if (error instanceof FormError) return error.message;
  return byReason[error.reason ?? ""] ?? (error.kind === "payload_too_large" ? errors.tooLarge : error.message);
}
