// Undelivered outcomes: a client that leaves and asks the same again is paid for once, on every route that makes images or videos.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync } from "node:fs";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText } from "ai";
import { systemClock } from "../../src/clock.ts";
import { parseModel } from "../../src/gateway/models/testing.ts";
import { newId } from "../../src/ids.ts";
import { temporaryFolder } from "../../src/testing.ts";
import { until } from "../keys.ts";
import { framesOf, GEMINI, GEMINI_TWO, type Rig, type RigOptions, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const MODEL = "gemini-3.1-flash-image";
const ASK = { model: MODEL, messages: [{ role: "user", content: "a fox" }] };
const SLOW = "gemini.generate=latency(300)";
const JOINED = "x-flow2api-joined";

type Shape = { path: string; body: object | (() => FormData) };

const pixel = Uint8Array.fromBase64("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
/** A form with a boundary of its own each time. */
function edit(): FormData {
  const form = new FormData();
  form.set("model", MODEL);
  form.set("prompt", "make it red");
  form.set("image", new File([pixel], "a.png", { type: "image/png" }));
  return form;
}

const ROUTES: Record<string, Shape> = {
  chat: { path: "/v1/chat/completions", body: ASK },
  "chat, streamed": { path: "/v1/chat/completions", body: { ...ASK, stream: true } },
  "chat below Google's prefix": { path: "/v1beta/openai/chat/completions", body: ASK },
  images: { path: "/v1/images/generations", body: { model: MODEL, prompt: "a fox" } },
  "images, streamed": { path: "/v1/images/generations", body: { model: MODEL, prompt: "a fox", stream: true } },
  "two images": { path: "/v1/images/generations", body: { model: MODEL, prompt: "a fox", n: 2, response_format: "url" } },
  "edits as a form": { path: "/v1/images/edits", body: edit },
  responses: { path: "/v1/responses", body: { model: MODEL, input: "a fox" } },
  "responses, streamed": { path: "/v1/responses", body: { model: MODEL, input: "a fox", stream: true } },
  generateContent: { path: `/v1beta/models/${MODEL}:generateContent`, body: { contents: [{ parts: [{ text: "a fox" }] }] } },
  streamGenerateContent: {
    path: `/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`,
    body: { contents: [{ parts: [{ text: "a fox" }] }] },
  },
  predict: { path: "/v1beta/models/imagen-4.0-generate-001:predict", body: { instances: [{ prompt: "a fox" }] } },
  interactions: { path: "/v1beta/interactions", body: { model: MODEL, input: "a fox" } },
  "interactions, streamed": { path: "/v1beta/interactions", body: { model: MODEL, input: "a fox", stream: true } },
};

const accepted = (rig: Rig) => rig.simulator.counts().total.accepted;
const send = (rig: Rig, { path, body }: Shape, init: RequestInit = {}) =>
  typeof body === "function" ? rig.call(path, { method: "POST", body: body(), ...init }) : rig.call(path, { json: body, ...init });
const slow = (options: RigOptions = {}) => startRig({ tokens: [GEMINI, GEMINI_TWO], simulator: { faults: SLOW }, ...options });
const keyId = async (rig: Rig) => (await rig.context.store.listKeys())[0]!.id;
const paid = async (rig: Rig) => {
  await until(() => rig.context.limits.gauges().reservations === 0);
  return rig.context.limits.usage(await keyId(rig)).total;
};

/** Sends the request and leaves when the upstream has taken `calls` of its calls. */
async function leave(rig: Rig, shape: Shape, calls = 1, init: RequestInit = {}): Promise<void> {
  const before = rig.simulator.counts().total.requests;
  const left = new AbortController();
  const leaving = send(rig, shape, { ...init, signal: left.signal }).then((response) => response.text());
  leaving.catch(() => {});
  await until(() => rig.simulator.counts().total.requests >= before + calls);
  left.abort();
  await leaving.catch(() => {});
  await until(async () => rig.context.undelivered.has(await keyId(rig)));
}

const FAILED = /"error":\{|response\.failed/;

describe.each(Object.entries(ROUTES))("%s", (name, shape) => {
  const calls = name === "two images" ? 2 : 1;

  test("who leaves and sends the same joins the call under way; what was delivered is not given again", async () => {
    await using rig = await slow();
    await leave(rig, shape, calls);
    const again = await send(rig, shape);
    const text = await again.text();
    expect([again.status, again.headers.has(JOINED), FAILED.test(text)]).toEqual([200, true, false]);
    expect(accepted(rig)).toBe(calls);
    expect((await paid(rig)).images).toBe(calls);
    rig.simulator.setFaults("");
    const another = await send(rig, shape);
    expect([another.status, another.headers.has(JOINED)]).toEqual([200, false]);
    await another.text();
    expect(accepted(rig)).toBe(2 * calls);
  });

  test("who comes after the call has ended gets its stored result, also after a restart, once", async () => {
    await using first = await slow();
    await leave(first, shape, calls);
    await until(() => first.context.limits.gauges().reservations === 0);
    await first.stopGateway();
    await using rig = await startRig({ tokens: [], folder: first.folder });
    const again = await send(rig, shape);
    expect([again.status, again.headers.has(JOINED), FAILED.test(await again.text())]).toEqual([200, true, false]);
    expect(accepted(rig)).toBe(0);
    const another = await send(rig, shape);
    expect([another.status, another.headers.has(JOINED), FAILED.test(await another.text())]).toEqual([200, false, false]);
    expect([accepted(first), accepted(rig)]).toEqual([calls, calls]);
  });
});

const CHAT = ROUTES.chat!;

describe("a call whose client has left", () => {
  test("goes to one of two that come at once; the other makes its own", async () => {
    await using rig = await slow();
    await leave(rig, CHAT);
    const both = await Promise.all([send(rig, CHAT), send(rig, CHAT)]);
    expect(both.map(({ headers }) => headers.has(JOINED)).sort()).toEqual([false, true]);
    expect(new Set(await Promise.all(both.map((response) => response.text()))).size).toBe(2);
    expect(accepted(rig)).toBe(2);
  });

  test("is joined again and again by a client that is cut each time", async () => {
    await using rig = await slow({ simulator: { faults: "gemini.generate=latency(800)" } });
    await leave(rig, CHAT);
    for (let cut = 0; cut < 3; cut++) {
      const left = new AbortController();
      const response = send(rig, ROUTES["chat, streamed"]!, { signal: left.signal });
      const reader = (await response).body!.getReader();
      await reader.read();
      left.abort();
      await reader.closed.catch(() => {});
    }
    const last = await send(rig, CHAT);
    expect([last.status, last.headers.has(JOINED)]).toEqual([200, true]);
    expect(accepted(rig)).toBe(1);
  });

  test("is one of four: each of four repeats gets one of them", async () => {
    await using rig = await slow();
    const left = new AbortController();
    const four = Array.from({ length: 4 }, () => send(rig, CHAT, { signal: left.signal }).catch(() => {}));
    await until(() => rig.simulator.counts().total.requests === 4);
    left.abort();
    await Promise.all(four);
    const repeats = await Promise.all(Array.from({ length: 4 }, () => send(rig, CHAT)));
    expect(new Set(repeats.map(({ headers }) => headers.get(JOINED))).size).toBe(4);
    expect(new Set(await Promise.all(repeats.map((response) => response.text()))).size).toBe(4);
    expect(accepted(rig)).toBe(4);
  });

  test("is one charge behind a proxy that cuts three times before the result is there", async () => {
    await using rig = await slow({ simulator: { faults: "gemini.generate=latency(900)" } });
    await using proxy = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const cut = AbortSignal.timeout(250);
        const { pathname } = new URL(request.url);
        const body = await request.text();
        return rig.call(pathname, { method: "POST", body, headers: { "content-type": "application/json" }, signal: cut }).then(
          async (response) => new Response(await response.text(), { status: response.status }),
          () => new Response("", { status: 504 }),
        );
      },
    });
    const statuses: number[] = [];
    while (statuses.at(-1) !== 200 && statuses.length < 20) {
      const response = await fetch(`${proxy.url.origin}/v1/chat/completions`, { method: "POST", body: JSON.stringify(ASK) });
      statuses.push(response.status);
    }
    expect([statuses.at(-1), statuses.filter((status) => status === 504).length > 2]).toEqual([200, true]);
    expect([accepted(rig), (await paid(rig)).images]).toEqual([1, 1]);
  });

  test("is reported as unknown after a crash, and no upstream is asked", async () => {
    await using first = await slow({ simulator: { faults: "gemini.generate=latency(3000)" } });
    await leave(first, CHAT);
    await first.context.undelivered.flush();
    using copy = temporaryFolder();
    cpSync(first.folder, copy.path, { recursive: true });
    await using rig = await startRig({ tokens: [], folder: copy.path });
    const again = await send(rig, CHAT);
    expect([again.status, again.headers.has(JOINED), again.headers.get("x-should-retry")]).toEqual([502, true, "false"]);
    expect(rig.simulator.counts().total.requests).toBe(0);
  });

  test.each([
    ["eleven minutes", 11, true],
    ["two hours", 120, false],
  ])("is returned for ten minutes from the next start on, %s after its client left", async (_, minutes, isTold) => {
    await using first = await slow({ simulator: { faults: "gemini.generate=latency(3000)" } });
    await leave(first, CHAT);
    await first.context.undelivered.flush();
    using copy = temporaryFolder();
    cpSync(first.folder, copy.path, { recursive: true });
    let skipped = minutes * 60_000;
    const clock = { now: () => Date.now() + skipped, after: systemClock.after };
    await using rig = await startRig({ tokens: [], folder: copy.path, clock });
    const again = await send(rig, CHAT);
    expect([again.status, again.headers.has(JOINED)]).toEqual([isTold ? 502 : 200, isTold]);
    skipped += 600_001;
    expect((await send(rig, CHAT)).status).toBe(200);
  });

  test.each(["chat", "images", "generateContent", "responses"])(
    "that ended in a refusal returns it once to the next on %s",
    async (route) => {
      await using rig = await slow({ simulator: { latencyMs: 300, faults: "gemini.generate=prohibited" } });
      const shape = ROUTES[route]!;
      await leave(rig, shape);
      const told = await send(rig, shape);
      expect([told.headers.has(JOINED) || told.status === 400, (await told.text()).length > 0]).toEqual([true, true]);
      expect([rig.context.undelivered.has(await keyId(rig)), rig.simulator.counts().operations["gemini.generate"]?.requests]).toEqual([
        false,
        1,
      ]);
    },
  );

  test("is another key's affair to nobody, and another request's to none", async () => {
    await using rig = await slow();
    await leave(rig, CHAT);
    const other = await rig.chat({ messages: [{ role: "user", content: "a cat" }] });
    expect([other.status, other.headers.has(JOINED)]).toEqual([200, false]);
    expect(accepted(rig)).toBe(2);
  });

  test("is passed over by x-flow2api-retry: 1, and forgotten", async () => {
    await using rig = await slow();
    await leave(rig, CHAT);
    const insisting = await send(rig, CHAT, { headers: { "x-flow2api-retry": "1" } });
    expect([insisting.status, insisting.headers.has(JOINED)]).toEqual([200, false]);
    const next = await send(rig, CHAT);
    expect([next.status, next.headers.has(JOINED)]).toEqual([200, false]);
    expect(accepted(rig)).toBe(3);
  });

  test("under an Idempotency-Key keeps that rule", async () => {
    await using rig = await slow();
    const named = { headers: { "idempotency-key": "a-name" } };
    const left = new AbortController();
    const leaving = send(rig, CHAT, { ...named, signal: left.signal });
    await until(() => rig.simulator.counts().total.requests > 0);
    left.abort();
    await leaving.catch(() => {});
    const without = await send(rig, CHAT);
    expect([without.status, without.headers.has(JOINED)]).toEqual([200, false]);
    const again = await send(rig, CHAT, named);
    expect([again.status, again.headers.has(JOINED), again.headers.has("x-flow2api-job")]).toEqual([200, false, true]);
    expect(accepted(rig)).toBe(2);
  });

  test("that has not reached an upstream ends, and costs nothing", async () => {
    await using rig = await slow({ tokens: [{ ...GEMINI, imageConcurrency: 1 }], simulator: { faults: "gemini.generate=latency(1000)" } });
    const first = send(rig, CHAT);
    await until(() => rig.simulator.counts().total.requests > 0);
    const left = new AbortController();
    const waiting = send(rig, { path: "/v1/images/generations", body: { model: MODEL, prompt: "another" } }, { signal: left.signal });
    await until(() => rig.context.pool.gauges().queued === 1);
    left.abort();
    await waiting.catch(() => {});
    await until(() => rig.context.pool.gauges().queued === 0);
    expect((await first).status).toBe(200);
    expect([accepted(rig), rig.context.undelivered.has(await keyId(rig))]).toEqual([1, false]);
  });

  test("with two images of which one waits for a token makes both, once", async () => {
    await using rig = await slow({ tokens: [{ ...GEMINI, imageConcurrency: 1 }] });
    await leave(rig, ROUTES["two images"]!, 1);
    const again = await send(rig, ROUTES["two images"]!);
    expect(((await again.json()) as { data: unknown[] }).data).toHaveLength(2);
    expect(accepted(rig)).toBe(2);
  });

  test("is cut with on_disconnect = abort, counted at the estimate, and reported so", async () => {
    await using rig = await slow({ settings: { "generation.on_disconnect": "abort" } });
    await leave(rig, CHAT);
    const { images, usd } = await paid(rig);
    expect([images, usd > 0]).toEqual([1, true]);
    const again = await send(rig, CHAT);
    expect([again.status, again.headers.has(JOINED), again.headers.get("x-should-retry")]).toEqual([499, true, "false"]);
    expect(rig.simulator.counts().total.requests).toBe(1);
  });

  test("ends before the server stops, or is cut and reported as unknown afterwards", async () => {
    await using first = await slow({ simulator: { faults: "gemini.generate=latency(5000)" }, settings: { "server.drain_timeout": 0 } });
    await leave(first, CHAT);
    await first.stopGateway();
    await using rig = await startRig({ tokens: [], folder: first.folder });
    const again = await send(rig, CHAT);
    expect([again.status >= 400, again.headers.has(JOINED), again.headers.get("x-should-retry")]).toEqual([true, true, "false"]);
    expect(rig.simulator.counts().total.requests).toBe(0);
  });
});

describe("an outcome that may have been charged and has no result", () => {
  test.each(Object.entries(ROUTES).filter(([name]) => ["chat", "images", "responses", "generateContent", "predict"].includes(name)))(
    "is returned again on %s, and no upstream is asked",
    async (_, shape) => {
      await using rig = await startRig({ simulator: { faults: "gemini.generate=lost" } });
      const first = await send(rig, shape);
      const body = (await first.json()) as { error: { code: unknown } };
      const calls = rig.simulator.counts().total.requests;
      const [again, also] = await Promise.all([send(rig, shape), send(rig, shape)]);
      const told = (await again.json()) as typeof body & { error: { message: string } };
      expect([again.status, told.error.code, also.status]).toEqual([first.status, body.error.code, first.status]);
      expect(told.error.message).toContain("x-flow2api-retry: 1");
      expect(again.headers.has(JOINED)).toBe(true);
      expect(rig.simulator.counts().total.requests).toBe(calls);
      rig.simulator.setFaults("");
      expect((await send(rig, shape, { headers: { "x-flow2api-retry": "1" } })).status).toBe(200);
      expect((await send(rig, shape)).status).toBe(200);
    },
  );

  test("is one charge of the AI SDK, which repeats it by itself", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], simulator: { faults: "gemini.generate=lost" } });
    const provider = createOpenAICompatible({ name: "f2a", baseURL: `${rig.url}/v1`, apiKey: rig.key });
    const failure = await generateText({ model: provider(MODEL), prompt: "a fox", maxRetries: 1 }).catch((error) => error as Error);
    expect(failure).toBeInstanceOf(Error);
    expect([rig.simulator.counts().operations["gemini.generate"]?.requests, (await paid(rig)).images]).toEqual([1, 1]);
  });

  test("is reported after a restart, and is over after ten minutes", async () => {
    const start = Date.now();
    let skipped = 0;
    const clock = { now: () => Date.now() + skipped, after: systemClock.after };
    await using first = await startRig({ clock, simulator: { faults: "gemini.generate=lost" } });
    expect((await send(first, CHAT)).status).toBeGreaterThanOrEqual(500);
    await first.stopGateway();
    await using rig = await startRig({ tokens: [], folder: first.folder, clock });
    expect((await send(rig, CHAT)).headers.has(JOINED)).toBe(true);
    skipped = 600_001 + (Date.now() - start);
    const after = await send(rig, CHAT);
    expect([after.status, after.headers.has(JOINED)]).toEqual([200, false]);
  });

  test("a key whose responses all arrived has nothing on offer", async () => {
    await using rig = await slow();
    await (await send(rig, CHAT)).text();
    expect(rig.context.undelivered.has(await keyId(rig))).toBe(false);
  });
});

test("a client that leaves when all is made and not all is sent has not got it", async () => {
  await using rig = await startRig({});
  const { generate, keys, undelivered, clock } = rig.context;
  const begin = (signal: AbortSignal) =>
    generate({
      requestId: newId(),
      dialect: "openai",
      route: "POST /v1/images/generations",
      stream: false,
      key: keys.get(1)!,
      choice: parseModel(MODEL)!,
      options: {},
      turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }],
      n: 1,
      signal,
      startedAt: clock.now(),
    });
  const left = new AbortController();
  const run = await begin(left.signal);
  for await (const _ of run.events);
  left.abort();
  run.delivered!();
  expect(undelivered.has(1)).toBe(true);
  const again = await begin(new AbortController().signal);
  for await (const _ of again.events);
  again.delivered!();
  expect([Object.keys(again.headers), undelivered.has(1), accepted(rig)]).toEqual([[JOINED], false, 1]);
});

describe("a video over chat", () => {
  const video = (stream: boolean): Shape => ({
    path: "/v1/chat/completions",
    body: { model: "gemini-omni-1.2-flash", stream, messages: [{ role: "user", content: "make a video of a fox" }] },
  });

  test.each([true, false])("is joined as the same job by who sends the same again (streamed: %p), and delivered once", async (stream) => {
    await using rig = await startRig({ simulator: { videoMs: 300 } });
    const left = new AbortController();
    const leaving = send(rig, video(stream), { signal: left.signal });
    await until(async () => (await rig.context.jobs.list(null, { limit: 1 })).jobs.length > 0);
    if (stream) {
      const reader = (await leaving).body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes("/v1/videos/video_")) text += (await reader.read()).value;
    }
    left.abort();
    await leaving.catch(() => {});
    await until(async () => rig.context.undelivered.has(await keyId(rig)));
    const again = await send(rig, video(true));
    expect([again.status, again.headers.has(JOINED)]).toEqual([200, true]);
    expect(framesOf(await again.text()).join("")).toContain(".mp4");
    const [job, ...others] = (await rig.context.jobs.list(null, { limit: 5 })).jobs;
    expect([job?.id, others.length]).toEqual([again.headers.get("x-flow2api-job")!, 0]);
    const another = await send(rig, video(true));
    expect(another.headers.has(JOINED)).toBe(false);
    await another.body?.cancel();
  });

  test.each([true, false])("that was lost is returned again as the same job (streamed: %p)", async (stream) => {
    await using rig = await startRig({ simulator: { faults: "gemini.interaction=lost" } });
    const first = await send(rig, video(stream));
    expect(await first.text()).toContain("error");
    const made = rig.simulator.counts().operations["gemini.interaction"]!.requests;
    await until(async () => rig.context.undelivered.has(await keyId(rig)));
    const [again, also] = await Promise.all([send(rig, video(stream)), send(rig, video(stream))]);
    for (const response of [again, also]) {
      expect([response.headers.has(JOINED) || response.status >= 500, (await response.text()).includes("error")]).toEqual([true, true]);
    }
    expect(rig.simulator.counts().operations["gemini.interaction"]!.requests).toBe(made);
    expect((await rig.context.jobs.list(null, { limit: 5 })).jobs).toHaveLength(1);
  });
});

describe("a job whose client left before it had the job's id", () => {
  const JOBS: Record<string, Shape> = {
    videos: { path: "/v1/videos", body: { model: "gemini-omni-1.2-flash", prompt: "a fox" } },
    predictLongRunning: {
      path: "/v1beta/models/veo-3.1-generate-preview:predictLongRunning",
      body: { instances: [{ prompt: "a fox" }] },
    },
    "images in the background": { path: "/v1/images/generations", body: { model: MODEL, prompt: "a fox", background: true } },
    "an interaction in the background": { path: "/v1beta/interactions", body: { model: MODEL, input: "a fox", background: true } },
    "a video as an interaction": {
      path: "/v1beta/interactions",
      body: { model: "gemini-omni-1.2-flash", input: "a fox", background: true },
    },
  };

  test.each(Object.entries(JOBS))("%s: is given to who sends the same again, once", async (_, shape) => {
    await using rig = await startRig();
    const { jobs } = rig.context;
    const left = new AbortController();
    /** The client goes when its job is on disk and no byte of the response is out. */
    const patched = jobs as { createVideo: typeof jobs.createVideo; createImages: typeof jobs.createImages };
    const { createVideo, createImages } = Object.getPrototypeOf(jobs) as typeof patched;
    const leaving = async <T>(signal: AbortSignal | undefined, made: Promise<T>): Promise<T> => {
      const job = await made;
      left.abort();
      await until(() => signal?.aborted);
      return job;
    };
    patched.createVideo = (order) => leaving(order.client?.signal, createVideo.call(jobs, order));
    patched.createImages = (order) => leaving(order.client?.signal, createImages.call(jobs, order));
    await send(rig, shape, { signal: left.signal }).catch(() => {});
    await until(async () => rig.context.undelivered.has(await keyId(rig)));
    Object.assign(patched, { createVideo: createVideo.bind(jobs), createImages: createImages.bind(jobs) });

    const [job] = (await jobs.list(null, { limit: 5 })).jobs;
    const again = await send(rig, shape);
    const text = await again.text();
    expect([again.status < 300, again.headers.has(JOINED), text.includes(job!.id.split("_")[1]!)]).toEqual([true, true, true]);
    expect((await jobs.list(null, { limit: 5 })).jobs).toHaveLength(1);
    await (await send(rig, shape)).text();
    expect((await jobs.list(null, { limit: 5 })).jobs).toHaveLength(2);
  });
});
