// Login, logout and preference routes.
import { Elysia } from "elysia";
import { LoginPage, type LoginProblem } from "../../../views/auth/login.tsx";
import { LOCALES, THEMES } from "../../../views/ui/view.ts";
import { AppError } from "../../errors.ts";
import { isPasswordTemporary } from "../../gateway/auth/password.ts";
import type { AdminContext } from "../context.ts";
import { goTo, page } from "../page.ts";

const YEAR_S = 31_536_000;

/** A path of ours to go on to: nothing that leads to another site. */
export function ownPath(path: string | null): string {
  return path !== null && /^\/admin(?:[/?][\w\-./?=&%:,+~]*)?$/.test(path) ? path : "/admin";
}

export const loginRoutes = (ctx: AdminContext) => {
  const loginPage = (request: Request, next: string, isFirst: boolean, problem: LoginProblem | null) =>
    page(ctx, request, (view) => ({
      title: view.t.login.title,
      nav: null,
      status: problem === null ? 200 : problem.kind === "wait" ? 429 : 401,
      headers: problem?.kind === "wait" ? { "retry-after": `${Math.ceil(problem.ms / 1000)}` } : undefined,
      body: LoginPage({ view, next, isFirst, problem }),
    }));

  return new Elysia()
    .get("/login", async ({ request }) => {
      if (ctx.sessionContextOf(request).session) return goTo(ctx, request, "/admin");
      return loginPage(request, ownPath(new URL(request.url).searchParams.get("next")), await isPasswordTemporary(ctx.store), null);
    })
    .post("/login", async ({ request, set }) => {
      const { address, secure, sessionId } = ctx.sessionContextOf(request);
      const isFirst = await isPasswordTemporary(ctx.store);
      const device = await ctx.cookie.readDevice(request.headers, secure);
      const waitMs = ctx.login.waitMs({ address, device });
      if (waitMs > 0) return loginPage(request, ownPath(null), isFirst, { kind: "wait", ms: waitMs });
      const fields = await ctx.forms.fields(request);
      const next = ownPath(fields.get("next"));
      try {
        if (!(await ctx.login(fields.get("password") ?? "", { address, device })))
          return loginPage(request, next, isFirst, { kind: "wrong" });
      } catch (error) {
        if (!(error instanceof AppError) || !error.retryAfterMs) throw error;
        return loginPage(request, next, isFirst, { kind: "wait", ms: error.retryAfterMs });
      }
      // Never the id that the browser came with.
      if (sessionId) await ctx.sessions.close(sessionId);
      const { id } = await ctx.sessions.open({ address, agent: request.headers.get("user-agent") ?? "" });
      await ctx.audit.record({ action: "session.open", subject: "admin" }, { address });
      set.headers["set-cookie"] = [await ctx.cookie.write(id, secure), await ctx.cookie.writeDevice(device, secure)];
      return goTo(ctx, request, isFirst ? "/admin/welcome" : next);
    })
    .post("/logout", async ({ request, set }) => {
      const { sessionId, secure, address } = ctx.sessionContextOf(request);
      if (sessionId) await ctx.sessions.close(sessionId);
      await ctx.audit.record({ action: "session.close", subject: "admin" }, { address });
      set.headers["set-cookie"] = ctx.cookie.clear(secure);
      return goTo(ctx, request, "/admin/login");
    })
    .post("/preferences", async ({ request, set }) => {
      const fields = await ctx.forms.fields(request);
      const [theme, locale] = [fields.get("theme"), fields.get("locale")];
      const keep = (name: string, value: string) => `${name}=${value}; Path=/admin; Max-Age=${YEAR_S}; SameSite=Lax`;
      if (THEMES.some((one) => one === theme)) set.headers["set-cookie"] = keep("theme", theme!);
      else if (locale !== null && locale in LOCALES) set.headers["set-cookie"] = keep("locale", locale);
      return goTo(ctx, request, ownPath(fields.get("back")));
    });
};
