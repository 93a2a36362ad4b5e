// Models routes: switch families on and off, edit price overrides.

import { Elysia } from "elysia";
import { ModelPage, ModelRow, ModelsPage } from "../../views/settings/models.tsx";
import { omit } from "../domain/omit.ts";
import { AppError } from "../errors.ts";
import type { Table } from "../gateway/models/catalogue/fields.ts";
import { MAX_USD } from "../gateway/models/catalogue/schema.ts";
import { familiesOf, MODELS_KEY, toStored, withFamily } from "../gateway/models/catalogue/stored.ts";
import { findModelView, listModelViews, type ModelView } from "../gateway/models/list-models.ts";
import { createSettingsAdmin } from "../gateway/settings/manage-settings.ts";
import type { AdminContext } from "./context.ts";
import type { FormReader } from "./forms.ts";
import { changed, fragment, goTo, page, readForm, viewOf } from "./page.ts";

const HOME = "/admin/models";

export const modelRoutes = (ctx: AdminContext) => {
  const { models, pool } = ctx;
  const admin = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const deps = () => ({ models, pool, successors: ctx.settings.current().generation.successors });
  const find = (id: string): ModelView => {
    const model = findModelView(deps(), id);
    if (!model) throw new AppError("not_found", `There is no model ${JSON.stringify(id.slice(0, 80))}.`);
    return model;
  };
  /** Changes what the admin says of one family. */
  const keep = (request: Request, id: string, change: (family: Table) => Table) => {
    const own = familiesOf(models.stored).find((one) => one.id === id) ?? { id };
    const family = change(own);
    const document = withFamily(models.stored, id, Object.keys(family).length > 1 ? family : null);
    models.preview(document, "");
    return admin.applyOther({ [MODELS_KEY]: toStored(document) }, ctx.sessionContextOf(request));
  };
  const turn = async (request: Request, id: string, on: boolean) => {
    const { family } = find(id);
    const form = await readForm(ctx, request);
    await keep(request, id, (own) => switched(own, find(id), on));
    const { t } = viewOf(ctx, request);
    const notice = {
      text: on ? t.models.switchedOn(family.title) : t.models.switchedOff(family.title),
      undo: { action: `${HOME}/${encodeURIComponent(id)}/${on ? "off" : "on"}` },
    };
    const location = form.has("back") ? `${HOME}/${encodeURIComponent(id)}` : HOME;
    return changed(ctx, request, { location, notice, content: (view) => ModelRow({ view, model: find(id) }) });
  };

  return new Elysia({ prefix: "/models" })
    .get("/", ({ request }) => {
      const views = listModelViews(deps());
      return page(ctx, request, (view) => ({
        title: view.t.settings.tabs.models,
        nav: "settings",
        body: ModelsPage({ view, models: views }),
      }));
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
      const own = pricesOf(form, find(family.id));
      form.check();
      await keep(request, family.id, (changes) => withPrices(changes, family.kind, own));
      const notice = { text: viewOf(ctx, request).t.models.pricesSaved, undo: { action: "/admin/settings/undo" } };
      return goTo(ctx, request, `${HOME}/${encodeURIComponent(family.id)}`, notice);
    });
};

/** Own prices by provider and size. */
type OwnPrices = Record<string, Record<string, number>>;

/** The fields that are filled in; a price that is the list's own is none of one's own. */
function pricesOf(form: FormReader, { providers }: ModelView): OwnPrices {
  const own: OwnPrices = {};
  for (const { provider, prices } of providers) {
    for (const { size, listUsd } of prices) {
      const usd = form.decimal(`price.${provider}.${size}`, { max: MAX_USD });
      if (usd !== null && usd !== listUsd) own[provider] = { ...own[provider], [size]: usd };
    }
  }
  return own;
}

/** What the admin says of a family, with these own prices by the image or second and no others. */
function withPrices(family: Table, kind: "image" | "video", own: OwnPrices): Table {
  const unit = kind === "image" ? "per_image" : "per_second";
  const before = (family.providers ?? {}) as Record<string, Table>;
  const names = [...new Set([...Object.keys(before), ...Object.keys(own)])];
  const providers = names.map((name): [string, Table] => {
    const { price, ...rest } = before[name] ?? {};
    const kept = omit((price ?? {}) as Record<string, unknown>, [unit]);
    const next = own[name] ? { ...kept, [unit]: own[name] } : kept;
    return [name, Object.keys(next).length > 0 ? { ...rest, price: next } : rest];
  });
  const said = providers.filter(([, one]) => Object.keys(one).length > 0);
  return said.length > 0 ? { ...family, providers: Object.fromEntries(said) } : omit(family, ["providers"]);
}

/** Says yes or no to a family; one that was only found is described, so that it stays when no token lists it. */
function switched(own: Table, { family, found }: ModelView, on: boolean): Table {
  if (!on) return { ...own, enabled: false };
  if (!found) return omit(own, ["enabled"]);
  const created = new Date(found.at).toISOString().slice(0, 10);
  return { ...own, kind: family.kind, created, enabled: true, providers: { [found.provider]: { wire: found.id } } };
}
