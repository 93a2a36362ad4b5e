// What the videos endpoints understand: sizes in every spelling, images and videos in every form that clients send.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../../errors.ts";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { VideoBody } from "../schema.ts";
import { decodeVideo, sourceOf, videoShape } from "./decode.ts";

const PICTURE = "https://images.example/a.png";
const OTHER = "data:image/png;base64,AAAA";
const VIDEO_ID = `video_${"a".repeat(26)}`;
const FILE_ID = `file-${"b".repeat(26)}`;

const decode = (body: Partial<VideoBody>) => decodeVideo({ prompt: "a fox", ...body });
const urlsOf = (body: Partial<VideoBody>) => decode(body).images.map(({ url }) => url);
const file = (id: string): InputReference => ({ type: "reference", url: `file:${id}`, param: id, trusted: true });
function refusal(act: () => unknown): { kind: string; param?: string } | null {
  try {
    act();
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { kind: error.kind, param: error.param };
  }
}

describe("size", () => {
  test.each([
    ["1280x720", "16:9", "720p"],
    ["720x1280", "9:16", "720p"],
    ["1792x1024", "16:9", "1080p"],
    ["1024x1792", "9:16", "1080p"],
    ["1920x1080", "16:9", "1080p"],
    ["1080x1920", "9:16", "1080p"],
    ["3840x2160", "16:9", "4k"],
    ["640x360", "16:9", "360p"],
    ["854x480", "16:9", "720p"],
    ["1920x1200", "16:9", "4k"],
    ["832x480", "16:9", "720p"],
    ["1280X720", "16:9", "720p"],
    ["1280 × 720", "16:9", "720p"],
  ] as const)("%s is %s in %s", (size, aspect, resolution) => {
    const { shape, size: echo } = videoShape({ size });
    expect([shape.aspect, shape.resolution]).toEqual([aspect, resolution]);
    expect(echo).toBe(size.toLowerCase().replace(" × ", "x"));
  });

  test.each([
    ["16:9", { aspect: "16:9" }],
    ["9:16", { aspect: "9:16" }],
    ["portrait", { aspect: "9:16" }],
    ["720p", { resolution: "720p" }],
    ["4K", { resolution: "4k" }],
    [1080, { resolution: "1080p" }],
    ["2160p", { resolution: "4k" }],
    ["auto", {}],
    ["", {}],
    [null, {}],
  ])("%p says what it says and nothing else", (size, shape) => {
    expect(videoShape({ size })).toEqual({
      shape: { aspect: undefined, resolution: undefined, seconds: undefined, ...shape },
      size: null,
    } as never);
  });

  test("fields of their own go before size", () =>
    expect(videoShape({ size: "1280x720", resolution: "1080p", aspectRatio: "9:16" }).shape).toMatchObject({
      aspect: "9:16",
      resolution: "1080p",
    }));

  test.each([
    [{ size: "big" }, "size"],
    [{ size: "1280x7201" }, "size"],
    [{ size: "1024x1024" }, "size"],
    [{ size: "1280x900" }, "size"],
    [{ size: "3:4" }, "size"],
    [{ aspectRatio: "1:1" }, "aspect_ratio"],
    [{ aspectRatio: "square" }, "aspect_ratio"],
    [{ aspectRatio: "21:9" }, "aspect_ratio"],
    [{ size: "0x0" }, "size"],
    [{ resolution: "sharp" }, "resolution"],
    [{ aspectRatio: "wide" }, "aspect_ratio"],
    [{ seconds: "long" }, "seconds"],
    [{ seconds: 0 }, "seconds"],
    [{ seconds: -4 }, "seconds"],
    [{ seconds: " " }, "seconds"],
    [{ seconds: "1e9" }, "seconds"],
  ])("%p is refused by name", (hints, param) => expect(refusal(() => videoShape(hints))).toEqual({ kind: "invalid_request", param }));

  test.each([
    ["8", 8],
    [8, 8],
    ["8s", 8],
    [7.6, 8],
    ["", undefined],
    [null, undefined],
  ])("seconds %p are %p", (seconds, expected) => expect(videoShape({ seconds }).shape.seconds).toBe(expected));

  test("duration counts where seconds are not given", () =>
    expect([decode({ duration: 6 }).shape.seconds, decode({ seconds: "4", duration: 6 }).shape.seconds]).toEqual([6, 4]));
});

describe("images", () => {
  test.each<[string, unknown]>([
    ["a URL", PICTURE],
    ["an object", { image_url: PICTURE }],
    ["an object in an object", { type: "image_url", image_url: { url: PICTURE } }],
    ["JSON in a form field", JSON.stringify({ image_url: PICTURE })],
    ["a list of one", [PICTURE]],
  ])("input_reference as %s is one image, and their number decides", (_, input_reference) => {
    const { images, mode } = decode({ input_reference });
    expect([images.map(({ url }) => url), mode]).toEqual([[PICTURE], undefined]);
  });

  test("a file_id is a file of the key", () => expect(urlsOf({ input_reference: { file_id: FILE_ID } })).toEqual([`file:${FILE_ID}`]));

  test.each<[string, Partial<VideoBody>, string[], string | undefined]>([
    ["none", {}, [], undefined],
    ["several", { input_reference: [PICTURE, OTHER] }, [PICTURE, OTHER], "references"],
    ["one as reference", { input_references: [{ type: "image_url", image_url: { url: PICTURE } }] }, [PICTURE], "references"],
    ["reference_images", { reference_images: [PICTURE, OTHER] }, [PICTURE, OTHER], "references"],
    ["a first", { first_frame: PICTURE }, [PICTURE], "first_frame"],
    ["a first and a last", { last_frame: OTHER, first_frame: PICTURE }, [PICTURE, OTHER], "frames"],
    ["a last beside a plain one", { input_reference: PICTURE, last_frame: OTHER }, [PICTURE, OTHER], "frames"],
    ["frame_images in order", { frame_images: [PICTURE, OTHER] }, [PICTURE, OTHER], "frames"],
    [
      "frame_images that say what they are",
      {
        frame_images: [
          { image_url: { url: OTHER }, frame_type: "last_frame" },
          { image_url: { url: PICTURE }, frame_type: "first_frame" },
        ],
      },
      [PICTURE, OTHER],
      "frames",
    ],
  ])("%s", (_, body, urls, mode) => {
    const decoded = decode(body);
    expect([decoded.images.map(({ url }) => url), decoded.mode]).toEqual([urls, mode as never]);
  });

  test("files of a form follow what the body names", () => {
    const uploads = new Map([["input_reference", [file("one"), file("two")]]]);
    const { images, mode } = decodeVideo({ prompt: "a fox", input_reference: PICTURE }, uploads);
    expect([images.map(({ url }) => url), mode]).toEqual([[PICTURE, "file:one", "file:two"], "references"]);
  });

  test.each<[string, Partial<VideoBody>, string]>([
    ["a last image alone", { last_frame: PICTURE }, "last_frame"],
    ["frames and references", { first_frame: PICTURE, reference_images: [OTHER] }, "reference_images[0]"],
    ["frames and a plain one", { first_frame: PICTURE, input_reference: OTHER }, "input_reference"],
    ["three frames", { frame_images: [PICTURE, OTHER, OTHER] }, "frame_images[2]"],
    ["a frame in the middle", { frame_images: [{ image_url: PICTURE, frame_type: "middle" }] }, "frame_images"],
    ["a number", { input_reference: 5 }, "input_reference"],
  ])("%s is refused by name", (_, body, param) => expect(refusal(() => decode(body))).toEqual({ kind: "invalid_request", param }));
});

describe("a video to start from", () => {
  test.each<[string, unknown]>([
    ["an object with an id", { id: VIDEO_ID }],
    ["an id", VIDEO_ID],
    ["JSON in a form field", JSON.stringify({ id: VIDEO_ID })],
  ])("%s names a job", (_, value) => expect(sourceOf(value, "video")).toEqual({ jobId: VIDEO_ID }));

  test.each<[unknown, string]>([
    [{ id: FILE_ID }, `file:${FILE_ID}`],
    [{ file_id: FILE_ID }, `file:${FILE_ID}`],
    [{ url: "/media/x.mp4" }, "/media/x.mp4"],
    [{ video_url: { url: "https://videos.example/a.mp4" } }, "https://videos.example/a.mp4"],
  ])("%p names bytes", (value, url) => expect(sourceOf(value, "video")).toMatchObject({ url }));

  test.each([[undefined], [null], [""]])("%p names none", (value) => expect(sourceOf(value, "video")).toBeNull());
  test("what names nothing is refused", () =>
    expect(refusal(() => sourceOf({}, "video"))).toEqual({ kind: "invalid_request", param: "video" }));
});

test("a negative prompt is said in the prompt, for want of a field upstream", () =>
  expect([decode({ negative_prompt: "rain" }).prompt, decode({ negative_prompt: " " }).prompt]).toEqual(["a fox\n\nAvoid: rain", "a fox"]));
