// Admin API: bulk edit of tokens, deleted tokens, providers, undo.
import { type Static, t } from "elysia";
import { AppError } from "../../errors.ts";
import { createSettingsAdmin } from "../../gateway/settings/manage-settings.ts";
import { pauseProvider } from "../../gateway/settings/pause-provider.ts";
import type { TokenEdit } from "../../gateway/tokens/bulk-edit.ts";
import { matchingIds, readTokenQuery } from "../../gateway/tokens/list-tokens.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, idOf, isoOf, isoOrNull, PAGE_ROWS, PAGING, pageOf, route, TIME } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";
import { CAPS, CONCURRENCY, readProxyField, showToken, TOKEN, WORDS } from "./token-fields.ts";
import { FILTERS, poolOf } from "./tokens.ts";

const CHANGED = t.Object({
  count: whole({ description: "Tokens that it concerned" }),
  undo_id: orNull(t.String({ description: "For POST /undo/{id}, for ten minutes" })),
});

const EDIT = t.Object({
  add_tags: t.Optional(WORDS),
  remove_tags: t.Optional(WORDS),
  group: t.Optional(orNull(t.String({ minLength: 1, maxLength: 100 }))),
  proxy: t.Optional(orNull(t.String({ minLength: 1, maxLength: 500 }))),
  caps: t.Optional(CAPS),
  image_concurrency: t.Optional(CONCURRENCY),
  video_concurrency: t.Optional(CONCURRENCY),
  weight: t.Optional(t.Number({ minimum: 0, maximum: 1_000_000 })),
  priority: t.Optional(whole({ minimum: -1000, maximum: 1000 })),
  enabled: t.Optional(t.Boolean()),
});

function editOf(edit: Static<typeof EDIT>): TokenEdit {
  const { caps } = edit;
  const change: TokenEdit = {
    ...{ addTags: edit.add_tags, removeTags: edit.remove_tags, group: edit.group, weight: edit.weight, priority: edit.priority },
    ...{ imageConcurrency: edit.image_concurrency, videoConcurrency: edit.video_concurrency, enabled: edit.enabled },
    proxy: readProxyField(edit.proxy, "edit.proxy"),
    caps:
      caps &&
      defined({
        ...{ requestsPerMinute: caps.requests_per_minute, requestsPerDay: caps.requests_per_day },
        ...{ imagesPerMinute: caps.images_per_minute, usdPerDay: caps.usd_per_day },
      }),
  };
  return defined(change);
}

const defined = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const DELETED = t.Object({
  ...{ id: whole(), provider: t.String(), label: t.String(), secret_hint: t.String(), created_at: TIME, deleted_at: orNull(TIME) },
});

const ACTIONS = ["edit", "check", "clear", "delete"] as const;

export function bulkRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { admin, deleted, states, find } = poolOf(ctx);
  return [
    route({
      ...{ method: "POST", path: "/tokens/bulk", tag: "Tokens", summary: "One action on many tokens: by id, or all that a filter matches" },
      body: t.Object({
        action: oneOf(ACTIONS),
        ids: t.Optional(t.Array(whole({ minimum: 1 }), { minItems: 1, maxItems: 20_000 })),
        filter: t.Optional(t.Object(FILTERS)),
        edit: t.Optional(EDIT),
      }),
      response: CHANGED,
      async run({ body: { action, ids, filter, edit }, by }) {
        const refuse = (field: string, why: string) =>
          new AppError("invalid_request", `${field} ${why}`, { param: field, reason: "invalid_value" });
        if ((ids === undefined) === (filter === undefined)) throw refuse("ids", "or filter is needed, and not both.");
        if ((action === "edit") !== (edit !== undefined))
          throw refuse("edit", action === "edit" ? "is needed." : "goes with the action edit only.");
        const chosen = ids ?? matchingIds(states(), readTokenQuery(new URLSearchParams(filter as Record<string, string>)));
        if (action === "edit") return shown(await admin.edit(chosen, editOf(edit!), by));
        if (action === "delete") return shown(await deleted.remove(chosen, by));
        if (action === "clear") return shown({ count: await admin.clear(chosen, undefined, by), undoId: null });
        admin.checkAll(chosen);
        return shown({ count: chosen.length, undoId: null });
      },
    }),
    route({
      ...{ method: "DELETE", path: "/tokens/{id}", tag: "Tokens", summary: "Delete a token; it can be restored for 30 days" },
      response: CHANGED,
      run: async ({ params, by }) => shown(await deleted.remove([find(idOf(params, "token")).row.id], by)),
    }),
    route({
      ...{ method: "GET", path: "/tokens/deleted", tag: "Tokens", summary: "Deleted tokens that can be restored, latest first" },
      query: t.Object(PAGING),
      response: pageOf(DELETED),
      async run({ query: { limit = PAGE_ROWS, cursor } }) {
        const { rows, next } = await deleted.page({ limit, cursor });
        const show = ({ id, provider, label, hint, createdAt, deletedAt }: (typeof rows)[number]) => ({
          ...{ id, provider, label, secret_hint: hint, created_at: isoOf(createdAt), deleted_at: isoOrNull(deletedAt) },
        });
        return { data: rows.map(show), next };
      },
    }),
    route({
      ...{ method: "POST", path: "/tokens/{id}/restore", tag: "Tokens", summary: "Put a deleted token back as it was" },
      response: TOKEN,
      async run({ params, by }) {
        const id = idOf(params, "token");
        if ((await deleted.restore([id], by)) === 0) throw new AppError("not_found", `There is no deleted token ${id}.`, { param: "id" });
        return showToken(find(id));
      },
    }),
    ...providerRoutes(ctx),
    route({
      ...{ method: "POST", path: "/undo/{id}", tag: "System", summary: "Take back one of the actions of the last ten minutes" },
      response: t.Object({
        action: t.String(),
        count: whole(),
        skipped: whole({ description: "Changed since, and left as they are" }),
      }),
      async run({ params, by }) {
        const { action, skipped } = await ctx.undo.undo(params.id!, by);
        return { action: action.action, count: action.count, skipped };
      },
    }),
  ];
}

const shown = ({ count, undoId }: { count: number; undoId: string | null }) => ({ count, undo_id: undoId });

const PROVIDER = t.Object({ name: t.String(), paused: t.Boolean(), tokens: whole() });

function providerRoutes(ctx: AdminApiContext): ApiRoute[] {
  const settings = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const paused = () => ctx.settings.current().pool.paused_providers;
  const show = (name: string) => ({
    ...{ name, paused: paused().includes(name), tokens: ctx.pool.rows().filter(({ provider }) => provider === name).length },
  });
  const switching = (isPaused: boolean) =>
    route({
      ...{ method: "POST", path: `/providers/{name}/${isPaused ? "pause" : "resume"}`, tag: "Tokens" },
      summary: isPaused ? "Ask no token of a provider until it is resumed" : "Ask the provider's tokens again, each as it was",
      response: PROVIDER,
      async run({ params, by }) {
        await pauseProvider({ settings, paused, providers: ctx.providers, undo: ctx.undo }, params.name!, isPaused, by);
        return show(params.name!);
      },
    });
  return [
    route({
      ...{ method: "GET", path: "/providers", tag: "Tokens", summary: "Providers, and whether they are paused" },
      response: t.Object({ data: t.Array(PROVIDER) }),
      run: () => ({ data: [...ctx.providers.keys()].map(show) }),
    }),
    switching(true),
    switching(false),
  ];
}
