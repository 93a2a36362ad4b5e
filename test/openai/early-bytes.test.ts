// server.early_bytes: responses in one piece that begin before they are there, for proxies that cut silence.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Clock, systemClock } from "../../src/clock.ts";
import { until } from "../keys.ts";
import { GEMINI, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const MODEL = "gemini-3.1-flash-image";

/** A hundred times as fast as the system's: an upstream of 700 ms takes seventy seconds. */
function fastClock(): Clock {
  const start = Date.now();
  return { now: () => start + (Date.now() - start) * 100, after: (ms, task) => systemClock.after(ms / 100, task) };
}

const ROUTES: [name: string, path: string, body: object][] = [
  ["chat", "/v1/chat/completions", { model: MODEL, messages: [{ role: "user", content: "a fox" }] }],
  ["images", "/v1/images/generations", { model: MODEL, prompt: "a fox" }],
  ["responses", "/v1/responses", { model: MODEL, input: "a fox" }],
  ["generateContent", `/v1beta/models/${MODEL}:generateContent`, { contents: [{ parts: [{ text: "a fox" }] }] }],
  ["predict", "/v1beta/models/imagen-4.0-generate-001:predict", { instances: [{ prompt: "a fox" }] }],
  ["interactions", "/v1beta/interactions", { model: MODEL, input: "a fox" }],
];

const start = (isOn: boolean, faults: string) =>
  startRig({ tokens: [GEMINI], clock: fastClock(), simulator: { faults }, settings: { "server.early_bytes": isOn } });

describe.each(ROUTES)("%s", (_, path, body) => {
  test("begins with blanks, and is the same JSON", async () => {
    await using rig = await start(true, "gemini.generate=latency(700)");
    const response = await rig.call(path, { json: body });
    const text = await response.text();
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json; charset=utf-8"]);
    expect(/^ */.exec(text)![0].length).toBeGreaterThanOrEqual(3);
    expect((JSON.parse(text) as { error?: { message: string } | null }).error?.message).toBeUndefined();
  });

  test("reports an error as the error object in a 200 once it has begun", async () => {
    await using rig = await start(true, "gemini.generate=hang");
    const response = await rig.call(path, { json: body });
    const result = JSON.parse(await response.text()) as { error?: { message: string }; status?: string };
    expect(response.status).toBe(200);
    expect(result.error?.message ?? result.status).toBeTruthy();
  });
});

const CHAT = ROUTES[0]!;

test("what is there in time has no blanks; nothing has while the setting is off", async () => {
  await using on = await start(true, "");
  expect(await (await on.call(CHAT[1], { json: CHAT[2] })).text()).toStartWith("{");
  await using off = await start(false, "gemini.generate=latency(700)");
  expect(await (await off.call(CHAT[1], { json: CHAT[2] })).text()).toStartWith("{");
});

test("an error in time has its status, and a request that is wrong is refused as ever", async () => {
  await using rig = await start(true, "gemini.generate=invalid");
  expect((await rig.call(CHAT[1], { json: CHAT[2] })).status).toBe(400);
  expect((await rig.call(CHAT[1], { json: { model: MODEL } })).status).toBe(400);
});

test("a client that leaves in the middle finds the result by the same request", async () => {
  await using rig = await start(true, "gemini.generate=latency(700)");
  const left = new AbortController();
  const response = await rig.call(CHAT[1], { json: CHAT[2], signal: left.signal });
  await response.body!.getReader().read();
  left.abort();
  await until(() => rig.context.undelivered.has(1));
  const again = await rig.call(CHAT[1], { json: CHAT[2] });
  expect([again.status, again.headers.has("x-flow2api-joined")]).toEqual([200, true]);
  expect(rig.simulator.counts().total.accepted).toBe(1);
});
