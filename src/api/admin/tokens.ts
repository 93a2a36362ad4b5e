// Admin API: tokens of the pool.
import { t } from "elysia";
import { AppError } from "../../errors.ts";
import { DeletedTokens } from "../../gateway/tokens/delete-tokens.ts";
import { PROVIDERS } from "../../gateway/tokens/detect-secret.ts";
import { pageOfTokens, readTokenQuery, TOKEN_SORTS, type TokenItem } from "../../gateway/tokens/list-tokens.ts";
import { TokenAdmin } from "../../gateway/tokens/manage-tokens.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, idOf, PAGE_ROWS, PAGING, pageOf, route } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";
import { changeOf, EDIT, EDITABLE, LISTED, SECRET, secretOf, showToken, TOKEN } from "./token-fields.ts";

/** What a list of tokens can be narrowed by. */
export const FILTERS = {
  q: t.Optional(t.String({ maxLength: 200, description: "Part of label, identity, note, tag or the end of the secret" })),
  provider: t.Optional(oneOf(PROVIDERS)),
  group: t.Optional(t.String({ maxLength: 100 })),
  tag: t.Optional(t.String({ maxLength: 100 })),
  health: t.Optional(oneOf(LISTED)),
  reason: t.Optional(t.String({ maxLength: 60 })),
};

/** What routes of tokens work with. */
export function poolOf(ctx: AdminApiContext) {
  const { store, pool, tokens, refresher, audit, undo, settings, clock, refresh } = ctx;
  const admin = new TokenAdmin({
    store,
    pool,
    tokens,
    refresher,
    audit,
    undo,
    settings: () => settings.current().pool,
    now: clock.now,
    refresh,
  });
  const deleted = new DeletedTokens({ store, audit, undo, now: clock.now, refresh });
  const find = (id: number): TokenItem => {
    const view = pool.view(id);
    const row = view && pool.rowOf(id);
    if (!view || !row) throw new AppError("not_found", `There is no token ${id}.`, { param: "id" });
    return { view, row };
  };
  const one = (params: Readonly<Record<string, string>>) => find(idOf(params, "token"));
  return { admin, deleted, states: () => pool.states(), find, one };
}

export function tokenRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { admin, states, find, one } = poolOf(ctx);
  return [
    route({
      ...{ method: "GET", path: "/tokens", tag: "Tokens", summary: "Tokens of the pool" },
      query: t.Object({
        ...PAGING,
        ...FILTERS,
        sort: t.Optional(oneOf(TOKEN_SORTS.filter((sort) => sort !== "today"))),
        order: t.Optional(oneOf(["asc", "desc"])),
      }),
      response: t.Object({ ...pageOf(TOKEN).properties, total: whole() }),
      run({ query: { limit = PAGE_ROWS, cursor, ...rest } }) {
        const params = new URLSearchParams({ ...(rest as Record<string, string>), ...(cursor ? { after: cursor } : {}) });
        const { items: shown, next, total } = pageOfTokens(states(), readTokenQuery(params), { size: limit, today: new Map() });
        return { data: shown.map(({ row }) => showToken(find(row.id))), next, total };
      },
    }),
    route({
      ...{ method: "GET", path: "/tokens/{id}", tag: "Tokens", summary: "One token" },
      response: TOKEN,
      run: ({ params }) => showToken(one(params)),
    }),
    route({
      ...{ method: "POST", path: "/tokens", tag: "Tokens", summary: "Add a token; it is checked in the background" },
      status: 201,
      creates: { secrets: [] },
      body: t.Object({ provider: oneOf(PROVIDERS), secret: SECRET, label: t.Optional(t.String({ maxLength: 100 })), ...EDITABLE }),
      response: TOKEN,
      async run({ body: { provider, secret, label = "", ...edit }, by }) {
        const token = { provider, label, secret: secretOf(secret, provider), ...changeOf(edit, { caps: null }) };
        const row = await admin.add(token as Parameters<TokenAdmin["add"]>[0], by).catch((error) => {
          if (error instanceof AppError && error.kind === "conflict")
            throw new AppError("conflict", "secret is that of a token that is there already.", { param: "secret", reason: "secret_known" });
          throw error;
        });
        admin.checkAll([row.id]);
        return showToken(find(row.id));
      },
    }),
    route({
      ...{ method: "PATCH", path: "/tokens/{id}", tag: "Tokens", summary: "Change a token; fields that are absent stay" },
      body: EDIT,
      response: TOKEN,
      async run({ params, body, by }) {
        const { row } = one(params);
        await admin.change([row.id], changeOf(body, row), by);
        return showToken(find(row.id));
      },
    }),
    ...actionRoutes(ctx),
  ];
}

function actionRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { admin, find, one } = poolOf(ctx);
  return [
    route({
      ...{ method: "PUT", path: "/tokens/{id}/secret", tag: "Tokens", summary: "Replace the secret, and check it" },
      body: t.Object({ secret: SECRET }),
      response: CHECKED,
      async run({ params, body, by }) {
        const { row } = one(params);
        const failure = await admin.replaceSecret(row.id, secretOf(body.secret, row.provider), by);
        return { ...checkOf(failure), token: showToken(find(row.id)) };
      },
    }),
    route({
      ...{ method: "POST", path: "/tokens/{id}/check", tag: "Tokens", summary: "Ask the upstream about a token now" },
      response: CHECKED,
      async run({ params }) {
        const { row } = one(params);
        const failure = await admin.check(row.id).then(
          () => null,
          (error) => {
            if (error instanceof AppError) return error;
            throw error;
          },
        );
        return { ...checkOf(failure), token: showToken(find(row.id)) };
      },
    }),
    route({
      ...{ method: "POST", path: "/tokens/{id}/clear", tag: "Tokens", summary: "End cooldowns and blocks, of one model or of all" },
      body: t.Object({ family: t.Optional(t.String({ minLength: 1, maxLength: 200 })) }),
      response: TOKEN,
      async run({ params, body, by }) {
        const { row } = one(params);
        await admin.clear([row.id], body.family, by);
        return showToken(find(row.id));
      },
    }),
  ];
}

const CHECKED = t.Object({
  ok: t.Boolean(),
  failure: orNull(t.Object({ type: t.String(), reason: orNull(t.String()), message: t.String() })),
  token: TOKEN,
});

const checkOf = (failure: AppError | null) => ({
  ok: failure === null,
  failure: failure && { type: failure.kind, reason: failure.detail?.reason ?? failure.reason ?? null, message: failure.message },
});
