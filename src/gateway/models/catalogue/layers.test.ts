// Layers of the catalogue: what is stored by the admin, the file below it, and what is found.

import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../../domain/generation.ts";
import type { Leases } from "../../pool/lease-contract.ts";
import { isSwitchedOff } from "../choose-family.ts";
import { listModels } from "../model-list.ts";
import { actualImageUsd, estimateImageUsd, estimateVideoUsd } from "../prices.ts";
import { withCatalogue } from "../with-catalogue.ts";
import { type Adoption, CatalogueLayers } from "./layers.ts";

const PRO = "gemini-3-pro-image";
const FLASH = "gemini-3.1-flash-image";

function layersOf(stored: unknown, adoption: Adoption = "ask"): CatalogueLayers {
  const layers = new CatalogueLayers({ now: () => Date.UTC(2026, 10, 29), adoption: () => adoption });
  layers.setStored(stored);
  return layers;
}
const offOf = (layers: CatalogueLayers) => [...layers.current().off];

describe("changes that an earlier version stored", () => {
  test.each([
    ["nothing", undefined],
    ["a text", "x"],
    ["families that are gone", { off: ["imagen-1"], prices: { "imagen-1": { gemini: { "1K": 1 } } } }],
    ["sizes that are not offered", { prices: { [PRO]: { gemini: { "8K": 1 } } } }],
    ["no prices", { prices: { [PRO]: { gemini: { "1K": "cheap" } } } }],
    ["another shape", { off: 1, prices: [1] }],
  ])("%s changes nothing", (_name, stored) => {
    const layers = layersOf(stored);
    expect(offOf(layers)).toEqual([]);
    expect(layers.current().imageCosts(PRO, "gemini")).toEqual(layersOf(undefined).current().imageCosts(PRO, "gemini"));
  });

  test("are read with what is right in them", () => {
    const layers = layersOf({ off: ["imagen-1", FLASH], prices: { [PRO]: { gemini: { "1K": 0.5 } } } });
    expect(offOf(layers)).toEqual([FLASH]);
    expect(estimateImageUsd(layers.current().imageCosts(PRO, "gemini"), "1K")).toBe(0.5);
    expect(layers.problems.admin).toContain("family[imagen-1]");
  });
});

describe("own prices", () => {
  const catalogue = layersOf({
    prices: { [PRO]: { gemini: { "1K": 0.5 } }, "gemini-omni-1.2-flash": { gemini: { "720p": 2 } } },
  }).current();

  test("count before the call and after it, by the image rather than by the upstream's tokens", () => {
    const usage = { ...NO_USAGE, outputImage: 1120 };
    expect(estimateImageUsd(catalogue.imageCosts(PRO, "gemini"), "1K")).toBe(0.5);
    expect(actualImageUsd(catalogue.imageCosts(PRO, "gemini"), { size: "1K", usage, images: 2 })).toBe(1);
  });

  test("leave the other sizes and providers at list price", () => {
    expect(estimateImageUsd(catalogue.imageCosts(PRO, "gemini"), "4K")).toBe(0.24);
    expect(estimateImageUsd(catalogue.imageCosts(PRO, "flow"), "1K")).toBe(0);
  });

  test("count by the second of video", () => {
    expect(estimateVideoUsd(catalogue.videoCosts("gemini-omni-1.2-flash", "gemini"), { seconds: 4 })).toBe(8);
  });
});

describe("a family that is switched off", () => {
  const layers = layersOf({ family: [{ id: FLASH, enabled: false }] });
  const pool = withCatalogue({ canServe: () => true, families: () => new Set([FLASH, PRO]) } as unknown as Leases, layers.current);
  const { parseModel } = layers.current();

  test("is not served and not known", () => {
    expect([pool.canServe("image", FLASH), pool.canServe("image", PRO)]).toEqual([false, true]);
    expect(pool.families("image")).toEqual(new Set([PRO]));
  });

  test("is not listed, nor are its aliases, though another family could stand in", () => {
    const served = pool.families("image");
    const rules = { canServe: (family: string) => served.has(family), successors: true, isOff: pool.isOff };
    const listed = listModels(layers.current(), ["image"], rules).map(({ id }) => id);
    expect(listed).toContain(PRO);
    expect(listed.filter((id) => /3\.1-flash|nano-banana-2/.test(id))).toEqual([]);
  });

  test.each([
    [FLASH, true],
    ["nano-banana-2", true],
    [PRO, false],
    ["dall-e-3", false],
  ])("%s is switched off: %p", (id, expected) => {
    expect(isSwitchedOff(parseModel(id)!, pool.isOff)).toBe(expected);
  });

  test("a retired name is switched off when all that could stand in are", () => {
    const off = ["gemini-nano-banana-2.1", FLASH, PRO, "imagen-4"];
    const all = layersOf({ family: off.map((id) => ({ id, enabled: false })) }).current();
    expect(isSwitchedOff(all.parseModel("dall-e-3")!, all.isOff)).toBe(true);
  });
});
