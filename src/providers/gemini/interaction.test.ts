// What is sent to create an interaction, mode by mode, and which handles are ours.
import { describe, expect, test } from "bun:test";
import type { InputMedia, Json, VideoMode, VideoRequest } from "../../domain/generation.ts";
import { encodeBody } from "../encode-body.ts";
import { builtInModels } from "../testing.ts";
import { interactionIdOf, type PositionedInputs, previousOf, toBlock, toInteraction } from "./interaction.ts";
import { requireModel } from "./models.ts";

const base: VideoRequest = { family: "gemini-omni-1.2-flash", mode: "text", prompt: "a fox", images: [] };
const nothing: PositionedInputs = { images: [], videos: [], previous: null };
const png: InputMedia = { mime: "image/png", data: new Blob([new Uint8Array([1, 2, 3])]) };
const mp4: InputMedia = { mime: "video/mp4", data: new Blob(["mp4"]) };
const image = toBlock("image", png);
const video = toBlock("video", mp4, "https://upstream/v1beta/files/abc");

const sent = async (change: Partial<VideoRequest>, inputs: Partial<PositionedInputs> = {}) =>
  JSON.parse(
    Buffer.from(
      await encodeBody(toInteraction({ ...base, ...change }, { model: base.family, hasFiles: true }, { ...nothing, ...inputs })),
    ).toString(),
  );

test("a bare request asks for a file in the background and nothing that was not asked for", async () => {
  expect(await sent({})).toEqual({
    model: "gemini-omni-1.2-flash",
    input: [{ type: "user_input", content: [{ type: "text", text: "a fox" }] }],
    response_format: { type: "video", delivery: "uri" },
    generation_config: { video_config: { task: "text_to_video" } },
    background: true,
    store: true,
  });
});

test("everything that can be asked for is sent; the length is a text", async () => {
  const body = await sent({ aspect: "9:16", resolution: "4k", seconds: 4.5, seed: 0 });
  expect(body.response_format).toEqual({ type: "video", delivery: "uri", aspect_ratio: "9:16", resolution: "4k", duration: "4.5s" });
  expect(body.generation_config.seed).toBe(0);
});

test("images come first, then videos, then the words", async () => {
  const body = await sent({ mode: "references" }, { images: [image, image], videos: [video] });
  expect(body.input).toEqual([
    {
      type: "user_input",
      content: [
        { type: "image", mime_type: "image/png", data: "AQID" },
        { type: "image", mime_type: "image/png", data: "AQID" },
        { type: "video", mime_type: "video/mp4", uri: "https://upstream/v1beta/files/abc" },
        { type: "text", text: "a fox" },
      ],
    },
  ]);
});

describe("each mode has its task, and what changes a video keeps its aspect ratio", () => {
  const MODES: [mode: VideoMode, task: string, aspect: string | undefined][] = [
    ["text", "text_to_video", "16:9"],
    ["first_frame", "image_to_video", "16:9"],
    ["frames", "image_to_video", "16:9"],
    ["references", "reference_to_video", "16:9"],
    ["edit", "edit", undefined],
    ["extend", "extend", undefined],
    ["upscale", "upscale", undefined],
  ];
  test.each(MODES)("%s is %s with aspect %p", async (mode, task, aspect) => {
    const body = await sent({ mode, aspect: "16:9" });
    expect(body.generation_config.video_config).toEqual({ task });
    expect(body.response_format.aspect_ratio).toBe(aspect);
  });
});

test("a change of our own result names the interaction and sends no video; an upscale of it still says something", async () => {
  const body = await sent({ mode: "upscale", prompt: "" }, { previous: "v1_a" });
  expect(body.previous_interaction_id).toBe("v1_a");
  expect(body.input[0].content).toEqual([{ type: "text", text: "Upscale the video." }]);
});

test("a family of another upstream is refused", () => {
  for (const family of ["veo-3.1", "gemini-3-pro-image", "toString"])
    expect(() => requireModel({ models: builtInModels("gemini"), title: "The Gemini API" }, "video", family)).toThrow(
      expect.objectContaining({ kind: "upstream_model_denied" }),
    );
});

test.each([
  ["edit", { interactionId: "v1_a" }, "v1_a"],
  ["extend", { interactionId: "v1_a" }, "v1_a"],
  ["upscale", { interactionId: "v1_a" }, "v1_a"],
  ["references", { interactionId: "v1_a" }, null],
  ["edit", { mediaId: "flow" }, null],
  ["edit", null, null],
] as const)("%s from %j continues %p", (mode, operation, previous) => {
  expect(previousOf({ ...base, mode, source: { media: mp4, operation } })).toBe(previous);
});

test("a handle that is none of ours names no interaction", () => {
  const strange: Json[] = [null, 7, "v1_a", [], {}, { interactionId: "" }, { interactionId: 7 }];
  for (const handle of strange) expect(interactionIdOf(handle)).toBeNull();
});
