// What the operator changes of the catalogue: prices that count, families that are not offered.

import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../domain/generation.ts";
import type { Leases } from "../pool/lease-contract.ts";
import { isSwitchedOff } from "./choose-family.ts";
import { listModels, parseModel } from "./models.ts";
import { createModelOverrides, readChanges } from "./overrides.ts";
import { actualImageUsd, estimateImageUsd, videoUsd } from "./prices.ts";

const PRO = "gemini-3-pro-image";
const FLASH = "gemini-3.1-flash-image";

function offerOf(stored: unknown) {
  const offer = createModelOverrides();
  offer.load(stored);
  return offer;
}

describe("stored changes", () => {
  test.each([
    ["nothing", undefined],
    ["a text", "x"],
    ["families that are gone", { off: ["imagen-1"], prices: { "imagen-1": { gemini: { "1K": 1 } } } }],
    ["sizes that are not offered", { prices: { [PRO]: { gemini: { "8K": 1 } } } }],
    ["no prices", { prices: { [PRO]: { gemini: { "1K": "cheap", "2K": -1, "4K": Number.NaN } } } }],
    ["another shape", { off: 1, prices: [1] }],
  ])("%s changes nothing", (_name, stored) => {
    expect(readChanges(stored)).toEqual({ off: [], prices: {} });
  });
});

describe("own prices", () => {
  const { prices } = offerOf({ prices: { [PRO]: { gemini: { "1K": 0.5 } }, "gemini-omni-1.2-flash": { gemini: { "720p": 2 } } } });

  test("count before the call and after it, by the image rather than by the upstream's tokens", () => {
    const usage = { ...NO_USAGE, outputImage: 1120 };
    expect(estimateImageUsd(PRO, "gemini", "1K", { prices: prices() })).toBe(0.5);
    expect(actualImageUsd(PRO, "gemini", { size: "1K", usage, prices: prices(), images: 2 })).toBe(1);
  });

  test("leave the other sizes and providers at list price", () => {
    expect(estimateImageUsd(PRO, "gemini", "4K", { prices: prices() })).toBe(0.24);
    expect(estimateImageUsd(PRO, "flow", "1K", { prices: prices() })).toBe(0);
  });

  test("count by the second of video", () => {
    expect(videoUsd("gemini-omni-1.2-flash", "gemini", { seconds: 4 }, prices())).toBe(8);
  });
});

describe("a family that is switched off", () => {
  const offer = offerOf({ off: [FLASH] });
  const pool = offer.limit({ canServe: () => true, families: () => new Set([FLASH, PRO]) } as unknown as Leases);

  test("is not served and not known", () => {
    expect([pool.canServe("image", FLASH), pool.canServe("image", PRO)]).toEqual([false, true]);
    expect(pool.families("image")).toEqual(new Set([PRO]));
  });

  test("is not listed, nor are its aliases, though another family could stand in", () => {
    const listed = listModels(["image"], pool.families("image"), true, pool.isOff).map(({ id }) => id);
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
    const all = offerOf({ off: ["gemini-nano-banana-2.1", FLASH, PRO, "imagen-4"] });
    expect(isSwitchedOff(parseModel("dall-e-3")!, all.isOff)).toBe(true);
  });
});
