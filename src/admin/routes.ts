// All admin routes behind the AdminGuard.
import { Elysia } from "elysia";
import { NAV, type PageName } from "../../views/ui/nav.ts";
import type { BodyReader } from "../api/body/body.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { UndoLog } from "../gateway/audit/undo.ts";
import { isFormToken } from "../gateway/auth/sessions.ts";
import type { ApiDocument } from "../gateway/reports/api-reference.ts";
import { alertRoutes } from "./alerts.ts";
import { apiRoutes } from "./api.ts";
import { loadAssets } from "./assets.ts";
import { accountRoutes } from "./auth/account.ts";
import { apiTokenRoutes } from "./auth/api-tokens.ts";
import { codeRoutes } from "./auth/code-routes.ts";
import { type AdminGuard, createAdminGuard } from "./auth/guard.ts";
import { oidcRoutes } from "./auth/oidc-routes.ts";
import { peopleRoutes } from "./auth/people.ts";
import { loginRoutes } from "./auth/routes.ts";
import { createSessionCookie } from "./auth/session-cookie.ts";
import { twoStepRoutes } from "./auth/two-step.ts";
import { compressPage } from "./compression.ts";
import type { AdminContext } from "./context.ts";
import { createForms, FormError } from "./forms.ts";
import { galleryRoutes } from "./gallery.ts";
import { jobRoutes } from "./jobs.ts";
import { keyRoutes } from "./keys/routes.ts";
import { pageOfMistakes } from "./mistakes.ts";
import { modelRoutes } from "./models/routes.ts";
import { createNotices } from "./notices.ts";
import { overviewRoutes } from "./overview.ts";
import { errorResponse } from "./page.ts";
import { playgroundRoutes } from "./playground/routes.ts";
import { requestRoutes } from "./requests.ts";
import { searchRoutes } from "./search.ts";
import { settingRoutes } from "./settings.ts";
import { setupRoutes } from "./setup.ts";
import { sideCallRoutes } from "./side-calls.ts";
import { systemRoutes } from "./system.ts";
import { tokenRoutes } from "./tokens/routes.ts";
import { undoRoutes } from "./undo.ts";
import { usageRoutes } from "./usage.ts";

/** Pages, one line each. */
const PAGES = [
  loginRoutes,
  codeRoutes,
  oidcRoutes,
  setupRoutes,
  overviewRoutes,
  sideCallRoutes,
  tokenRoutes,
  keyRoutes,
  requestRoutes,
  searchRoutes,
  usageRoutes,
  galleryRoutes,
  modelRoutes,
  alertRoutes,
  settingRoutes,
  systemRoutes,
  apiRoutes,
  jobRoutes,
  playgroundRoutes,
  accountRoutes,
  twoStepRoutes,
  peopleRoutes,
  undoRoutes,
  apiTokenRoutes,
] as const;

/** The front page, and addresses that operators of python-flow2api know: its test page was a playground. */
const OLD_ADDRESSES = { "/": "overview", "/manage": "overview", "/login": "overview", "/test": "playground" } as const satisfies Record<
  string,
  PageName
>;

type Outer = {
  bodies: BodyReader;
  refresh(): Promise<void>;
  stopping: AbortSignal;
  originOf(request: Request): string;
  isAllowed(address: string | null): boolean;
  proxyHint(): string | null;
  /** The description of the API without the admin. */
  apiDocument(): Promise<ApiDocument>;
};

export type Admin = {
  guard: AdminGuard;
  routes: Elysia;
  errorResponse(request: Request, error: unknown): Response;
  /** The page of a refused form, with its mistakes; null: the failure is another, or has no page. */
  pageOfMistakes(request: Request, error: unknown): Promise<Response | null>;
};

/** The guard, to be asked about every request below `/admin` before its body is read; and the routes behind it. */
export async function createAdmin(ctx: Context, outer: Outer): Promise<Admin> {
  const { clock, sessions, signIn, sessionSecret, media, settings } = ctx;
  const assets = await loadAssets();
  const cookie = createSessionCookie({ secret: sessionSecret, now: clock.now });
  const publicUrl = () => settings.current().server.public_url;
  const guard = createAdminGuard({
    ...{ sessions, signIn, cookie, publicUrl, isAllowed: outer.isAllowed },
    settings: () => ctx.config.settings.sign_in,
  });
  const forms = createForms({ bodies: outer.bodies, media, isSignedIn: (request) => guard.sessionContextOf(request).session !== null });
  const { sessionContextOf } = guard;
  const admin: AdminContext = {
    ...ctx,
    ...outer,
    forms,
    notices: createNotices({ store: ctx.store, now: clock.now }),
    undo: new UndoLog({ store: ctx.store, audit: ctx.audit, now: clock.now, log: ctx.log, refresh: outer.refresh }),
    cookie,
    assets: assets.urls,
    sessionContextOf,
  };

  const pages = new Elysia({ prefix: "/admin" })
    // Nothing reads a body but `forms`, and that only behind the guard.
    .onParse(() => ({}))
    .onBeforeHandle(({ request }) => assertFormToken(admin, request))
    .onAfterHandle(compressPage)
    .onAfterResponse(({ request }) => forms.drop(request));
  for (const routes of PAGES) pages.use(routes(admin));
  const handle = async (request: Request): Promise<Response> => pages.handle(request);

  const front = new Elysia();
  for (const [path, name] of Object.entries(OLD_ADDRESSES)) {
    const location = NAV.find((one) => one.name === name)?.path ?? "/admin";
    front.get(path, () => new Response(null, { status: 302, headers: { location } }));
  }
  return {
    guard,
    routes: new Elysia().use(assets.routes).use(front).use(pages) as unknown as Elysia,
    errorResponse: (request, error) => errorResponse(admin, request, error),
    pageOfMistakes: async (request, error) =>
      error instanceof FormError ? pageOfMistakes({ ctx: admin, guard, handle }, request, error) : null,
  };
}

/** The guard let a form in without the header: then the token is one of its fields. Runs before every handler, whatever it reads. */
async function assertFormToken({ forms, sessionContextOf }: AdminContext, request: Request): Promise<void> {
  const { session, owesToken } = sessionContextOf(request);
  if (!owesToken) return;
  const fields = await forms.fields(request);
  if (!session || !isFormToken(session, fields.get("form_token")))
    throw new AppError("forbidden", "The form token is missing or wrong.", { reason: "stale_form" });
}
