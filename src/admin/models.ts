// Models routes: switch families on and off, edit price overrides.

import { Elysia } from "elysia";
import { ModelPage, ModelRow, ModelsPage } from "../../views/settings/models.tsx";
import { omit } from "../domain/omit.ts";
import { AppError } from "../errors.ts";
import { findModelView, listModelViews, type ModelView } from "../gateway/models/list-models.ts";
import { MAX_PRICE_USD, OVERRIDES_KEY, type OverrideChanges, pricedSizes } from "../gateway/models/overrides.ts";
import { createSettingsAdmin } from "../gateway/settings/manage-settings.ts";
import type { AdminContext } from "./context.ts";
import type { FormReader } from "./forms.ts";
import { changed, fragment, goTo, page, readForm, viewOf } from "./page.ts";

const HOME = "/admin/models";

export const modelRoutes = (ctx: AdminContext) => {
  const { offer, pool } = ctx;
  const admin = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const deps = () => ({ offer, pool, successors: ctx.settings.current().generation.successors });
  const find = (id: string): ModelView => {
    const model = findModelView(deps(), id);
    if (!model) throw new AppError("not_found", `There is no model ${JSON.stringify(id.slice(0, 80))}.`);
    return model;
  };
  const keep = (request: Request, changes: OverrideChanges) => {
    const isNothing = changes.off.length === 0 && Object.keys(changes.prices).length === 0;
    return admin.applyOther({ [OVERRIDES_KEY]: isNothing ? null : changes }, ctx.sessionContextOf(request));
  };
  const turn = async (request: Request, id: string, on: boolean) => {
    const { family } = find(id);
    const form = await readForm(ctx, request);
    const { off, prices } = offer.changes();
    await keep(request, { off: [...off.filter((one) => one !== id), ...(on ? [] : [id])], prices });
    const { models } = viewOf(ctx, request).t;
    const notice = {
      text: on ? models.switchedOn(family.title) : models.switchedOff(family.title),
      undo: { action: `${HOME}/${encodeURIComponent(id)}/${on ? "off" : "on"}` },
    };
    const location = form.has("back") ? `${HOME}/${encodeURIComponent(id)}` : HOME;
    return changed(ctx, request, { location, notice, content: (view) => ModelRow({ view, model: find(id) }) });
  };

  return new Elysia({ prefix: "/models" })
    .get("/", ({ request }) => {
      const models = listModelViews(deps());
      return page(ctx, request, (view) => ({ title: view.t.settings.tabs.models, nav: "settings", body: ModelsPage({ view, models }) }));
    })
    .get("/:id", ({ request, params }) => {
      const model = find(params.id);
      return page(ctx, request, (view) => ({ title: model.family.title, nav: "settings", body: ModelPage({ view, model }) }));
    })
    .get("/:id/row", ({ request, params }) => fragment(ctx, request, (view) => ModelRow({ view, model: find(params.id) })))
    .post("/:id/on", ({ request, params }) => turn(request, params.id, true))
    .post("/:id/off", ({ request, params }) => turn(request, params.id, false))
    .post("/:id/prices", async ({ request, params }) => {
      const { family } = find(params.id);
      const form = await readForm(ctx, request);
      const own = pricesOf(form, family);
      form.check();
      const { off, prices } = offer.changes();
      const others = omit(prices, [family.id]);
      await keep(request, { off, prices: Object.keys(own).length === 0 ? others : { ...others, [family.id]: own } });
      const notice = { text: viewOf(ctx, request).t.models.pricesSaved, undo: { action: "/admin/settings/undo" } };
      return goTo(ctx, request, `${HOME}/${encodeURIComponent(family.id)}`, notice);
    });
};

/** The fields that are filled in; a price that is the list's own is none of one's own. */
function pricesOf(form: FormReader, family: ModelView["family"]): OverrideChanges["prices"][string] {
  const own: OverrideChanges["prices"][string] = {};
  for (const provider of Object.keys(family.providers)) {
    for (const [size, listUsd] of pricedSizes(family, provider)) {
      const usd = form.decimal(`price.${provider}.${size}`, { max: MAX_PRICE_USD });
      if (usd !== null && usd !== listUsd) own[provider] = { ...own[provider], [size]: usd };
    }
  }
  return own;
}
