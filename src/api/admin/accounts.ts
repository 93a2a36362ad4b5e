// Admin API: who asks, people and their sessions, admin tokens.
import { t } from "elysia";
import { ACCOUNT_SOURCES, type AccountRow, type AdminTokenRow, ROLES, SCOPE_OF_ROLE, SCOPES } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import { createAccount, deleteAccount, requireAccount, resetAccount, setAccountRole } from "../../gateway/auth/accounts.ts";
import type { Session } from "../../gateway/auth/sessions.ts";
import { actorOf } from "../../gateway/auth/sign-in.ts";
import { HOLDS, type Hold } from "../../gateway/auth/sso.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, idOf, isoOf, isoOrNull, numberOf, PAGE_ROWS, PAGING, pageOf, route, TIME, timeOf } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";

const TOKEN = t.Object({
  id: whole(),
  name: t.String(),
  prefix: t.String(),
  scope: oneOf(SCOPES),
  account_id: orNull(whole({ description: "Whose it is: it ends with the account" })),
  hold: orNull(
    oneOf(HOLDS, { description: "Why it is refused now: its person is on no list of `sign_in`, was not named lately, or cannot sign in" }),
  ),
  created_by: t.String(),
  created_at: TIME,
  expires_at: orNull(TIME),
  used_at: orNull(TIME),
});

const showToken = (row: AdminTokenRow & { hold?: Hold | null }) => ({
  ...{ id: row.id, name: row.name, prefix: row.prefix, scope: SCOPE_OF_ROLE[row.role], created_by: row.createdBy },
  ...{ account_id: row.accountId, hold: row.hold ?? null },
  ...{ created_at: isoOf(row.createdAt), expires_at: isoOrNull(row.expiresAt), used_at: isoOrNull(row.usedAt) },
});

const ACCOUNT = t.Object({
  id: whole(),
  name: t.String(),
  source: oneOf(ACCOUNT_SOURCES),
  role: oneOf(ROLES),
  two_step: t.Boolean(),
  password_is_temporary: t.Boolean(),
  created_at: TIME,
  signed_in_at: orNull(TIME),
  vouched_at: orNull(TIME),
});

const showAccount = (row: AccountRow) => ({
  ...{ id: row.id, name: row.name, source: row.source, role: row.role, two_step: row.totpSecret !== null },
  ...{ password_is_temporary: row.passwordTemporary, created_at: isoOf(row.createdAt), signed_in_at: isoOrNull(row.signedInAt) },
  vouched_at: isoOrNull(row.vouchedAt),
});

const SESSION = t.Object({
  mark: t.String({ description: "Names the session; not enough to be it" }),
  account_id: whole(),
  account: t.String(),
  address: orNull(t.String()),
  agent: t.String(),
  created_at: TIME,
  seen_at: TIME,
});

const showSession = ({ mark, accountId, account, address, agent, createdAt, seenAt }: Session) => ({
  ...{ mark, account_id: accountId, account: actorOf(account), address, agent, created_at: isoOf(createdAt), seen_at: isoOf(seenAt) },
});

const ENDED = t.Object({ ended: whole({ description: "Sessions that ended" }) });
const DONE = t.Object({ deleted: t.Literal(true) });

export function accountRoutes(ctx: AdminApiContext): ApiRoute[] {
  const deps = { ...ctx, now: ctx.clock.now };
  return [
    route({
      ...{ method: "GET", path: "/me", tag: "Access", summary: "The token that asks" },
      response: TOKEN,
      run: ({ token }) => showToken(token),
    }),
    route({
      ...{ method: "GET", path: "/accounts", tag: "Access", summary: "People who may sign in, oldest first" },
      query: t.Object(PAGING),
      response: pageOf(ACCOUNT),
      async run({ query: { limit = PAGE_ROWS, cursor } }) {
        const rows = await ctx.store.listAccounts({ limit: limit + 1, after: numberOf(cursor) });
        const shown = rows.slice(0, limit);
        return { data: shown.map(showAccount), next: rows.length > limit ? `${shown.at(-1)!.id}` : null };
      },
    }),
    route({
      ...{ method: "POST", path: "/accounts", tag: "Access", summary: "Add a person, with a password for once" },
      status: 201,
      creates: { secrets: ["password"] },
      body: t.Object({ name: t.String({ minLength: 1, maxLength: 64 }), role: oneOf(ROLES) }),
      response: t.Object({ ...ACCOUNT.properties, password: orNull(t.String({ description: "Shown this once" })) }),
      async run({ body, by }) {
        const { account, password } = await createAccount(deps, body, by);
        return { ...showAccount(account), password };
      },
    }),
    route({
      ...{ method: "PATCH", path: "/accounts/{id}", tag: "Access", summary: "Change a person's role" },
      body: t.Object({ role: oneOf(ROLES) }),
      response: ACCOUNT,
      run: async ({ params, body, by }) => showAccount(await setAccountRole(deps, idOf(params, "account"), body.role, by)),
    }),
    route({
      ...{ method: "POST", path: "/accounts/{id}/reset", tag: "Access" },
      summary: "New password for once; second step, sessions and admin tokens end",
      query: t.Object({ end_tokens: t.Optional(t.Boolean({ description: "`false`: their admin tokens go on; else they end" })) }),
      creates: { secrets: ["password"] },
      response: t.Object({ ...ACCOUNT.properties, password: orNull(t.String({ description: "Shown this once" })) }),
      async run({ params, query: { end_tokens: endTokens = true }, by }) {
        const { account, password } = await resetAccount(deps, { id: idOf(params, "account"), endTokens }, by);
        return { ...showAccount(await requireAccount(ctx, account.id)), password };
      },
    }),
    route({
      ...{ method: "POST", path: "/accounts/{id}/sign-out", tag: "Access", summary: "End all sessions of a person" },
      response: ENDED,
      async run({ params, by }) {
        const account = await requireAccount(ctx, idOf(params, "account"));
        const after = { ended: await ctx.sessions.closeAll({ account: account.id }) };
        await ctx.audit.record({ action: "session.end_all", subject: `account ${actorOf(account)}`, after }, by);
        return after;
      },
    }),
    route({
      ...{ method: "POST", path: "/accounts/{id}/end-tokens", tag: "Access", summary: "End all admin tokens of a person" },
      response: t.Object({ ended: whole({ description: "Tokens that ended" }) }),
      async run({ params, by }) {
        const account = await requireAccount(ctx, idOf(params, "account"));
        return { ended: await ctx.adminTokens.revokeAll(account, "all ended", by) };
      },
    }),
    route({
      ...{ method: "DELETE", path: "/accounts/{id}", tag: "Access", summary: "Delete a person, with their sessions" },
      response: DONE,
      async run({ params, by }) {
        await deleteAccount(deps, idOf(params, "account"), by);
        return { deleted: true };
      },
    }),
    route({
      ...{ method: "GET", path: "/sessions", tag: "Access", summary: "Signed-in browsers, latest seen first" },
      query: t.Object(PAGING),
      response: pageOf(SESSION),
      async run({ query: { limit = PAGE_ROWS, cursor } }) {
        const { sessions, next } = await ctx.sessions.list({ limit, cursor });
        return { data: sessions.map(showSession), next };
      },
    }),
    route({
      ...{ method: "DELETE", path: "/sessions/{mark}", tag: "Access", summary: "End a session" },
      response: ENDED,
      async run({ params, by }) {
        const ended = await ctx.sessions.closeByMark(params.mark!);
        if (!ended) throw new AppError("not_found", "This session is over.", { param: "mark" });
        const after = { account: actorOf(ended.account) };
        await ctx.audit.record({ action: "session.end", subject: `session ${ended.mark}`, after }, by);
        return { ended: 1 };
      },
    }),
    ...tokenRoutes(ctx),
  ];
}

const tokenRoutes = ({ adminTokens }: AdminApiContext): ApiRoute[] => [
  route({
    ...{ method: "GET", path: "/admin-tokens", tag: "Access", summary: "Tokens of this API, newest first" },
    query: t.Object({ ...PAGING, account_id: t.Optional(whole({ minimum: 1, description: "Of this person alone" })) }),
    response: pageOf(TOKEN),
    async run({ query: { limit = PAGE_ROWS, cursor, account_id: account } }) {
      const before = numberOf(cursor) ?? Number.POSITIVE_INFINITY;
      const rows = (await adminTokens.list({ account })).filter(({ id }) => id < before);
      const shown = rows.slice(0, limit);
      return { data: shown.map(showToken), next: rows.length > limit ? `${shown.at(-1)!.id}` : null };
    },
  }),
  route({
    ...{ method: "POST", path: "/admin-tokens", tag: "Access", summary: "Make a token of this API" },
    status: 201,
    creates: { secrets: ["token"] },
    body: t.Object({
      name: t.String({ minLength: 1, maxLength: 100, description: "Names who acts in the audit log" }),
      scope: oneOf(SCOPES),
      expires_at: t.Optional(orNull(TIME)),
    }),
    response: t.Object({ ...TOKEN.properties, token: orNull(t.String({ description: "Shown this once" })) }),
    async run({ body: { name, scope, expires_at }, token: { accountId }, by }) {
      const expiresAt = timeOf(expires_at ?? undefined, "expires_at") ?? null;
      const { token, row } = await adminTokens.issue({ name, scope, expiresAt, accountId }, by);
      return { ...showToken(row), token };
    },
  }),
  route({
    ...{ method: "DELETE", path: "/admin-tokens/{id}", tag: "Access", summary: "Revoke a token of this API" },
    response: DONE,
    async run({ params, by }) {
      await adminTokens.revoke(idOf(params, "admin token"), by);
      return { deleted: true };
    },
  }),
];
