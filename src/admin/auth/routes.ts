// Login, logout and preference routes.
import { Elysia } from "elysia";
import { LOCALES, THEMES } from "../../../views/ui/view.ts";
import { AppError } from "../../errors.ts";
import { accountName } from "../../gateway/auth/password.ts";
import type { AdminContext } from "../context.ts";
import { ownPath } from "../own-path.ts";
import { goTo } from "../page.ts";
import { attempt, loginPage, openSession, writeCodeStep } from "./login-steps.ts";

const YEAR_S = 31_536_000;

export const loginRoutes = (ctx: AdminContext) => {
  return new Elysia()
    .get("/login", async ({ request }) => {
      if (ctx.sessionContextOf(request).session) return goTo(ctx, request, "/admin");
      const { searchParams } = new URL(request.url);
      return loginPage(ctx, request, {
        next: ownPath(searchParams.get("next")),
        ...(searchParams.has("ended") && { problem: { kind: "ended" } }),
      });
    })
    .post("/login", async ({ request, set }) => {
      if (!ctx.config.settings.sign_in.password) throw new AppError("forbidden", "Sign in by the single sign-on.", { reason: "sso_only" });
      const { address, secure } = ctx.sessionContextOf(request);
      const fields = await ctx.forms.fields(request);
      const next = ownPath(fields.get("next"));
      const name = accountName(fields.get("username") ?? "");
      const device = await ctx.cookie.readDevice(request.headers, name, secure);
      const account = await attempt(() => ctx.login({ name, password: fields.get("password") ?? "" }, { address, device }));
      if (!account || "kind" in account) return loginPage(ctx, request, { next, name, problem: account ?? { kind: "wrong" } });
      if (account.totpSecret !== null) {
        set.headers["set-cookie"] = await writeCodeStep(ctx, account, next, secure);
        return goTo(ctx, request, "/admin/login/code");
      }
      set.headers["set-cookie"] = await openSession(ctx, request, account, "password");
      return goTo(ctx, request, account.passwordTemporary ? "/admin/welcome" : next);
    })
    .post("/logout", async ({ request, set }) => {
      const { sessionId, secure, address, actor } = ctx.sessionContextOf(request);
      if (sessionId) await ctx.sessions.close(sessionId);
      await ctx.audit.record({ action: "session.close", subject: actor }, { address, actor });
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
