// Facts about what images and videos cost.
import { expect, test } from "bun:test";
import { type ImageSize, NO_USAGE } from "../../domain/generation.ts";
import { actualImageUsd, actualVideoUsd, estimateImageUsd, estimateVideoUsd } from "./prices.ts";
import { imageCosts, videoCosts } from "./testing.ts";

const ESTIMATES: readonly [family: string, provider: string, size: ImageSize | undefined, usd: number][] = [
  ["gemini-3-pro-image", "gemini", undefined, 0.134],
  ["gemini-3-pro-image", "gemini", "2K", 0.134],
  ["gemini-3-pro-image", "gemini", "4K", 0.24],
  ["gemini-3.1-flash-image", "gemini", "512", 0.045],
  ["gemini-3.1-flash-image", "gemini", "4K", 0.151],
  ["gemini-3.1-flash-lite-image", "gemini", "1K", 0.0336],
  ["gemini-3.1-flash-lite-image", "gemini", "4K", 0.0336],
  ["gemini-2.5-flash-image", "gemini", undefined, 0.039],
  ["gemini-2.5-flash-image", "gemini", "512", 0.039],
  ["gemini-3-pro-image", "flow", "4K", 0],
  ["imagen-4", "flow", "1K", 0],
  // A provider that has no price for it, and a family that has gone: the dearest of its kind.
  ["imagen-4", "gemini", "1K", 0.134],
  ["gone", "gemini", "4K", 0.24],
];

for (const [family, provider, size, usd] of ESTIMATES) {
  test(`${family} on ${provider} in ${size ?? "its default size"} is estimated at $${usd}`, () => {
    expect(estimateImageUsd(imageCosts(family, provider), size)).toBeCloseTo(usd, 6);
  });
}

test("nano-banana-2.1 thinks at medium unless set otherwise, and that is in the estimate", () => {
  const family = "gemini-nano-banana-2.1";
  expect(estimateImageUsd(imageCosts(family, "gemini"), "1K")).toBeCloseTo(0.0411, 6);
  expect(estimateImageUsd(imageCosts(family, "gemini"), "1K", { thinking: "minimal" })).toBeCloseTo(0.0336, 6);
  expect(estimateImageUsd(imageCosts(family, "gemini"), "4K", { thinking: "high" })).toBeCloseTo(0.1258, 6);
});

test("tokens that the upstream reports give the cost: one 3-pro image of 1120 tokens, an image and a thought", () => {
  const usage = { ...NO_USAGE, inputText: 100, inputImage: 560, outputText: 50, outputImage: 1120, thoughts: 200 };
  expect(actualImageUsd(imageCosts("gemini-3-pro-image", "gemini"), { size: "1K", usage })).toBeCloseTo(
    (660 * 2 + 250 * 12 + 1120 * 120) / 1e6,
    9,
  );
});

test("without counts the list price holds, times the images", () => {
  expect(actualImageUsd(imageCosts("gemini-3-pro-image", "gemini"), { size: "4K", usage: null })).toBeCloseTo(0.24, 6);
  expect(actualImageUsd(imageCosts("gemini-3-pro-image", "gemini"), { size: "4K", usage: null, images: 2 })).toBeCloseTo(0.48, 6);
  expect(actualImageUsd(imageCosts("gemini-3-pro-image", "gemini"), { size: "4K", usage: null, images: 0 })).toBe(0);
});

test("an image whose tokens were not reported costs the list price beside its input", () => {
  const usage = { ...NO_USAGE, inputText: 1000, outputText: 1120 };
  expect(actualImageUsd(imageCosts("gemini-3-pro-image", "gemini"), { size: "1K", usage })).toBeCloseTo(0.002 + 0.134, 9);
});

test("a refusal in words costs its words", () => {
  const usage = { ...NO_USAGE, inputText: 1000, outputText: 100 };
  expect(actualImageUsd(imageCosts("gemini-3-pro-image", "gemini"), { size: "1K", usage, images: 0 })).toBeCloseTo(0.0032, 9);
});

test("a family priced by the image alone pays for thinking only when it thought, and for each input image", () => {
  const known = imageCosts("gemini-nano-banana-2.1", "gemini");
  const costs = { ...known, price: { ...known.price, perMillionTokens: undefined } };
  expect(actualImageUsd(costs, { size: "1K", usage: null })).toBeCloseTo(0.0411, 6);
  expect(actualImageUsd(costs, { size: "1K", usage: { ...NO_USAGE, outputImage: 1120, thoughts: 90 } })).toBeCloseTo(0.0411, 6);
  expect(actualImageUsd(costs, { size: "1K", usage: { ...NO_USAGE, outputImage: 1120 } })).toBeCloseTo(0.0336, 6);
  expect(actualImageUsd(costs, { size: "1K", usage: { ...NO_USAGE, outputImage: 1120 }, inputs: 3 })).toBeCloseTo(0.0336 + 3 * 0.00168, 6);
});

test("nano-banana-2.1 costs by its tokens: two input images, a thought and an image of 1K", () => {
  const usage = { ...NO_USAGE, inputText: 200, inputImage: 2240, outputImage: 1120, thoughts: 1000 };
  const usd = actualImageUsd(imageCosts("gemini-nano-banana-2.1", "gemini"), { size: "1K", usage, inputs: 2 });
  expect(usd).toBeCloseTo((2440 * 1.5 + 1000 * 7.5 + 1120 * 30) / 1e6, 9);
});

test("an estimate counts input images, by their price or by what an image is in tokens", () => {
  const more = (family: string, inputs: number) =>
    estimateImageUsd(imageCosts(family, "gemini"), "1K", { inputs }) - estimateImageUsd(imageCosts(family, "gemini"), "1K");
  expect(more("gemini-nano-banana-2.1", 4)).toBeCloseTo(4 * 0.00168, 9);
  expect(more("gemini-3-pro-image", 2)).toBeCloseTo(2 * 0.0011, 9);
  expect(more("gemini-3.1-flash-image", 1)).toBeCloseTo((1120 * 0.5) / 1e6, 9);
});

test("video costs by the second, the default resolution when none is named", () => {
  expect(estimateVideoUsd(videoCosts("gemini-omni-1.2-flash", "gemini"), { resolution: "4k", seconds: 10 })).toBeCloseTo(2.085, 6);
  expect(estimateVideoUsd(videoCosts("gemini-omni-1.1-flash", "gemini"), { seconds: 8 })).toBeCloseTo(0.8, 6);
  expect(estimateVideoUsd(videoCosts("veo-3.1", "flow"), { resolution: "1080p", seconds: 8 })).toBe(0);
});

test("a video costs by the tokens that the upstream reports, thoughts and inputs included; without counts the estimate", () => {
  const costs = { ...videoCosts("gemini-omni-1.2-flash", "gemini") };
  const price = { ...costs.price, perMillionTokens: { input: 1.5, outputText: 9, outputVideo: 12 } };
  const usage = { ...NO_USAGE, inputText: 100, inputImage: 1120, outputImage: 57_920, thoughts: 1000 };
  expect(actualVideoUsd({ ...costs, price }, usage, 0.7)).toBeCloseTo((1220 * 1.5 + 1000 * 9 + 57_920 * 12) / 1e6, 9);
  expect(actualVideoUsd({ ...costs, price }, null, 0.7)).toBe(0.7);
  expect(actualVideoUsd({ ...costs, price }, NO_USAGE, 0.7)).toBe(0.7);
});
