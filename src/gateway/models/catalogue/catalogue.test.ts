// The catalogue as data: a models file merges field by field, names its faults, and never makes a model free.

import { describe, expect, test } from "bun:test";
import { parse, stringify } from "smol-toml";
import { AppError } from "../../../errors.ts";
import { retirementsOf } from "../list-models.ts";
import { estimateImageUsd, estimateVideoUsd } from "../prices.ts";
import { BUILT_IN, builtInCatalogue } from "./build.ts";
import { Catalogue } from "./catalogue.ts";
import { differencesOf } from "./differences.ts";
import { type Adoption, CatalogueLayers } from "./layers.ts";
import { toDocument } from "./overrides.ts";
import { partsOf } from "./parts.ts";

const NOW = Date.UTC(2026, 10, 29);
const SOURCE = "config/models.toml";

function layersWith(text: string, { stored, adoption = "ask" }: { stored?: unknown; adoption?: Adoption } = {}): CatalogueLayers {
  const layers = new CatalogueLayers({ now: () => NOW, adoption: () => adoption });
  layers.setFile({ source: SOURCE, text });
  layers.setStored(stored);
  return layers;
}
const catalogueWith = (text: string) => layersWith(text).current();

function faultOf(text: string): string {
  try {
    layersWith(text);
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
  return "none";
}

describe("the built-in catalogue", () => {
  test("as the program holds it is what its layer comes to, on any day", () => {
    const held = builtInCatalogue();
    const merged = new Catalogue(partsOf({ layers: [BUILT_IN], today: "2031-05-06" }));
    for (const kind of ["image", "video"] as const) expect(held.families(kind)).toEqual(merged.families(kind));
    expect(held.known).toEqual(merged.known);
    expect(held.tables).toEqual(merged.tables);
    expect(held.aliases).toEqual(merged.aliases);
    for (const { id } of merged.families("image")) expect(held.originsOf(id)).toEqual(merged.originsOf(id));
    expect(differencesOf(held, merged)).toEqual([]);
  });

  test("is the same when it is written as TOML and read again", () => {
    const text = stringify(toDocument(BUILT_IN.layer));
    const again = catalogueWith(text);
    expect(differencesOf(builtInCatalogue(), again)).toEqual([]);
    expect(parse(text)).toBeDefined();
  });

  test("has a price for every size of every family", () => {
    const { families } = { families: [...builtInCatalogue().families("image"), ...builtInCatalogue().families("video")] };
    for (const { id, providers } of families)
      for (const { price } of Object.values(providers)) expect([id, price.isAssumed]).toEqual([id, undefined]);
  });
});

describe("a models file", () => {
  const NEW = '[[family]]\nid = "x-image-1"\nkind = "image"\n[family.providers.gemini]\n';

  test("gives a model that says nothing else safe defaults", () => {
    const family = catalogueWith(NEW).imageFamily("x-image-1");
    expect(family).toMatchObject({ title: "x-image-1", created: Date.UTC(2026, 10, 29) / 1000, ownedBy: "google" });
    expect(family.providers.gemini).toMatchObject({
      wire: "x-image-1",
      sizes: ["1K", "2K", "4K"],
      maxInputs: 3,
      thinking: [],
      levels: null,
    });
    expect(family.providers.gemini!.aspects).toHaveLength(10);
  });

  test("changes one field and leaves the others, each with its origin", () => {
    const text = '[[family]]\nid = "gemini-3-pro-image"\ntitle = "Pro"\n[family.providers.gemini]\nmax_inputs = 2\n';
    const catalogue = layersWith(text, { stored: { family: [{ id: "gemini-3-pro-image", enabled: false }] } }).current();
    const family = catalogue.imageFamily("gemini-3-pro-image");
    expect([family.title, family.isOff, family.providers.gemini!.maxInputs, family.providers.flow!.maxInputs]).toEqual([
      "Pro",
      true,
      2,
      14,
    ]);
    const origins = catalogue.originsOf("gemini-3-pro-image");
    const of = ["id", "title", "enabled", "providers.gemini.max_inputs", "providers.gemini.wire"].map((path) => origins.get(path));
    expect(of).toEqual(["built-in", "file", "admin", "file", "built-in"]);
  });

  test("adds a provider that no code here knows", () => {
    const text = '[[family]]\nid = "gemini-3-pro-image"\n[family.providers.elsewhere]\nwire = "pro@001"\nprice.by_plan = true\n';
    const catalogue = catalogueWith(text);
    expect(catalogue.ofProvider("elsewhere").find("gemini-3-pro-image")?.wire).toBe("pro@001");
    expect(catalogue.ofProvider("elsewhere").familiesOf("pro@001")).toEqual(["gemini-3-pro-image"]);
  });

  test("takes a provider away", () => {
    const text = '[[family]]\nid = "gemini-3-pro-image"\nproviders.flow.enabled = false\n';
    expect(Object.keys(catalogueWith(text).imageFamily("gemini-3-pro-image").providers)).toEqual(["gemini", "vertex"]);
  });

  test("serves a declared family on tokens whose list does not name it; what only some projects have it does not", () => {
    const text = `${NEW}[family.providers.flow]\nonly_when_learned = true\n`;
    const catalogue = catalogueWith(text);
    expect(catalogue.servedFamilies("gemini", ["gemini-3-pro-image"])).toEqual(["gemini-3-pro-image", "x-image-1"]);
    expect(catalogue.servedFamilies("flow", ["imagen-4"])).toEqual(["imagen-4"]);
    expect(catalogueWith(`${NEW}wire = "w-1"\n`).servedFamilies("gemini", ["w-1"])).toContain("x-image-1");
  });

  test("recommends another model", () => {
    expect(catalogueWith(NEW.replace('"image"\n', '"image"\nrecommended = true\n')).defaultFamily("image")).toBe("x-image-1");
  });

  test("moves a name of another vendor, and one of a family, to a model of its own", () => {
    const alias = '[[alias]]\nkind = "image"\nnames = ["dall-e-3"]\nfamilies = ["x-image-1"]\n';
    const catalogue = catalogueWith(`${alias}${NEW.replace("[family.", 'names = ["nano-banana"]\n[family.')}`);
    expect(catalogue.parseModel("dall-e-3")!.families).toEqual(["x-image-1"]);
    expect(catalogue.parseModel("nano-banana-2k")!.families[0]).toBe("x-image-1");
    expect(catalogue.parseModel("gemini-2.5-flash-image")!.families[0]).toBe("gemini-2.5-flash-image");
  });

  const FAMILY = "family[gemini-3-pro-image]";
  test.each([
    [
      "[[familiy]]\nid = 1",
      `${SOURCE}: familiy: expected [[family]], [[alias]], [official] or [listed], got "familiy"; did you mean "family"?`,
    ],
    ["[[family]\n", `${SOURCE}:1:10: expected TOML, got`],
    ["[[family]]\nkind = 'image'", `${SOURCE}: family[0].id: expected a model id of lower-case letters`],
    ['[[family]]\nid = "new-one"', `${SOURCE}: family[new-one].kind: expected one of "image", "video", got nothing`],
    ['[[family]]\nid = "new-one"\nkind = "image"', `${SOURCE}: family[new-one].providers: expected at least one provider`],
    ['[[family]]\nid = "gemini-3-pro-image"\nkind = "video"', `${SOURCE}: ${FAMILY}.kind: expected "image", got "video"`],
    ['[[family]]\nid = "gemini-3-pro-image"\ntitel = "x"', `${SOURCE}: ${FAMILY}.titel: expected one of the fields`],
    [
      '[[family]]\nid = "gemini-3-pro-image"\nretires = "soon"',
      `${SOURCE}: ${FAMILY}.retires: expected a day such as 2026-12-31, got "soon"`,
    ],
    [
      '[[family]]\nid = "gemini-3-pro-image"\nproviders.gemini.sizes = ["1K", "8K"]',
      `${SOURCE}: ${FAMILY}.providers.gemini.sizes[1]: expected one of`,
    ],
    [
      '[[family]]\nid = "gemini-3-pro-image"\nproviders.gemini.price.per_image.1K = -1',
      `.price.per_image.1K: expected a number 0 to 1000 (USD), got -1`,
    ],
    ['[[family]]\nid = "gemini-3-pro-image"\nproviders.gemini.default_aspect = "8:1"', `.default_aspect: expected one of "1:1"`],
    [
      '[[family]]\nid = "gemini-3-pro-image"\nsuccessors = ["gemini-3-pro-imag"]',
      'successors[0]: expected the id of a family that makes images, got "gemini-3-pro-imag"; did you mean "gemini-3-pro-image"?',
    ],
    ['[[family]]\nid = "gemini-3-pro-image"\nsuccessors = ["gemini-3-pro-image"]', "successors[0]: expected another family"],
    [
      '[[family]]\nid = "imagen-4"\nnames = ["gemini-3.pro-image"]',
      'family[imagen-4].names: expected names that are no family\'s id, got "gemini-3.pro-image", the id of a family',
    ],
    [`${NEW}[[family]]\nid = "x.image.1"\nkind = "image"\n[family.providers.gemini]\n`, "expected an id that differs"],
    [`${NEW}${NEW}`, `${SOURCE}: family[x-image-1]: expected each family once`],
    [
      `${NEW}price.per_million_tokens = { output_image = 30 }`,
      ".per_million_tokens.input_text: expected a number (the rates count together), got nothing",
    ],
    [
      '[[alias]]\nkind = "image"\nnames = ["a"]\nfamilies = ["veo-3.1"]',
      `${SOURCE}: alias[0].families[0]: expected another family that makes images, got "veo-3.1"`,
    ],
    [
      '[[family]]\nid = "veo-3.1"\nproviders.flow.modes.text.seconds.default = 5',
      "modes.text.seconds.default: expected one of 4, 6, 8, got 5",
    ],
  ])("%p is refused", (text, fault) => expect(faultOf(text)).toContain(fault));
});

describe("prices", () => {
  test("an unpriced image costs the dearest of each size, an unpriced second the dearest of its resolution", () => {
    const text = ["image", "video"].map((kind) => `[[family]]\nid = "x-${kind}"\nkind = "${kind}"\n[family.providers.gemini]\n`).join("");
    const catalogue = catalogueWith(text);
    const usd = (["512", "1K", "2K", "4K"] as const).map((size) => estimateImageUsd(catalogue.imageCosts("x-image", "gemini"), size));
    expect(usd).toEqual([0.045, 0.134, 0.134, 0.24]);
    expect(estimateVideoUsd(catalogue.videoCosts("x-video", "gemini"), { resolution: "4k", seconds: 2 })).toBeCloseTo(0.6, 9);
    expect(catalogue.imageFamily("x-image").providers.gemini!.price.isAssumed).toBe(true);
  });

  test("a price by tokens alone is estimated, not free", () => {
    const rates = "price.per_million_tokens = { input_text = 1, input_image = 1, output_text = 1, output_image = 40 }";
    const costs = catalogueWith(`[[family]]\nid = "x-image"\nkind = "image"\n[family.providers.gemini]\n${rates}`).imageCosts(
      "x-image",
      "gemini",
    );
    expect(estimateImageUsd(costs, "1K")).toBeCloseTo((1290 * 40) / 1e6, 9);
    expect(costs.price.isAssumed).toBeUndefined();
  });

  test("an own price ends the built-in rates by token and for thinking, and leaves what a search costs", () => {
    const { price } = catalogueWith('[[family]]\nid = "gemini-nano-banana-2.1"\nproviders.gemini.price.per_image.1K = 0.01').imageCosts(
      "gemini-nano-banana-2.1",
      "gemini",
    );
    expect(price).toEqual({ perImage: { "1K": 0.01, "2K": 0.0504, "4K": 0.1134 }, perInputImage: 0.00168, perSearch: 0.014 });
  });
});

test.each([
  ["31 days before", "2026-11-02", null],
  ["30 days before", "2026-11-03", "month"],
  ["8 days before", "2026-11-25", "month"],
  ["7 days before", "2026-11-26", "week"],
  ["on the day", "2026-12-03", "week"],
  ["the day after", "2026-12-04", "over"],
  ["much later", "2027-01-10", null],
])("a retirement %s is shown as %p: %p", (_when, day, stage) => {
  const pool = { canServe: (_kind: string, family: string) => family === "gemini-omni-1.1-flash" };
  const reported = retirementsOf(builtInCatalogue(), pool as Parameters<typeof retirementsOf>[1], Date.parse(`${day}T00:00:00Z`));
  expect(reported.map((one) => one.stage)).toEqual(stage === null ? [] : [stage as "week"]);
});

test("a change of the admin that a newer file contradicts is left out, the others stay, and it says so", () => {
  const stored = {
    family: [
      { id: "x-image", enabled: false },
      { id: "imagen-4", enabled: false },
    ],
  };
  const layers = layersWith("", { stored });
  expect([...layers.current().off]).toEqual(["imagen-4"]);
  expect(layers.problems.admin).toContain("changes made in the admin: family[x-image].kind: expected");
});
