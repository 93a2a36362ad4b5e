// Deleted tokens routes: list, restore, erase; and the pause of a provider.
import { Elysia } from "elysia";
import { DELETED, DeletedTokensPage } from "../../../views/tokens/deleted-tokens.tsx";
import type { View } from "../../../views/ui/view.ts";
import { createSettingsAdmin } from "../../gateway/settings/manage-settings.ts";
import { pauseProvider } from "../../gateway/settings/pause-provider.ts";
import { DELETED_MS } from "../../gateway/tokens/delete-tokens.ts";
import type { AdminContext } from "../context.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import { ask } from "../question.ts";
import { undoable } from "../undo.ts";
import type { TokenPages } from "./context.ts";

const PAGE_ROWS = 50;

export const deletedTokenRoutes = (ctx: AdminContext, { deleted }: TokenPages) => {
  const chosen = async (request: Request): Promise<number[]> => {
    const form = await readForm(ctx, request);
    return form.flag("every") ? await deleted.ids() : form.list("id").map(Number);
  };
  return new Elysia({ prefix: "/deleted" })
    .get("/", async ({ request }) => {
      const cursor = new URL(request.url).searchParams.get("before") ?? undefined;
      const found = await deleted.page({ limit: PAGE_ROWS, cursor });
      const data = { ...found, total: await deleted.count(), isFirst: cursor === undefined, keptMs: DELETED_MS };
      const body = (view: View) => DeletedTokensPage({ view, ...data });
      return page(ctx, request, (view) => ({ title: view.t.tokens.deletedTitle, nav: "tokens", body: body(view) }));
    })
    .post("/restore", async ({ request }) => {
      const count = await deleted.restore(await chosen(request), ctx.sessionContextOf(request));
      const { tokens } = viewOf(ctx, request).t;
      return goTo(ctx, request, DELETED, count === 0 ? { text: tokens.noneSelected, tone: "bad" } : { text: tokens.restored(count) });
    })
    .post("/erase", async ({ request }) => {
      const ids = await chosen(request);
      const { tokens } = viewOf(ctx, request).t;
      if (ids.length === 0) return goTo(ctx, request, DELETED, { text: tokens.noneSelected, tone: "bad" });
      const question = await ask(ctx, request, {
        nav: "tokens",
        confirm: `${ids.length}`,
        say: ({ t }) => ({
          title: t.tokens.eraseTitle(ids.length),
          about: t.tokens.eraseAbout,
          typed: t.tokens.typeToGo(ids.length),
          go: t.tokens.erase,
          keep: t.tokens.keepThem,
          back: DELETED,
        }),
      });
      if (question) return question;
      const count = await deleted.erase(ids, ctx.sessionContextOf(request));
      return goTo(ctx, request, DELETED, { text: tokens.erased(count) });
    });
};

export const pauseRoutes = (ctx: AdminContext) => {
  const settings = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const paused = () => ctx.settings.current().pool.paused_providers;
  const turn = async (request: Request, provider: string, isPaused: boolean) => {
    const undoId = await pauseProvider({ ...ctx, settings, paused }, provider, isPaused, ctx.sessionContextOf(request));
    const { tokens } = viewOf(ctx, request).t;
    return goTo(ctx, request, "/admin/tokens", undoable(isPaused ? tokens.pausedNow(provider) : tokens.resumedNow(provider), undoId));
  };
  return new Elysia({ prefix: "/providers" })
    .post("/:name/pause", ({ request, params }) => turn(request, params.name, true))
    .post("/:name/resume", ({ request, params }) => turn(request, params.name, false));
};
