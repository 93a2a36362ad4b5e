// What a crash leaves of jobs, and what the next start makes of it: nothing lost, nothing submitted twice, nothing paid twice.
import { describe, expect, test } from "bun:test";
import { never, openWorld } from "../../../test/jobs/jobs-world.ts";
import type { JobState } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { MP4_HEADER, PIXEL_PNG } from "../media/media.fixtures.ts";

const SECOND = 1000;
const TWO_TOKENS = [
  { provider: "gemini", label: "one", secret: "secret-of-token-one" },
  { provider: "gemini", label: "two", secret: "secret-of-token-two" },
];

describe("a crash", () => {
  test("and a store that fails at the next start: what could not be resumed is tried again, the rest goes on", async () => {
    await using world = await openWorld();
    world.script.download = never;
    const stored = await world.ctx.jobs.createVideo(world.order());
    await world.until(stored.id, "storing");
    world.script.beforeSubmit = never;
    const queued = await world.ctx.jobs.createVideo(world.order());
    delete world.script.beforeSubmit;
    delete world.script.download;
    const { listResults } = world.store;
    let failures = 2;
    world.store.listResults = (requestId) =>
      failures-- > 0 ? Promise.reject(new AppError("unavailable", "Away.")) : listResults(requestId);
    await world.crash();
    await world.until(queued.id, "completed");
    await world.until(stored.id, "completed");
    expect(failures).toBeLessThan(0);
    expect(world.ledger()).toMatchObject({ open: 0 });
  });

  test("while queued: the job is carried out by the next run, once", async () => {
    await using world = await openWorld();
    world.script.beforeSubmit = never;
    const { id } = await world.ctx.jobs.createVideo(world.order({ options: { seconds: 5 } }));
    delete world.script.beforeSubmit;
    await world.crash();
    await world.until(id, "completed");
    expect(world.seen.submitted).toHaveLength(1);
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 5 });
  });

  test("between the submission and its handle: unknown, shown, reserved, never resubmitted", async () => {
    await using world = await openWorld();
    world.script.afterSubmit = never;
    const { id } = await world.ctx.jobs.createVideo(world.order({ options: { seconds: 5 } }));
    await world.until(id, "submitting");
    await world.crash();
    expect(await world.until(id, "unknown")).toMatchObject({ error: { kind: "upstream_unknown_outcome", charged: true } });
    await world.pass(60 * SECOND);
    await world.crash();
    expect((await world.ctx.jobs.get(id, world.keyId))?.state).toBe("unknown");
    expect(world.seen.submitted).toHaveLength(1);
    expect(world.ledger()).toMatchObject({ open: 1, videoSeconds: 0 });
    await world.ctx.jobs.decide(id, false);
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 0 });
  });

  test("26: while running: asked at once with the same token, whose slot is taken again", async () => {
    await using world = await openWorld({ tokens: TWO_TOKENS });
    world.script.poll = never;
    const { id } = await world.ctx.jobs.createVideo(world.order({ options: { seconds: 5 } }));
    await world.until(id, "running");
    const polls = world.seen.polls.length;
    await world.crash();
    expect(world.ctx.pool.gauges().inFlight.video).toBeLessThanOrEqual(1);
    await world.eventually(async () => world.seen.polls.length > polls);
    expect(world.ctx.pool.gauges().inFlight.video).toBe(1);
    world.script.poll = () => ({ state: "done", result: null, usage: null });
    await world.crash();
    const done = await world.until(id, "completed");
    expect(new Set(world.seen.polls.map(({ tokenId }) => tokenId))).toEqual(new Set([done.tokenId!]));
    expect(world.seen.submitted).toHaveLength(1);
    expect(world.ctx.pool.gauges().inFlight.video).toBe(0);
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 5 });
  });

  test("while storing: downloaded again; when it was stored already, not even that", async () => {
    await using world = await openWorld();
    world.script.download = never;
    const { id, requestId } = await world.ctx.jobs.createVideo(world.order());
    await world.until(id, "storing");
    await world.eventually(async () => world.seen.downloads === 1);
    await world.crash();
    await world.eventually(async () => world.seen.downloads === 2);
    await world.ctx.media.storeBytes(MP4_HEADER, { origin: "result", keyId: world.keyId, requestId });
    await world.crash();
    await world.until(id, "completed");
    expect(world.seen.downloads).toBe(2);
    expect(await world.store.listResults(requestId)).toHaveLength(1);
  });

  test("between two stages: the second is submitted by the next run, the first is not repeated", async () => {
    await using world = await openWorld();
    world.script.poll = () => ({ state: "next", step: "upscale" });
    let isSecond = false;
    world.script.beforeSubmit = (_token, request) => {
      isSecond = request === "upscale";
      return isSecond ? never() : undefined;
    };
    const { id } = await world.ctx.jobs.createVideo(world.order());
    await world.eventually(async () => isSecond);
    delete world.script.beforeSubmit;
    world.script.poll = () => ({ state: "done", result: null, usage: null });
    await world.crash();
    await world.until(id, "completed");
    expect(world.seen.submitted.map(({ request }) => request)).toEqual([expect.objectContaining({ mode: "text" }), "upscale"]);
  });

  test("after the deadline has passed, a running job is asked once more before it is failed", async () => {
    await using world = await openWorld({ settings: { "generation.video_timeout": 60 } });
    world.script.poll = never;
    const { id } = await world.ctx.jobs.createVideo(world.order());
    await world.until(id, "running");
    const polls = world.seen.polls.length;
    world.script.poll = () => ({ state: "pending", progress: 10 });
    await world.clock.advance(3600 * SECOND);
    await world.crash();
    expect(await world.until(id, "failed", "completed")).toMatchObject({ state: "failed", error: { kind: "upstream_timeout" } });
    expect(world.seen.polls.length).toBeGreaterThan(polls);
    // The time was over while no process was there to ask: that says nothing about its token.
    expect(world.ctx.pool.snapshot().flatMap(({ lastError }) => lastError ?? [])).toEqual([]);
  });

  test.each(["video", "images"] as const)(
    "between the reservation of %s and their job: nothing was sent, nothing is paid",
    async (kind) => {
      await using world = await openWorld();
      const { insertJob } = world.store;
      world.store.insertJob = never;
      void (kind === "video" ? world.ctx.jobs.createVideo(world.order()) : world.ctx.jobs.createImages(world.images()));
      await world.eventually(async () => world.ledger().open === 1);
      await world.pass(SECOND);
      world.store.insertJob = insertJob;
      await world.crash();
      await world.pass(SECOND);
      expect(world.ledger()).toEqual({ open: 0, videoSeconds: 0, images: 0, usd: 0 });
      expect([world.seen.images, world.seen.submitted.length]).toEqual([0, 0]);
    },
  );
});

describe("a stop", () => {
  test.each(["queued", "running", "storing"] as const)(
    "leaves a %s job on disk as it is, and gives back its slot",
    async (state: JobState) => {
      await using world = await openWorld();
      if (state === "queued") world.script.beforeSubmit = never;
      if (state === "running") world.script.poll = never;
      if (state === "storing") world.script.download = never;
      const { id } = await world.ctx.jobs.createVideo(world.order());
      await world.until(id, state);
      const stopped = world.ctx.worker.stop(0);
      await world.clock.advance(1);
      await stopped;
      expect((await world.store.getJob(id))?.state).toBe(state);
      expect(world.ctx.pool.gauges().inFlight.video).toBe(0);
    },
  );

  test("waits for a submission under way, so that its handle is stored", async () => {
    await using world = await openWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.script.afterSubmit = () => promise;
    const { id } = await world.ctx.jobs.createVideo(world.order());
    await world.until(id, "submitting");
    const stopped = world.ctx.worker.stop(30 * SECOND);
    resolve();
    await stopped;
    expect(await world.store.getJob(id)).toMatchObject({ state: "running", operation: { name: "operation-1" } });
  });
});

describe("images as a job", () => {
  test("are made by the same generation and stored", async () => {
    await using world = await openWorld();
    const { id } = await world.ctx.jobs.createImages(world.images({ n: 3 }));
    const done = await world.until(id, "completed");
    expect(done).toMatchObject({ kind: "image", progress: 100, prompt: "a fox", error: null });
    expect(done.mediaIds).toHaveLength(3);
    expect(world.seen.images).toBe(3);
    expect(world.ledger()).toMatchObject({ open: 0, images: 3 });
  });

  test("wait in the queue across a crash", async () => {
    await using world = await openWorld({
      tokens: [{ provider: "gemini", label: "one", secret: "secret-of-token-one", imageConcurrency: 1 }],
    });
    world.script.image = never;
    const first = await world.ctx.jobs.createImages(world.images());
    const second = await world.ctx.jobs.createImages(world.images());
    await world.until(first.id, "submitting");
    await world.crash();
    delete world.script.image;
    expect((await world.until(first.id, "unknown")).mediaIds).toEqual([]);
    await world.until(second.id, "completed");
    expect(world.seen.images).toBe(2);
    expect(world.ledger()).toMatchObject({ open: 1, images: 1 });
    await world.ctx.jobs.decide(first.id, true);
    expect(world.ledger()).toMatchObject({ open: 0, images: 2 });
  });

  test("that found no free token in time begin again, under a request id of the usual form", async () => {
    await using world = await openWorld({
      tokens: [{ provider: "gemini", label: "one", secret: "secret-of-token-one", imageConcurrency: 1 }],
    });
    world.script.image = never;
    const first = await world.ctx.jobs.createImages(world.images());
    await world.until(first.id, "submitting");
    const { id, requestId } = await world.ctx.jobs.createImages(world.images());
    const idNow = async () => (await world.store.getJob(id))!.requestId;
    await world.eventually(async () => (await idNow()) !== requestId);
    expect(await idNow()).toMatch(/^req_[a-z2-7]{26}$/);
  });

  describe("that were refused and wait for another token", () => {
    const refusal = (charged = false) => new AppError("upstream_unavailable", "No capacity.", { charged });
    const two = ["one", "two"].map((label) => ({
      provider: "gemini",
      label,
      secret: `secret-of-token-${label}`,
      imageConcurrency: 1,
    }));
    /** The first job keeps one token busy; calls of the second on the other end as `endings` say, in turn. */
    async function waiting(n: number, ...endings: ("refused" | "lost" | "never")[]) {
      const world = await openWorld({ tokens: two });
      let calls = 0;
      world.script.image = () => {
        const ending = calls++ === 0 ? "never" : (endings.shift() ?? "never");
        if (ending === "never") return never();
        throw refusal(ending === "lost");
      };
      const first = await world.ctx.jobs.createImages(world.images());
      await world.until(first.id, "submitting");
      const second = await world.ctx.jobs.createImages(world.images({ n }));
      await world.eventually(async () => calls > endings.length && endings.length === 0);
      return { world, first, second };
    }

    test("are queued on disk, and made after a crash", async () => {
      const { world, first, second } = await waiting(1, "refused");
      await using _ = world;
      await world.until(second.id, "queued");
      expect(await world.store.getJob(second.id)).toMatchObject({ state: "queued", charged: false, submittedAt: null });
      await world.crash();
      delete world.script.image;
      await world.until(second.id, "completed");
      await world.until(first.id, "unknown");
      expect(world.ledger()).toMatchObject({ open: 1, images: 1 });
    });

    test("are queued after a stop of the server too, and made after the next start", async () => {
      const { world, second } = await waiting(1, "refused");
      await using _ = world;
      await world.until(second.id, "queued");
      const stopped = world.ctx.worker.stop(0);
      await world.clock.advance(1);
      await stopped;
      expect((await world.store.getJob(second.id))?.state).toBe("queued");
      await world.crash();
      delete world.script.image;
      await world.until(second.id, "completed");
    });

    test("can be cancelled, and free their reservation", async () => {
      const { world, second } = await waiting(1, "refused");
      await using _ = world;
      await world.until(second.id, "queued");
      expect((await world.ctx.jobs.cancel(second.id, world.keyId))?.state).toBe("cancelled");
      await world.eventually(async () => world.ledger().open === 1);
      await world.crash();
      expect((await world.ctx.jobs.get(second.id, null))?.state).toBe("cancelled");
      expect(world.seen.images).toBe(2);
    });

    test("are not queued while another of their calls is under way or may have been paid", async () => {
      const { world, second } = await waiting(2, "lost", "refused");
      await using _ = world;
      expect((await world.ctx.jobs.get(second.id, null))?.state).toBe("submitting");
      await world.crash();
      expect((await world.until(second.id, "unknown")).state).toBe("unknown");
    });

    test("fail as before when every token has refused", async () => {
      await using world = await openWorld({ tokens: two });
      world.script.image = () => {
        throw new AppError("upstream_invalid", "No.", { detail: { scope: "request", reason: "malformed" } });
      };
      const { id } = await world.ctx.jobs.createImages(world.images());
      expect((await world.until(id, "failed", "queued")).state).toBeOneOf(["failed", "queued"]);
      await world.until(id, "failed");
      expect(world.ledger()).toMatchObject({ open: 0, images: 0 });
    });
  });

  test("of which some were stored before the crash are unknown, with those that are there", async () => {
    await using world = await openWorld();
    let calls = 0;
    world.script.image = () => (calls++ === 0 ? undefined : never());
    const { id } = await world.ctx.jobs.createImages(world.images({ n: 3 }));
    await world.eventually(async () => (await world.store.getJob(id))!.mediaIds.length === 1);
    await world.crash();
    const job = await world.until(id, "unknown");
    expect([job.mediaIds.length, calls, world.ledger().open]).toEqual([1, 3, 1]);
  });

  test("that were all stored before the crash are a result", async () => {
    await using world = await openWorld();
    world.script.image = never;
    const { id, requestId } = await world.ctx.jobs.createImages(world.images());
    await world.until(id, "submitting");
    await world.ctx.media.storeBytes(PIXEL_PNG, { origin: "result", keyId: world.keyId, requestId });
    await world.crash();
    expect((await world.until(id, "completed")).mediaIds).toHaveLength(1);
    expect(world.seen.images).toBe(1);
  });
});
