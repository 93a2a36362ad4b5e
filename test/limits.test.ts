// A key's limits over HTTP: what a client is reported, what reaches the upstream, and what the ledger says afterwards.

import { describe, expect, test } from "bun:test";
import { type KeyChange, type KeyLimits, NO_LIMITS } from "../src/domain/key.ts";
import { parseModel } from "../src/gateway/models/testing.ts";
import { GEMINI, type Rig, startRig } from "./rig.ts";

const limits = (change: Partial<KeyLimits>): KeyChange => ({ limits: { ...NO_LIMITS, ...change } });

async function setKey({ context }: Rig, change: KeyChange): Promise<number> {
  const { store, keys } = context;
  const { id } = (await store.listKeys())[0]!;
  await store.updateKey(id, change);
  keys.load(await store.listKeys(), await store.listKeyHashes());
  return id;
}

/** Everything that was taken has been given back, in memory and on record. */
async function expectNothingOpen({ context }: Rig): Promise<void> {
  // Requests may still be on their way in: it has to stay so for a while.
  const open = () => context.limits.gauges().reservations + context.pool.gauges().inFlight.image;
  for (let turn = 0, quiet = 0; turn < 400 && quiet < 10; turn++) {
    await Bun.sleep(5);
    quiet = open() === 0 ? quiet + 1 : 0;
  }
  expect(context.limits.gauges()).toEqual({ reservations: 0, inFlight: 0 });
  expect(context.pool.gauges().inFlight).toEqual({ image: 0, video: 0 });
  await context.limits.flush();
  expect((await context.store.readLedger([], 0)).open).toEqual([]);
}

test("of 40 requests at once on a balance for 10, exactly 10 reach the upstream", async () => {
  await using rig = await startRig({ tokens: [{ ...GEMINI, imageConcurrency: -1 }] });
  const id = await setKey(rig, limits({ images: { day: null, month: null, total: 10 } }));
  const responses = await Promise.all(Array.from({ length: 40 }, () => rig.chat()));
  expect(responses.filter(({ status }) => status === 200)).toHaveLength(10);
  const refused = responses.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(30);
  const { error } = (await refused[0]!.json()) as { error: Record<string, string> };
  expect(error).toMatchObject({ type: "insufficient_quota", code: "insufficient_quota" });
  expect(error.message).toContain("10 images in total");
  expect(refused[0]!.headers.get("x-should-retry")).toBe("false");
  expect(rig.context.limits.usage(id).total.images).toBe(10);
  await expectNothingOpen(rig);
});

test("headers count down, and over the rate a client gets a time to come again", async () => {
  await using rig = await startRig();
  await setKey(rig, limits({ rpm: 2 }));
  const remaining: (string | null)[] = [];
  for (let count = 0; count < 2; count++) {
    const response = await rig.chat();
    remaining.push(response.headers.get("x-ratelimit-remaining-requests"));
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("2");
    await response.text();
  }
  expect(remaining).toEqual(["1", "0"]);
  const refused = await rig.chat();
  expect([refused.status, refused.headers.get("x-ratelimit-remaining-requests")]).toEqual([429, "0"]);
  expect(Number(refused.headers.get("retry-after"))).toBeWithin(1, 61);
  expect(refused.headers.get("x-should-retry")).toBeNull();
  expect(((await refused.json()) as { error: { code: string } }).error.code).toBe("rate_limit_exceeded");
});

test.each([
  ["/v1/chat/completions", { model: "gemini-omni-1.2-flash", messages: [{ role: "user", content: "a fox" }], stream: true }],
  ["/v1/videos", { prompt: "a fox" }],
  ["/v1/images/generations", { prompt: "a fox", background: true }],
  ["/v1/images/generations", { prompt: "a fox" }],
  ["/v1/responses", { model: "gemini-3-pro-image", input: "a fox" }],
  ["/v1beta/models/gemini-3-pro-image:generateContent", { contents: "a fox" }],
  ["/v1beta/models/veo-3.1-generate-preview:predictLongRunning", { instances: [{ prompt: "a fox" }] }],
  ["/v1beta/interactions", { model: "gemini-omni-1.2-flash", input: "a fox", background: true }],
])("%s says what is left of the minute, also of a job", async (path, json) => {
  await using rig = await startRig();
  await setKey(rig, limits({ rpm: 5 }));
  const left = new AbortController();
  const { status, headers } = await rig.call(path, { json, signal: left.signal });
  left.abort();
  const reported = ["limit", "remaining"].map((word) => headers.get(`x-ratelimit-${word}-requests`));
  expect([status < 203, ...reported]).toEqual([true, "5", "4"]);
});

test("a model that the key may not use is 403, and nothing is reserved", async () => {
  await using rig = await startRig();
  await setKey(rig, { models: ["gemini-3-pro-image"] });
  const refused = await rig.chat();
  expect(refused.status).toBe(403);
  expect(((await refused.json()) as { error: { code: string } }).error.code).toBe("model_not_allowed");
  expect((await rig.context.store.readLedger([], 0)).recent).toEqual([]);
});

describe("the ledger", () => {
  test("knows what each key, model and token used", async () => {
    await using rig = await startRig();
    const id = await setKey(rig, limits({}));
    await (await rig.chat()).text();
    await expectNothingOpen(rig);
    const { store, limits: keyLimits } = rig.context;
    const { images, usd } = keyLimits.usage(id).day;
    expect([images, usd > 0]).toEqual([1, true]);
    const range = { from: 0, to: Date.now() + 3_600_000 };
    expect(await store.readUsage({ ...range, by: "key" })).toMatchObject([{ group: id, requests: 1, errors: 0, images: 1, usd }]);
    expect(await store.readUsage({ ...range, by: "token" })).toMatchObject([{ group: 1, requests: 1, images: 1, usd }]);
    const [model] = await store.readUsage({ ...range, by: "model" });
    expect(model).toMatchObject({ group: "gemini-3.1-flash-image", requests: 1 });
    expect(model!.outputTokens).toBeGreaterThan(0);
  });

  /** Begins a generation as a route does, without reading its response. */
  const begin = async ({ context }: Rig, signal: AbortSignal) =>
    context.generate({
      requestId: "req_left",
      dialect: "openai",
      route: "POST /v1/chat/completions",
      stream: true,
      key: (await context.store.listKeys())[0]!,
      choice: parseModel("gemini-3.1-flash-image")!,
      options: {},
      turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }],
      n: 1,
      signal,
      startedAt: Date.now(),
    });

  test("gives everything back when a client leaves before the first read of its response", async () => {
    await using rig = await startRig();
    const left = new AbortController();
    await begin(rig, left.signal);
    expect(rig.context.limits.gauges()).toEqual({ reservations: 1, inFlight: 1 });
    left.abort();
    await expectNothingOpen(rig);
  });

  test("and when it leaves after its wait for a token was over, unread", async () => {
    await using rig = await startRig({
      simulator: { latencyMs: 60_000 },
      tokens: [{ ...GEMINI, imageConcurrency: 1 }],
      settings: { "generation.on_disconnect": "abort" },
    });
    const [first, second] = [new AbortController(), new AbortController()];
    await begin(rig, first.signal);
    await begin(rig, second.signal);
    expect(rig.context.pool.gauges()).toMatchObject({ inFlight: { image: 1 }, queued: 1 });
    first.abort();
    for (let turn = 0; turn < 200 && rig.context.pool.gauges().queued > 0; turn++) await Bun.sleep(5);
    expect(rig.context.pool.gauges()).toMatchObject({ inFlight: { image: 1 }, queued: 0 });
    second.abort();
    await expectNothingOpen(rig);
  });

  test("gives everything back when the upstream has answered, though its client stays and reads no more; what it reads later is whole", async () => {
    await using rig = await startRig();
    const { events } = await begin(rig, new AbortController().signal);
    await expectNothingOpen(rig);
    const types: string[] = [];
    for await (const event of events) types.push(event.type);
    expect(types.at(-1)).toBe("done");
  });

  test("gives everything back when clients leave, whenever that is", async () => {
    await using rig = await startRig({ simulator: { latencyMs: 30 }, tokens: [{ ...GEMINI, imageConcurrency: 2 }] });
    await setKey(rig, limits({ concurrency: 50 }));
    const leave = async (afterMs: number, stream: boolean) => {
      const left = new AbortController();
      const response = rig.chat({ stream }, { signal: left.signal }).catch(() => null);
      await Bun.sleep(afterMs);
      left.abort();
      await response;
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => leave(index % 20, index % 2 === 0)));
    await expectNothingOpen(rig);
  });
});
