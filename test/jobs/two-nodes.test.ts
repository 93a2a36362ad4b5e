// Jobs of two nodes: what one of them does to a job that runs on the other, and what a node that stops leaves to it.
import { describe, expect, test } from "bun:test";
import { hasPostgres } from "../../src/db/postgres/testing.ts";
import { startPair, within } from "./node-pair.ts";

const SLOW = { videoMs: 60_000 };

describe.skipIf(!hasPostgres)("a node that stops", () => {
  test("hands over the job that came late, and keeps the one under way until it has ended", async () => {
    await using pair = await startPair({ simulator: { latencyMs: 1500 } });
    const { a } = pair;
    const underWay = await a.context.jobs.createImages(pair.images());
    await pair.until(underWay.id, "submitting");
    a.context.node.stopServing();
    const stopping = a.context.worker.stop(10_000);
    const late = await a.context.jobs.createImages(pair.images());
    await stopping;
    expect((await pair.until(underWay.id, "completed", "unknown")).state).toBe("completed");
    expect((await pair.until(late.id, "completed", "unknown")).state).toBe("completed");
    expect(pair.simulator.counts().total.accepted).toBe(2);
    await within(5_000, "nothing is reserved", async () => (await pair.open()) === 0);
  }, 30_000);
});

describe.skipIf(!hasPostgres)("through another node than its own", () => {
  test("a queued job that is deleted gives back what it had reserved", async () => {
    await using pair = await startPair({ tokens: 0 });
    const { a, b } = pair;
    await pair.store.insertToken({ provider: "gemini", label: "one", secret: "project-0.key-one", videoConcurrency: 1 }, Date.now());
    for (const node of [a, b]) await node.reload();
    pair.simulator.setOptions(SLOW);
    await pair.until((await a.context.jobs.createVideo(pair.video())).id, "running");
    const waiting = await a.context.jobs.createVideo(pair.video());
    expect(await pair.open()).toBe(2);
    expect(await b.context.jobs.remove(waiting.id, pair.keyId)).toBe(true);
    expect(await b.context.jobs.get(waiting.id, pair.keyId)).toBeNull();
    await within(5_000, "one reservation is left", async () => (await pair.open()) === 1);
    await within(5_000, "it is gone", async () => (await pair.store.getJob(waiting.id)) === null);
    expect(a.context.limits.gauges().reservations).toBe(1);
  }, 30_000);

  test("a removed job that is decided as charged is counted before it is deleted", async () => {
    await using pair = await startPair();
    const { a, b } = pair;
    pair.simulator.setFaults("gemini.interaction=lost");
    const job = await a.context.jobs.createVideo(pair.video());
    await pair.until(job.id, "unknown");
    await b.context.jobs.remove(job.id, pair.keyId);
    await b.context.jobs.decide(job.id, true);
    await within(5_000, "it is deleted", async () => (await pair.store.getJob(job.id)) === null);
    await within(5_000, "nothing is reserved", async () => (await pair.open()) === 0);
    const [spent] = (await pair.store.readLedger(["total"], 0)).spent;
    expect(spent?.amounts.videoMs).toBe((job.seconds ?? 0) * 1000);
  }, 30_000);

  test("an image job that is removed while it runs goes on, and is deleted when it has ended", async () => {
    await using pair = await startPair({ simulator: { latencyMs: 1200 } });
    const { a, b } = pair;
    const job = await a.context.jobs.createImages(pair.images());
    await pair.until(job.id, "submitting");
    await b.context.jobs.remove(job.id, pair.keyId);
    await within(10_000, "it is deleted", async () => (await pair.store.getJob(job.id)) === null);
    await within(5_000, "nothing is reserved", async () => (await pair.open()) === 0);
    const [spent] = (await pair.store.readLedger(["total"], 0)).spent;
    expect(spent?.amounts.images).toBe(1);
    expect(pair.logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  }, 30_000);

  test("a job that is looked at while its end is written is settled once, with the calls that it took", async () => {
    await using pair = await startPair();
    const { a, store } = pair;
    const update = store.updateJob;
    let looks = 0;
    store.updateJob = async (...args) => {
      const row = await update(...args);
      if (row?.state === "completed") {
        looks++;
        await a.context.worker.lookAgain();
      }
      return row;
    };
    const job = await a.context.jobs.createVideo(pair.video());
    await pair.until(job.id, "completed");
    await within(5_000, "nothing is reserved", async () => (await pair.open()) === 0);
    const hour = 3_600_000;
    const calls = await store.readUsage({ by: "token", from: 0, to: Date.now() + hour });
    expect([
      looks,
      calls.reduce((sum, { requests }) => sum + requests, 0),
      calls.reduce((sum, { videoSeconds }) => sum + videoSeconds, 0),
    ]).toEqual([...[1, 1, job.seconds ?? 0]]);
    expect(a.context.limits.gauges().reservations).toBe(0);
  }, 30_000);

  test("the end of a job whose news was lost is found by a look", async () => {
    await using pair = await startPair();
    const { a, b } = pair;
    pair.simulator.setFaults("gemini.interaction=lost");
    const job = await a.context.jobs.createVideo(pair.video());
    await pair.until(job.id, "unknown");
    b.context.announcer.tell = () => {};
    await b.context.jobs.decide(job.id, false);
    expect(await pair.open()).toBe(1);
    await a.context.worker.lookAgain();
    await within(2_000, "nothing is reserved", async () => (await pair.open()) === 0);
  }, 30_000);
});
