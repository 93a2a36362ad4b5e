// What the operator cancels: released before it was sent, afterwards finished or cut as the settings say; the money is right each time.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cancelWork } from "../../src/gateway/jobs/cancel-work.ts";
import { readActivity } from "../../src/gateway/reports/activity.ts";
import { until } from "../keys.ts";
import { GEMINI, type Rig, type RigOptions, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const MODEL = "gemini-3.1-flash-image";
const ONE_SLOT = [{ ...GEMINI, imageConcurrency: 1, videoConcurrency: 1 }];
const ABORT = { "generation.on_disconnect": "abort" };

const rigWith = (options: RigOptions = {}) =>
  startRig({ tokens: ONE_SLOT, ...options, settings: { "server.drain_timeout": 0, ...options.settings } });
const activity = ({ context }: Rig) => readActivity(context);
const rowsOf = async (rig: Rig) => (await activity(rig)).rows;
const cancel = ({ context }: Rig, id: string) => cancelWork(context, id);
const ask = (rig: Rig, prompt: string, change: object = {}) => rig.chat({ messages: [{ role: "user", content: prompt }], ...change });
const sent = (rig: Rig) => rig.simulator.counts().total.requests;
const total = async (rig: Rig) => {
  await until(() => rig.context.limits.gauges().reservations === 0);
  return rig.context.limits.usage((await rig.context.store.listKeys())[0]!.id).total;
};
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

describe("a request", () => {
  test("that waits for a token is a row, and is released: its client is told, and nothing was asked for or charged", async () => {
    await using rig = await rigWith({ simulator: { faults: "gemini.generate=latency(600)" } });
    const first = ask(rig, "the first");
    await until(() => sent(rig) === 1);
    const waiting = ask(rig, "the second");
    await until(async () => (await activity(rig)).queued === 1);
    const { rows, running, queued } = await activity(rig);
    expect([running, queued]).toEqual([1, 1]);
    expect(rows).toMatchObject([
      { state: "running", model: MODEL, token: { label: "alpha" }, position: null, jobId: null },
      { state: "queued", model: MODEL, token: null, position: 1 },
    ]);
    expect(await cancel(rig, rows[1]!.id)).toBe("released");
    const refused = await waiting;
    expect([refused.status, await codeOf(refused)]).toEqual([499, "cancelled"]);
    expect((await first).status).toBe(200);
    expect(sent(rig)).toBe(1);
    expect((await total(rig)).images).toBe(1);
    expect(await rowsOf(rig)).toEqual([]);
  });

  test("that waits as a stream gets the failure in its stream", async () => {
    await using rig = await rigWith({ simulator: { faults: "gemini.generate=latency(600)" } });
    const first = ask(rig, "the first");
    await until(() => sent(rig) === 1);
    const stream = await ask(rig, "the second", { stream: true });
    await until(async () => (await activity(rig)).queued === 1);
    expect(await cancel(rig, (await rowsOf(rig))[1]!.id)).toBe("released");
    expect(await stream.text()).toContain('"code":"cancelled"');
    await (await first).text();
  });

  test("that was sent is cut where the settings cut, and counts at its estimate", async () => {
    await using rig = await rigWith({ simulator: { faults: "gemini.generate=hang" }, settings: ABORT });
    const asked = ask(rig, "a fox");
    await until(() => sent(rig) === 1);
    expect(await cancel(rig, (await rowsOf(rig))[0]!.id)).toBe("aborted");
    const refused = await asked;
    expect([refused.status, await codeOf(refused)]).toEqual([499, "cancelled"]);
    const { images, usd } = await total(rig);
    expect([images, usd > 0]).toEqual([1, true]);
    expect(rig.context.pool.gauges().inFlight.image).toBe(0);
  });

  test("that was sent is finished where the settings finish: its client is told at once, and the next identical request gets the result", async () => {
    await using rig = await rigWith({ simulator: { faults: "gemini.generate=latency(700)" } });
    const asked = ask(rig, "a fox");
    await until(() => sent(rig) === 1);
    const [row] = await rowsOf(rig);
    expect(await cancel(rig, row!.id)).toBe("finishes");
    const refused = await asked;
    expect([refused.status, await codeOf(refused)]).toEqual([499, "cancelled"]);
    expect(await rowsOf(rig)).toMatchObject([{ id: row!.id, isEnding: true }]);
    expect(await cancel(rig, row!.id)).toBe("finishes");
    const again = await ask(rig, "a fox");
    expect([again.status, again.headers.get("x-flow2api-joined")]).toEqual([200, row!.id]);
    await again.text();
    expect(rig.simulator.counts().total.accepted).toBe(1);
    expect((await total(rig)).images).toBe(1);
  });

  test("joined by another client is cancelled for that one", async () => {
    await using rig = await rigWith({ simulator: { faults: "gemini.generate=latency(900)" } });
    const left = new AbortController();
    const leaving = rig.chat({ messages: [{ role: "user", content: "a fox" }] }, { signal: left.signal }).catch(() => null);
    await until(() => sent(rig) === 1);
    left.abort();
    await leaving;
    await until(async () => (await rowsOf(rig))[0]?.isEnding === true);
    const joining = ask(rig, "a fox");
    await until(async () => (await rowsOf(rig))[0]?.isEnding === false);
    expect(await cancel(rig, (await rowsOf(rig))[0]!.id)).toBe("finishes");
    expect((await joining).status).toBe(499);
    expect((await total(rig)).images).toBe(1);
  });

  test("that has ended, or never was, is over", async () => {
    await using rig = await rigWith();
    expect([await cancel(rig, "req_0"), await cancel(rig, "video_0")]).toEqual(["over", "over"]);
  });
});

describe("a job of images", () => {
  const start = async (rig: Rig, prompt: string) => {
    const response = await rig.call("/v1/images/generations", { json: { model: MODEL, prompt, background: true } });
    return response.headers.get("location")!.split("/").at(-1)!;
  };

  test("that waits is released", async () => {
    await using rig = await rigWith({ simulator: { faults: "gemini.generate=latency(600)" } });
    const [first, second] = [await start(rig, "the first"), await start(rig, "the second")];
    await until(async () => (await activity(rig)).queued === 1 && (await activity(rig)).running === 1);
    const rows = await rowsOf(rig);
    expect(rows.map(({ id, jobId, state, token }) => [id, jobId, state, token?.label])).toEqual([
      [first, first, "running", "alpha"],
      [second, second, "queued", undefined],
    ]);
    expect(await cancel(rig, second)).toBe("released");
    expect((await total(rig)).images).toBe(1);
    expect(await rig.context.jobs.get(second, null)).toMatchObject({ state: "cancelled" });
    expect(sent(rig)).toBe(1);
  });

  test("that was sent is finished or cut as the settings say", async () => {
    await using rig = await rigWith({ simulator: { faults: "gemini.generate=latency(500)" } });
    const id = await start(rig, "a fox");
    await until(() => sent(rig) === 1);
    expect(await cancel(rig, id)).toBe("finishes");
    expect((await total(rig)).images).toBe(1);
    await until(async () => (await rig.context.jobs.get(id, null))?.state === "completed");

    await using other = await rigWith({ simulator: { faults: "gemini.generate=hang" }, settings: ABORT });
    const cut = await start(other, "a fox");
    await until(() => sent(other) === 1);
    expect(await cancel(other, cut)).toBe("aborted");
    expect(await other.context.jobs.get(cut, null)).toMatchObject({ state: "cancelled", error: { kind: "cancelled", charged: true } });
    const { images, usd } = await total(other);
    expect([images, usd > 0]).toEqual([1, true]);
  });
});

test("a video that waits is released; one that runs is asked for at its upstream", async () => {
  await using rig = await rigWith({ simulator: { faults: "gemini.interaction=stuck" } });
  const start = async (prompt: string) => {
    const response = await rig.call("/v1/videos", { json: { model: "veo-3.1-fast", prompt } });
    return ((await response.json()) as { id: string }).id;
  };
  const first = await start("the first");
  await until(async () => (await rig.context.jobs.get(first, null))?.state === "running");
  const second = await start("the second");
  await until(async () => (await activity(rig)).queued === 1);
  expect(await rowsOf(rig)).toMatchObject([
    { id: first, kind: "video", state: "running", token: { label: "alpha" } },
    { id: second, state: "queued", token: null },
  ]);
  expect(await cancel(rig, second)).toBe("released");
  expect(["asked", "aborted"]).toContain(await cancel(rig, first));
});
