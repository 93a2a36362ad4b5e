// Second step of a login: a one-time code or a recovery code, within ten minutes of the password.
import { Elysia } from "elysia";
import { CodePage } from "../../../views/auth/code.tsx";
import type { LoginProblem } from "../../../views/auth/login.tsx";
import type { AdminContext } from "../context.ts";
import { ownPath } from "../own-path.ts";
import { goTo, page } from "../page.ts";
import { attempt, loginPage, markOf, openSession, waitHeaders } from "./login-steps.ts";

export const codeRoutes = (ctx: AdminContext) => {
  const codePage = (request: Request, problem: LoginProblem | null) =>
    page(ctx, request, (view) => ({
      title: view.t.login.codeTitle,
      nav: null,
      status: problem === null ? 200 : problem.kind === "wait" ? 429 : 401,
      headers: waitHeaders(problem),
      body: CodePage({ view, problem }),
    }));

  /** The account that waits for its code, and where it goes then; null: it does not, or no longer. */
  const waiting = async (request: Request) => {
    const content = await ctx.cookie.readStep("code", request.headers, ctx.sessionContextOf(request).secure);
    const account = typeof content?.account === "number" ? await ctx.store.getAccount(content.account) : null;
    if (!account?.totpSecret || content?.password !== markOf(account)) return null;
    return { account, next: ownPath(typeof content.next === "string" ? content.next : null) };
  };

  return new Elysia()
    .get("/login/code", async ({ request }) => ((await waiting(request)) ? codePage(request, null) : goTo(ctx, request, "/admin/login")))
    .post("/login/code", async ({ request, set }) => {
      const { address, secure } = ctx.sessionContextOf(request);
      const step = await waiting(request);
      if (!step) return loginPage(ctx, request, { problem: { kind: "over" } });
      const device = await ctx.cookie.readDevice(request.headers, step.account.subject, secure);
      const code = (await ctx.forms.fields(request)).get("code") ?? "";
      const way = await attempt(() => ctx.loginCode({ account: step.account, code }, { address, device }));
      if (typeof way !== "string") return codePage(request, way ?? { kind: "wrong" });
      const cookies = await openSession(ctx, request, step.account, way);
      set.headers["set-cookie"] = [...cookies, ctx.cookie.clearStep(secure)];
      return goTo(ctx, request, step.account.passwordTemporary ? "/admin/welcome" : step.next);
    });
};
