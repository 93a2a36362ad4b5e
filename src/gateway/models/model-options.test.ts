// Tests: which options a provider takes for a family, what stays behind, and what a search costs.
import { describe, expect, test } from "bun:test";
import type { Json } from "../../domain/generation.ts";
import { fitOptions, ignoredHeader, leftBehind, meetsNeeds, mostSafety, searchesOf } from "./model-options.ts";
import { actualImageUsd, estimateImageUsd } from "./prices.ts";
import { FAMILIES, image, imageCosts } from "./testing.ts";

const PRO = image("gemini-3-pro-image");
const HARASSMENT = { category: "HARM_CATEGORY_HARASSMENT", threshold: "OFF" };
const IMAGE_HATE = { category: "HARM_CATEGORY_IMAGE_HATE", threshold: "OFF" };

describe("options", () => {
  test("are cut to what the provider takes; each that stays behind is named", () => {
    const requested = { safety: [HARASSMENT, IMAGE_HATE], search: {}, temperature: 1, personGeneration: "ALLOW_ALL" };
    expect(fitOptions(PRO, "gemini", requested)).toEqual({
      options: { safety: [HARASSMENT], search: {}, temperature: 1 },
      left: ["safetySettings.HARM_CATEGORY_IMAGE_HATE", "generationConfig.imageConfig.personGeneration"],
    });
    expect(fitOptions(PRO, "flow", requested)).toEqual({
      left: [
        ...["safetySettings.HARM_CATEGORY_HARASSMENT", "safetySettings.HARM_CATEGORY_IMAGE_HATE", "tools.googleSearch"],
        ...["generationConfig.temperature", "generationConfig.imageConfig.personGeneration"],
      ],
    });
  });

  test("nothing requested is nothing left, for every family and provider", () => {
    for (const family of FAMILIES) {
      if (family.kind === "image")
        for (const provider of Object.keys(family.providers)) expect(fitOptions(family, provider, undefined)).toEqual({ left: [] });
    }
  });

  test("safety settings go to the provider that honours most of them", () => {
    expect(mostSafety(PRO, ["flow", "gemini"], { safety: [HARASSMENT] })).toEqual(["gemini"]);
    expect(mostSafety(PRO, ["flow", "gemini"], { safety: [IMAGE_HATE] })).toEqual(["flow", "gemini"]);
    expect(mostSafety(PRO, ["flow", "gemini"], { temperature: 1 })).toEqual(["flow", "gemini"]);
    expect(leftBehind(PRO, ["flow", "gemini"], { temperature: 1 })).toEqual(["generationConfig.temperature"]);
  });

  test("a search and a video need a provider that has them", () => {
    expect(meetsNeeds(PRO, "gemini", { search: true, videos: 0 })).toBe(true);
    expect(meetsNeeds(PRO, "flow", { search: true, videos: 0 })).toBe(false);
    expect(meetsNeeds(PRO, "gemini", { search: false, videos: 1 })).toBe(false);
    expect(meetsNeeds(image("gemini-3.1-flash-image"), "gemini", { search: true, videos: 2 })).toBe(true);
  });
});

test("the header holds names alone, each once", () => {
  expect(ignoredHeader(["a.b", "a.b", "x\r\ny: z", ""])).toEqual({ "x-flow2api-ignored": "a.b, xyz" });
  expect(ignoredHeader([])).toEqual({});
});

describe("a search", () => {
  test("is counted by its queries", () => {
    const grounding = { webSearchQueries: ["a", "b"], imageSearchQueries: ["c"] };
    expect(searchesOf({ candidate: { groundingMetadata: grounding } })).toBe(3);
    const odd: Json[] = [null, [], "x", {}, { webSearchQueries: 7 }];
    for (const groundingMetadata of odd) {
      expect(searchesOf({ candidate: { groundingMetadata } })).toBe(0);
    }
    expect(searchesOf(undefined)).toBe(0);
  });

  test.each([["gemini-nano-banana-2.1"], ["gemini-3-pro-image"], ["gemini-3.1-flash-image"]])(
    "on %s costs a cent and four tenths a query",
    (family) => {
      const usual = estimateImageUsd(imageCosts(family, "gemini"), "1K");
      expect(estimateImageUsd(imageCosts(family, "gemini"), "1K", { searches: 1 }) - usual).toBeCloseTo(0.014, 6);
      const actual = (searches: number) => actualImageUsd(imageCosts(family, "gemini"), { size: "1K", usage: null, searches });
      expect(actual(3) - actual(0)).toBeCloseTo(0.042, 6);
    },
  );
});
