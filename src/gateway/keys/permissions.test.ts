// Model permissions of a key: what an entry allows.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import { keyRow } from "../limits/testing.ts";
import { chooseFamily } from "../models/choose-family.ts";
import { CATALOGUE, parseModel } from "../models/testing.ts";
import { allowsModel, assertPermitted } from "./permissions.ts";

const familyFor = (model: string) => chooseFamily(parseModel(model)!, { canServe: () => true, successors: true })!.family;

const CASES: [string, string[], string, boolean][] = [
  ["no list allows all", [], "gemini-3-pro-image", true],
  ["a family allows itself", ["gemini-3-pro-image"], "gemini-3-pro-image", true],
  ["a family allows its ids with parameters", ["gemini-3-pro-image"], "gemini-3-pro-image-landscape-4k", true],
  ["a family allows its ids in another spelling", ["gemini-3-pro-image"], "models/Gemini_3.Pro-image", true],
  ["a family in another spelling allows it", ["google/gemini-3-pro-image"], "gemini-3-pro-image", true],
  ["a family does not allow another", ["gemini-3-pro-image"], "gemini-2.5-flash-image", false],
  ["an id with parameters allows itself", ["gemini-3-pro-image-4k"], "gemini-3-pro-image-4k", true],
  ["an id with parameters allows its other spellings", ["gemini-3-pro-image-4k"], "models/gemini-3.0-pro-image-4k", true],
  ["an id with parameters does not allow its family", ["gemini-3-pro-image-4k"], "gemini-3-pro-image", false],
  ["an id with parameters does not allow others of its family", ["gemini-3-pro-image-2k"], "gemini-3-pro-image-4k", false],
  ["a retired name allows itself, whatever serves it", ["dall-e-3"], "dall-e-3", true],
  ["case does not count", ["DALL-E-3"], "dall-e-3", true],
  ["a retired name does not allow what serves it", ["dall-e-3"], familyFor("dall-e-3"), false],
  ["a retired name does not allow another that the same family serves", ["dall-e-3"], "dall-e-2", false],
  ["one entry is enough", ["dall-e-3", "gemini-3-pro-image"], "gemini-3-pro-image", true],
  ["there are no wildcards", ["gemini-*", "*"], "gemini-3-pro-image", false],
];

describe("models", () => {
  test("a family allows names of it that something else serves for now", () => {
    expect(allowsModel(CATALOGUE, ["imagen-4"], { model: "imagen-4.0-generate-001", family: "gemini-3-pro-image" })).toBe(true);
    expect(allowsModel(CATALOGUE, ["imagen-4"], { model: "gemini-3-pro-image", family: "gemini-3-pro-image" })).toBe(false);
  });

  test.each(CASES)("%s", (_, models, requested, allowed) => {
    expect(allowsModel(CATALOGUE, models, { model: requested, family: familyFor(requested) })).toBe(allowed);
  });
});

describe("refusals", () => {
  const refusal = (key: Parameters<typeof keyRow>[0], request: Parameters<typeof assertPermitted>[2]) => {
    try {
      assertPermitted(CATALOGUE, keyRow(key), request);
    } catch (error) {
      if (error instanceof AppError) return [error.kind, error.message];
    }
    return null;
  };
  const image = { kind: "image", model: "gemini-3-pro-image", family: "gemini-3-pro-image" } as const;

  test("say which kinds the key may use", () => {
    expect(refusal({ kinds: ["video"] }, image)).toEqual(["forbidden", "This API key may not make images, only videos."]);
    expect(refusal({ kinds: ["image"] }, image)).toBeNull();
  });

  test("say which models the key may use, and quote no more than 80 characters of what was asked for", () => {
    expect(refusal({ models: ["dall-e-3", "imagen-4"] }, image)).toEqual([
      "forbidden",
      "This API key may not use the model 'gemini-3-pro-image'. It may use: dall-e-3, imagen-4.",
    ]);
    const [, message] = refusal({ models: ["dall-e-3"] }, { ...image, model: "x".repeat(200) }) as [string, string];
    expect(message).toContain(`'${"x".repeat(80)}…'`);
  });
});
