// Sign-in by OpenID Connect: the way to the provider and back.
import { Elysia } from "elysia";
import { SsoArrivedPage } from "../../../views/auth/login.tsx";
import { AppError } from "../../errors.ts";
import type { PendingOidc } from "../../gateway/auth/oidc.ts";
import { roleOfIdentity } from "../../gateway/auth/sso.ts";
import type { AdminContext } from "../context.ts";
import { ownPath } from "../own-path.ts";
import { page } from "../page.ts";
import { loginPage, openSession } from "./login-steps.ts";

const CALLBACK = "/admin/login/oidc/callback";

export const oidcRoutes = (ctx: AdminContext) =>
  new Elysia()
    .get("/login/oidc", async ({ request, set }) => {
      if (!ctx.oidc.isOn()) throw new AppError("not_found", "There is no single sign-on here.", { reason: "unknown_url" });
      const { url, pending } = await ctx.oidc.begin(`${ctx.originOf(request)}${CALLBACK}`);
      const next = ownPath(new URL(request.url).searchParams.get("next"));
      set.headers["set-cookie"] = await ctx.cookie.writeStep("oidc", { ...pending, next }, ctx.sessionContextOf(request).secure);
      return new Response(null, { status: 303, headers: { location: url, "cache-control": "no-store" } });
    })
    .get("/login/oidc/callback", async ({ request, set }) => {
      if (!ctx.oidc.isOn()) throw new AppError("not_found", "There is no single sign-on here.", { reason: "unknown_url" });
      const { secure, address } = ctx.sessionContextOf(request);
      const pending = pendingOf(await ctx.cookie.readStep("oidc", request.headers, secure));
      if (!pending) return loginPage(ctx, request, { problem: { kind: "over" } });
      const identity = await ctx.oidc.finish(new URL(request.url).search.slice(1), pending);
      const role = roleOfIdentity(identity, ctx.config.settings.sign_in);
      if (role === null) {
        const after = { subject: identity.subject, groups: identity.groups };
        await ctx.signIn.endAccess(identity);
        await ctx.audit.record({ action: "session.refuse", subject: `OpenID ${identity.name}`, after }, { address, actor: "nobody" });
        return loginPage(ctx, request, { problem: { kind: "sso", subject: identity.subject } });
      }
      const cookies = await openSession(ctx, request, await ctx.signIn.accountOf(identity, role), "oidc");
      set.headers["set-cookie"] = [...cookies, ctx.cookie.clearStep(secure)];
      // A redirect would still come from the provider's site, with which browsers send no strict cookie: the page itself goes on.
      return page(ctx, request, (view) => ({
        title: view.t.login.title,
        nav: null,
        headers: { refresh: `0; url=${pending.next}` },
        body: SsoArrivedPage({ view, next: pending.next }),
      }));
    });

function pendingOf(content: Record<string, unknown> | null): (PendingOidc & { next: string }) | null {
  if (!content) return null;
  const { state, nonce, verifier, redirectUri, next } = content as Record<string, string>;
  return state && nonce && verifier && redirectUri ? { state, nonce, verifier, redirectUri, next: ownPath(next ?? null) } : null;
}
