// People: accounts of the admin with their roles; for role admin.
import { Elysia } from "elysia";
import { NewPasswordPage, PeoplePage, ResetPage } from "../../../views/auth/people.tsx";
import { FIRST_ACCOUNT, ROLES } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import {
  createAccount,
  deleteAccount,
  requireAccount,
  requireResettable,
  resetAccount,
  setAccountRole,
} from "../../gateway/auth/accounts.ts";
import { actorOf } from "../../gateway/auth/sign-in.ts";
import type { AdminContext } from "../context.ts";
import type { Wrong } from "../forms.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import { sessionOf } from "./account.ts";

const PAGE_ROWS = 50;

export const peopleRoutes = (ctx: AdminContext) => {
  const deps = { ...ctx, now: ctx.clock.now };
  const peoplePage = async (request: Request, { wrong = {}, values }: { wrong?: Wrong; values?: { name: string; role: string } } = {}) => {
    const after = Number(/^\d{1,15}$/.exec(new URL(request.url).searchParams.get("after") ?? "")?.[0] ?? 0);
    const rows = await ctx.store.listAccounts({ limit: PAGE_ROWS + 1, after });
    const shown = rows.slice(0, PAGE_ROWS);
    const sessions = await ctx.sessions.count(shown);
    const tokens = Map.groupBy(await ctx.adminTokens.list(), ({ accountId }) => accountId);
    const own = sessionOf(ctx, request).account.id;
    const next = rows.length > PAGE_ROWS ? shown.at(-1)!.id : null;
    const people = shown.map((account) => ({
      id: account.id,
      name: actorOf(account),
      role: account.role,
      source: account.source,
      hasTwoStep: account.totpSecret !== null,
      isWaiting: account.passwordTemporary,
      sessions: sessions.get(account.id) ?? 0,
      tokens: tokens.get(account.id)?.length ?? 0,
      signedInAt: account.signedInAt,
      isOwn: account.id === own,
      isFirst: account.id === FIRST_ACCOUNT,
    }));
    return page(ctx, request, (view) => ({
      title: view.t.account.people.title,
      nav: "account",
      status: Object.keys(wrong).length > 0 ? 422 : 200,
      body: PeoplePage({ view, people, next, isFirst: after === 0, wrong, values }),
    }));
  };
  const by = (request: Request) => ctx.sessionContextOf(request);
  const back = (request: Request, say: (t: ReturnType<typeof viewOf>["t"]) => string) =>
    goTo(ctx, request, "/admin/account/people", { text: say(viewOf(ctx, request).t) });

  return new Elysia({ prefix: "/account/people" })
    .use(resetRoutes(ctx))
    .get("/", ({ request }) => peoplePage(request))
    .post("/", async ({ request }) => {
      const { t } = viewOf(ctx, request);
      const form = await readForm(ctx, request);
      const values = { name: form.text("name", { required: true, max: 64 }), role: form.choice("role", ROLES) };
      try {
        form.check();
        const { account, password } = await createAccount(deps, values, by(request));
        return passwordPage(ctx, request, { name: account.name, password });
      } catch (error) {
        if (error instanceof AppError && error.param === "name")
          form.refuse("name", error.kind === "conflict" ? t.account.people.taken : t.account.people.badName);
        form.check();
        throw error;
      }
    })
    .post("/:id/role", async ({ request, params }) => {
      const form = await readForm(ctx, request);
      const role = form.choice("role", ROLES);
      form.check();
      const { name } = await setAccountRole(deps, Number(params.id), role, by(request));
      return back(request, (t) => t.account.people.roleSet(name, t.account.people.roles[role]));
    })
    .post("/:id/end-tokens", async ({ request, params }) => {
      const account = await requireAccount(ctx, Number(params.id));
      const ended = await ctx.adminTokens.revokeAll(account, "all ended", by(request));
      return back(request, (t) => t.account.people.tokensEnded(actorOf(account), ended));
    })
    .post("/:id/sign-out", async ({ request, params }) => {
      const account = await requireAccount(ctx, Number(params.id));
      const ended = await ctx.sessions.closeAll({ account: account.id, except: by(request).sessionId ?? undefined });
      await ctx.audit.record({ action: "session.end_all", subject: `account ${actorOf(account)}`, after: { ended } }, by(request));
      return back(request, (t) => t.account.people.signedOut(actorOf(account)));
    })
    .post("/:id/remove", async ({ request, params }) => {
      if (Number(params.id) === sessionOf(ctx, request).account.id)
        throw new AppError("conflict", "Nobody deletes the account that they are signed in with.");
      const account = await deleteAccount(deps, Number(params.id), by(request));
      return back(request, (t) => t.account.people.removed(actorOf(account)));
    });
};

const passwordPage = (ctx: AdminContext, request: Request, made: { name: string; password: string }) =>
  page(ctx, request, (view) => ({ title: view.t.account.people.title, nav: "account", body: NewPasswordPage({ view, ...made }) }));

/** A new password for somebody, and whether their admin tokens end with the old one. */
const resetRoutes = (ctx: AdminContext) =>
  new Elysia()
    .get("/:id/reset", async ({ request, params }) => {
      const account = await requireResettable(ctx, Number(params.id));
      const tokens = (await ctx.adminTokens.list({ account: account.id })).length;
      return page(ctx, request, (view) => ({
        title: view.t.account.people.reset,
        nav: "account",
        body: ResetPage({ view, id: account.id, name: actorOf(account), tokens }),
      }));
    })
    .post("/:id/reset", async ({ request, params }) => {
      const form = await readForm(ctx, request);
      const endTokens = form.flag("end_tokens");
      form.check();
      const { account, password } = await resetAccount(
        { ...ctx, now: ctx.clock.now },
        { id: Number(params.id), endTokens },
        ctx.sessionContextOf(request),
      );
      return passwordPage(ctx, request, { name: account.name, password });
    });
