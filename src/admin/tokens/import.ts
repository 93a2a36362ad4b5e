// Token import routes: parse, preview without secrets, confirm, progress.
import { Elysia } from "elysia";
import { ImportPage } from "../../../views/tokens/token-import.tsx";
import { ImportPreviewPage, ImportProgress, importHref } from "../../../views/tokens/token-import-preview.tsx";
import { AppError } from "../../errors.ts";
import { ImportPreviews } from "../../gateway/tokens/import-preview.ts";
import { importTokens } from "../../gateway/tokens/import-tokens.ts";
import { parseTokens } from "../../gateway/tokens/parse-tokens.ts";
import type { AdminContext } from "../context.ts";
import { fileText } from "../file-text.ts";
import { liveUntil } from "../live.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";

const PROVIDERS = ["", "gemini", "flow", "vertex"] as const;
/** As long as a form without files may be. */
const MAX_TEXT = 32 * 1024 * 1024;

export const tokenImportRoutes = (ctx: AdminContext) => {
  const { store, settings, clock, log } = ctx;
  const previews = new ImportPreviews({
    store,
    importTokens: (lines, options) => importTokens({ store, settings: () => settings.current().pool, now: clock.now }, lines, options),
    now: clock.now,
    log,
  });
  return new Elysia()
    .get("/import", ({ request }) =>
      page(ctx, request, (view) => ({ title: view.t.tokens.importTitle, nav: "tokens", body: ImportPage({ view }) })),
    )
    .post("/import", async ({ request }) => {
      const form = await readForm(ctx, request);
      const { tokens } = viewOf(ctx, request).t;
      const provider = form.choice("provider", PROVIDERS) || undefined;
      const group = form.text("group", { max: 100 }) || undefined;
      const texts = [form.text("text", { max: MAX_TEXT, verbatim: true }), await fileText(ctx, request)];
      const text = texts.filter((one) => one.trim() !== "").join("\n");
      form.check();
      const preview = await previews.preview(parseTokens(text, { provider, now: clock.now() }), group).catch((error) => {
        if (!(error instanceof AppError) || error.reason !== "import_empty") throw error;
        form.refuse("text", tokens.importEmpty);
        form.check();
        throw error;
      });
      return goTo(ctx, request, importHref(preview.id));
    })
    .get("/imports/:id", async ({ request, params }) => {
      const preview = await find(params.id, request);
      return page(ctx, request, (view) => ({
        title: view.t.tokens.importTitle,
        nav: "tokens",
        body: ImportPreviewPage({ view, preview }),
      }));
    })
    .post("/imports/:id/start", async ({ request, params }) => {
      await find(params.id, request);
      const by = ctx.sessionContextOf(request);
      const preview = await previews.start(params.id, async ({ added, known, invalid }) => {
        const after = { added, known: known.length, invalid: invalid.length };
        await ctx.audit.record({ action: "token.import", subject: "tokens", after }, by);
        await ctx.refresh();
      });
      return goTo(ctx, request, importHref(preview.id));
    })
    .get("/imports/:id/events", async ({ request, server, params }) => {
      await find(params.id, request);
      return liveUntil(ctx, { request, server }, async (view) => {
        const preview = await previews.get(params.id);
        return { node: ImportProgress({ view, preview }), isOver: preview.state !== "running" };
      });
    });

  async function find(id: string, request: Request) {
    try {
      return await previews.get(id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError("not_found", viewOf(ctx, request).t.tokens.importGone, { cause: error });
    }
  }
};
