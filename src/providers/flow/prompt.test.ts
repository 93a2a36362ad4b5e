// How a conversation becomes one prompt and its reference images.
import { describe, expect, test } from "bun:test";
import type { ImageRequest, InputMedia, Turn } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { builtInModels } from "../testing.ts";
import { chooseReferences, flattenPrompt, imageSpecOf } from "./prompt.ts";

const renderedImage = (mediaId?: string): InputMedia => ({ mime: "image/png", data: new Blob(["x"]), ...(mediaId ? { mediaId } : {}) });
const turn = (role: Turn["role"], ...parts: (string | InputMedia)[]): Turn => ({
  role,
  parts: parts.map((part) => (typeof part === "string" ? { type: "text", text: part } : { type: "image", image: part })),
});
const request = (change: Partial<ImageRequest> = {}): ImageRequest => ({
  family: "gemini-3-pro-image",
  turns: [turn("user", "a cat")],
  ...change,
});

describe("prompt", () => {
  const cases: [string, Pick<ImageRequest, "system" | "turns">, string][] = [
    ["a single text goes as it is", { turns: [turn("user", " a cat ")] }, "a cat"],
    ["text parts join by lines", { turns: [turn("user", "a cat", renderedImage(), "on a mat")] }, "a cat\non a mat"],
    ["system text comes first", { system: "Pencil only.", turns: [turn("user", "a cat")] }, "Pencil only.\n\na cat"],
    [
      "what was asked before stands before the last word, what the model said does not",
      { turns: [turn("user", "a cat"), turn("model", "Here it is.", renderedImage()), turn("user", "make it blue")] },
      "Asked before:\n- a cat\n\nAsked now:\nmake it blue",
    ],
    [
      "a last turn of pictures alone leaves what was asked before",
      { turns: [turn("user", "a cat"), turn("user", renderedImage())] },
      "Asked before:\n- a cat",
    ],
    ["no words are no prompt", { turns: [turn("user", renderedImage())] }, ""],
  ];
  for (const [name, conversation, expected] of cases) test(name, () => expect(flattenPrompt(conversation)).toBe(expected));
});

describe("references", () => {
  const ids = (turns: Turn[]) => chooseReferences(turns).map((one) => one.mediaId);

  test("are what the model generated, then what the user sends now; earlier images of the user are not", () => {
    const turns = [
      turn("user", renderedImage("a")),
      turn("model", renderedImage("b")),
      turn("user", "x", renderedImage("c"), renderedImage("d")),
    ];
    expect(ids(turns)).toEqual(["b", "c", "d"]);
  });
  test("name the same image once, at its last place", () => {
    expect(ids([turn("model", renderedImage("a"), renderedImage("b")), turn("user", renderedImage("a"), renderedImage("a"))])).toEqual([
      "b",
      "a",
    ]);
  });
  test("leave out the oldest generated ones over ten, never what the user sends now", () => {
    const drawn = Array.from({ length: 9 }, (_, index) => turn("model", renderedImage(`m${index}`)));
    const sent = Array.from({ length: 3 }, (_, index) => renderedImage(`u${index}`));
    const stored = Array.from({ length: 7 }, (_, index) => `m${index + 2}`);
    expect(ids([...drawn, turn("user", ...sent)])).toEqual([...stored, "u0", "u1", "u2"]);
    const many = Array.from({ length: 16 }, (_, index) => renderedImage(`u${index}`));
    expect(ids([...drawn, turn("user", ...many)])).toHaveLength(16);
  });
  test("keep unnamed images apart", () => expect(ids([turn("user", renderedImage(), renderedImage())])).toHaveLength(2));
});

const specOf = (change: Partial<ImageRequest> = {}) => imageSpecOf(request(change), builtInModels("flow"));

describe("plan", () => {
  const models: [string, string][] = [
    ["gemini-3-pro-image", "GEM_PIX_2"],
    ["gemini-3.1-flash-image", "NARWHAL"],
    ["gemini-2.5-flash-image", "GEM_PIX"],
    ["imagen-4", "IMAGEN_3_5"],
  ];
  for (const [family, name] of models) {
    test(`${family} is ${name}`, () => expect(specOf({ family }).imageModelName).toBe(name));
  }

  const aspects: [ImageRequest["aspect"], string][] = [
    ["16:9", "IMAGE_ASPECT_RATIO_LANDSCAPE"],
    ["9:16", "IMAGE_ASPECT_RATIO_PORTRAIT"],
    ["1:1", "IMAGE_ASPECT_RATIO_SQUARE"],
    ["4:3", "IMAGE_ASPECT_RATIO_LANDSCAPE_FOUR_THREE"],
    ["3:4", "IMAGE_ASPECT_RATIO_PORTRAIT_THREE_FOUR"],
    [undefined, "IMAGE_ASPECT_RATIO_LANDSCAPE"],
  ];
  for (const [aspect, name] of aspects) {
    test(`${aspect ?? "no aspect"} is ${name}`, () => expect(specOf({ aspect }).imageAspectRatio).toBe(name));
  }

  test("2K and 4K are upscaled, 1K is not", () => {
    const target = (size: ImageRequest["size"]) => specOf({ size }).targetResolution;
    expect([undefined, "1K", "2K", "4K"].map((size) => target(size as ImageRequest["size"]))).toEqual([
      null,
      null,
      "UPSAMPLE_IMAGE_RESOLUTION_2K",
      "UPSAMPLE_IMAGE_RESOLUTION_4K",
    ]);
  });

  test("a seed lands between 1 and 999,999", () => {
    for (const seed of [0, 1, -5, 999_998, 999_999, 4_000_000_000, 1.5]) {
      const planned = specOf({ seed }).seed!;
      expect(planned).toBeWithin(1, 1_000_000);
      expect(Number.isInteger(planned)).toBe(true);
    }
    expect(specOf({ seed: 42 }).seed).toBe(42);
    expect(specOf().seed).toBeUndefined();
  });

  const refused: [string, Partial<ImageRequest>, string][] = [
    ["a family of another provider", { family: "gemini-9-image" }, "upstream_model_denied"],
    ["a family named like a built-in", { family: "constructor" }, "upstream_model_denied"],
    ["an aspect that Flow has not", { aspect: "21:9" }, "upstream_invalid"],
    ["a square Imagen", { family: "imagen-4", aspect: "1:1" }, "upstream_invalid"],
    ["a size that Flow has not", { size: "512" }, "upstream_invalid"],
    ["pictures without words", { turns: [turn("user", renderedImage())] }, "upstream_invalid"],
  ];
  for (const [name, change, kind] of refused) {
    test(`${name} is refused before anything is sent`, () => {
      expect(() => specOf(change)).toThrow(AppError);
      try {
        specOf(change);
      } catch (error) {
        expect((error as AppError).kind as string).toBe(kind);
        expect((error as AppError).charged).toBe(false);
      }
    });
  }
});
