// Tokens routes: list, add, bulk actions, export.
import { Elysia } from "elysia";
import { tokenHref, tokensHref } from "../../../views/tokens/token-fields.tsx";
import { NewTokenPage } from "../../../views/tokens/token-form.tsx";
import { TokensPage } from "../../../views/tokens/tokens.tsx";
import type { Notice } from "../../../views/ui/messages.tsx";
import type { View } from "../../../views/ui/view.ts";
import { AppError } from "../../errors.ts";
import { countByProvider } from "../../gateway/pool/held.ts";
import { downloadText } from "../../gateway/reports/download.ts";
import type { TokenEdit } from "../../gateway/tokens/bulk-edit.ts";
import { exportTokens, type TokenFormat } from "../../gateway/tokens/export-tokens.ts";
import { matchingIds, pageOfTokens, readTokenQuery, tokenChoices } from "../../gateway/tokens/list-tokens.ts";
import type { AdminContext } from "../context.ts";
import { fileText } from "../file-text.ts";
import { liveParts } from "../live.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import { ask, MANY } from "../question.ts";
import { backOf, changedNotice, createTokenPages, type TokenPages } from "./context.ts";
import { deletedTokenRoutes, pauseRoutes } from "./deleted.ts";
import { tokenPageRoutes } from "./detail.ts";
import { readBulkEdit, readLocationField, readProxyField, readSecret } from "./form.ts";
import { tokenGroupRoutes } from "./groups.ts";
import { tokenImportRoutes } from "./import.ts";
import { LiveRows } from "./live-rows.ts";
import { tokenReplaceRoutes } from "./replace.ts";
import { tokenRowRoutes } from "./rows.ts";

const PAGE_SIZE = 50;
const PROVIDERS = ["gemini", "flow", "vertex"] as const;
const ACTS = ["enable", "disable", "check", "clear", "set", "remove"] as const;
type Act = (typeof ACTS)[number];
const CONCURRENCY = { min: -1, max: 1000 };
const NO_CALLS: ReadonlyMap<number, number> = new Map();

export const tokenRoutes = (ctx: AdminContext) => {
  const pages = createTokenPages(ctx);
  return new Elysia({ prefix: "/tokens" })
    .use(listRoutes(ctx, pages))
    .use(tokenImportRoutes(ctx))
    .use(deletedTokenRoutes(ctx, pages))
    .use(pauseRoutes(ctx))
    .use(tokenReplaceRoutes(ctx, pages))
    .use(tokenGroupRoutes(ctx, pages))
    .use(tokenRowRoutes(ctx, pages))
    .use(tokenPageRoutes(ctx, pages));
};

const listRoutes = (ctx: AdminContext, pages: TokenPages) => {
  const rows = new LiveRows(ctx);
  return new Elysia()
    .get("/events", ({ request, server }) => {
      const ids = LiveRows.idsOf(new URL(request.url).searchParams.get("ids") ?? "");
      return liveParts(ctx, { request, server }, (view, isFirst) => rows.read(view, ids, isFirst));
    })
    .get("/", async ({ request }) => {
      const query = readTokenQuery(new URL(request.url).searchParams);
      const all = pages.states();
      const today = query.sort === "today" ? await pages.usages.today() : NO_CALLS;
      const shown = pageOfTokens(all, query, { size: PAGE_SIZE, today });
      const items = shown.items.map(({ row }) => pages.item(`${row.id}`));
      const facts = await pages.facts(items);
      const counts = countByProvider(all);
      const paused = ctx.settings.current().pool.paused_providers;
      const providers = [...ctx.providers.keys()].map((name) => ({ name, isPaused: paused.includes(name) }));
      const data = { page: { ...shown, items }, query, choices: tokenChoices(all.map(({ row }) => row)), facts, counts, providers };
      return page(ctx, request, (view) => ({ title: view.t.tokens.title, nav: "tokens", body: TokensPage({ view, data }) }));
    })
    .get("/new", ({ request }) => {
      const { image_concurrency: image, video_concurrency: video } = ctx.settings.current().pool;
      const body = (view: View) => NewTokenPage({ view, defaults: { image, video } });
      return page(ctx, request, (view) => ({ title: view.t.tokens.addTitle, nav: "tokens", body: body(view) }));
    })
    .post("/", async ({ request }) => {
      const form = await readForm(ctx, request);
      const { t } = viewOf(ctx, request);
      const file = await fileText(ctx, request);
      const token = {
        ...readSecret(form, form.choice("provider", PROVIDERS), t, { file }),
        location: readLocationField(form, t),
        label: form.text("label", { max: 100 }),
        group: form.text("group", { max: 100 }) || null,
        imageConcurrency: form.whole("image_concurrency", CONCURRENCY) ?? undefined,
        videoConcurrency: form.whole("video_concurrency", CONCURRENCY) ?? undefined,
        proxy: readProxyField(form, null, t),
        note: form.text("note", { max: 2000 }),
        tags: form.words("tags"),
      };
      form.check();
      const row = await pages.admin.add(token, ctx.sessionContextOf(request)).catch((error) => {
        if (!(error instanceof AppError) || error.kind !== "conflict") throw error;
        form.refuse("secret", t.tokens.knownSecret);
        form.check();
        throw error;
      });
      pages.admin.checkAll([row.id]);
      return goTo(ctx, request, tokenHref(row.id), { text: t.tokens.added(row.label) });
    })
    .get("/export.csv", ({ request }) => exported(ctx, pages, request, "csv"))
    .get("/export.json", ({ request }) => exported(ctx, pages, request, "json"))
    .post("/bulk", async ({ request }) => {
      const form = await readForm(ctx, request);
      const query = readTokenQuery(new URLSearchParams(form.text("query", { max: 4000 })));
      const ids = form.flag("every") ? matchingIds(pages.states(), query) : form.list("id").map(Number);
      const act = form.choice("act", ACTS);
      const edit = act === "set" ? readBulkEdit(form, viewOf(ctx, request).t) : {};
      form.check();
      const isMany = form.flag("every") || ids.length >= MANY;
      const question = isMany && ids.length > 0 && (await askAboutMany(ctx, request, act, ids));
      if (question) return question;
      const notice = await actOnMany(ctx, pages, request, { act, ids, edit });
      return goTo(ctx, request, backOf(form, tokensHref(query, { after: query.after })), notice);
    });
};

/** What is asked about from twenty tokens on; a check and the end of a cooldown harm nothing. */
async function askAboutMany(ctx: AdminContext, request: Request, act: Act, ids: readonly number[]): Promise<Response | null> {
  if (act === "check" || act === "clear") return null;
  const views = ids.flatMap((id) => ctx.pool.view(id) ?? []);
  const running = views.reduce((sum, { inFlight }) => sum + inFlight.image + inFlight.video, 0);
  const ready = views.filter(({ health }) => health.state === "healthy").length;
  const total = ctx.pool.gauges().tokens.healthy;
  return ask(ctx, request, {
    nav: "tokens",
    confirm: `${ids.length}`,
    say: ({ t: { tokens } }) => ({
      ...{ title: tokens.manyTitle[act](ids.length), about: tokens.manyAbout[act], go: tokens.manyTitle[act](ids.length) },
      facts:
        act === "remove" || act === "disable"
          ? [
              [tokens.readyAfter, `${total - ready}`],
              [tokens.runningOnThem, `${running}`],
            ]
          : [],
      typed: act === "remove" ? tokens.typeToGo(ids.length) : undefined,
      ...{ keep: tokens.keepThem, back: "/admin/tokens" },
    }),
  });
}

type Many = { act: Act; ids: readonly number[]; edit: TokenEdit };

async function actOnMany(ctx: AdminContext, pages: TokenPages, request: Request, { act, ids, edit }: Many): Promise<Notice> {
  const view = viewOf(ctx, request);
  const { tokens } = view.t;
  const by = ctx.sessionContextOf(request);
  if (ids.length === 0) return { text: tokens.noneSelected, tone: "bad" };
  switch (act) {
    case "enable":
      return changedNotice(await pages.admin.change(ids, { enabled: true }, by), tokens.enabled);
    case "disable":
      return changedNotice(await pages.admin.change(ids, { enabled: false }, by), tokens.disabled);
    case "set":
      return changedNotice(await pages.admin.edit(ids, edit, by), tokens.changed);
    case "clear":
      return { text: tokens.cleared(await pages.admin.clear(ids, undefined, by)) };
    case "check":
      pages.admin.checkAll(ids);
      return { text: tokens.checking(ids.length) };
    case "remove":
      return changedNotice(await pages.deleted.remove(ids, by), tokens.removed);
  }
}

function exported(ctx: AdminContext, pages: TokenPages, request: Request, format: TokenFormat): Promise<Response> {
  const all = pages.states();
  const ids = new Set(matchingIds(all, readTokenQuery(new URL(request.url).searchParams)));
  const rows = all.map(({ row }) => row).filter(({ id }) => ids.has(id));
  const day = new Date(ctx.clock.now()).toISOString().slice(0, 10);
  return downloadText(`tokens-${day}.${format}`, format === "json" ? "application/json" : "text/csv", exportTokens(rows, format));
}
