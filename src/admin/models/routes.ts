// Models routes: the list with what needs attention, one family, its switch and its prices.

import { Elysia } from "elysia";
import { ModelNotices } from "../../../views/settings/model-edit.tsx";
import { ModelPage, ModelRow, ModelsPage } from "../../../views/settings/models.tsx";
import { MODELS_KEY } from "../../gateway/models/catalogue/overrides.ts";
import { retirementsOf } from "../../gateway/models/list-models.ts";
import { ModelsAdmin } from "../../gateway/models/manage-models.ts";
import { createSettingsAdmin } from "../../gateway/settings/manage-settings.ts";
import type { AdminContext } from "../context.ts";
import { changed, fragment, goTo, page, readForm, viewOf } from "../page.ts";
import { pricesOf } from "./changes.ts";
import { modelEditRoutes } from "./edit.ts";
import { orderOf } from "./serving-order.ts";

const HOME = "/admin/models";

export const modelRoutes = (ctx: AdminContext) => {
  const { models, pool } = ctx;
  const settings = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const admin = new ModelsAdmin({ models, pool, settings, successors: () => ctx.settings.current().generation.successors });
  const find = (id: string) => admin.find(id);
  const turn = async (request: Request, id: string, on: boolean) => {
    const { family } = find(id);
    const form = await readForm(ctx, request);
    await admin.turn(id, on, ctx.sessionContextOf(request));
    const { t } = viewOf(ctx, request);
    const notice = {
      text: on ? t.models.switchedOn(family.title) : t.models.switchedOff(family.title),
      undo: { action: `${HOME}/${encodeURIComponent(id)}/${on ? "off" : "on"}` },
    };
    const location = form.text("back", { max: 2000 }) === "model" ? `${HOME}/${encodeURIComponent(id)}` : HOME;
    return changed(ctx, request, { location, notice, content: (view) => ModelRow({ view, model: find(id) }) });
  };

  return new Elysia({ prefix: "/models" })
    .use(modelEditRoutes(ctx, { admin, settings }))
    .get("/", async ({ request }) => {
      const views = admin.list();
      const canUndo = (await settings.lastChange())?.names.includes(MODELS_KEY) === true;
      const retirements = retirementsOf(models.current(), pool, ctx.clock.now());
      const { problems } = models;
      return page(ctx, request, (view) => ({
        title: view.t.settings.tabs.models,
        nav: "settings",
        body: ModelsPage({ view, models: views, notices: ModelNotices({ view, problems, retirements, canUndo }) }),
      }));
    })
    .get("/:id", ({ request, params }) => {
      const model = find(params.id);
      const order = orderOf(ctx, model);
      return page(ctx, request, (view) => ({ title: model.family.title, nav: "settings", body: ModelPage({ view, model, order }) }));
    })
    .get("/:id/row", ({ request, params }) => fragment(ctx, request, (view) => ModelRow({ view, model: find(params.id) })))
    .post("/:id/on", ({ request, params }) => turn(request, params.id, true))
    .post("/:id/off", ({ request, params }) => turn(request, params.id, false))
    .post("/:id/prices", async ({ request, params }) => {
      const { family } = find(params.id);
      const form = await readForm(ctx, request);
      const own = pricesOf(form, find(family.id));
      form.check();
      await admin.setPrices(family.id, own, ctx.sessionContextOf(request));
      const notice = { text: viewOf(ctx, request).t.models.pricesSaved, undo: { action: "/admin/settings/undo" } };
      return goTo(ctx, request, `${HOME}/${encodeURIComponent(family.id)}`, notice);
    });
};
