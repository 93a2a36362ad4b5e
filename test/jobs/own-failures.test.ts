// Failures of the server itself after an upstream took the call: paid once, reported as such; what was not sent yet may come again.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../src/errors.ts";
import { until } from "../keys.ts";
import { GEMINI, type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-3.1-flash-image";
const ROUTES: [string, object][] = [
  ["/v1/chat/completions", { model: MODEL, messages: [{ role: "user", content: "a fox" }] }],
  ["/v1/images/generations", { model: MODEL, prompt: "a fox" }],
  ["/v1/responses", { model: MODEL, input: "a fox" }],
  [`/v1beta/models/${MODEL}:generateContent`, { contents: [{ parts: [{ text: "a fox" }] }] }],
];

const withCode = (code: string) => Object.assign(new Error(code), { code });
const FAILURES: [string, Error][] = [
  ["a disk without room", withCode("ENOSPC")],
  ["a store that is locked", withCode("SQLITE_BUSY")],
  ["a disk that fails", withCode("EIO")],
  ["a folder that is gone", withCode("ENOENT")],
  ["a bug", new TypeError("undefined is not an object")],
  ["a failure of the store that is known already", new AppError("unavailable", "The store cannot be written.", { retryAfterMs: 5_000 })],
];

const facts = (response: Response) => [
  response.status >= 500,
  response.headers.get("x-should-retry"),
  response.headers.get("retry-after"),
  response.headers.has("x-flow2api-joined"),
];
const paid = async ({ context }: Rig) => {
  await until(() => context.limits.gauges().reservations === 0);
  return context.limits.usage((await context.store.listKeys())[0]!.id).total.images;
};

describe.each(FAILURES)("a result that %s keeps from being stored", (_, failure) => {
  test.each(ROUTES)("is paid for once and returned again on %s", async (path, json) => {
    await using rig = await startRig();
    rig.context.media.store = async () => {
      throw failure;
    };
    const [first, again] = [await rig.call(path, { json }), await rig.call(path, { json })];
    expect([facts(first), facts(again)]).toEqual([
      [true, "false", null, false],
      [true, "false", null, true],
    ]);
    expect([rig.simulator.counts().total.accepted, await paid(rig)]).toEqual([1, 1]);
  });
});

test("a failure of the server before anything was sent costs nothing, and may be repeated", async () => {
  await using rig = await startRig();
  const { limits } = rig.context;
  const admit = limits.admit.bind(limits);
  limits.admit = async () => {
    throw withCode("SQLITE_BUSY");
  };
  const [path, json] = ROUTES[0]!;
  const refused = await rig.call(path, { json });
  expect([refused.status, refused.headers.get("retry-after"), refused.headers.get("x-should-retry")]).toEqual([503, "5", null]);
  limits.admit = admit;
  expect((await rig.call(path, { json })).headers.has("x-flow2api-joined")).toBe(false);
  expect([rig.simulator.counts().total.accepted, await paid(rig)]).toEqual([1, 1]);
});

test("requests that wait when the server stops are 503 with a time to come again; the one under way is not to be repeated", async () => {
  await using rig = await startRig({
    tokens: [{ ...GEMINI, imageConcurrency: 1 }],
    simulator: { faults: "gemini.generate=hang" },
    settings: { "server.drain_timeout": 0 },
  });
  const [[path, json], ...others] = ROUTES as [(typeof ROUTES)[0], ...typeof ROUTES];
  const first = rig.call(path, { json });
  await until(() => rig.simulator.counts().total.requests === 1);
  const waiting = others.map(([route, body]) => rig.call(route, { json: body }));
  await until(() => rig.context.pool.gauges().queued === others.length);
  const stopped = rig.stopGateway();
  for (const response of await Promise.all(waiting)) {
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([503, null]);
    expect(response.headers.has("retry-after") || (await response.text()).includes("retryDelay")).toBe(true);
  }
  expect(facts(await first)).toEqual([true, "false", null, false]);
  await stopped;
  expect(rig.simulator.counts().total.requests).toBe(1);
});
