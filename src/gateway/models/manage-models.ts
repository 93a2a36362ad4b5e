// Models as the operator changes them: switch, own prices, import, reset. Each change is checked as a whole catalogue first.
import { AppError } from "../../errors.ts";
import type { By } from "../audit/audit.ts";
import type { ModelDifference } from "./catalogue/differences.ts";
import type { Table } from "./catalogue/fields.ts";
import type { CatalogueLayers } from "./catalogue/layers.ts";
import { familiesOf, MODELS_KEY, toStored, withFamily } from "./catalogue/overrides.ts";
import { type OwnPrices, switched, withPrices } from "./change-family.ts";
import { findModelView, type ListModelsDependencies, listModelViews, type ModelView } from "./list-models.ts";

type Dependencies = Pick<ListModelsDependencies, "pool"> & {
  models: CatalogueLayers;
  successors(): boolean;
  /** Stores what is stored beside the settings, with an entry in the audit log and a way back. */
  settings: { applyOther(changes: Record<string, unknown>, by: By): Promise<void> };
};

/** What a text of the admin is called where something is wrong in it. */
export const MODELS_SOURCE = "models";

export class ModelsAdmin {
  constructor(private readonly deps: Dependencies) {}

  list(): ModelView[] {
    return listModelViews(this.#views());
  }

  /** @throws {AppError} `not_found` */
  find(id: string): ModelView {
    const model = findModelView(this.#views(), id);
    if (!model) throw new AppError("not_found", `There is no model ${JSON.stringify(id.slice(0, 80))}.`, { param: "id" });
    return model;
  }

  /** @throws {AppError} `not_found`, `invalid_request` */
  async turn(id: string, on: boolean, by: By): Promise<void> {
    const view = this.find(id);
    await this.#change(id, (own) => switched(own, view, on), by);
  }

  /** In place of all own prices of the family. @throws {AppError} `not_found`, `invalid_request` */
  async setPrices(id: string, own: OwnPrices, by: By): Promise<void> {
    const { family } = this.find(id);
    await this.#change(family.id, (changes) => withPrices(changes, family.kind, own), by);
  }

  /** What the admin has said of a family, as a document of one. */
  own(id: string): Table {
    return familiesOf(this.deps.models.stored).find((one) => one.id === id) ?? { id };
  }

  /** A text in place of what the admin says of one family; an empty one says nothing. @throws {AppError} what is wrong in it */
  async replace(id: string, text: string, by: By): Promise<void> {
    const { models } = this.deps;
    this.find(id);
    const families = text.trim() === "" ? [] : familiesOf(models.read(text, MODELS_SOURCE));
    const other = families.find((one) => one.id !== id);
    if (other)
      throw new AppError("invalid_request", `${MODELS_SOURCE}: family.id: expected ${JSON.stringify(id)}, got ${JSON.stringify(other.id)}`);
    const [own] = families;
    await this.#write(withFamily(models.stored, id, own && Object.keys(own).length > 1 ? own : null), by);
  }

  /** Takes back all that the admin has said of a family. @throws {AppError} `not_found`, `invalid_request` where something else needs it */
  async reset(id: string, by: By): Promise<ModelView> {
    const view = this.find(id);
    await this.#write(withFamily(this.deps.models.stored, id, null), by);
    return view;
  }

  /** What a text would change. @throws {AppError} `invalid_request`: what is wrong in it */
  review(text: string): ModelDifference[] {
    return this.deps.models.review(text, MODELS_SOURCE).differences;
  }

  /** Puts a text over what the admin says. @throws {AppError} `invalid_request`: what is wrong in it */
  async import(text: string, by: By): Promise<ModelDifference[]> {
    const { document, differences } = this.deps.models.review(text, MODELS_SOURCE);
    if (differences.length > 0) await this.#write(document, by);
    return differences;
  }

  #views(): ListModelsDependencies {
    const { models, pool, successors } = this.deps;
    return { models, pool, successors: successors() };
  }

  async #change(id: string, change: (own: Table) => Table, by: By): Promise<void> {
    const family = change(this.own(id));
    await this.#write(withFamily(this.deps.models.stored, id, Object.keys(family).length > 1 ? family : null), by);
  }

  async #write(document: Table, by: By): Promise<void> {
    this.deps.models.preview(document, MODELS_SOURCE);
    await this.deps.settings.applyOther({ [MODELS_KEY]: toStored(document) }, by);
  }
}
