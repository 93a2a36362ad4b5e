// Requests that wait for a free token: told their queue position, served in turn, refused with a time to come again, gone without a trace.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { GEMINI, type Rig, startRig } from "../rig.ts";

let rig: Rig;
beforeAll(async () => {
  const tokens = [{ ...GEMINI, imageConcurrency: 1 }];
  rig = await startRig({ tokens, settings: { "pool.queue_limit": 1, "server.drain_timeout": 0, "generation.on_disconnect": "abort" } });
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.simulator.reset());

const gauges = () => rig.context.pool.gauges();

let holds = 0;
/** Holds the one slot until the result is called. */
async function holdSlot(): Promise<() => Promise<void>> {
  rig.simulator.setFaults("gemini.generate=hang:once");
  const leaving = new AbortController();
  // A request of its own: what a client left is reported again to an identical one.
  const messages = [{ role: "user", content: `a fox, number ${++holds}` }];
  const held = rig.chat({ messages }, { signal: leaving.signal }).catch(() => {});
  while (gauges().inFlight.image === 0) await Bun.sleep(1);
  return async () => {
    leaving.abort();
    await held;
  };
}

/** A stream that has sent its queue position. */
async function waiting(signal?: AbortSignal) {
  const response = await rig.chat({ stream: true }, { signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("Waiting in the queue: position 1")) text += (await reader.read()).value;
  return async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    return text;
  };
}

test("a stream reports its queue position, and is served as soon as the slot is free", async () => {
  const free = await holdSlot();
  const rest = await waiting();
  await free();
  expect(await rest()).toEndWith("data: [DONE]\n\n");
  expect(gauges()).toMatchObject({ inFlight: { image: 0 }, queued: 0 });
});

test("where the queue is full the next is refused with a time to come again, before anything is sent", async () => {
  const free = await holdSlot();
  const rest = await waiting();
  const refused = await rig.chat();
  expect([refused.status, Number(refused.headers.get("retry-after")) >= 1]).toEqual([429, true]);
  expect(await refused.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } });
  await free();
  await rest();
  expect(rig.simulator.counts().operations["gemini.generate"]?.requests).toBe(2);
});

test("who leaves the queue gives up the position, and nothing was asked for", async () => {
  const free = await holdSlot();
  const leaving = new AbortController();
  await waiting(leaving.signal);
  leaving.abort();
  while (gauges().queued > 0) await Bun.sleep(1);
  await free();
  while (gauges().inFlight.image > 0) await Bun.sleep(1);
  expect(rig.simulator.counts().operations["gemini.generate"]?.requests).toBe(1);
});
