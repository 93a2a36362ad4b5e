// An upstream in trouble and a server with more to do than it can: whatever can be served is, the rest is refused honestly.

import { describe, expect, test } from "bun:test";
import type { NewToken } from "../src/domain/token.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, startRig } from "./rig.ts";

const token = (provider: string, secret: string): NewToken => ({ provider, label: secret, secret, imageConcurrency: 8 });
const FOUR = ["one", "two", "three", "four"].map((name) => token("gemini", `project-${name}.key`));

/** Statuses of so many requests, so many at once, with how often each came. */
async function ask(rig: Rig, requests: number, atOnce: number): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  let left = requests;
  const client = async () => {
    for (; left > 0; ) {
      left--;
      const response = await rig.chat();
      await response.text();
      statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return statuses;
}

describe("failures that charge nothing", () => {
  test.each([["503"], ["500"], ["array-error"]])(
    "30 %% of %s over four tokens: 400 of 400 are served and paid once",
    async (fault) => {
      await using rig = await startRig({ tokens: FOUR });
      rig.simulator.setFaults(`gemini.generate=${fault}:0.3`);
      expect(await ask(rig, 400, 32)).toEqual({ 200: 400 });
      expect(rig.simulator.counts().total.charged).toBe(400);
    },
    60_000,
  );

  test.each([["503"], ["500"]])("a token that answers %s is not asked twice for a request while another is free", async (fault) => {
    await using rig = await startRig({ tokens: FOUR.slice(0, 2), settings: { "pool.strategy": "fill_first" } });
    rig.simulator.setFaults(`gemini.generate=${fault}@project-one`);
    expect(await ask(rig, 1, 1)).toEqual({ 200: 1 });
    expect(rig.simulator.counts().secrets["project-one.key"]?.requests).toBe(1);
  });

  test("a video that one token answers 503 for is made by another that is free, and the first is asked once", async () => {
    const settings = { "pool.strategy": "fill_first" } as const;
    await using rig = await startRig({ clock: hurriedClock(), tokens: FOUR.slice(0, 2), settings });
    rig.simulator.setFaults("gemini.interaction=503@project-one");
    const json = { model: "gemini-omni-1.2-flash", prompt: "a fox" };
    const { id } = (await (await rig.call("/v1/videos", { json })).json()) as { id: string };
    let status = "queued";
    for (let turn = 0; turn < 500 && status !== "completed" && status !== "failed"; turn++) {
      ({ status } = (await (await rig.call(`/v1/videos/${id}`)).json()) as { status: string });
      await Bun.sleep(10);
    }
    const { secrets } = rig.simulator.counts();
    expect([status, secrets["project-one.key"]?.requests, secrets["project-two.key"]?.charged]).toEqual(["completed", 1, 1]);
  }, 20_000);

  test("the sick token does not even delay: the healthy one is asked at once", async () => {
    await using rig = await startRig({ tokens: FOUR, settings: { "pool.strategy": "fill_first" } });
    rig.simulator.setFaults(["one", "two", "three"].map((name) => `gemini.generate=503@project-${name}`).join());
    expect(await ask(rig, 1, 1)).toEqual({ 200: 1 });
    const { secrets } = rig.simulator.counts();
    expect(["one", "two", "three", "four"].map((name) => secrets[`project-${name}.key`]?.requests)).toEqual([1, 1, 1, 1]);
  });

  test("more tokens refuse than were tried before: the last one serves", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `t${index}`);
    const tokens = names.map((name) => token("gemini", `project-${name}-.key`));
    await using rig = await startRig({ tokens, settings: { "pool.strategy": "fill_first" } });
    rig.simulator.setFaults(
      names
        .slice(0, -1)
        .map((name) => `gemini.generate=bad-key@project-${name}-`)
        .join(),
    );
    expect(await ask(rig, 1, 1)).toEqual({ 200: 1 });
  });

  test("when every token fails the request ends, each asked a few times, and the operator's cap ends it sooner", async () => {
    await using rig = await startRig({ tokens: FOUR.slice(0, 2) });
    rig.simulator.setFaults("gemini.generate=503");
    expect(await ask(rig, 1, 1)).toEqual({ 503: 1 });
    expect(rig.simulator.counts().total.requests).toBe(6);
    await using capped = await startRig({ tokens: FOUR, settings: { "generation.max_attempts": 2 } });
    capped.simulator.setFaults("gemini.generate=503");
    expect([await ask(capped, 1, 1), capped.simulator.counts().total.requests]).toEqual([{ 503: 1 }, 2]);
  }, 20_000);
});

describe("more requests than fit into their time", () => {
  test("64 at once over one token with 8 slots, 1.6 s a call, 5 s for each: served or refused, and then all is well", async () => {
    const tokens = [{ ...GEMINI, imageConcurrency: 8 }];
    await using rig = await startRig({ tokens, settings: { "generation.image_timeout": 5 }, simulator: { latencyMs: 1600 } });
    const { 200: served = 0, 429: refused = 0, ...others } = await ask(rig, 64, 64);
    expect([served + refused, served >= 8, others]).toEqual([64, true, {}]);
    expect(await ask(rig, 1, 1)).toEqual({ 200: 1 });
    // Nothing was begun that was not handed over.
    expect(rig.simulator.counts().total.charged).toBe(served + 1);
    expect(rig.context.pool.snapshot().map(({ health }) => health.state)).toEqual(["healthy"]);
  }, 20_000);

  test("a wait that the deadline cuts short is 429 with Retry-After, not a timeout of the upstream", async () => {
    const tokens = [{ ...GEMINI, imageConcurrency: 1 }];
    await using rig = await startRig({ tokens, settings: { "generation.image_timeout": 5 } });
    rig.simulator.setFaults("gemini.generate=hang");
    const leaving = new AbortController();
    const held = rig.chat({}, { signal: leaving.signal }).catch(() => null);
    while (rig.context.pool.gauges().inFlight.image === 0) await Bun.sleep(1);
    const waited = await rig.chat();
    expect([waited.status, Number(waited.headers.get("retry-after")) >= 1]).toEqual([429, true]);
    leaving.abort();
    await held;
  }, 20_000);
});

test("a token whose plan its first check has not reported yet serves as soon as it has", async () => {
  const settings = { "refresh.enabled": true };
  await using rig = await startRig({ tokens: [FLOW], settings, simulator: { faults: "flow.credits=latency(700)" } });
  const response = await rig.call("/v1/images/generations", { json: { model: "gemini-3-pro-image", prompt: "a fox", size: "2048x2048" } });
  expect([response.status, rig.simulator.counts().operations["flow.image"]?.charged]).toEqual([200, 1]);
}, 20_000);
