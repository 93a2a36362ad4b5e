// Routes to add, edit, reset and import models, and to undo the last change of them.

import { Elysia } from "elysia";
import { stringify } from "smol-toml";
import { ModelDifferencesPage, ModelEditPage, ModelImportPage } from "../../../views/settings/model-edit.tsx";
import { AppError } from "../../errors.ts";
import { fieldsOf } from "../../gateway/models/catalogue/differences.ts";
import type { Table } from "../../gateway/models/catalogue/fields.ts";
import { MODELS_KEY } from "../../gateway/models/catalogue/overrides.ts";
import type { ModelsAdmin } from "../../gateway/models/manage-models.ts";
import type { SettingsAdmin } from "../../gateway/settings/manage-settings.ts";
import type { AdminContext } from "../context.ts";
import { fileText } from "../file-text.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";

const HOME = "/admin/models";
const MAX_TEXT = 1024 * 1024;

/** A new family with what most of them say. */
const TEMPLATE = `[[family]]
id = "gemini-nano-banana-3"
kind = "image"
title = "Nano Banana 3"

[family.providers.gemini]
aspects = ["1:1", "3:2", "2:3", "16:9", "9:16"]
sizes = ["1K", "2K", "4K"]
max_inputs = 14

[family.providers.gemini.price]
per_image = { 1K = 0.05, 2K = 0.08, 4K = 0.15 }
`;

type Parts = { admin: ModelsAdmin; settings: Pick<SettingsAdmin, "lastChange" | "undo"> };

export const modelEditRoutes = (ctx: AdminContext, parts: Parts) =>
  new Elysia().use(importRoutes(ctx, parts)).use(editRoutes(ctx, parts.admin));

const saved = (ctx: AdminContext, request: Request, path: string, text: string) =>
  goTo(ctx, request, path, { text, undo: { action: `${HOME}/undo` } });

/**
 * Does something with the text that was typed and what a file holds. What is wrong in it stands under the text, which holds the file's
 * from then on: a file cannot be sent back.
 */
async function withText<T>(ctx: AdminContext, request: Request, act: (text: string) => T | Promise<T>): Promise<T> {
  const form = await readForm(ctx, request);
  const typed = form.text("text", { max: MAX_TEXT, verbatim: true }).replaceAll("\r\n", "\n");
  const file = await fileText(ctx, request);
  form.check();
  const text = [typed, file].filter((one) => one.trim() !== "").join("\n");
  try {
    return await act(text);
  } catch (error) {
    if (!(error instanceof AppError && error.kind === "invalid_request")) throw error;
    (await ctx.forms.fields(request)).set("text", text);
    form.refuse("text", error.message);
    form.check();
    throw error;
  }
}

/** A file to import, its differences, taking them, and the way back. */
const importRoutes = (ctx: AdminContext, { admin, settings }: Parts) =>
  new Elysia()
    .get("/import", ({ request }) =>
      page(ctx, request, (view) => ({ title: view.t.models.importTitle, nav: "settings", body: ModelImportPage({ view }) })),
    )
    .post("/import", ({ request }) =>
      withText(ctx, request, (text) => {
        const differences = admin.review(text);
        return page(ctx, request, (view) => ({
          title: view.t.models.differencesTitle,
          nav: "settings",
          body: ModelDifferencesPage({ view, text, differences }),
        }));
      }),
    )
    .post("/import/apply", ({ request }) =>
      withText(ctx, request, async (text) => {
        const { length } = await admin.import(text, ctx.sessionContextOf(request));
        return saved(ctx, request, HOME, viewOf(ctx, request).t.models.imported(length));
      }),
    )
    .post("/undo", async ({ request }) => {
      const { t } = viewOf(ctx, request);
      await readForm(ctx, request);
      if (!(await settings.lastChange())?.names.includes(MODELS_KEY)) return goTo(ctx, request, HOME, { text: t.settings.nothingToUndo });
      await settings.undo(ctx.sessionContextOf(request));
      return saved(ctx, request, HOME, t.settings.undone);
    });

/** A new family, and what the admin says of one that is there. */
const editRoutes = (ctx: AdminContext, admin: ModelsAdmin) => {
  const { models } = ctx;
  const editPage = (request: Request, id: string | null) => {
    const model = id === null ? null : admin.find(id);
    const fields = id === null ? [] : fieldsOf(models.current(), id);
    const text = id === null ? TEMPLATE : tomlOf(admin.own(id));
    return page(ctx, request, (view) => ({
      title: model ? view.t.models.editTitle(model.family.title) : view.t.models.addTitle,
      nav: "settings",
      body: ModelEditPage({ view, text, model, fields }),
    }));
  };
  const pathOf = (id: string) => `${HOME}/${models.current().familyOf(id) ? encodeURIComponent(id) : ""}`;
  return new Elysia()
    .get("/new", ({ request }) => editPage(request, null))
    .post("/new", ({ request }) =>
      withText(ctx, request, async (text) => {
        const { t } = viewOf(ctx, request);
        const [first] = await admin.import(text, ctx.sessionContextOf(request));
        if (!first) throw new AppError("invalid_request", t.models.noDifference);
        return saved(ctx, request, pathOf(first.id), t.models.saved);
      }),
    )
    .get("/:id/edit", ({ request, params }) => editPage(request, params.id))
    .post("/:id/edit", ({ request, params: { id } }) =>
      withText(ctx, request, async (text) => {
        await admin.replace(id, text, ctx.sessionContextOf(request));
        return saved(ctx, request, pathOf(id), viewOf(ctx, request).t.models.saved);
      }),
    )
    .post("/:id/reset", async ({ request, params: { id } }) => {
      await readForm(ctx, request);
      const { family } = await admin.reset(id, ctx.sessionContextOf(request));
      return saved(ctx, request, pathOf(id), viewOf(ctx, request).t.models.isReset(family.title));
    });
};

const tomlOf = (family: Table): string => `${stringify({ family: [family] })}\n`;
