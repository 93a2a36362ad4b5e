// Routes to add, edit, reset and import models, and to undo the last change of them.

import { Elysia } from "elysia";
import { stringify } from "smol-toml";
import { ModelDifferencesPage, ModelEditPage, ModelImportPage, type TypedModels } from "../../../views/settings/model-edit.tsx";
import { AppError } from "../../errors.ts";
import { fieldsOf } from "../../gateway/models/catalogue/differences.ts";
import type { Table } from "../../gateway/models/catalogue/fields.ts";
import type { CatalogueLayers } from "../../gateway/models/catalogue/layers.ts";
import { familiesOf, MODELS_KEY, toStored, withFamily } from "../../gateway/models/catalogue/overrides.ts";
import type { ModelView } from "../../gateway/models/list-models.ts";
import type { SettingsAdmin } from "../../gateway/settings/manage-settings.ts";
import type { AdminContext } from "../context.ts";
import { fileText } from "../file-text.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";

const HOME = "/admin/models";
const MAX_TEXT = 1024 * 1024;
/** What a text of the admin is called where something is wrong in it. */
const SOURCE = "models";

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

type Admin = Pick<SettingsAdmin, "applyOther" | "lastChange" | "undo">;

export const modelEditRoutes = (ctx: AdminContext, admin: Admin, find: (id: string) => ModelView) =>
  new Elysia().use(importRoutes(ctx, admin)).use(editRoutes(ctx, admin, find));

const write = (ctx: AdminContext, admin: Admin, request: Request, document: Table) =>
  admin.applyOther({ [MODELS_KEY]: toStored(document) }, ctx.sessionContextOf(request));

const saved = (ctx: AdminContext, request: Request, path: string, text: string) =>
  goTo(ctx, request, path, { text, undo: { action: `${HOME}/undo` } });

/** What was typed and what a file holds. */
async function textOf(ctx: AdminContext, request: Request): Promise<string> {
  const form = await readForm(ctx, request);
  const text = form.text("text", { max: MAX_TEXT, verbatim: true }).replaceAll("\r\n", "\n");
  const file = await fileText(ctx, request);
  form.check();
  return [text, file].filter((one) => one.trim() !== "").join("\n");
}

/** A file to import, its differences, taking them, and the way back. */
const importRoutes = (ctx: AdminContext, admin: Admin) => {
  const { models } = ctx;
  const importPage = (request: Request, typed: TypedModels = { text: "", problem: null }) =>
    page(ctx, request, (view) => ({
      title: view.t.models.importTitle,
      nav: "settings",
      status: typed.problem === null ? 200 : 422,
      body: ModelImportPage({ view, typed }),
    }));
  return new Elysia()
    .get("/import", ({ request }) => importPage(request))
    .post("/import", async ({ request }) => {
      const text = await textOf(ctx, request);
      return orProblem(
        (problem) => importPage(request, { text, problem }),
        async () => {
          const { differences } = models.review(text, SOURCE);
          return page(ctx, request, (view) => ({
            title: view.t.models.differencesTitle,
            nav: "settings",
            body: ModelDifferencesPage({ view, text, differences }),
          }));
        },
      );
    })
    .post("/import/apply", async ({ request }) => {
      const text = await textOf(ctx, request);
      return orProblem(
        (problem) => importPage(request, { text, problem }),
        async () => {
          const { document, differences } = models.review(text, SOURCE);
          if (differences.length > 0) await write(ctx, admin, request, document);
          return saved(ctx, request, HOME, viewOf(ctx, request).t.models.imported(differences.length));
        },
      );
    })
    .post("/undo", async ({ request }) => {
      const { settings } = viewOf(ctx, request).t;
      await readForm(ctx, request);
      if (!(await admin.lastChange())?.names.includes(MODELS_KEY)) return goTo(ctx, request, HOME, { text: settings.nothingToUndo });
      await admin.undo(ctx.sessionContextOf(request));
      return saved(ctx, request, HOME, settings.undone);
    });
};

/** A new family, and what the admin says of one that is there. */
const editRoutes = (ctx: AdminContext, admin: Admin, find: (id: string) => ModelView) => {
  const { models } = ctx;
  const editPage = (request: Request, id: string | null, typed?: TypedModels) => {
    const model = id === null ? null : find(id);
    const fields = id === null ? [] : fieldsOf(models.current(), id);
    const own = familiesOf(models.stored).find((one) => one.id === id) ?? { id };
    const shown = typed ?? { text: id === null ? TEMPLATE : tomlOf(own), problem: null };
    return page(ctx, request, (view) => ({
      title: model ? view.t.models.editTitle(model.family.title) : view.t.models.addTitle,
      nav: "settings",
      status: typed ? 422 : 200,
      body: ModelEditPage({ view, typed: shown, model, fields }),
    }));
  };
  const pathOf = (id: string) => `${HOME}/${models.current().familyOf(id) ? encodeURIComponent(id) : ""}`;
  return new Elysia()
    .get("/new", ({ request }) => editPage(request, null))
    .post("/new", async ({ request }) => {
      const text = await textOf(ctx, request);
      return orProblem(
        (problem) => editPage(request, null, { text, problem }),
        async () => {
          const { document, differences } = models.review(text, SOURCE);
          const [first] = differences;
          if (!first) throw new AppError("invalid_request", viewOf(ctx, request).t.models.noDifference);
          await write(ctx, admin, request, document);
          return saved(ctx, request, pathOf(first.id), viewOf(ctx, request).t.models.saved);
        },
      );
    })
    .get("/:id/edit", ({ request, params }) => editPage(request, params.id))
    .post("/:id/edit", async ({ request, params: { id } }) => {
      find(id);
      const text = await textOf(ctx, request);
      return orProblem(
        (problem) => editPage(request, id, { text, problem }),
        async () => {
          await write(ctx, admin, request, editedDocument(models, id, text));
          return saved(ctx, request, pathOf(id), viewOf(ctx, request).t.models.saved);
        },
      );
    })
    .post("/:id/reset", async ({ request, params: { id } }) => {
      const { family } = find(id);
      await readForm(ctx, request);
      const document = withFamily(models.stored, id, null);
      models.preview(document, SOURCE);
      await write(ctx, admin, request, document);
      return saved(ctx, request, pathOf(id), viewOf(ctx, request).t.models.isReset(family.title));
    });
};

/** The admin's document with this text in place of what it said of the family; an empty text says nothing. @throws {AppError} what is wrong in it */
function editedDocument(models: CatalogueLayers, id: string, text: string): Table {
  const families = text.trim() === "" ? [] : familiesOf(models.read(text, SOURCE));
  const other = families.find((one) => one.id !== id);
  if (other) throw new AppError("invalid_request", `${SOURCE}: family.id: expected ${JSON.stringify(id)}, got ${JSON.stringify(other.id)}`);
  const [own] = families;
  const document = withFamily(models.stored, id, own && Object.keys(own).length > 1 ? own : null);
  models.preview(document, SOURCE);
  return document;
}

/** What is wrong in a text is shown beside it. */
async function orProblem(show: (problem: string) => Promise<Response>, act: () => Promise<Response>): Promise<Response> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof AppError && error.kind === "invalid_request") return show(error.message);
    throw error;
  }
}

const tomlOf = (family: Table): string => `${stringify({ family: [family] })}\n`;
