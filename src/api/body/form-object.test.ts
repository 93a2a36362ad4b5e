// Fields of forms as objects: lists, nested names, numbers, flags, and text beside a file.
import { describe, expect, test } from "bun:test";
import { fieldName, formObject } from "./form-object.ts";

describe("fields as an object", () => {
  const object = (...fields: [string, string][]) => formObject({ fields }, { numbers: ["n"], flags: ["stream"] });
  test.each([
    [[["prompt", "a"]], { prompt: "a" }],
    [[["n", "3"]], { n: 3 }],
    [[["n", "three"]], { n: "three" }],
    [[["n", ""]], { n: null }],
    [
      [
        ["stream", "true"],
        ["user", "true"],
      ],
      { stream: true, user: "true" },
    ],
    [[["stream", "maybe"]], { stream: "maybe" }],
    [[["image[]", "a"]], { image: ["a"] }],
    [
      [
        ["image", "a"],
        ["image", "b"],
      ],
      { image: ["a", "b"] },
    ],
    [
      [
        ["video[id]", "v"],
        ["video[name]", "w"],
      ],
      { video: { id: "v", name: "w" } },
    ],
    [[["__proto__[polluted]", "yes"]], { ["__proto__"]: { polluted: "yes" } }],
  ] as [[string, string][], object][])("%j", (fields, expected) => {
    expect(JSON.stringify(object(...fields))).toBe(JSON.stringify(expected));
    expect("polluted" in {}).toBe(false);
  });
});

test.each(["True", "TRUE", "1", " true "])("%p is true", (word) =>
  expect(formObject({ fields: [["f", word]] }, { numbers: [], flags: ["f"] })).toEqual({ f: true }),
);
test.each(["False", "false", "0"])("%p is false", (word) =>
  expect(formObject({ fields: [["f", word]] }, { numbers: [], flags: ["f"] })).toEqual({ f: false }),
);

test.each([
  ["undefined", {}],
  ["", {}],
  ["image.png", {}],
  ["https://elsewhere.example/a.png", { image: "https://elsewhere.example/a.png" }],
  ["data:image/png;base64,AA", { image: "data:image/png;base64,AA" }],
  ["file-abc", { image: "file-abc" }],
])("text %p beside a file of its name", (value, expected) => {
  for (const field of ["image", "image[]", "image[0]"]) {
    expect(formObject({ fields: [["image", value]], files: [{ field }] }, { numbers: [], flags: [] })).toEqual(expected);
  }
});

test("names nest as the SDKs write them", () => {
  const fields: [string, string][] = [
    ["extra_body[google][image_config][aspect_ratio]", "16:9"],
    ["extra_body[google][image_config][image_size]", "2K"],
    ["tags[0]", "a"],
    ["tags[1]", "b"],
    ["odd[", "c"],
    [`deep${"[x]".repeat(50)}`, "d"],
  ];
  expect(formObject({ fields }, { numbers: [], flags: [] })).toEqual({
    extra_body: { google: { image_config: { aspect_ratio: "16:9", image_size: "2K" } } },
    tags: ["a", "b"],
    "odd[": "c",
    [`deep${"[x]".repeat(50)}`]: "d",
  });
});

test.each([
  ["mask", "mask"],
  ["mask[]", "mask"],
  ["mask[0]", "mask"],
  ["[x]", "[x]"],
])("%p belongs to %p", (name, field) => expect(fieldName(name)).toBe(field));
