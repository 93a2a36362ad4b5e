// Admin tokens: those of the JSON API, made and revoked; for role admin.
import { Elysia } from "elysia";
import { ApiTokensPage, NewApiTokenPage } from "../../../views/auth/api-tokens.tsx";
import { SCOPE_OF_ROLE, SCOPES } from "../../domain/account.ts";
import { actorOf } from "../../gateway/auth/sign-in.ts";
import type { AdminContext } from "../context.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import { sessionOf } from "./account.ts";

const DAY_MS = 86_400_000;
const HOME = "/admin/account/api-tokens";

export const apiTokenRoutes = (ctx: AdminContext) => {
  const listPage = async (request: Request) => {
    const of = /^\d{1,15}$/.exec(new URL(request.url).searchParams.get("account") ?? "")?.[0];
    const rows = await ctx.adminTokens.list(of === undefined ? {} : { account: Number(of) });
    const tokens = rows.map(({ role, owner, ...row }) => ({
      ...row,
      scope: SCOPE_OF_ROLE[role],
      owner: owner && actorOf(owner),
    }));
    return page(ctx, request, (view) => ({
      title: view.t.account.apiTokens.title,
      nav: "account",
      body: ApiTokensPage({ view, tokens, isOfOne: of !== undefined }),
    }));
  };

  return new Elysia({ prefix: "/account/api-tokens" })
    .get("/", ({ request }) => listPage(request))
    .post("/", async ({ request }) => {
      const form = await readForm(ctx, request);
      const [name, scope] = [form.text("name", { required: true, max: 100 }), form.choice("scope", SCOPES)];
      const days = form.whole("days", { min: 1, max: 3650 });
      form.check();
      const expiresAt = days === null ? null : ctx.clock.now() + days * DAY_MS;
      const { token } = await ctx.adminTokens.issue(
        { name, scope, expiresAt, accountId: sessionOf(ctx, request).account.id },
        ctx.sessionContextOf(request),
      );
      const origin = ctx.originOf(request);
      return page(ctx, request, (view) => ({
        title: view.t.account.apiTokens.title,
        nav: "account",
        body: NewApiTokenPage({ view, name, token, origin }),
      }));
    })
    .post("/:id/revoke", async ({ request, params }) => {
      await ctx.adminTokens.revoke(Number(params.id), ctx.sessionContextOf(request));
      return goTo(ctx, request, HOME, { text: viewOf(ctx, request).t.account.apiTokens.revoked });
    });
};
