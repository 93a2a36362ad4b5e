// All admin routes behind the AdminGuard.
import { Elysia } from "elysia";
import { NAV, type PageName } from "../../views/ui/nav.ts";
import type { BodyReader } from "../api/body/body.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { UndoLog } from "../gateway/audit/undo.ts";
import { isFormToken } from "../gateway/auth/sessions.ts";
import type { ApiDocument } from "../gateway/reports/api-reference.ts";
import { nextTurn } from "../serial.ts";
import { loadAssets } from "./assets.ts";
import { type AdminGuard, createAdminGuard } from "./auth/guard.ts";
import { createSessionCookie } from "./auth/session-cookie.ts";
import { compressPage } from "./compression.ts";
import type { AdminContext } from "./context.ts";
import { createForms, FormError } from "./forms.ts";
import { pageOfMistakes } from "./mistakes.ts";
import { createNotices } from "./notices.ts";
import { errorResponse } from "./page.ts";

/** Pages, one line each. Loaded one after the other: all at once would stop the event loop for tens of milliseconds. */
const PAGES = [
  async () => (await import("./auth/routes.ts")).loginRoutes,
  async () => (await import("./auth/code-routes.ts")).codeRoutes,
  async () => (await import("./auth/oidc-routes.ts")).oidcRoutes,
  async () => (await import("./setup.ts")).setupRoutes,
  async () => (await import("./overview.ts")).overviewRoutes,
  async () => (await import("./side-calls.ts")).sideCallRoutes,
  async () => (await import("./tokens/routes.ts")).tokenRoutes,
  async () => (await import("./keys/routes.ts")).keyRoutes,
  async () => (await import("./requests.ts")).requestRoutes,
  async () => (await import("./search.ts")).searchRoutes,
  async () => (await import("./usage.ts")).usageRoutes,
  async () => (await import("./gallery.ts")).galleryRoutes,
  async () => (await import("./models/routes.ts")).modelRoutes,
  async () => (await import("./alerts.ts")).alertRoutes,
  async () => (await import("./settings.ts")).settingRoutes,
  async () => (await import("./system.ts")).systemRoutes,
  async () => (await import("./api.ts")).apiRoutes,
  async () => (await import("./jobs.ts")).jobRoutes,
  async () => (await import("./playground/routes.ts")).playgroundRoutes,
  async () => (await import("./auth/account.ts")).accountRoutes,
  async () => (await import("./auth/two-step.ts")).twoStepRoutes,
  async () => (await import("./auth/people.ts")).peopleRoutes,
  async () => (await import("./undo.ts")).undoRoutes,
  async () => (await import("./auth/api-tokens.ts")).apiTokenRoutes,
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
  for (const load of PAGES) {
    const routes = await load();
    await nextTurn();
    pages.use(routes(admin));
  }
  const handle = async (request: Request): Promise<Response> => pages.handle(request);

  const front = new Elysia();
  for (const [path, name] of Object.entries(OLD_ADDRESSES)) {
    const location = NAV.find((one) => one.name === name)?.path ?? "/admin";
    front.get(path, () => new Response(null, { status: 302, headers: { location } }));
  }
  await nextTurn();
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
