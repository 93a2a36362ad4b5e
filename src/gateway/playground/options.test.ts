// Playground options: from the catalogue, for what the pool serves, clamped to the model.
import { describe, expect, test } from "bun:test";
import { CATALOGUE, familyOf } from "../models/testing.ts";
import { EMPTY_FORM, formUsing, modelIdFor, offerOf, type PlaygroundForm, playgroundModels, settleForm } from "./options.ts";

const serving = (...providers: string[]) =>
  playgroundModels(CATALOGUE, {
    canServe: (_kind, id, wanted = providers) => wanted.some((one) => providers.includes(one) && familyOf(id)?.providers[one]),
  } as Parameters<typeof playgroundModels>[1]);
const model = (id: string, ...providers: string[]) => serving(...providers).find((one) => one.id === id)!;
const settled = (change: Partial<PlaygroundForm>, ...providers: string[]) =>
  settleForm(serving(...(providers.length > 0 ? providers : ["gemini", "flow"])), { ...EMPTY_FORM, ...change })!.values;
const inputs = (change: Partial<PlaygroundForm["inputs"]>) => ({ ...EMPTY_FORM.inputs, ...change });

describe("what is offered", () => {
  test("are the families that some token serves, and nothing without one", () => {
    expect(serving()).toEqual([]);
    expect(serving("flow").map(({ id }) => id)).toContain("veo-3.1");
    expect(serving("gemini").map(({ id }) => id)).not.toContain("veo-3.1");
  });

  test("is what the serving providers can do together", () => {
    const flow = model("gemini-3-pro-image", "flow");
    const both = model("gemini-3-pro-image", "flow", "gemini");
    if (flow.kind !== "image" || both.kind !== "image") throw new Error("not images");
    expect(flow.aspects).toEqual(["1:1", "3:4", "4:3", "9:16", "16:9"]);
    expect(both.aspects).toContain("21:9");
    expect(both.slots).toEqual([{ slot: "pictures", min: 0, max: 14 }]);
  });

  test.each([
    ["text", []],
    ["first_frame", ["first 1-1"]],
    ["frames", ["first 1-1", "last 1-1"]],
    ["references", ["pictures 1-6"]],
    ["edit", ["video 1-1", "pictures 0-6"]],
    ["extend", ["video 1-1"]],
  ] as const)("a video from %s has these input slots: %j", (mode, expected) => {
    const { slots } = offerOf(model("gemini-omni-1.2-flash", "gemini"), mode);
    expect(slots.map(({ slot, min, max }) => `${slot} ${min}-${max}`)).toEqual([...expected]);
  });

  test("of an edit there is neither shape nor length to choose: the source has them", () => {
    expect(offerOf(model("gemini-omni-1.2-flash", "gemini"), "edit")).toMatchObject({ aspects: [], seconds: null });
  });
});

describe("a form", () => {
  test.each([
    ["an unknown model is the first one", { model: "nobody" }, { model: "gemini-nano-banana-2.1" }],
    ["a size that the model does not have is left to it", { model: "gemini-3.1-flash-lite-image", size: "4K" }, { size: "" }],
    ["a video has no size", { model: "veo-3.1", size: "4K", resolution: "4k" }, { size: "", resolution: "4k" }],
    ["an unknown mode is the first one", { model: "veo-3.1", mode: "edit" }, { mode: "text" }],
    ["a length that is not on offer is left to the model", { model: "veo-3.1", seconds: 5 }, { seconds: null }],
    ["a length within a range is taken", { model: "gemini-omni-1.2-flash", seconds: 5 }, { seconds: 5 }],
    ["a length beyond it is its end", { model: "gemini-omni-1.2-flash", seconds: 500 }, { seconds: 15 }],
    ["references of Veo are fast", { model: "veo-3.1", mode: "references", quality: "lite" }, { quality: "" }],
    ["at most four images at once", { n: 40 }, { n: 4 }],
  ] as const)("%s", (_, change, expected) => expect(settled(change as Partial<PlaygroundForm>)).toMatchObject(expected));

  test("images stay when the mode changes: they go where there is room", () => {
    const given = inputs({ pictures: ["a", "b", "c"] });
    const video = (mode: PlaygroundForm["mode"]) => settled({ model: "gemini-omni-1.2-flash", mode, inputs: given }).inputs;
    expect(video("frames")).toEqual(inputs({ first: ["a"], last: ["b"] }));
    expect(video("text")).toEqual(inputs({}));
    expect(video("")).toEqual(inputs({ pictures: ["a", "b", "c"] }));
    expect(settled({ inputs: inputs({ first: ["a"], last: ["b"], video: ["v"] }) }).inputs).toEqual(inputs({ pictures: ["a", "b"] }));
  });

  test.each([
    ["nothing", {}, "text"],
    ["one picture", { pictures: ["a"] }, "first_frame"],
    ["two", { first: ["a"], pictures: ["b"] }, "frames"],
    ["many", { pictures: ["a", "b", "c"] }, "references"],
    ["a video", { video: ["v"], pictures: ["a"] }, "edit"],
  ] as const)("with %s at hand a video model begins in the mode that takes it", (_, given, mode) =>
    expect(settled({ model: "gemini-omni-1.2-flash", inputs: inputs(given) }).mode).toBe(mode),
  );

  test("media of the gallery become inputs: images of an image model, a video of one that changes it", () => {
    const models = serving("gemini", "flow");
    const picture = { id: "p", kind: "image" as const };
    const video = { id: "v", kind: "video" as const };
    expect(settleForm(models, formUsing(models, [picture]))!.values).toMatchObject({
      model: models[0]!.id,
      inputs: inputs({ pictures: ["p"] }),
    });
    expect(formUsing(models, [picture, video])).toMatchObject({ mode: "edit", inputs: inputs({ video: ["v"], pictures: ["p"] }) });
  });

  test("without any model there is none", () => expect(settleForm([], EMPTY_FORM)).toBeNull());

  test("a quality is part of the id that clients ask with", () => {
    expect(modelIdFor(CATALOGUE, { ...EMPTY_FORM, model: "veo-3.1", quality: "fast" })).toBe("veo-3.1-fast");
    expect(modelIdFor(CATALOGUE, { ...EMPTY_FORM, model: "veo-3.1" })).toBe("veo-3.1");
  });
});
