// Account routes: password, sessions, latest audit entries.

import { Elysia } from "elysia";
import { AccountPage } from "../../../views/auth/account.tsx";
import type { Messages } from "../../../views/locales/en.ts";
import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import { refuseWeakPassword, storePassword } from "../../gateway/auth/password.ts";
import type { AdminContext } from "../context.ts";
import type { FormReader } from "../forms.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";

const AUDIT_ROWS = 50;

export const accountRoutes = (ctx: AdminContext) =>
  new Elysia({ prefix: "/account" })
    .get("/", async ({ request }) => {
      const mark = ctx.sessionContextOf(request).session?.mark;
      const sessions = (await ctx.sessions.list()).map((session) => ({ ...omit(session, ["formToken"]), isThis: session.mark === mark }));
      const entries = await ctx.audit.list({ limit: AUDIT_ROWS });
      return page(ctx, request, (view) => ({
        title: view.t.account.title,
        nav: "account",
        body: AccountPage({ view, sessions, entries }),
      }));
    })
    .post("/password", async ({ request, set }) => {
      const { t } = viewOf(ctx, request);
      const { address, session } = ctx.sessionContextOf(request);
      const form = await readForm(ctx, request);
      const password = newPassword(form, t);
      form.check();
      if (!(await ctx.login(form.text("current", { verbatim: true }), { address, device: session?.mark })))
        form.refuse("current", t.account.wrongCurrent);
      form.check();
      set.headers["set-cookie"] = await replacePassword(ctx, request, password);
      return goTo(ctx, request, "/admin/account", { text: t.account.changed });
    })
    .post("/sessions/:mark/end", async ({ request, params }) => {
      if (!(await ctx.sessions.closeByMark(params.mark))) throw new AppError("not_found", "This session is over.");
      await ctx.audit.record({ action: "session.end", subject: `session ${params.mark}` }, ctx.sessionContextOf(request));
      return goTo(ctx, request, "/admin/account", { text: viewOf(ctx, request).t.account.ended });
    })
    .post("/sessions/end-all", async ({ request, set }) => {
      const { secure, address } = ctx.sessionContextOf(request);
      const after = { ended: await ctx.sessions.closeAll(null) };
      await ctx.audit.record({ action: "session.end_all", subject: "admin", after }, { address });
      set.headers["set-cookie"] = ctx.cookie.clear(secure);
      return goTo(ctx, request, "/admin/login");
    });

/** The new password of a form, its mistakes reported to the form. */
export function newPassword(form: FormReader, t: Messages): string {
  const password = form.text("password", { required: true, verbatim: true });
  if (password !== form.text("again", { verbatim: true })) form.refuse("again", t.account.differ);
  try {
    refuseWeakPassword(password);
  } catch (error) {
    const reason = error instanceof AppError ? error.reason : undefined;
    form.refuse("password", t.account.weak[reason as keyof Messages["account"]["weak"]] ?? String(error));
  }
  return password;
}

/** Stores a new password, ends every session and opens one again. Resolves with its `Set-Cookie`. */
export async function replacePassword(ctx: AdminContext, request: Request, password: string): Promise<string> {
  const { address, secure } = ctx.sessionContextOf(request);
  await storePassword(ctx.store, password, false);
  await ctx.sessions.closeAll(null);
  const { id, session } = await ctx.sessions.open({ address, agent: request.headers.get("user-agent") ?? "" });
  ctx.sessionContextOf(request).session = session;
  await ctx.audit.record({ action: "password.change", subject: "admin" }, { address });
  return ctx.cookie.write(id, secure);
}
