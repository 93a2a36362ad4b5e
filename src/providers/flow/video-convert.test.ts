// Bodies of Flow's video calls and both forms of their responses, what a request is planned as, and what failed videos mean.
import { describe, expect, test } from "bun:test";
import type { InputMedia, Tier, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { builtInModels } from "../testing.ts";
import { classifyFailure } from "./errors.ts";
import ANSWERS from "./fixtures/answers.json" with { type: "json" };
import type { FlowVideo } from "./handle.ts";
import {
  concatenationBody,
  parseConcatenation,
  parseConcatenationStatus,
  parseEncodedVideo,
  parseStatus,
  parseSubmitted,
  statusBody,
  videoBody,
} from "./video-convert.ts";
import { videoSpecOf } from "./video-plan.ts";

const specOf = (asked: VideoRequest, plan: Tier | undefined) => videoSpecOf(asked, { plan, models: builtInModels("flow") });

const renderedImage: InputMedia = { mime: "image/png", data: new Blob(["x"]) };
const request = (change: Partial<VideoRequest> = {}): VideoRequest => ({
  family: "veo-3.1",
  mode: "text",
  prompt: "a cat",
  images: [],
  ...change,
});
const source = (operation: VideoRequest["source"] extends infer S ? (S extends { operation: infer O } ? O : never) : never) => ({
  source: { media: renderedImage, operation },
});
const MADE = { name: "m1", projectId: "p1", aspect: "9:16", pieces: [{ name: "m1", seconds: 6 }] };

describe("a submission", () => {
  const input = { sessionId: ";1", projectId: "p1", batchId: "b1", seed: 9, videoModelKey: "k", aspect: "9:16", prompt: "a cat" } as const;

  test("has the form that Flow's page sends, without any field for a verification", () => {
    const body = videoBody({ ...input, plan: 1, extras: { startImage: { mediaId: "i1" } } });
    expect(body).toEqual({
      mediaGenerationContext: { batchId: "b1", audioFailurePreference: "BLOCK_SILENCED_VIDEOS" },
      clientContext: { sessionId: ";1", projectId: "p1", tool: "PINHOLE", userPaygateTier: "PAYGATE_TIER_ONE" },
      requests: [
        {
          aspectRatio: "VIDEO_ASPECT_RATIO_PORTRAIT",
          seed: 9,
          textInput: { structuredPrompt: { parts: [{ text: "a cat" }] } },
          videoModelKey: "k",
          metadata: {},
          startImage: { mediaId: "i1" },
        },
      ],
      useV2ModelConfig: true,
    });
    expect(JSON.stringify(body)).not.toMatch(/recaptcha/i);
  });

  test("leaves out a plan that is not known, and words where none are taken", () => {
    const body = JSON.stringify(videoBody({ ...input, prompt: null, plan: undefined, extras: { metadata: { sceneId: "s" } } }));
    expect(body).not.toMatch(/userPaygateTier|textInput/);
    expect(body).toContain('"metadata":{"sceneId":"s"}');
  });

  test("is answered in two forms", () => {
    const name = ANSWERS.videoSubmitted.media[0]!.name;
    expect(parseSubmitted(ANSWERS.videoSubmitted)).toEqual({ form: "media", name, sceneId: "" });
    expect(parseSubmitted({ workflows: ANSWERS.videoSubmitted.workflows })).toEqual({ form: "media", name, sceneId: "" });
    const { sceneId } = ANSWERS.videoSubmittedOld.operations[0]!;
    expect(parseSubmitted(ANSWERS.videoSubmittedOld)).toEqual({ form: "operation", name: "operations/9c1f", sceneId });
    for (const body of [{}, null, { media: [] }, { operations: [{}] }, { remainingCredits: 1 }]) expect(parseSubmitted(body)).toBeNull();
  });
});

describe("a status", () => {
  const video: FlowVideo = { form: "media", name: "m1", sceneId: "s1", projectId: "p1", aspect: "16:9", mediaId: "m1", pieces: [] };

  test("is asked in the form of the handle", () => {
    expect(statusBody(video)).toEqual({ media: [{ name: "m1", projectId: "p1" }] });
    expect(statusBody({ ...video, form: "operation" })).toEqual({
      operations: [{ operation: { name: "m1" }, sceneId: "s1", status: "MEDIA_GENERATION_STATUS_ACTIVE" }],
    });
  });

  const name = ANSWERS.videoSubmitted.media[0]!.name;
  const word = (status: string) => ({ media: [{ name, mediaMetadata: { mediaStatus: { mediaGenerationStatus: status } } }] });
  test.each([
    ["just submitted", ANSWERS.videoSubmitted, "pending"],
    ["active", ANSWERS.videoActive, "pending"],
    ["done", ANSWERS.videoDone, "done"],
    ["failed", ANSWERS.videoFailed, "failed"],
    ["any kind of error", word("MEDIA_GENERATION_STATUS_ERROR_UNKNOWN"), "failed"],
    ["a word nobody knows", word("MEDIA_GENERATION_STATUS_PONDERING"), "pending"],
    ["no word", { media: [{ name }] }, "pending"],
    ["in the status beside", { media: [{ name, mediaStatus: { status: "MEDIA_GENERATION_STATUS_SUCCESSFUL" } }] }, "done"],
    ["in the plain field", { media: [{ name, status: "MEDIA_GENERATION_STATUS_FAILED" }] }, "failed"],
  ] as [string, unknown, string][])("%s is %s", (_, body, state) => {
    expect(parseStatus(body, name)?.state as string).toBe(state);
  });

  test("in the older form names the media item and its link", () => {
    expect(parseStatus(ANSWERS.videoDoneOld, "operations/9c1f")).toMatchObject({
      state: "done",
      mediaId: "CAUSJDdkMmI",
      url: expect.stringMatching(/^https:/),
    });
    expect(parseStatus(ANSWERS.videoFailedOld, "operations/9c1f")).toMatchObject({ state: "failed", error: { code: 13 } });
  });

  test("that does not speak of the video says nothing", () => {
    for (const body of [{}, null, ANSWERS.videoDone, ANSWERS.videoDoneOld]) expect(parseStatus(body, "another")).toBeNull();
  });
});

describe("a concatenation", () => {
  test("leaves out the second that an extension repeats", () => {
    const pieces = [
      { name: "a", seconds: 6 },
      { name: "b", seconds: 8 },
      { name: "c", seconds: 8 },
    ];
    expect(concatenationBody(pieces)).toEqual({
      inputVideos: [
        { mediaGenerationId: "a", lengthNanos: 6000, startTimeOffset: "0s", endTimeOffset: "6s" },
        { mediaGenerationId: "b", lengthNanos: 8000, startTimeOffset: "1s", endTimeOffset: "8s" },
        { mediaGenerationId: "c", lengthNanos: 8000, startTimeOffset: "1s", endTimeOffset: "8s" },
      ],
    });
  });

  test("is answered with a name, then with a link or bytes", () => {
    expect(parseConcatenation(ANSWERS.concatenationSubmitted)).toBe("operations/concat-1");
    expect(parseConcatenationStatus(ANSWERS.concatenationDone)).toMatchObject({ state: "done", url: expect.stringMatching(/^https:/) });
    expect(parseEncodedVideo(ANSWERS.concatenationDone)).toBe("AAAAHGZ0eXBpc29t");
    expect(parseEncodedVideo({ name: "m", video: { encodedVideo: "AAAA" } })).toBe("AAAA");
    expect(parseConcatenationStatus({}).state).toBe("pending");
  });
});

describe("a plan", () => {
  test.each([
    ["words", request(), "Text", "veo_3_1_t2v", {}],
    [
      "one frame",
      request({ mode: "first_frame", images: [renderedImage] }),
      "StartImage",
      "veo_3_1_i2v_s",
      { startImage: { mediaId: "u1" } },
    ],
    [
      "two frames",
      request({ mode: "frames", images: [renderedImage, renderedImage] }),
      "StartAndEndImage",
      "veo_3_1_i2v_s_fl",
      { startImage: { mediaId: "u1" }, endImage: { mediaId: "u2" } },
    ],
    [
      "references",
      request({ family: "omni", mode: "references", images: [renderedImage, renderedImage], seconds: 6 }),
      "ReferenceImages",
      "abra_r2v_6s",
      { referenceImages: ["u1", "u2"].map((mediaId) => ({ imageUsageType: "IMAGE_USAGE_TYPE_ASSET", mediaId })) },
    ],
    [
      "an extension",
      request({ mode: "extend", ...source(MADE) }),
      "ExtendVideo",
      "veo_3_1_extend_portrait",
      { videoInput: { mediaId: "m1" }, metadata: { workflowId: expect.any(String) } },
    ],
    [
      "an upscale",
      request({ mode: "upscale", resolution: "4k", prompt: "", ...source(MADE) }),
      "UpsampleVideo",
      "veo_3_1_upsampler_4k",
      { videoInput: { mediaId: "m1" }, resolution: "VIDEO_RESOLUTION_4K", metadata: { sceneId: expect.any(String) } },
    ],
  ] as [string, VideoRequest, string, string, object][])("of %s", (_, asked, endpoint, key, extras) => {
    const plan = specOf(asked, undefined);
    expect([plan.endpoint as string, plan.videoModelKey]).toEqual([endpoint, key]);
    expect(plan.extras(["u1", "u2"])).toEqual(extras);
  });

  test("says what follows the base", () => {
    expect(specOf(request(), 2).tasks).toEqual([]);
    expect(specOf(request({ resolution: "720p" }), 2).tasks).toEqual([]);
    expect(specOf(request({ resolution: "4k" }), 2).tasks).toEqual([{ task: "upscale", resolution: "4k" }]);
    expect(specOf(request({ mode: "extend", ...source(MADE) }), 0).tasks).toEqual([{ task: "concatenation", before: MADE.pieces }]);
  });

  test("brings a seed into Flow's range", () => {
    const seeds = [-5, 0, 99_999, 100_000, 1.9, undefined].map((seed) => specOf(request({ seed }), 0).seed);
    expect(seeds).toEqual([5, 99_999, 99_999, 1, 1, undefined]);
  });

  const joined = { ...MADE, pieces: [...MADE.pieces, { name: "m2", seconds: 8 }] };
  test("of an extension of an extension continues its last piece", () => {
    expect(specOf(request({ mode: "extend", ...source(joined) }), 0).extras([])).toMatchObject({ videoInput: { mediaId: "m2" } });
  });

  test.each([
    ["no words", request({ prompt: " " }), 2, "upstream_invalid", "prompt"],
    ["an edit", request({ mode: "edit", ...source(MADE) }), 2, "upstream_invalid", "mode"],
    ["one picture for two frames", request({ mode: "frames", images: [renderedImage] }), 2, "upstream_invalid", "images"],
    ["four references", request({ mode: "references", images: Array(4).fill(renderedImage) }), 2, "upstream_invalid", "images"],
    ["pictures for words", request({ images: [renderedImage] }), 2, "upstream_invalid", "images"],
    ["360p", request({ resolution: "360p" }), 2, "upstream_invalid", "resolution"],
    ["Omni in 1080p", request({ family: "omni", resolution: "1080p" }), 2, "upstream_invalid", "resolution"],
    ["an extension in 1080p", request({ mode: "extend", resolution: "1080p", ...source(MADE) }), 2, "upstream_invalid", "resolution"],
    ["4k on the middle plan, before anything is paid", request({ resolution: "4k" }), 1, "upstream_model_denied", undefined],
    ["1080p on the free plan", request({ resolution: "1080p" }), 0, "upstream_model_denied", undefined],
    ["an extension of a client's own video", request({ mode: "extend", ...source(null) }), 2, "upstream_invalid", "video"],
    ["an extension of nothing", request({ mode: "extend" }), 2, "upstream_invalid", "video"],
    ["an extension of another provider's video", request({ mode: "extend", ...source({ id: "x" }) }), 2, "upstream_invalid", "video"],
    ["an upscale to 720p", request({ mode: "upscale", resolution: "720p", ...source(MADE) }), 2, "upstream_invalid", "resolution"],
    ["an upscale of what was joined", request({ mode: "upscale", ...source(joined) }), 2, "upstream_invalid", "video"],
    ["an upscale of Omni", request({ family: "omni", mode: "upscale", ...source(MADE) }), 2, "upstream_invalid", "model"],
  ] as [string, VideoRequest, Tier, string, string | undefined][])("refuses %s", (_, asked, plan, kind, param) => {
    let error: unknown;
    try {
      specOf(asked, plan);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AppError);
    expect([(error as AppError).kind as string, (error as AppError).param]).toEqual([kind, param]);
  });
});

test.each([
  [{ code: 3, message: "PUBLIC_ERROR_UNSAFE_GENERATION" }, "content_policy", "policy_output"],
  [{ code: 3, message: "PUBLIC_ERROR_AUDIO_FILTERED" }, "content_policy", "policy_output"],
  [{ code: 3, message: "PUBLIC_ERROR_IP_INPUT_IMAGE" }, "content_policy", "policy_input"],
  [{ code: 3, message: "x", details: [{ reason: "PUBLIC_ERROR_MINOR" }] }, "content_policy", "policy_output"],
  [{ code: 4, message: "PUBLIC_ERROR_VIDEO_GENERATION_TIMED_OUT" }, "upstream_timeout", "overloaded"],
  [{ code: 8, message: "PUBLIC_ERROR_USER_QUOTA_REACHED" }, "upstream_quota", "account_quota"],
  [{ code: 8, message: "exhausted" }, "upstream_quota", "account_quota"],
  [{ code: 13, message: "Internal error encountered." }, "upstream_unavailable", "internal"],
  [{ code: 13, message: "PUBLIC_ERROR_NEVER_SEEN" }, "upstream_unavailable", "internal"],
  [{ code: 14, message: "busy" }, "upstream_unavailable", "overloaded"],
  [{ code: 3, message: "Request contains an invalid argument." }, "upstream_invalid", "malformed"],
  [{ code: 7, message: "PUBLIC_ERROR_UNUSUAL_ACTIVITY" }, "upstream_unavailable", "internal"],
  [undefined, "upstream_unavailable", "internal"],
  ["text", "upstream_unavailable", "internal"],
] as [unknown, string, string][])("a video that failed with %j is %s, %s", (failure, kind, reason) => {
  const error = classifyFailure(failure);
  expect([error.kind, error.detail?.reason] as unknown[]).toEqual([kind, reason]);
  const theirs = (failure as { message?: string } | undefined)?.message ?? "";
  expect(error.message.includes(theirs || "-")).toBe(/^PUBLIC_/.test(theirs));
});
