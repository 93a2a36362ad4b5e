// Facts about how requests say what shape and size an image has, and what providers make of it.

import { expect, test } from "bun:test";
import type { ImageOptions } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import {
  fitImage,
  fitThinking,
  type ImageHints,
  limitsOf,
  maxInputs,
  providersFor,
  readImageOptions,
  takesAspect,
  withModel,
} from "./image-options.ts";
import { image, parseModel } from "./testing.ts";

const CASES: readonly [hints: ImageHints, options: Omit<ImageOptions, "pixels">][] = [
  [{}, {}],
  [{ size: null, quality: undefined, aspectRatio: "", imageSize: "auto" }, {}],
  [{ size: "auto", quality: "auto" }, {}],
  // Pixels, as W B.3 lists them.
  [{ size: "1024x1024" }, { aspect: "1:1", size: "1K" }],
  [{ size: "1536x1024" }, { aspect: "3:2", size: "1K" }],
  [{ size: "1024x1536" }, { aspect: "2:3", size: "1K" }],
  [{ size: "1792x1024" }, { aspect: "16:9", size: "2K" }],
  [{ size: "1792*1024" }, { aspect: "16:9", size: "2K" }],
  [{ size: "1024x1792" }, { aspect: "9:16", size: "2K" }],
  [{ size: "512x512" }, { aspect: "1:1", size: "512" }],
  [{ size: "256x256" }, { aspect: "1:1", size: "512" }],
  [{ size: "2048x2048" }, { aspect: "1:1", size: "2K" }],
  [{ size: "3840x2160" }, { aspect: "16:9", size: "4K" }],
  [{ size: "1344×576" }, { aspect: "21:9", size: "1K" }],
  [{ size: "400x3200" }, { aspect: "1:8", size: "1K" }],
  // As people write them.
  [{ size: "16:9" }, { aspect: "16:9" }],
  [{ size: "16x9" }, { aspect: "16:9" }],
  [{ size: "2k" }, { size: "2K" }],
  [{ size: "portrait" }, { aspect: "9:16" }],
  [{ size: 1024 }, { size: "1K" }],
  [{ aspectRatio: "9:16" }, { aspect: "9:16" }],
  [{ aspectRatio: "4/3" }, { aspect: "4:3" }],
  [{ aspectRatio: "3X4" }, { aspect: "3:4" }],
  [{ aspectRatio: "21：9" }, { aspect: "21:9" }],
  [{ aspectRatio: " 5 : 4 " }, { aspect: "5:4" }],
  [{ aspectRatio: "1.91:1" }, { aspect: "16:9" }],
  [{ aspectRatio: "2:1" }, { aspect: "16:9" }],
  [{ aspectRatio: "1920x1080" }, { aspect: "16:9" }],
  [{ aspectRatio: "landscape" }, { aspect: "16:9" }],
  [{ aspectRatio: "Square" }, { aspect: "1:1" }],
  [{ aspectRatio: "four-three" }, { aspect: "4:3" }],
  [{ aspectRatio: "three_four" }, { aspect: "3:4" }],
  [{ imageSize: "4K" }, { size: "4K" }],
  [{ imageSize: "512px" }, { size: "512" }],
  [{ imageSize: 2048 }, { size: "2K" }],
  [{ imageSize: "2048x1536" }, { aspect: "4:3", size: "2K" }],
  [{ imageSize: "1080p" }, {}],
  [{ quality: "low" }, { size: "512" }],
  [{ quality: "standard" }, { size: "1K" }],
  [{ quality: "medium" }, { size: "1K" }],
  [{ quality: "high" }, { size: "2K" }],
  [{ quality: "HD" }, { size: "2K" }],
  [{ quality: "xhigh" }, { size: "4K" }],
  [{ quality: "max" }, { size: "4K" }],
  [{ quality: "ultra" }, { size: "4K" }],
  [{ quality: "4k" }, { size: "4K" }],
  // Who goes before whom.
  [
    { size: "1024x1024", quality: "hd" },
    { aspect: "1:1", size: "1K" },
  ],
  [
    { size: "16:9", quality: "hd" },
    { aspect: "16:9", size: "2K" },
  ],
  [{ size: "auto", quality: "hd" }, { size: "2K" }],
  [
    { size: "1024x1024", aspectRatio: "3:2" },
    { aspect: "3:2", size: "1K" },
  ],
  [
    { size: "1024x1536", imageSize: "4K" },
    { aspect: "2:3", size: "4K" },
  ],
];

for (const [hints, options] of CASES) {
  test(`${JSON.stringify(hints)} asks for ${JSON.stringify(options)}`, () => {
    const { pixels: _, ...read } = readImageOptions(hints);
    expect(read).toEqual(options);
  });
}

test("pixels are retained while the aspect comes from them", () => {
  expect(readImageOptions({ size: "1536x1024" }).pixels).toEqual({ width: 1536, height: 1024 });
  expect(readImageOptions({ size: "1536x1024", aspectRatio: "1:1" }).pixels).toBeUndefined();
});

const GARBAGE: readonly [hints: ImageHints, param: string][] = [
  [{ size: "big" }, "size"],
  [{ size: "1024" + "x" }, "size"],
  [{ size: "0x0" }, "size"],
  [{ size: "1024x0" }, "size"],
  [{ size: "10000x10" }, "size"],
  [{ size: -1 }, "size"],
  [{ size: {} }, "size"],
  [{ size: ["1024x1024"] }, "size"],
  [{ aspectRatio: "wide" }, "aspect_ratio"],
  [{ aspectRatio: "constructor" }, "aspect_ratio"],
  [{ aspectRatio: true }, "aspect_ratio"],
  [{ imageSize: "8K" }, "imageSize"],
  [{ imageSize: "16:9" }, "imageSize"],
  [{ quality: "superb" }, "quality"],
  [{ quality: "toString" }, "quality"],
  [{ quality: "x".repeat(100_000) }, "quality"],
];

for (const [hints, param] of GARBAGE) {
  test(`${JSON.stringify(hints).slice(0, 60)} is refused, naming ${param}`, () => {
    const attempt = () => readImageOptions(hints, { aspectRatio: "aspect_ratio" });
    expect(attempt).toThrow(AppError);
    try {
      attempt();
    } catch (error) {
      expect(error).toMatchObject({ kind: "invalid_request", param });
      expect((error as AppError).message).toStartWith(`${param} must be `);
      expect((error as AppError).message.length).toBeLessThan(250);
    }
  });
}

test("what the id fixes wins over the request", () => {
  const options = readImageOptions({ size: "1024x1536", imageSize: "4K" });
  expect(withModel(parseModel("gemini-3.0-pro-image-landscape-2k")!.params, options)).toEqual({ aspect: "16:9", size: "2K" });
  expect(withModel(parseModel("gemini-3.0-pro-image-landscape")!.params, options)).toEqual({ aspect: "16:9", size: "4K" });
  expect(withModel(parseModel("gemini-3.0-pro-image")!.params, options)).toEqual(options);
  expect(withModel({}, {})).toEqual({});
});

const FITS: readonly [family: string, provider: string, hints: ImageHints, fitted: object][] = [
  ["gemini-nano-banana-2.1", "gemini", {}, {}],
  ["gemini-nano-banana-2.1", "gemini", { imageSize: "512" }, { size: "1K" }],
  ["gemini-nano-banana-2.1", "gemini", { aspectRatio: "1:8", imageSize: "4K" }, { aspect: "1:8", size: "4K" }],
  ["gemini-3.1-flash-image", "gemini", { quality: "low" }, { size: "512" }],
  ["gemini-3-pro-image", "gemini", { aspectRatio: "1:4" }, { aspect: "9:16" }],
  ["gemini-3.1-flash-lite-image", "gemini", { imageSize: "4K" }, { size: "1K" }],
  ["gemini-2.5-flash-image", "gemini", { size: "2048x2048" }, { aspect: "1:1" }],
  ["gemini-3-pro-image", "flow", {}, { aspect: "1:1" }],
  ["gemini-3-pro-image", "flow", { aspectRatio: "2:3", imageSize: "2K" }, { aspect: "3:4", size: "2K" }],
  ["imagen-4", "flow", { aspectRatio: "1:1", imageSize: "2K" }, { aspect: "16:9", size: "1K" }],
  ["imagen-4", "flow", { size: "768x1024" }, { aspect: "9:16", size: "1K" }],
];

for (const [family, provider, hints, fitted] of FITS) {
  test(`${family} on ${provider} makes ${JSON.stringify(fitted)} of ${JSON.stringify(hints)}`, () => {
    expect<object>(fitImage(limitsOf(image(family), provider), readImageOptions(hints))).toEqual(fitted);
  });
}

test("the providers that can do exactly what is asked go alone, else those that come nearest", () => {
  const providers = (family: string, hints: ImageHints) => providersFor(image(family), readImageOptions(hints));
  expect(providers("gemini-3-pro-image", {})).toEqual({ providers: ["gemini", "vertex", "flow"], minTier: {}, exact: true });
  expect(providers("gemini-3-pro-image", { imageSize: "2K" })).toEqual({
    providers: ["gemini", "vertex", "flow"],
    minTier: { flow: 1 },
    exact: true,
  });
  expect(providers("gemini-3-pro-image", { imageSize: "4K" }).minTier).toEqual({ flow: 2 });
  expect(providers("gemini-3-pro-image", { aspectRatio: "21:9" })).toEqual({ providers: ["gemini", "vertex"], minTier: {}, exact: true });
  expect(providers("gemini-3-pro-image", { aspectRatio: "1:8" })).toEqual({
    providers: ["gemini", "vertex", "flow"],
    minTier: {},
    exact: false,
  });
  expect(providers("imagen-4", { aspectRatio: "1:1" })).toEqual({ providers: ["flow"], minTier: {}, exact: false });
  expect(providers("gemini-3.1-flash-lite-image", { imageSize: "2K" })).toEqual({
    providers: ["gemini", "vertex"],
    minTier: {},
    exact: false,
  });
});

test("options for less than the smallest size rule out no provider", () => {
  expect(providersFor(image("gemini-3.1-flash-image"), { size: "512" })).toEqual({
    providers: ["gemini", "vertex", "flow"],
    minTier: {},
    exact: true,
  });
});

test("a provider without tokens does not rule out one that has some", () => {
  const usable = (provider: string) => provider === "flow";
  expect(providersFor(image("gemini-3-pro-image"), { aspect: "21:9" }, usable)).toEqual({ providers: ["flow"], minTier: {}, exact: false });
  expect(providersFor(image("gemini-3-pro-image"), {}, () => false).providers).toEqual([]);
});

test("another shape is another image: families say whether they have it", () => {
  expect(takesAspect(image("imagen-4"), { aspect: "1:1" })).toBe(false);
  expect(takesAspect(image("imagen-4"), { aspect: "9:16", size: "4K" })).toBe(true);
  expect(takesAspect(image("imagen-4"), {})).toBe(true);
});

test("a thinking level goes only where it can be chosen, and down to one that is offered", () => {
  expect(fitThinking(limitsOf(image("gemini-nano-banana-2.1"), "gemini"), "low")).toBe("minimal");
  expect(fitThinking(limitsOf(image("gemini-3.1-flash-image"), "gemini"), "medium")).toBe("minimal");
  expect(fitThinking(limitsOf(image("gemini-3.1-flash-image"), "gemini"), "high")).toBe("high");
  expect(fitThinking(limitsOf(image("gemini-3-pro-image"), "gemini"), "high")).toBeUndefined();
  expect(fitThinking(limitsOf(image("gemini-nano-banana-2.1"), "gemini"), undefined)).toBeUndefined();
});

test("the most generous provider decides how many images may go in", () => {
  expect(maxInputs(image("gemini-2.5-flash-image"), ["gemini"])).toBe(3);
  expect(maxInputs(image("gemini-3-pro-image"), ["gemini", "flow"])).toBe(14);
});
