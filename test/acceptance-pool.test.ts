// Acceptance of the pool behind both dialects: when a token is used again, how many calls it bears, and that nobody sees it. Numbers: wire reference, part E.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type VirtualClock, virtualClock } from "../src/testing.ts";
import { addKey, until } from "./keys.ts";
import { FLOW, GEMINI, GEMINI_TWO, type Rig, type RigOptions, startRig } from "./rig.ts";

setDefaultTimeout(30_000);

const MODEL = "gemini-nano-banana-2.1";
const SECOND = 1000;
const HOUR = 3_600_000;

/** A rig whose time moves by hand and whose requests never wait for a token. */
async function startAt(now: number, options: RigOptions = {}) {
  const clock = virtualClock(now);
  const rig = await startRig({ tokens: [GEMINI], settings: { "pool.wait_ms": 0 }, clock, ...options });
  return { rig, clock, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}
/** Lets time pass, a second at a time, until a real request has its response. */
async function whileTimePasses<T>(clock: VirtualClock, request: Promise<T>): Promise<T> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  request.then(end, end);
  while (!isOver) {
    await clock.advance(SECOND);
    await Bun.sleep(2);
  }
  return request;
}
const draw = async (rig: Rig, model = MODEL) => {
  const response = await rig.chat({ model });
  await response.text();
  return response.status;
};
const asked = (rig: Rig) => rig.simulator.counts().operations["gemini.generate"]?.requests ?? 0;

describe("38: a token that was limited", () => {
  test.each([
    // Clocks go back on 1 November 2026 and forward on 8 March: the day has 25 hours, or 23.
    ["when clocks go back", Date.UTC(2026, 10, 1, 8), Date.UTC(2026, 10, 2, 8)],
    ["when clocks go forward", Date.UTC(2026, 2, 8, 9), Date.UTC(2026, 2, 9, 7)],
    ["on any other day", Date.UTC(2026, 5, 15, 12), Date.UTC(2026, 5, 16, 7)],
  ])("by the day rests until midnight in Los Angeles, %s, for this model alone", async (_name, now, midnight) => {
    await using slow = await startAt(now);
    const { rig, clock } = slow;
    rig.simulator.setFaults("gemini.generate=429-day:once");
    expect(await draw(rig)).toBe(429);
    expect([await draw(rig), asked(rig)]).toEqual([429, 1]);
    expect(await draw(rig, "gemini-3-pro-image")).toBe(200);
    await clock.advance(midnight - clock.now() - 5 * SECOND);
    expect([await draw(rig), asked(rig)]).toEqual([429, 2]);
    // A little later than midnight, so that not every gateway of the world comes in the same second.
    await clock.advance(HOUR);
    expect([await draw(rig), asked(rig)]).toEqual([200, 3]);
  });

  test("by the minute rests as long as the upstream says", async () => {
    await using slow = await startAt(Date.now());
    const { rig, clock } = slow;
    rig.simulator.setFaults("gemini.generate=429-minute(47):once");
    expect(await draw(rig)).toBe(429);
    await clock.advance(45 * SECOND);
    expect([await draw(rig), asked(rig)]).toEqual([429, 1]);
    await clock.advance(20 * SECOND);
    expect([await draw(rig), asked(rig)]).toEqual([200, 2]);
  });

  test("to nothing is not asked for this model again, and serves the others", async () => {
    await using slow = await startAt(Date.now());
    const { rig, clock } = slow;
    rig.simulator.setFaults("gemini.generate=429-limit-zero:once");
    expect(await draw(rig)).toBe(503);
    await clock.advance(10 * 60 * SECOND);
    expect([await draw(rig), asked(rig)]).toEqual([503, 1]);
    expect(await draw(rig, "gemini-3-pro-image")).toBe(200);
  });
});

test.each(["bad-key", "expired-key", "leaked", "suspended"])(
  "38: %s is the end of this token, and the other one answers",
  async (fault) => {
    await using slow = await startAt(Date.now(), { tokens: [GEMINI, GEMINI_TWO] });
    const { rig, clock } = slow;
    rig.simulator.setFaults(`gemini.generate=${fault}@alpha`);
    for (let round = 0; round < 4; round++) expect(await draw(rig)).toBe(200);
    await clock.advance(48 * HOUR);
    // Two days of housekeeping were queued within seconds: the store writes them before anything new.
    await rig.context.store.writeFact("test", "written");
    for (let round = 0; round < 4; round++) expect(await draw(rig)).toBe(200);
    expect(rig.simulator.counts().secrets[GEMINI.secret]?.requests).toBe(1);
  },
);

test("38: an overloaded upstream is asked by other tokens, at most as often as is set", async () => {
  const tokens = ["a", "b", "c", "d", "e"].map((label) => ({ ...GEMINI, label, secret: `${label}-project.key` }));
  await using slow = await startAt(Date.now(), {
    tokens,
    simulator: { faults: "gemini.generate=503" },
    settings: { "pool.wait_ms": 0, "generation.max_attempts": 3 },
  });
  expect([await whileTimePasses(slow.clock, draw(slow.rig)), asked(slow.rig)]).toEqual([503, 3]);
  const each = Object.values(slow.rig.simulator.counts().secrets).map(({ requests }) => requests);
  expect(Math.max(...each)).toBe(1);
});

test("38: all attempts together end at the request's deadline", async () => {
  await using slow = await startAt(Date.now(), {
    tokens: [GEMINI, GEMINI_TWO],
    simulator: { faults: "gemini.generate=503:once, gemini.generate=hang" },
    settings: { "generation.image_timeout": 60 },
  });
  const { rig, clock } = slow;
  const response = await whileTimePasses(clock, rig.chat({ model: MODEL }));
  // Time passes also while the response is on its way: the row says when the request ended.
  const [row] = await rig.context.requests.list({ limit: 1 });
  expect(row?.ms).toBeLessThan(65 * SECOND);
  expect([response.status, response.headers.get("x-should-retry")]).toEqual([504, "false"]);
});

test("39: requests at once never exceed what a token bears", async () => {
  const tokens = [
    { ...GEMINI, imageConcurrency: 1 },
    { ...GEMINI_TWO, imageConcurrency: 2 },
  ];
  await using rig = await startRig({ tokens, simulator: { latencyMs: 30 } });
  const responses = await Promise.all(Array.from({ length: 24 }, () => draw(rig)));
  expect(new Set(responses)).toEqual(new Set([200]));
  const { secrets } = rig.simulator.counts();
  expect([secrets[GEMINI.secret]!.maxInFlight, secrets[GEMINI_TWO.secret]!.maxInFlight]).toEqual([1, 2]);
});

test("40: no token, no key and no upstream address is seen in any response, header or log line, whatever fails", async () => {
  const canaries = ["AIzaSyCanary0123456789abcdefghijklmnop", "canary~session-cookie-0123456789abcdef"] as const;
  const tokens = [
    { ...GEMINI, secret: canaries[0] },
    { ...FLOW, secret: canaries[1] },
  ];
  await using rig = await startRig({ tokens, settings: { "pool.wait_ms": 0 }, simulator: { videoMs: 0, fileMs: 0 } });
  const second = await addKey(rig);
  const reported: string[] = [];
  const tell = async (response: Response) => {
    reported.push(JSON.stringify([...response.headers]), Buffer.from(await response.bytes()).toString("latin1"));
  };
  const image = { model: MODEL, prompt: "a fox" };
  const contents = [{ role: "user", parts: [{ text: "a fox" }] }];
  const query = `?alt=sse&key=${second}`;
  for (const fault of [
    "",
    "*=503",
    "gemini.*=429-minute(1)",
    "gemini.generate=image-safety",
    "*=malformed",
    "*=html",
    "*=lost",
    "flow.*=verification",
    "gemini.*=bad-key",
  ]) {
    rig.simulator.setFaults(fault);
    const video = await rig.call("/v1/videos", { json: { model: "sora-2", prompt: "a fox" } });
    const { id } = (await video.clone().json()) as { id: string };
    await tell(video);
    await tell(await rig.chat({ stream: true }));
    await tell(await rig.chat({ model: "imagen-4.0-generate-preview-landscape" }));
    await tell(await rig.call("/v1/images/generations", { json: image }));
    await tell(await rig.call("/v1/responses", { json: { model: MODEL, input: "a fox", stream: true } }));
    await tell(
      await fetch(`${rig.url}/v1beta/models/${MODEL}:streamGenerateContent${query}`, {
        method: "POST",
        body: JSON.stringify({ contents }),
      }),
    );
    await tell(await rig.call("/v1beta/interactions", { json: { model: "gemini-omni-1.2-flash", input: "a fox", background: true } }));
    if (id && fault === "")
      await until(async () => /"status":"(completed|failed)"/.test(await (await rig.call(`/v1/videos/${id}`)).text()));
    for (const path of [`/v1/videos/${id}`, `/v1/videos/${id}/content`, "/v1/videos", "/v1/models", "/metrics", "/health", "/ready"])
      await tell(await rig.call(path));
  }
  reported.push(...rig.logged);
  expect(rig.logged.some((line) => line.includes('"path":"/v1/chat/completions"'))).toBe(true);
  for (const hidden of [
    ...canaries,
    ...canaries.map((secret) => secret.slice(8)),
    rig.key,
    second,
    "Bearer ey",
    "key=AIza",
    rig.simulator.url,
  ])
    expect(reported.filter((text) => text.includes(hidden)).map((text) => text.slice(0, 300))).toEqual([]);
});
