// Videos of the Gemini provider against the simulator: every mode, and every misbehaviour that it knows of videos.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { InputMedia, Json, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { startSimulator } from "../../simulator/simulator.ts";
import type { ProviderToken, VideoStatus } from "../provider.ts";
import { builtInModels, memoryCall } from "../testing.ts";
import { createGemini } from "./client.ts";

const simulator = await startSimulator({ videoMs: 10, fileMs: 10 });
const pauses: number[] = [];
const gemini = createGemini({
  models: builtInModels("gemini"),
  baseUrl: simulator.geminiBaseUrl,
  now: () => 0,
  log: silentLog,
  async pause(ms) {
    pauses.push(ms);
    await Bun.sleep(2);
  },
});
const token: ProviderToken = { id: 1, secret: "demo-key", proxy: null, state: {} };
const request: VideoRequest = { family: "gemini-omni-1.2-flash", mode: "text", prompt: "a fox", seconds: 4, images: [] };
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const renderedImage: InputMedia = { mime: "image/png", data: new Blob([Buffer.from(PIXEL, "base64")]) };

afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  simulator.setOptions({ videoMs: 10, fileMs: 10 });
  pauses.length = 0;
});

async function start(change: Partial<VideoRequest> = {}, secret = token.secret) {
  let submitted = 0;
  let error: AppError | null = null;
  let operation: Json = null;
  try {
    const onSubmit = async () => void submitted++;
    ({ operation } = await gemini.startVideo({ ...request, ...change }, { ...token, secret }, memoryCall().call, onSubmit));
  } catch (thrown) {
    error = thrown as AppError;
  }
  return { operation, error, submitted };
}

/** Asks until there is an end; a failed poll counts as none. */
async function end(operation: Json, secret = token.secret): Promise<VideoStatus> {
  for (let look = 0; look < 500; look++) {
    const status = await gemini.pollVideo(operation, { ...token, secret }, memoryCall().call);
    if (status.state !== "pending") return status;
    await Bun.sleep(2);
  }
  throw new Error("the video never ends");
}

async function download(status: VideoStatus): Promise<InputMedia> {
  if (status.state !== "done") throw new Error(`the video is ${status.state}`);
  const { call, drafts } = memoryCall();
  const tempFile = await gemini.downloadVideo(status.result, token, call);
  return { mime: tempFile.mime, data: new Blob([new Uint8Array(drafts.files[Number(tempFile.path)]!.bytes)]) };
}

async function make(change: Partial<VideoRequest> = {}) {
  const { operation, error } = await start(change);
  if (error) throw error;
  const status = await end(operation);
  return { operation, status, media: await download(status) };
}

const submissions = () => simulator.calls().filter((call) => call.operation === "gemini.interaction");
const isVideo = async (media: InputMedia) => (await media.data.slice(4, 8).text()) === "ftyp";

describe("every mode of both families", () => {
  const own = async (mode: VideoRequest["mode"]) => {
    const { media, operation } = await make();
    return { mode, source: { media, operation } };
  };
  const uploaded = async (mode: VideoRequest["mode"]) => {
    const { media } = await make();
    return { mode, source: { media, operation: null } };
  };
  const MODES: [name: string, change: () => Promise<Partial<VideoRequest>>, task: string][] = [
    ["text", async () => ({ aspect: "9:16", resolution: "1080p", seed: 3 }), "text_to_video"],
    ["first frame", async () => ({ mode: "first_frame", images: [renderedImage] }), "image_to_video"],
    ["first and last frame", async () => ({ mode: "frames", images: [renderedImage, renderedImage] }), "image_to_video"],
    ["references", async () => ({ mode: "references", images: [renderedImage, renderedImage, renderedImage] }), "reference_to_video"],
    ["edit of a result", () => own("edit"), "edit"],
    ["extension of a result", () => own("extend"), "extend"],
    ["upscale of a result", async () => ({ ...(await own("upscale")), prompt: "", resolution: "4k" }), "upscale"],
    ["edit of a client's video", () => uploaded("edit"), "edit"],
    ["extension of a client's video", () => uploaded("extend"), "extend"],
    ["upscale of a client's video", async () => ({ ...(await uploaded("upscale")), prompt: "" }), "upscale"],
    ["reference that is a video", () => uploaded("references"), "reference_to_video"],
  ];
  for (const family of ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash"])
    test.each(MODES)(`%s on ${family}`, async (_, change, task) => {
      const { media, status } = await make({ family, ...(await change()) });
      expect(await isVideo(media)).toBe(true);
      expect(status).toMatchObject({ usage: { outputImage: expect.any(Number) } });
      const body = submissions().at(-1)!.body as { model: string; generation_config: { video_config: object } };
      expect(body).toMatchObject({ model: family, generation_config: { video_config: { task } } });
    });

  test("our own result goes by its interaction; another project's token uploads it", async () => {
    const source = await make();
    const change: Partial<VideoRequest> = { mode: "edit", source: { media: source.media, operation: source.operation } };
    expect((await start(change)).submitted).toBe(1);
    expect(submissions().at(-1)!.body).toHaveProperty("previous_interaction_id");
    expect(await start(change, "other-key")).toMatchObject({ error: null, submitted: 1 });
    expect(submissions().at(-1)!.body).not.toHaveProperty("previous_interaction_id");
  });
});

test("a key's list of models reports which video families it has", async () => {
  const families = async () => (await gemini.check(token, memoryCall().call)).families;
  expect(await families()).toEqual(expect.arrayContaining(["gemini-omni-1.2-flash", "gemini-omni-1.1-flash", "gemini-3-pro-image"]));
  simulator.setFaults("gemini.interaction=retired(gemini-omni-1.1-flash)");
  expect(await families()).not.toContain("gemini-omni-1.1-flash");
});

describe("submissions that the upstream refuses or loses", () => {
  const FAULTS: [fault: string, kind: string, reason?: string, charged?: boolean][] = [
    ["bad-key", "upstream_unauthorized", "key_invalid"],
    ["leaked", "upstream_unauthorized", "key_leaked"],
    ["billing", "upstream_unauthorized", "billing"],
    ["location", "upstream_unauthorized", "location"],
    ["retired", "upstream_model_denied", "model_missing"],
    ["429-minute(47)", "upstream_rate_limited", "per_minute"],
    ["429-day", "upstream_quota", "per_day"],
    ["429-limit-zero", "upstream_model_denied", "limit_zero"],
    ["429-nodetails", "upstream_rate_limited", "no_details"],
    ["429-string", "upstream_rate_limited", "no_details"],
    ["string-code", "upstream_invalid"],
    ["invalid", "upstream_invalid"],
    ["500", "upstream_unavailable", "internal"],
    ["503", "upstream_unavailable", "overloaded"],
    ["array-error", "upstream_unavailable", "overloaded"],
    ["504", "upstream_timeout", "internal", true],
    ["html", "upstream_unknown_outcome", "internal", true],
    ["lost", "upstream_unknown_outcome", undefined, true],
    ["cut", "upstream_unknown_outcome", "cut_off", true],
    ["malformed", "upstream_unknown_outcome", "malformed", true],
  ];
  const table = FAULTS.map(([fault, kind, reason = null, charged = false]) => [fault, kind, reason, charged] as const);
  test.each(table)("%s is %s, reason %p, charged %p, asked once", async (fault, kind, reason, charged) => {
    simulator.setFaults(`gemini.interaction=${fault}`);
    const { error, submitted } = await start();
    expect(error).toMatchObject({ kind, charged, ...(reason ? { detail: { reason } } : {}) });
    expect([submitted, submissions().length]).toEqual([1, 1]);
  });
});

describe("videos that come to nothing", () => {
  const outcomeOf = async (faults: string, change: Partial<VideoRequest> = {}, secret = token.secret) => {
    simulator.setFaults(faults);
    const { operation, error } = await start(change, secret);
    expect(error).toBeNull();
    return end(operation, secret);
  };

  test("words alone are a refusal in these words", async () => {
    const status = await outcomeOf("gemini.interaction=text");
    expect(status).toMatchObject({
      state: "failed",
      error: { kind: "content_policy", detail: { scope: "request", reason: "policy_output" } },
    });
    expect(status.state === "failed" && status.error.message).toContain("I cannot make that video");
  });

  test.each([
    ["empty", "no_result"],
    ["incomplete", "no_result"],
    ["fail", "upstream_unavailable"],
  ])("%s is %s, not charged", async (fault, kind) => {
    expect(await outcomeOf(`gemini.interaction=${fault}`)).toMatchObject({ state: "failed", error: { kind, charged: false } });
  });

  test("a region that may not change uploaded videos gets an explanation", async () => {
    const clip = (await make()).media;
    // The simulator keeps such uploads from being edited for keys of this name.
    const status = await outcomeOf("", { mode: "edit", source: { media: clip, operation: null } }, "eea-key");
    expect(status).toMatchObject({ state: "failed", error: { kind: "no_result", message: expect.stringContaining("EEA") } });
  });

  test("what another key asks for is unknown", async () => {
    const { operation } = await start();
    const longAgo = { ...(operation as object), createdAt: -1e9 };
    expect(await end(longAgo, "other-key")).toMatchObject({
      state: "failed",
      error: { kind: "upstream_unknown_outcome", charged: true },
    });
  });

  test("a video that runs can be cancelled, one that is done cannot", async () => {
    simulator.setFaults("gemini.interaction=stuck");
    const { operation } = await start();
    const { call } = memoryCall();
    expect(await gemini.pollVideo(operation, token, call)).toEqual({ state: "pending", progress: null });
    expect(await gemini.cancelVideo(operation, token, call)).toBe(true);
    expect(await end(operation)).toMatchObject({ state: "failed", error: { kind: "cancelled" } });
    simulator.setFaults("");
    const done = await make();
    expect(await gemini.cancelVideo(done.operation, token, call)).toBe(false);
  });
});

describe("polls that fail leave the video alone", () => {
  test.each(["lost", "cut", "malformed", "html", "500", "503", "504", "array-error", "429-minute", "429-string", "bad-key", "location"])(
    "%s is thrown, uncharged, and the next poll finds it",
    async (fault) => {
      const { operation } = await start();
      simulator.setFaults(`gemini.interaction-get=${fault}`);
      const error = await gemini.pollVideo(operation, token, memoryCall().call).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(AppError);
      expect([error.charged, ["upstream_unknown_outcome", "upstream_timeout", "upstream_invalid"].includes(error.kind)]).toEqual([
        false,
        false,
      ]);
      simulator.setFaults("");
      expect(await end(operation)).toMatchObject({ state: "done" });
    },
  );

  test("a status that nobody has seen is no end", async () => {
    const { operation } = await start();
    await end(operation);
    simulator.setFaults("gemini.interaction-get=strange-status");
    expect(await gemini.pollVideo(operation, token, memoryCall().call)).toEqual({ state: "pending", progress: null });
  });
});

describe("fetching", () => {
  const done = async () => end((await start()).operation);

  test("waits while the file is being processed", async () => {
    simulator.setOptions({ fileMs: 60 });
    expect(await isVideo(await download(await done()))).toBe(true);
    expect(pauses.length).toBeGreaterThan(0);
  });

  test("follows a redirect to a signed link", async () => {
    const status = await done();
    simulator.setFaults("gemini.file-download=redirect");
    expect(await isVideo(await download(status))).toBe(true);
  });

  test("gives up on a file that failed", async () => {
    simulator.setFaults("gemini.interaction=file-failed");
    await expect(download(await done())).rejects.toMatchObject({ kind: "no_result", charged: true });
  });

  test.each(["cut", "lost", "html", "500", "503", "504", "array-error", "429-nodetails"])(
    "after %s may be repeated without another submission",
    async (fault) => {
      const status = await done();
      const { call, drafts } = memoryCall();
      simulator.setFaults(`gemini.file-download=${fault}`);
      const result = status.state === "done" ? status.result : null;
      const error = await gemini.downloadVideo(result, token, call).catch((thrown) => thrown);
      expect(error).toMatchObject({ kind: fault === "429-nodetails" ? "upstream_rate_limited" : "upstream_unavailable", charged: false });
      expect(drafts.states().filter((state) => state !== "discarded")).toEqual([]);
      simulator.setFaults("");
      expect(await isVideo(await download(status))).toBe(true);
      expect(submissions()).toHaveLength(1);
    },
  );

  test("takes bytes that came inside the interaction", async () => {
    const response = await fetch(`${simulator.geminiBaseUrl}/v1beta/interactions`, {
      method: "POST",
      headers: { "x-goog-api-key": token.secret, "content-type": "application/json" },
      body: JSON.stringify({ model: request.family, input: "a fox", background: true }),
    });
    const { id } = (await response.json()) as { id: string };
    const status = await end({ interactionId: id });
    expect(status).toMatchObject({ state: "done", result: { interactionId: id, inline: true } });
    expect(await isVideo(await download(status))).toBe(true);
  });
});

describe("uploads that fail cost nothing", () => {
  test.each([
    ["gemini.file-start=503", "upstream_unavailable"],
    ["gemini.file-start=lost", "upstream_unavailable"],
    ["gemini.file-upload=cut", "upstream_unavailable"],
    ["gemini.file-upload=504", "upstream_unavailable"],
    ["gemini.file-get=html", "upstream_unavailable"],
    ["gemini.file-upload=file-failed", "upstream_invalid"],
  ])("%s is %s", async (faults, kind) => {
    const { media } = await make();
    simulator.setFaults(faults);
    const change: Partial<VideoRequest> = { mode: "edit", source: { media, operation: null } };
    expect(await start(change)).toMatchObject({ submitted: 0, error: { kind, charged: false } });
    expect(submissions()).toHaveLength(1);
  });
});
