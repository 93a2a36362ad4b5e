// How the fields of the images endpoints are understood, and which images go where.

import { describe, expect, test } from "bun:test";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { validator } from "../../body/body.ts";
import { referencesOf } from "../references.ts";
import { ImagesBody } from "../schema.ts";
import { decodeImages, MASK_INSTRUCTION } from "./decode.ts";

const validate = validator(ImagesBody);
const decode = (body: object, kind: "generation" | "edit" = "generation", uploads?: Parameters<typeof decodeImages>[3]) =>
  decodeImages(validate({ prompt: "p", ...body }), kind, "gemini-nano-banana-2.1", uploads);
const parts = (...args: Parameters<typeof decode>) =>
  decode(...args).turns[0]!.parts.map((part) => (part.type === "text" ? part.text : `<${part.url}>`));
const upload = (url: string): InputReference => ({ type: "reference", url, param: "image", trusted: true });

describe("an image may be named", () => {
  test.each([
    ["https://a.example/x.png", ["https://a.example/x.png"]],
    [" data:image/png;base64,AA ", ["data:image/png;base64,AA"]],
    [{ image_url: "u" }, ["u"]],
    [{ image_url: { url: "u" } }, ["u"]],
    [{ type: "image_url", image_url: { url: "u" } }, ["u"]],
    [{ url: "u" }, ["u"]],
    [{ file_id: "file-x" }, ["file:file-x"]],
    [
      ["u", { url: "v" }, [{ file_id: "w" }]],
      ["u", "v", "file:w"],
    ],
    [null, []],
    ["", []],
    [[], []],
  ])("%j", (value, urls) => expect(referencesOf(value, "image").map(({ url }) => url)).toEqual(urls));

  test.each([[5], [{}], [{ image_url: {} }], [["u", 5]], [true]])("but not %j", (value) =>
    expect(() => referencesOf(value, "image")).toThrow(expect.objectContaining({ kind: "invalid_request" })),
  );

  test("an element of a list is named by its place", () => {
    expect(() => referencesOf(["u", {}], "images")).toThrow(expect.objectContaining({ param: "images[1]" }));
    expect(referencesOf([{ file_id: "a" }], "images")[0]!.param).toBe("images[0].file_id");
  });
});

describe("the turn", () => {
  test.each([
    [{}, ["p"]],
    [{ image: "a", images: ["b", "c"], input_references: [{ url: "d" }] }, ["p", "<a>", "<b>", "<c>", "<d>"]],
    [{ image: "a", mask: "m" }, ["p", "<a>", MASK_INSTRUCTION, "<m>"]],
    [{ mask: "m" }, ["p"]],
    [{ negative_prompt: " blur " }, ["p\n\nAvoid: blur"]],
    [{ negative_prompt: "" }, ["p"]],
  ])("of %j", (body, expected) => expect(parts(body)).toEqual(expected));

  test("has uploads after the images that the body names", () => {
    const uploads = { images: [upload("b"), upload("c")], mask: [upload("m")] };
    expect(parts({ image: "a" }, "edit", uploads)).toEqual(["p", "<a>", "<b>", "<c>", MASK_INSTRUCTION, "<m>"]);
  });
});

describe("fields", () => {
  test.each([
    [{}, { model: "gemini-nano-banana-2.1", n: 1, stream: false, form: "b64_json", quality: null, partials: 0, background: false }],
    [
      { response_format: "url", quality: "standard" },
      { form: "url", quality: "medium" },
    ],
    [{ output_format: "JPG", output_compression: 0 }, { output: { format: "jpeg", compression: 0 } }],
    [{ output_format: null }, { output: { format: null, compression: null } }],
    [{ partial_images: 3 }, { partials: 0 }],
    [
      { partial_images: 3, stream: true },
      { partials: 3, stream: true },
    ],
    [{ background: "transparent" }, { background: false }],
    [{ background: true }, { background: true }],
    [{ background: "true" }, { background: true }],
    [{ resolution: "2K", aspect_ratio: "16:9" }, { hints: { imageSize: "2K", aspectRatio: "16:9" } }],
    [{ style: "vivid", user: "u", input_fidelity: "high", moderation: "low" }, { n: 1 }],
  ])("%j", (body, expected) => expect(decode(body)).toMatchObject(expected));

  test.each([
    [{ prompt: "" }, "prompt", "generation"],
    [{ prompt: "x".repeat(32_001) }, "prompt", "generation"],
    [{ n: 0 }, "n", "generation"],
    [{ output_compression: 101 }, "output_compression", "generation"],
    [{ partial_images: 4 }, "partial_images", "generation"],
    [{ output_format: "svg" }, "output_format", "generation"],
    [{ response_format: "b64" }, "response_format", "generation"],
    [{ image: Array.from({ length: 17 }, () => "u") }, "image", "edit"],
    [{}, "image", "edit"],
  ] as const)("%j is refused by the name of %s", (body, param, kind) =>
    expect(() => decode(body, kind)).toThrow(expect.objectContaining({ kind: "invalid_request", param })),
  );
});
