// Videos against the simulator: every mode in both forms of reply, and every fault at every step with its kind, price and submissions.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Json, VideoRequest } from "../../domain/generation.ts";
import { AppError, type ErrorKind } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { startSimulator } from "../../simulator/simulator.ts";
import { builtInModels } from "../testing.ts";
import { createFlow } from "./client.ts";
import { createCaller, TEST_IMAGE } from "./testing.ts";

const simulator = await startSimulator();
afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  simulator.setOptions({ videoMs: 4, flowVideoReply: "workflows" });
});

const renderedImage = { mime: "image/png", data: new Blob([TEST_IMAGE]) };
const request = (change: Partial<VideoRequest> = {}): VideoRequest => ({
  family: "veo-3.1",
  mode: "text",
  prompt: "a train",
  images: [],
  ...change,
});
const sourceOf = (operation: Json) => ({ source: { media: renderedImage, operation } });

/** One account with an adapter of its own, whose clock runs ahead while a job waits. */
function account(secret = "flow-ultra-1") {
  const caller = createCaller({ secret });
  let ahead = 0;
  const flow = createFlow({
    models: builtInModels("flow"),
    labsBaseUrl: simulator.flowLabsBaseUrl,
    apiBaseUrl: simulator.flowApiBaseUrl,
    now: () => Date.now() + ahead,
    random: Math.random,
    log: silentLog,
  });
  const { token, call } = caller;

  /** Submits, polls whatever the status call says, continues, downloads. `faults` come into force after the first submission. */
  const make = async (asked: VideoRequest, faults = "") => {
    let submissions = 0;
    let unanswered = 0;
    const onSubmit = async () => void submissions++;
    let { operation } = await flow.startVideo(asked, token, call, onSubmit);
    simulator.setFaults(faults);
    for (;;) {
      const status = await flow.pollVideo(operation, token, call).catch((error: unknown) => {
        if (!(error instanceof AppError) || ++unanswered > 8) throw error;
        return { state: "pending" as const };
      });
      if (status.state === "failed") throw status.error;
      if (status.state === "next") ({ operation } = await flow.continueVideo(status.step, token, call, onSubmit));
      else if (status.state === "done") {
        const { result, note } = status;
        const tempFile = await flow.downloadVideo(result, token, call);
        const { bytes } = caller.drafts[Number(tempFile.path.replace("draft-", ""))]!;
        // The simulator marks each of its clips with the media id.
        return { operation, result, note, submissions, text: Buffer.from(bytes).toString("latin1") };
      } else {
        await Bun.sleep(1);
        ahead += 1000;
      }
    }
  };
  return { ...caller, flow, make };
}

const countOf = (operation: "flow.video" | "flow.concat" | "flow.video-status" | "flow.redirect" | "flow.media") =>
  simulator.counts().operations[operation] ?? { requests: 0, accepted: 0, charged: 0 };
const nameOf = (result: Json) => (result as { name: string }).name;

for (const flowVideoReply of ["workflows", "operations"] as const) {
  describe(`with replies as ${flowVideoReply}`, () => {
    beforeEach(() => simulator.setOptions({ flowVideoReply }));

    const requests: [string, VideoRequest, number][] = [
      ["words", request(), 1],
      ["words in lite for 4 s, upright", request({ quality: "lite", seconds: 4, aspect: "9:16" }), 1],
      ["the relaxed lane", request({ quality: "fast", relaxed: true }), 1],
      ["a first frame", request({ mode: "first_frame", images: [renderedImage] }), 1],
      ["first and last frame in lite", request({ mode: "frames", quality: "lite", images: [renderedImage, renderedImage] }), 1],
      ["references", request({ mode: "references", images: [renderedImage, renderedImage, renderedImage] }), 1],
      ["Omni", request({ family: "omni" }), 1],
      ["Omni with references", request({ family: "omni", mode: "references", images: [renderedImage], aspect: "9:16" }), 1],
      ["1080p", request({ resolution: "1080p" }), 2],
      ["4k from a first frame", request({ mode: "first_frame", images: [renderedImage], resolution: "4k", aspect: "9:16" }), 2],
    ];
    for (const [name, asked, submissions] of requests) {
      test(`a video of ${name} arrives, each stage paid once`, async () => {
        const made = await account().make(asked);
        expect([made.submissions, made.note]).toEqual([submissions, undefined]);
        expect(made.text.slice(4, 8)).toBe("ftyp");
        expect(made.text).toEndWith(nameOf(made.result));
        expect(countOf("flow.video")).toEqual({ requests: submissions, accepted: submissions, charged: submissions });
      });
    }

    test("a video is extended twice and joined each time, and upscaled when asked", async () => {
      const { make } = account();
      const base = await make(request({ aspect: "9:16" }));
      const upscaled = await make(request({ mode: "upscale", resolution: "4k", ...sourceOf(base.operation) }));
      const once = await make(request({ mode: "extend", ...sourceOf(upscaled.operation) }));
      const twice = await make(request({ mode: "extend", ...sourceOf(once.operation) }));
      expect([once.note, twice.note]).toEqual([undefined, undefined]);
      expect((twice.result as { pieces: Json[] }).pieces).toHaveLength(3);
      expect(twice.text).toEndWith(nameOf(twice.result));
      expect([countOf("flow.video").charged, countOf("flow.concat").charged]).toEqual([4, 2]);
    });
  });
}

describe("a submission", () => {
  type Case = { faults: string; kind: ErrorKind; charged: boolean; requests: number; accepted?: number };
  const cases: Case[] = [
    { faults: "flow.session=dead", kind: "upstream_unauthorized", charged: false, requests: 0 },
    { faults: "flow.project=lost", kind: "network", charged: false, requests: 0 },
    { faults: "flow.upload=minor", kind: "content_policy", charged: false, requests: 0 },
    { faults: "flow.upload=lost", kind: "network", charged: false, requests: 0 },
    { faults: "flow.video=verification", kind: "upstream_verification", charged: false, requests: 1 },
    { faults: "flow.video=verification-traffic", kind: "upstream_verification", charged: false, requests: 1 },
    { faults: "flow.video=verification-wrong", kind: "upstream_verification", charged: false, requests: 1 },
    { faults: "flow.video=verification-nodetails", kind: "upstream_verification", charged: false, requests: 1 },
    { faults: "flow.video=model-denied", kind: "upstream_model_denied", charged: false, requests: 1 },
    { faults: "flow.video=quota", kind: "upstream_quota", charged: false, requests: 1 },
    { faults: "flow.video=throttled", kind: "upstream_rate_limited", charged: false, requests: 1 },
    { faults: "flow.video=high-traffic", kind: "upstream_unavailable", charged: false, requests: 1 },
    { faults: "flow.video=array-error", kind: "upstream_unavailable", charged: false, requests: 1 },
    { faults: "flow.video=500", kind: "upstream_unavailable", charged: false, requests: 1 },
    { faults: "flow.video=502", kind: "upstream_unknown_outcome", charged: true, requests: 1 },
    { faults: "flow.video=invalid", kind: "upstream_invalid", charged: false, requests: 1 },
    { faults: "flow.video=unsafe", kind: "content_policy", charged: false, requests: 1 },
    { faults: "flow.video=prominent-people", kind: "content_policy", charged: false, requests: 1 },
    { faults: "flow.video=ip-input", kind: "content_policy", charged: false, requests: 1 },
    { faults: "flow.video=unauthorized", kind: "upstream_unauthorized", charged: false, requests: 2 },
    { faults: "flow.video=not-found", kind: "upstream_model_denied", charged: false, requests: 2 },
    { faults: "flow.video=504", kind: "upstream_timeout", charged: true, requests: 1, accepted: 1 },
    { faults: "flow.video=lost", kind: "upstream_unknown_outcome", charged: true, requests: 1, accepted: 1 },
    { faults: "flow.video=cut", kind: "upstream_unknown_outcome", charged: true, requests: 1, accepted: 1 },
    { faults: "flow.video=malformed", kind: "upstream_unknown_outcome", charged: true, requests: 1, accepted: 1 },
  ];
  for (const { faults, kind, charged, requests, accepted = 0 } of cases) {
    test(`${faults}: ${kind}, ${charged ? "" : "not "}charged`, async () => {
      simulator.setFaults(faults);
      const { flow, token, call } = account();
      let submissions = 0;
      const asked = request({ mode: "first_frame", images: [renderedImage] });
      const error = await flow.startVideo(asked, token, call, async () => void submissions++).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(AppError);
      expect([(error as AppError).kind, (error as AppError).charged]).toEqual([kind, charged]);
      expect(submissions).toBe(Math.min(1, requests));
      expect(countOf("flow.video")).toMatchObject({ requests, accepted });
    });
  }

  test("of a tier's missing mode is denied, of one without credits refused as used up", async () => {
    const { flow, token, call } = account("flow-free-1");
    const start = (change: Partial<VideoRequest>) =>
      flow.startVideo(request(change), token, call, async () => {}).catch((error: AppError) => error.kind);
    expect(await start({ quality: "fast", relaxed: true })).toBe("upstream_model_denied");
    expect(await start({})).toMatchObject({ operation: { stage: "base" } });
    expect(await start({})).toBe("upstream_quota");
  });

  test("that hangs is let go when the caller stops", async () => {
    simulator.setFaults("flow.video=hang");
    const { flow, token, call, abort } = account();
    const reason = new AppError("cancelled", "The server stops.");
    const started = flow.startVideo(request(), token, call, async () => void setTimeout(() => abort.abort(reason), 5));
    expect(await started.catch((error: unknown) => error)).toBe(reason);
  });
});

describe("a job", () => {
  test.each([
    ["fail", "upstream_unavailable"],
    ["job-error", "upstream_unavailable"],
    ["job-unsafe", "content_policy"],
    ["job-audio", "content_policy"],
    ["job-timeout", "upstream_timeout"],
  ])("%s ends as %s", async (fault, kind) => {
    simulator.setFaults(`flow.video=${fault}`);
    const error = await account()
      .make(request())
      .catch((reason: unknown) => reason);
    expect((error as AppError).kind as string).toBe(kind);
  });

  test("that never ends stays pending, however often it is asked for", async () => {
    simulator.setFaults("flow.video=stuck");
    const { flow, token, call } = account();
    const { operation } = await flow.startVideo(request(), token, call, async () => {});
    for (let poll = 0; poll < 100; poll++) expect((await flow.pollVideo(operation, token, call)).state).toBe("pending");
  });

  const survived = [
    "flow.video-status=500:2",
    "flow.video-status=lost:2",
    "flow.video-status=cut:2",
    "flow.video-status=malformed:2",
    "flow.video-status=html:2",
    "flow.video-status=throttled:2",
    "flow.video-status=verification:2",
    "flow.video-status=not-found:2",
    "flow.video-status=unauthorized:2",
    "flow.video-status=strange-status:3",
    "flow.video-status=escape-slash",
    "flow.session=503:2, flow.video-status=unauthorized:2",
    "flow.session=rotate, flow.video-status=unauthorized:once",
    "flow.redirect=500",
    "flow.redirect=lost",
    "flow.redirect=unauthorized",
    "flow.redirect=html",
    "flow.download=not-found",
    "flow.download=cut",
    "flow.download=lost",
    "flow.download=html",
    "flow.download=slow(1)",
    "flow.media=500",
    "flow.redirect=500, flow.media=unauthorized:once",
    "flow.redirect=500, flow.media=escape-slash",
    "flow.redirect=500, flow.media=escape-padding",
    "flow.redirect=500, flow.media=slow(1)",
  ];
  for (const faults of survived) {
    test(`arrives whole and paid once through ${faults}`, async () => {
      const { make, drafts } = account();
      const made = await make(request(), faults);
      expect(made.text).toEndWith(nameOf(made.result));
      expect(countOf("flow.video")).toEqual({ requests: 1, accepted: 1, charged: 1 });
      expect(drafts.filter((tempFile) => tempFile.end === "closed")).toHaveLength(1);
      expect(drafts.filter((tempFile) => tempFile.end === "open")).toEqual([]);
    });
  }

  test.each([
    ["flow.redirect=500, flow.media=500", "upstream_unavailable"],
    ["flow.redirect=lost, flow.media=lost", "network"],
    ["flow.download=cut, flow.media=cut", "network"],
    ["flow.redirect=500, flow.media=malformed", "upstream_unavailable"],
  ])("whose file is not to be had (%s) may be fetched again", async (faults, kind) => {
    const { flow, token, call, make, drafts } = account();
    const { result } = await make(request());
    simulator.setFaults(faults);
    const error = await flow.downloadVideo(result, token, call).catch((reason: unknown) => reason);
    expect([(error as AppError).kind as string, (error as AppError).charged]).toEqual([kind, false]);
    simulator.setFaults("");
    expect((await flow.downloadVideo(result, token, call)).bytes).toBeGreaterThan(1000);
    expect(drafts.map((tempFile) => tempFile.end)).not.toContain("open");
    expect(countOf("flow.video").charged).toBe(1);
  });
});

describe("a further stage", () => {
  const upscales: [string, number, boolean][] = [
    ["flow.video=503:2", 4, true],
    ["flow.video=unauthorized:once", 3, true],
    ["flow.video=throttled", 5, false],
    ["flow.video=verification", 2, false],
    ["flow.video=quota", 2, false],
    ["flow.video=unsafe", 2, false],
    ["flow.video=lost", 2, false],
    ["flow.video=cut", 2, false],
    ["flow.video=504", 2, false],
    ["flow.video=fail", 2, false],
    ["flow.video=job-unsafe", 2, false],
  ];
  for (const [faults, requests, succeeds] of upscales) {
    test(`${faults}: the upscale is sent ${requests - 1} times, the video arrives ${succeeds ? "in 4k" : "as it was"}`, async () => {
      const made = await account().make(request({ resolution: "4k" }), faults);
      expect(made.result).toMatchObject({ missing: succeeds ? null : "upscale" });
      expect([countOf("flow.video").requests, made.note === undefined]).toEqual([requests, succeeds]);
      expect(made.text).toEndWith(nameOf(made.result));
    });
  }

  const joins: [string, number, boolean][] = [
    ["flow.concat=500:3", 4, true],
    ["flow.concat=lost:2", 3, true],
    ["flow.concat=malformed:once", 2, true],
    ["flow.concat=unauthorized:once", 2, true],
    ["flow.concat-status=lost:2", 1, true],
    ["flow.concat-status=500:2", 1, true],
    ["flow.concat-status=slow(1)", 1, true],
    ["flow.concat-status=escape-padding, flow.concat-status=escape-slash", 1, true],
    ["flow.concat=500", 4, false],
    ["flow.concat=lost", 4, false],
    ["flow.concat=invalid", 1, false],
    ["flow.concat=verification", 1, false],
    ["flow.concat=fail", 1, false],
  ];
  test("whose status breaks off goes on: asking is free", async () => {
    const { flow, token, call, make, drafts } = account();
    const base = await make(request());
    const made = await make(request({ mode: "extend", ...sourceOf(base.operation) }));
    simulator.setFaults("flow.concat-status=cut");
    const error = await flow.pollVideo(made.operation, token, call).catch((reason: unknown) => reason);
    expect([(error as AppError).kind, (error as AppError).charged]).toEqual(["network", false]);
    expect(drafts).toHaveLength(2);
  });

  for (const [faults, requests, succeeds] of joins) {
    test(`${faults}: the extension arrives ${succeeds ? "joined" : "alone"} after ${requests} tries to join it`, async () => {
      const { make } = account();
      const base = await make(request());
      const made = await make(request({ mode: "extend", ...sourceOf(base.operation) }), faults);
      expect(made.result).toMatchObject({ missing: succeeds ? null : "concatenation" });
      expect([countOf("flow.concat").requests, countOf("flow.video").charged]).toEqual([requests, 2]);
      expect(made.text).toEndWith(nameOf(made.result));
    });
  }
});
