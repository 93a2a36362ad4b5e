// Account routes: password, sessions, latest audit entries.

import { Elysia } from "elysia";
import { AccountPage } from "../../../views/auth/account.tsx";
import type { Messages } from "../../../views/locales/en.ts";
import { includesRole } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import { refuseWeakPassword, storePassword } from "../../gateway/auth/password.ts";
import type { Session } from "../../gateway/auth/sessions.ts";
import type { AdminContext } from "../context.ts";
import type { FormReader } from "../forms.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";

const AUDIT_ROWS = 50;
const SESSION_ROWS = 50;

export const accountRoutes = (ctx: AdminContext) =>
  new Elysia({ prefix: "/account" })
    .get("/", async ({ request }) => {
      const { account, mark } = sessionOf(ctx, request);
      const cursor = new URL(request.url).searchParams.get("before") ?? undefined;
      const found = await ctx.sessions.list({ account: seesAll(account) ? undefined : account.id, limit: SESSION_ROWS, cursor });
      const sessions = found.sessions.map(({ account: { name }, agent, address, createdAt, seenAt, mark: own }) => ({
        ...{ account: name, agent, address, createdAt, seenAt },
        ...{ mark: own, isThis: own === mark },
      }));
      const entries = await ctx.audit.list({ limit: AUDIT_ROWS });
      return page(ctx, request, (view) => ({
        title: view.t.account.title,
        nav: "account",
        body: AccountPage({
          view,
          account,
          sessions,
          next: found.next,
          isFirst: cursor === undefined,
          entries,
          canManage: seesAll(account),
        }),
      }));
    })
    .post("/password", async ({ request, set }) => {
      const { t } = viewOf(ctx, request);
      const form = await readForm(ctx, request);
      const password = newPassword(form, t);
      form.check();
      await checkCurrentPassword(ctx, request, form, "current");
      form.check();
      set.headers["set-cookie"] = await replacePassword(ctx, request, password);
      return goTo(ctx, request, "/admin/account", { text: t.account.changed });
    })
    .post("/sessions/:mark/end", async ({ request, params }) => {
      const { account } = sessionOf(ctx, request);
      const ended = await ctx.sessions.closeByMark(params.mark, seesAll(account) ? undefined : account.id);
      if (!ended) throw new AppError("not_found", "This session is over.");
      const after = { account: ended.account.name };
      await ctx.audit.record({ action: "session.end", subject: `session ${params.mark}`, after }, ctx.sessionContextOf(request));
      return goTo(ctx, request, "/admin/account", { text: viewOf(ctx, request).t.account.ended });
    })
    .post("/sessions/end-all", async ({ request, set }) => {
      const { secure, address, actor, session } = ctx.sessionContextOf(request);
      const after = { ended: await ctx.sessions.closeAll({ account: session!.account.id }) };
      await ctx.audit.record({ action: "session.end_all", subject: actor, after }, { address, actor });
      set.headers["set-cookie"] = ctx.cookie.clear(secure);
      return goTo(ctx, request, "/admin/login");
    });

const seesAll = ({ role }: Session["account"]) => includesRole(role, "admin");

/** The session behind a page that is not open to all. */
export function sessionOf(ctx: Pick<AdminContext, "sessionContextOf">, request: Request): Session {
  const { session } = ctx.sessionContextOf(request);
  if (!session) throw new AppError("unauthorized", "Not signed in.", { reason: "session_over" });
  return session;
}

/** Who is signed in says their password again before what protects the account changes; an account without one has nothing to say. */
export async function checkCurrentPassword(ctx: AdminContext, request: Request, form: FormReader, field: string): Promise<void> {
  const { address, session } = ctx.sessionContextOf(request);
  const { subject, passwordHash } = sessionOf(ctx, request).account;
  if (passwordHash === null) return;
  const attempt = { name: subject, password: form.text(field, { verbatim: true }) };
  if (!(await ctx.login(attempt, { address, device: session?.mark }))) form.refuse(field, viewOf(ctx, request).t.account.wrongCurrent);
}

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

/** Stores a new password, ends every session of the account and opens one again. Resolves with its `Set-Cookie`. */
export async function replacePassword(ctx: AdminContext, request: Request, password: string): Promise<string> {
  const { address, secure, actor } = ctx.sessionContextOf(request);
  const { account } = sessionOf(ctx, request);
  if (account.source !== "password") throw new AppError("conflict", "This account has no password: it comes from single sign-on.");
  await storePassword(ctx.store, password, false, account.id);
  await ctx.sessions.closeAll({ account: account.id });
  const agent = request.headers.get("user-agent") ?? "";
  const { id, session } = await ctx.sessions.open({ account: { ...account, passwordTemporary: false }, address, agent });
  ctx.sessionContextOf(request).session = session;
  await ctx.audit.record({ action: "password.change", subject: actor }, { address, actor });
  return ctx.cookie.write(id, secure);
}
