// CatalogueLayers: the owner of the catalogue. Builds it again when the file, the admin's changes or the found models change.

import { AppError } from "../../../errors.ts";
import type { FoundModel } from "../family.ts";
import { BUILT_IN, buildCatalogue, dayOf, kindsOf } from "./build.ts";
import type { Catalogue } from "./catalogue.ts";
import { differencesOf, type ModelDifference } from "./differences.ts";
import type { Table } from "./fields.ts";
import type { NamedLayer } from "./merge.ts";
import { familiesOf, storedDocument, toDocument, withDocument } from "./overrides.ts";
import { type CatalogueLayer, EMPTY_LAYER, parseModelsToml, readLayer } from "./read-layer.ts";

/** Whether models that are found are not offered, wait for the operator's yes, or are served at once (`models.adopt`). */
export type Adoption = "off" | "ask" | "auto";

/** A models file as it was read; null: there is none. */
export type ModelsFile = { source: string; text: string };

/** What is wrong in a layer, in one line with its path; null: nothing. */
export type LayerProblems = { file: string | null; admin: string | null };

export const ADMIN_SOURCE = "changes made in the admin";

type Dependencies = {
  /** Epoch ms. */
  now(): number;
  adoption(): Adoption;
  /** Called after the catalogue has changed. */
  onChange?(catalogue: Catalogue): void;
};

export class CatalogueLayers {
  /** Null: not built since the start. Nobody pays for it who asks for nothing, such as a command that only checks its files. */
  #built: Catalogue | null = null;
  #file: NamedLayer | null = null;
  #stored: Table = {};
  #admin: NamedLayer | null = null;
  #found: readonly FoundModel[] = [];
  #problems: LayerProblems = { file: null, admin: null };
  #revision = 0;
  /** Without the admin's changes; null: not asked for since the last change. */
  #lower: Catalogue | null = null;

  constructor(private readonly deps: Dependencies) {}

  /** The catalogue that is in force. */
  readonly current = (): Catalogue => this.#catalogue;

  get #catalogue(): Catalogue {
    this.#built ??= this.#of(this.#below(), this.#revision);
    return this.#built;
  }

  /** The catalogue without what the admin has changed. */
  withoutAdmin(): Catalogue {
    if (!this.#admin) return this.#catalogue;
    this.#lower ??= this.#of(this.#below());
    return this.#lower;
  }

  /** What is wrong now: the layer as it was before stays in force, or what is wrong in it is left out. */
  get problems(): LayerProblems {
    return this.#problems;
  }

  /** The admin's changes as a document. */
  get stored(): Table {
    return this.#stored;
  }

  get found(): readonly FoundModel[] {
    return this.#found;
  }

  /** Takes a models file into force. @throws {AppError} source, path, expected, got; what was in force stays then */
  setFile(file: ModelsFile | null): void {
    const isSame = file === null && this.#file === null;
    this.#file = file && this.#readFile(file);
    this.#problems = { ...this.#problems, file: null };
    if (!isSame) this.#build();
  }

  /** Takes note of what is wrong in the file, so that the admin shows it. */
  reportFile(problem: string): void {
    this.#problems = { ...this.#problems, file: problem };
  }

  /** Takes what the store holds into force, under the settings as they are now. What is wrong in it is left out and said in `problems`. */
  setStored(stored: unknown, found: readonly FoundModel[] = this.#found): void {
    const before = this.#stored;
    this.#stored = storedDocument(stored);
    const isEmpty = [before, this.#stored].every((document) => Object.keys(document).length === 0);
    const isSame = isEmpty && this.#found.length + found.length === 0;
    this.#found = found;
    if (!isSame) this.#build();
  }

  /** Takes the models that were found. */
  setFound(found: readonly FoundModel[]): void {
    this.#found = found;
    this.#build();
  }

  /** The catalogue as it would be with this document in place of the admin's. @throws {AppError} as {@link setFile} */
  preview(document: Table, source: string): Catalogue {
    const below = this.#below();
    const layer = readLayer(document, source, kindsOf([this.#foundBase(), ...below]));
    return this.#of([...below, { origin: "admin", source, layer }]);
  }

  /** A models text as a document. @throws as {@link setFile} */
  read(text: string, source: string): Table {
    return toDocument(readLayer(parseModelsToml(text, source), source, kindsOf([this.#foundBase(), ...this.#below()])));
  }

  /** A models text to put over the admin's changes: the document that would be stored, and what would be different. @throws as {@link setFile} */
  review(text: string, source: string): { document: Table; differences: ModelDifference[] } {
    const document = withDocument(this.#stored, this.read(text, source));
    return { document, differences: differencesOf(this.#catalogue, this.preview(document, source)) };
  }

  #readFile({ source, text }: ModelsFile): NamedLayer {
    const layer = readLayer(parseModelsToml(text, source), source, kindsOf([BUILT_IN]));
    const named: NamedLayer = { origin: "file", source, layer };
    this.#of([BUILT_IN, named]);
    return named;
  }

  #below(): NamedLayer[] {
    return this.#file ? [BUILT_IN, this.#file] : [BUILT_IN];
  }

  /** Kinds of found models: a change in the admin need not say them. */
  #foundBase(): NamedLayer {
    const families = this.#found.map(({ id, kind }) => ({ id, kind }));
    return { origin: "found", source: "", layer: { ...EMPTY_LAYER, families } };
  }

  #of(layers: readonly NamedLayer[], revision = this.#revision + 1): Catalogue {
    const adoption = this.deps.adoption();
    return buildCatalogue({
      layers,
      found: adoption === "off" ? [] : this.#found,
      foundAreOff: adoption !== "auto",
      today: dayOf(this.deps.now()),
      revision,
    });
  }

  #build(): void {
    const below = this.#below();
    const { layer, problem } = this.#readAdmin(below);
    this.#admin = layer;
    this.#problems = { ...this.#problems, admin: problem };
    this.#built = this.#of(this.#admin ? [...below, this.#admin] : below);
    this.#lower = null;
    this.#revision++;
    this.deps.onChange?.(this.#catalogue);
  }

  /** As much of the admin's changes as is right over the layers below: a newer file or program may contradict them. */
  #readAdmin(below: readonly NamedLayer[]): { layer: NamedLayer | null; problem: string | null } {
    if (Object.keys(this.#stored).length === 0) return { layer: null, problem: null };
    const kinds = kindsOf([this.#foundBase(), ...below]);
    const read = (document: Table): NamedLayer => {
      const layer: CatalogueLayer = readLayer(document, ADMIN_SOURCE, kinds);
      const named: NamedLayer = { origin: "admin", source: ADMIN_SOURCE, layer };
      this.#of([...below, named]);
      return named;
    };
    try {
      return { layer: read(this.#stored), problem: null };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return { layer: this.#largestPart(read), problem: error.message };
    }
  }

  /** The families that can be read, one by one. */
  #largestPart(read: (document: Table) => NamedLayer): NamedLayer | null {
    let taken: Table[] = [];
    let layer: NamedLayer | null = null;
    for (const family of familiesOf(this.#stored)) {
      try {
        layer = read({ family: [...taken, family] });
        taken = [...taken, family];
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
    }
    return layer;
  }
}
