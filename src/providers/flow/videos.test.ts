// A video from submission to file against a stand-in: what is sent where, what is paid once, and what stands when a stage fails.
import { describe, expect, test } from "bun:test";
import type { InputMedia, Json, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { VideoStatus } from "../provider.ts";
import { builtInModels } from "../testing.ts";
import { createFlow } from "./client.ts";
import { createCaller, NOW, recordingLog, refuse, type StubRoute, startStub, statusOf, TEST_IMAGE } from "./testing.ts";

type Stub = ReturnType<typeof startStub>;
type Caller = ReturnType<typeof createCaller>;

const CLIP = new TextEncoder().encode("ftypisom a clip");
const renderedImage = (mediaId?: string): InputMedia => ({
  mime: "image/png",
  data: new Blob([TEST_IMAGE]),
  ...(mediaId ? { mediaId } : {}),
});
const request = (change: Partial<VideoRequest> = {}): VideoRequest => ({
  family: "veo-3.1",
  mode: "text",
  prompt: "a cat",
  images: [],
  ...change,
});
const sourceOf = (operation: Json) => ({ source: { media: renderedImage(), operation } });

/** A stand-in whose files are videos, and the adapter before it with a clock that is moved by hand. */
function start(log = recordingLog().log) {
  const stub = startStub();
  stub.on.file = () => new Response(CLIP, { headers: { "content-type": "video/mp4" } });
  stub.on.media = () => Response.json({ name: "x", video: { encodedVideo: CLIP.toBase64() } });
  const clock = { now: NOW };
  const options = {
    models: builtInModels("flow"),
    labsBaseUrl: stub.labsBaseUrl,
    apiBaseUrl: stub.apiBaseUrl,
    now: () => clock.now,
    random: () => 0.5,
    log,
  };
  return { stub, clock, flow: createFlow(options), [Symbol.asyncDispose]: () => stub[Symbol.asyncDispose]() };
}

type Started = ReturnType<typeof start>;

/** Drives a job as the gateway does; what is persisted between calls goes through JSON. */
async function run({ flow, clock }: Started, asked: VideoRequest, { token, call }: Caller) {
  let submissions = 0;
  const onSubmit = async () => void submissions++;
  let { operation } = stored(await flow.startVideo(asked, token, call, onSubmit));
  for (let polls = 0; polls < 50; polls++) {
    const status: VideoStatus = await flow.pollVideo(operation, token, call);
    if (status.state === "done") return { ...stored(status), operation, submissions };
    if (status.state === "failed") throw status.error;
    if (status.state === "next") ({ operation } = stored(await flow.continueVideo(stored(status.step), token, call, onSubmit)));
    else clock.now += 5_000;
  }
  throw new Error("the job does not end");
}

const stored = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value));
const failureOf = (promise: Promise<unknown>): Promise<AppError> =>
  promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: unknown) => (error instanceof AppError ? error : Promise.reject(error)),
  );
const submit = (started: Started, asked: VideoRequest, caller: Caller, onSubmit = async () => {}) =>
  started.flow.startVideo(asked, caller.token, caller.call, onSubmit);
const names = (stub: Stub) => stub.calls.map((one) => one.name);
const endpoints = (stub: Stub) => stub.named("video").map((one) => one.path.replace("/v1/video:batchAsyncGenerateVideo", ""));

describe("a video", () => {
  test("is submitted as Flow's page does it, after the caller has put the submission on record", async () => {
    await using started = start();
    const caller = createCaller({ state: { tier: 1 } });
    const seen: number[] = [];
    const { operation } = await submit(started, request({ aspect: "9:16", seed: 7 }), caller, async () => {
      seen.push(started.stub.count("video"));
    });
    expect(seen).toEqual([0]);
    const [video] = started.stub.named("video");
    expect(video!.headers.get("content-type")).toBe("text/plain;charset=UTF-8");
    expect(video!.path).toBe("/v1/video:batchAsyncGenerateVideoText");
    expect(video!.body).toMatchObject({
      clientContext: { projectId: "project-2", userPaygateTier: "PAYGATE_TIER_ONE" },
      requests: [{ seed: 7, videoModelKey: "veo_3_1_t2v_portrait", aspectRatio: "VIDEO_ASPECT_RATIO_PORTRAIT" }],
    });
    expect(operation).toMatchObject({ stage: "base", name: "video-3", projectId: "project-2", tasks: [] });
  });

  test("comes by status and link, with each secret where it belongs", async () => {
    await using started = start();
    const caller = createCaller({ secret: "canary-cookie" });
    const { result, submissions, note } = await run(started, request(), caller);
    const tempFile = await started.flow.downloadVideo(result, caller.token, caller.call);
    expect([tempFile.mime, tempFile.bytes, submissions, note]).toEqual(["video/mp4", CLIP.length, 1, undefined]);
    expect(names(started.stub)).toEqual(["session", "project", "video", "status", "redirect", "file"]);
    expect(started.stub.named("status")[0]!.body).toEqual({ media: [{ name: "video-3", projectId: "project-2" }] });
    for (const { name, path, headers, body } of started.stub.calls) {
      const isLabs = path.startsWith("/labs");
      expect([name, headers.has("cookie"), headers.has("authorization")]).toEqual([name, isLabs, !isLabs && name !== "file"]);
      expect(path + JSON.stringify(body)).not.toMatch(/canary-cookie|ya29|recaptcha/i);
    }
  });

  test("has its images uploaded first, each once", async () => {
    await using started = start();
    const caller = createCaller();
    const asked = request({ mode: "frames", images: [renderedImage("a"), renderedImage("b")] });
    await submit(started, asked, caller);
    await submit(started, asked, caller);
    expect([started.stub.count("upload"), started.stub.count("video")]).toEqual([2, 2]);
    expect(endpoints(started.stub)).toEqual(["StartAndEndImage", "StartAndEndImage"]);
    expect(started.stub.named("video")[1]!.body).toMatchObject({
      requests: [{ startImage: { mediaId: "upload-3" }, endImage: { mediaId: "upload-4" } }],
    });
  });

  test("in the older form of reply is asked for in that form, and found by the link or the media id reported there", async () => {
    await using started = start();
    const { stub, flow } = started;
    stub.on.video = () => Response.json({ operations: [{ operation: { name: "operations/1" }, sceneId: "s1" }] });
    stub.on.status = () => {
      const video = { fifeUrl: `${stub.base}/files/old` };
      const operation = { name: "operations/1", metadata: { name: "CAM1", video } };
      return Response.json({ operations: [{ operation, status: "MEDIA_GENERATION_STATUS_SUCCESSFUL" }] });
    };
    const caller = createCaller();
    const { result } = await run(started, request(), caller);
    expect(result).toMatchObject({ form: "operation", mediaId: "CAM1", pieces: [{ name: "CAM1", seconds: 8 }] });
    expect(stub.named("status")[0]!.body).toMatchObject({ operations: [{ operation: { name: "operations/1" }, sceneId: "s1" }] });
    await flow.downloadVideo(result, caller.token, caller.call);
    expect(stub.named("file")[0]!.path).toBe("/files/old");
    stub.on.status = () => new Response("", { status: 500 });
    await flow.downloadVideo(result, caller.token, caller.call);
    expect(stub.named("redirect")[0]!.path).toContain("name=CAM1&");
    expect(JSON.stringify(result)).not.toContain("/files/");
  });

  test("goes on while its status is not to be had or not understood", async () => {
    await using started = start();
    const caller = createCaller();
    const { operation } = await submit(started, request(), caller);
    const poll = () => started.flow.pollVideo(operation, caller.token, caller.call);
    const responses: [() => Response, string][] = [
      [() => new Response("", { status: 500 }), "upstream_unavailable"],
      [() => new Response("<html>"), "upstream_unavailable"],
      [() => Response.json({ media: [] }), "upstream_unavailable"],
      [() => refuse(429, "RESOURCE_EXHAUSTED", "PUBLIC_ERROR_USER_REQUESTS_THROTTLED"), "upstream_rate_limited"],
    ];
    for (const [response, kind] of responses) {
      started.stub.on.status = response;
      const error = await failureOf(poll());
      expect([error.kind as string, error.charged]).toEqual([kind, false]);
    }
    started.stub.on.status = () => Response.json({ media: [{ name: "video-3", ...statusOf("PONDERING") }] });
    expect(await poll()).toEqual({ state: "pending", progress: null });
  });

  test("that Flow fails ends with the reason", async () => {
    await using started = start();
    started.stub.on.status = () =>
      Response.json({ media: [{ name: "video-3", ...statusOf("FAILED", { code: 3, message: "PUBLIC_ERROR_SEXUAL" }) }] });
    const error = await failureOf(run(started, request(), createCaller()));
    expect(error.kind).toBe("content_policy");
    expect(error.message).toContain("PUBLIC_ERROR_SEXUAL");
  });

  test("survives a session that ends between submission and status", async () => {
    await using started = start();
    const good = started.stub.on.status;
    started.stub.on.status = (one) => (started.stub.count("status") === 1 ? refuse(401, "UNAUTHENTICATED") : good(one));
    expect((await run(started, request(), createCaller())).submissions).toBe(1);
    expect([started.stub.count("session"), started.stub.count("status")]).toEqual([2, 2]);
  });

  test("cannot be stopped", async () => {
    await using started = start();
    const caller = createCaller();
    const { operation } = await submit(started, request(), caller);
    expect(await started.flow.cancelVideo(operation, caller.token, caller.call)).toBe(false);
  });

  test("is not asked for when it cannot be expressed or the plan lacks its resolution", async () => {
    await using started = start();
    for (const asked of [request({ seconds: 5 }), request({ resolution: "4k" }), request({ mode: "extend", ...sourceOf(null) })]) {
      await failureOf(submit(started, asked, createCaller({ state: { tier: 1 } })));
    }
    expect(started.stub.calls).toEqual([]);
  });
});

describe("a submission", () => {
  test("refused with 401 is repeated once with a renewed session, and put on record once", async () => {
    await using started = start();
    const good = started.stub.on.video;
    started.stub.on.video = (one) => (started.stub.count("video") === 1 ? refuse(401, "UNAUTHENTICATED") : good(one));
    expect((await run(started, request(), createCaller())).submissions).toBe(1);
    expect(started.stub.count("video")).toBe(2);
  });

  test("in a project that Flow lost is repeated once in a fresh one", async () => {
    await using started = start();
    const good = started.stub.on.video;
    started.stub.on.video = (one) => (started.stub.count("video") === 1 ? refuse(404, "NOT_FOUND") : good(one));
    const asked = request({ mode: "first_frame", images: [renderedImage("a")] });
    expect((await run(started, asked, createCaller())).submissions).toBe(1);
    expect([started.stub.count("project"), started.stub.count("upload"), started.stub.count("video")]).toEqual([2, 2, 2]);
  });

  const failures: [string, () => Response | Promise<Response>, string, boolean][] = [
    ["verification", () => refuse(403, "PERMISSION_DENIED"), "upstream_verification", false],
    ["quota", () => refuse(429, "RESOURCE_EXHAUSTED", "PUBLIC_ERROR_USER_QUOTA_REACHED"), "upstream_quota", false],
    ["policy", () => refuse(400, "INVALID_ARGUMENT", "PUBLIC_ERROR_UNSAFE_GENERATION"), "content_policy", false],
    ["a form that Flow does not take", () => refuse(400, "INVALID_ARGUMENT"), "upstream_invalid", false],
    ["trouble", () => new Response("", { status: 503 }), "upstream_unavailable", false],
    ["504", () => new Response("", { status: 504 }), "upstream_timeout", true],
    ["an answer without a name", () => Response.json({ remainingCredits: 5 }), "upstream_unknown_outcome", true],
    ["an answer that is not JSON", () => new Response("<html>"), "upstream_unknown_outcome", true],
  ];
  for (const [name, response, kind, charged] of failures) {
    test(`answered by ${name}: ${kind}, ${charged ? "" : "not "}charged, sent once`, async () => {
      await using started = start();
      started.stub.on.video = response;
      const error = await failureOf(submit(started, request(), createCaller()));
      expect([error.kind as string, error.charged, started.stub.count("video")]).toEqual([kind, charged, 1]);
    });
  }

  test("that Flow does not take has its images uploaded again the next time", async () => {
    await using started = start();
    const caller = createCaller();
    const asked = request({ mode: "first_frame", images: [renderedImage("a")] });
    const good = started.stub.on.video;
    started.stub.on.video = () => refuse(400, "INVALID_ARGUMENT");
    await failureOf(submit(started, asked, caller));
    started.stub.on.video = good;
    await submit(started, asked, caller);
    expect([started.stub.count("upload"), started.stub.count("video")]).toEqual([2, 2]);
  });

  test("that nobody could put on record does not leave", async () => {
    await using started = start();
    const error = new AppError("network", "The disk is full.");
    const failed = await failureOf(submit(started, request(), createCaller(), () => Promise.reject(error)));
    expect([failed, started.stub.count("video")]).toEqual([error, 0]);
  });

  test("whose source is gone says so, and makes no project for it", async () => {
    await using started = start();
    started.stub.on.video = () => refuse(404, "NOT_FOUND");
    const operation = { name: "m", projectId: "p9", aspect: "16:9", pieces: [{ name: "m", seconds: 8 }] };
    const error = await failureOf(submit(started, request({ mode: "extend", ...sourceOf(operation) }), createCaller()));
    expect([error.kind, error.detail?.scope, started.stub.count("project")] as unknown[]).toEqual(["upstream_invalid", "request", 0]);
  });
});

describe("1080p and 4k", () => {
  test("are an upscale of the finished video, submitted on its own", async () => {
    await using started = start();
    const { stub } = started;
    const { result, submissions, note } = await run(started, request({ resolution: "4k" }), createCaller({ state: { tier: 2 } }));
    expect([submissions, note, endpoints(stub)] as unknown[]).toEqual([2, undefined, ["Text", "UpsampleVideo"]]);
    expect(stub.named("video")[1]!.body).toMatchObject({
      clientContext: { projectId: "project-2" },
      requests: [{ videoModelKey: "veo_3_1_upsampler_4k", resolution: "VIDEO_RESOLUTION_4K", videoInput: { mediaId: "video-3" } }],
    });
    expect(result).toMatchObject({ name: "video-4", mediaId: "video-4", pieces: [{ name: "video-3" }], missing: null });
  });

  test("are tried again after a pause when Flow was in trouble", async () => {
    await using started = start();
    const { stub } = started;
    const good = stub.on.video;
    stub.on.video = (one) => ([2, 3].includes(stub.count("video")) ? new Response("", { status: 503 }) : good(one));
    const { result } = await run(started, request({ resolution: "1080p" }), createCaller());
    expect([stub.count("video"), started.clock.now - NOW] as unknown[]).toEqual([4, 15_000]);
    expect(result).toMatchObject({ missing: null });
  });

  const failures: [string, (stub: Stub) => Response, number][] = [
    ["a plan that lacks it", () => refuse(403, "PERMISSION_DENIED", "PUBLIC_ERROR_MODEL_ACCESS_DENIED"), 2],
    ["verification", () => refuse(403, "PERMISSION_DENIED"), 2],
    ["an answer without a name, which may be paid", () => Response.json({}), 2],
    ["a page, behind which it may be paid", () => new Response("<html>", { status: 502 }), 2],
    ["lasting trouble", () => refuse(500, "INTERNAL"), 5],
  ];
  for (const [name, response, sent] of failures) {
    test(`leave the video that is paid when they end in ${name}`, async () => {
      await using started = start();
      const { stub } = started;
      const good = stub.on.video;
      stub.on.video = (one) => (stub.count("video") === 1 ? good(one) : response(stub));
      const caller = createCaller();
      const { result, note } = await run(started, request({ resolution: "1080p" }), caller);
      expect(result).toMatchObject({ name: "video-3", missing: "upscale" });
      expect([note, stub.count("video")]).toEqual([expect.stringContaining("720p"), sent]);
      expect((await started.flow.downloadVideo(result, caller.token, caller.call)).bytes).toBe(CLIP.length);
    });
  }

  test("leave the video that is paid when the upscale fails later", async () => {
    await using started = start();
    const { log, lines } = recordingLog();
    await using other = start(log);
    for (const { stub } of [started, other]) {
      const good = stub.on.status;
      stub.on.status = (one) =>
        stub.count("status") === 1 ? good(one) : Response.json({ media: [{ name: "video-4", ...statusOf("FAILED") }] });
    }
    expect((await run(started, request({ resolution: "1080p" }), createCaller())).result).toMatchObject({ missing: "upscale" });
    await run(other, request({ resolution: "1080p" }), createCaller());
    expect(lines.join("\n")).toContain("the stage before it stands");
  });

  test("of an earlier video fail with it, since nothing else was asked for", async () => {
    await using started = start();
    const caller = createCaller();
    const { operation } = await run(started, request(), caller);
    started.stub.on.status = () => Response.json({ media: [{ name: "video-4", ...statusOf("ERROR_INTERNAL") }] });
    expect((await failureOf(run(started, request({ mode: "upscale", ...sourceOf(operation) }), caller))).kind).toBe("upstream_unavailable");
    expect(endpoints(started.stub)).toEqual(["Text", "UpsampleVideo"]);
  });
});

describe("an extension", () => {
  test("continues the source in its project and is joined with it; the next one continues the last piece", async () => {
    await using started = start();
    const { stub, flow } = started;
    const caller = createCaller();
    const base = await run(started, request({ aspect: "9:16", seconds: 6 }), caller);
    const first = await run(started, request({ mode: "extend", seconds: 7, ...sourceOf(base.operation) }), caller);
    expect([first.submissions, endpoints(stub)] as unknown[]).toEqual([2, ["Text", "ExtendVideo"]]);
    expect(stub.named("video")[1]!.body).toMatchObject({
      clientContext: { projectId: "project-2" },
      requests: [{ videoModelKey: "veo_3_1_extend_portrait", videoInput: { mediaId: "video-3" } }],
    });
    expect(stub.named("concatenation")[0]!.body).toMatchObject({
      inputVideos: [
        { mediaGenerationId: "video-3", endTimeOffset: "6s" },
        { mediaGenerationId: "video-4", startTimeOffset: "1s" },
      ],
    });
    expect((await flow.downloadVideo(first.result, caller.token, caller.call)).bytes).toBe(CLIP.length);
    expect(stub.named("file").at(-1)!.path).toBe("/files/c");

    const second = await run(started, request({ mode: "extend", ...sourceOf(first.operation) }), caller);
    expect(second.result).toMatchObject({ pieces: [{ name: "video-3" }, { name: "video-4" }, { name: "video-6" }] });
    expect(stub.named("video")[2]!.body).toMatchObject({ requests: [{ videoInput: { mediaId: "video-4" } }] });
  });

  test("that was joined comes out of the status itself when the bytes are there", async () => {
    await using started = start();
    const { stub, flow } = started;
    const bytes = Uint8Array.from({ length: 1_000_001 }, (_, index) => (index * 7919) % 251);
    stub.on.concatenationStatus = () => Response.json({ status: "MEDIA_GENERATION_STATUS_SUCCESSFUL", encodedVideo: bytes.toBase64() });
    const caller = createCaller();
    const base = await run(started, request(), caller);
    const { result } = await run(started, request({ mode: "extend", ...sourceOf(base.result) }), caller);
    expect(caller.drafts).toEqual([]);
    await flow.downloadVideo(result, caller.token, caller.call);
    expect(caller.drafts.map((tempFile) => [tempFile.end, Bun.hash(tempFile.bytes)])).toEqual([["closed", Bun.hash(bytes)]]);
  });

  const failures: [string, StubRoute, () => Response][] = [
    ["refused", "concatenation", () => refuse(400, "INVALID_ARGUMENT")],
    ["refused for long", "concatenation", () => new Response("", { status: 500 })],
    ["answered without a name", "concatenation", () => Response.json({})],
    ["failed", "concatenationStatus", () => Response.json({ status: "MEDIA_GENERATION_STATUS_FAILED" })],
  ];
  for (const [name, route, response] of failures) {
    test(`comes alone when joining is ${name}`, async () => {
      await using started = start();
      started.stub.on[route] = response;
      const caller = createCaller();
      const base = await run(started, request(), caller);
      const { result, note } = await run(started, request({ mode: "extend", ...sourceOf(base.operation) }), caller);
      expect(result).toMatchObject({ form: "media", name: "video-4", missing: "concatenation" });
      expect(note).toContain("alone");
      await started.flow.downloadVideo(result, caller.token, caller.call);
      expect(started.stub.named("redirect").at(-1)!.path).toContain("name=video-4&");
    });
  }
});

describe("a finished video", () => {
  const bad = () => new Response("gone", { status: 403 });
  const ways: [string, StubRoute[], boolean][] = [
    ["by its bytes when the link leads nowhere", ["file"], true],
    ["by its bytes when there is no link", ["redirect"], true],
    ["by its link when the bytes are refused", ["media"], true],
    ["not at all when every way is closed", ["redirect", "media"], false],
  ];
  for (const [name, closed, arrives] of ways) {
    test(`is fetched ${name}, and may be fetched again`, async () => {
      await using started = start();
      const caller = createCaller();
      const { result } = await run(started, request(), caller);
      for (const route of closed) started.stub.on[route] = bad;
      const fetch = () => started.flow.downloadVideo(result, caller.token, caller.call);
      if (arrives) expect((await fetch()).bytes).toBe(CLIP.length);
      else expect(await failureOf(fetch())).toMatchObject({ kind: "upstream_unavailable", charged: false });
      expect(caller.drafts.map((tempFile) => tempFile.end)).toEqual(arrives ? ["closed"] : []);
      expect(started.stub.count("video")).toBe(1);
    });
  }

  test("is let go at once when the caller stops", async () => {
    await using started = start();
    const caller = createCaller();
    const { result } = await run(started, request(), caller);
    const reason = new AppError("cancelled", "The server stops.");
    started.stub.on.file = () => {
      caller.abort.abort(reason);
      return new Promise<Response>(() => {});
    };
    expect(await failureOf(started.flow.downloadVideo(result, caller.token, caller.call))).toBe(reason);
  });
});

test("what another adapter gave out is no handle", async () => {
  await using started = start();
  const { token, call } = createCaller();
  for (const json of [null, {}, "x", { id: "interactions/1" }] as Json[]) {
    for (const act of [
      () => started.flow.pollVideo(json, token, call),
      () => started.flow.downloadVideo(json, token, call),
      () => started.flow.continueVideo(json, token, call, async () => {}),
    ]) {
      expect((await failureOf(act())).kind).toBe("upstream_invalid");
    }
  }
  expect(started.stub.calls).toEqual([]);
});
