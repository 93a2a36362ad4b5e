// Jobs from order to result on a fake upstream: what is persisted when, who pays, who may see, and what a crash leaves.

import { describe, expect, test } from "bun:test";
import { failing, never, openWorld, type World } from "../../../test/jobs/jobs-world.ts";
import { AppError } from "../../errors.ts";
import type { VideoStatus } from "../../providers/provider.ts";
import { PIXEL_PNG } from "../media/media.fixtures.ts";
import { parseModel } from "../models/testing.ts";
import type { CreateVideoJob } from "./contract.ts";

const TWO_TOKENS = [
  { provider: "gemini", label: "one", secret: "secret-of-token-one" },
  { provider: "gemini", label: "two", secret: "secret-of-token-two" },
];
const ID = /^video_[a-z2-7]{26}$/;
const SECOND = 1000;

const kindOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AppError ? error.kind : error),
  );

async function made(world: World, change?: Partial<CreateVideoJob>) {
  return world.ctx.jobs.createVideo(world.order(change));
}

test("the job that made a video is found by its media item, however many came after it, by its owner alone", async () => {
  await using world = await openWorld();
  const { id } = await made(world);
  const { mediaIds } = await world.until(id, "completed");
  const row = (await world.store.getJob(id))!;
  for (let count = 0; count < 120; count++)
    await world.store.insertJob({ ...row, id: `video_${count}`, requestId: `later ${count}`, mediaIds: [] });
  expect((await world.ctx.jobs.makerOf(mediaIds[0]!, world.keyId))?.id).toBe(id);
  expect(await world.ctx.jobs.makerOf(mediaIds[0]!, world.otherKeyId)).toBeNull();
  const image = await world.ctx.jobs.createImages(world.images());
  const [drawn] = (await world.until(image.id, "completed")).mediaIds;
  const sent = await world.ctx.media.storeBytes(PIXEL_PNG, { origin: "input", keyId: world.keyId, requestId: row.requestId });
  for (const other of [drawn!, sent.id, "nothing"]) expect(await world.ctx.jobs.makerOf(other, world.keyId)).toBeNull();
});

/** What the tokens of the pool are remembered to have failed with. */
const lastErrors = ({ ctx }: World) => ctx.pool.snapshot().flatMap(({ lastError }) => lastError?.kind ?? []);

describe("a job that waits for a token", () => {
  const ONE_AT_ONCE = [{ ...TWO_TOKENS[0]!, videoConcurrency: 1, imageConcurrency: 1 }];

  test("knows its queue position and the wait that is left, as long as it waits", async () => {
    await using world = await openWorld({ tokens: ONE_AT_ONCE });
    await world.until((await made(world)).id, "completed");
    world.script.poll = never;
    await world.until((await made(world)).id, "running");
    const waiting: string[] = [];
    for (let count = 0; count < 6; count++) waiting.push((await made(world)).id);
    const places = () => Promise.all(waiting.map(async (id) => (await world.ctx.jobs.get(id, world.keyId))?.place));
    await world.eventually(async () => (await places()).every(Boolean));
    // The last two of a key wait outside the pool's queue, behind the others.
    expect((await places()).map((place) => place?.position)).toEqual([1, 2, 3, 4, 5, 6]);
    const [before] = await places();
    await world.pass(SECOND);
    const [after, ...others] = await places();
    expect(before!.waitMs).toBeGreaterThan(0);
    expect(after!.waitMs).toBe(Math.max(0, before!.waitMs! - SECOND));
    expect(others.at(-1)).toEqual({ position: 6, waitMs: null });
    expect((await world.store.getJob(waiting[0]!))!).not.toHaveProperty("place");
    await world.ctx.jobs.cancel(waiting[0]!, world.keyId);
    await world.eventually(async () => (await places())[1]?.position === 1);
    expect((await places())[0]).toBeUndefined();
  });

  test("notifies its watchers, and has no queue position once it is submitted", async () => {
    await using world = await openWorld({ tokens: ONE_AT_ONCE });
    const { promise: response, resolve } = Promise.withResolvers<VideoStatus>();
    world.script.poll = (_, __, nth) => (nth === 1 ? response : { state: "done", result: null, usage: null });
    await world.until((await made(world)).id, "running");
    const { id } = await made(world);
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const { state, place } of (await world.ctx.jobs.watch(id, world.keyId, new AbortController().signal))!)
        seen.push([state, place?.position]);
    })();
    await world.eventually(async () => JSON.stringify(seen).includes('["queued",1]'));
    resolve({ state: "done", result: null, usage: null });
    await world.until(id, "completed");
    await watching;
    expect(seen.at(-1)).toEqual(["completed", undefined]);
  });

  test("knows its queue position also when it makes images", async () => {
    await using world = await openWorld({ tokens: ONE_AT_ONCE });
    world.script.image = never;
    await world.until((await world.ctx.jobs.createImages(world.images())).id, "submitting");
    const { id } = await world.ctx.jobs.createImages(world.images());
    await world.eventually(async () => (await world.ctx.jobs.get(id, world.keyId))?.place?.position === 1);
  });
});

test("who watches a job sees its end when its slot is free for the next one, not between the two", async () => {
  await using world = await openWorld();
  const [committed, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { store, ctx, keyId } = world;
  const { updateJob } = store;
  store.updateJob = async (...args: Parameters<typeof updateJob>) => {
    const row = await updateJob(...args);
    if (args[2].state === "completed") {
      committed.resolve();
      await answered.promise;
    }
    return row;
  };
  const { id } = await made(world);
  const seen = (await ctx.jobs.watch(id, keyId, new AbortController().signal))![Symbol.asyncIterator]();
  await seen.next();
  await world.eventually(async () => (await store.getJob(id))?.state === "completed");
  await committed.promise;
  const last = (async () => {
    for (;;) {
      const { value } = await seen.next();
      if (value?.state === "completed") return ctx.limits.gauges().reservations;
    }
  })();
  expect(await Promise.race([last.then(() => "shown"), Bun.sleep(50).then(() => "waits")])).toBe("waits");
  answered.resolve();
  expect(await last).toBe(0);
});

describe("a video", () => {
  test("goes from queued to completed, its result stored for its key before it is", async () => {
    await using world = await openWorld();
    const queued = await made(world, { options: { seconds: 8 }, echo: { size: "1280x720" } });
    expect(queued).toMatchObject({
      state: "queued",
      kind: "video",
      mode: "text",
      aspect: "16:9",
      resolution: "720p",
      seconds: 8,
      progress: 0,
    });
    expect(queued.id).toMatch(ID);
    const done = await world.until(queued.id, "completed");
    expect(done).toMatchObject({ progress: 100, provider: "gemini", tokenId: 1, error: null, echo: { size: "1280x720" } });
    expect(done.endedAt).toBeGreaterThanOrEqual(done.submittedAt!);
    const media = await world.ctx.media.get(done.mediaIds[0]!);
    expect(media).toMatchObject({ kind: "video", origin: "result", keyId: world.keyId, requestId: done.requestId });
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 8 });
    expect(world.ledger().usd).toBeCloseTo(8 * 0.0695, 5);
    expect(world.seen.submitted).toHaveLength(1);
  });

  test("is `submitting` on disk before its body leaves, and has its handle and token on disk before it is running", async () => {
    await using world = await openWorld();
    const states: (string | undefined)[] = [];
    let id = "";
    world.script.beforeSubmit = async () => void states.push((await world.store.getJob(id))?.state);
    world.script.afterSubmit = async () => void states.push((await world.store.getJob(id))?.state);
    world.script.poll = () => ({ state: "pending", progress: 10 });
    ({ id } = await made(world));
    await world.until(id, "running");
    expect(states).toEqual(["queued", "submitting"]);
    expect(await world.store.getJob(id)).toMatchObject({ operation: { name: "operation-1" }, tokenId: 1, charged: true });
  });

  test("is polled after 2 s, then less and less often, every 10 s at last, always with its own token", async () => {
    await using world = await openWorld({ tokens: TWO_TOKENS });
    world.script.poll = (_operation, _token, nth) =>
      nth < 14 ? { state: "pending", progress: null } : { state: "done", result: null, usage: null };
    const { id } = await made(world);
    const done = await world.until(id, "completed");
    const pauses = world.seen.polls.map(({ at }, index) => at - (index === 0 ? done.submittedAt! : world.seen.polls[index - 1]!.at));
    // Time moves in steps of up to half a second.
    expect(Math.round(pauses[0]! / SECOND)).toBe(2);
    expect(Math.round(pauses.at(-1)! / SECOND)).toBe(10);
    expect(new Set(world.seen.polls.map(({ tokenId }) => tokenId))).toEqual(new Set([done.tokenId!]));
  });

  test("shows progress that never falls and is not 100 before the end", async () => {
    await using world = await openWorld();
    const reported = [null, 40, 20, 99, 100];
    world.script.poll = (_operation, _token, nth) =>
      nth <= reported.length ? { state: "pending", progress: reported[nth - 1]! } : { state: "done", result: null, usage: null };
    const { id } = await made(world);
    const shown: number[] = [];
    const watching = (async () => {
      for await (const job of (await world.ctx.jobs.watch(id, world.keyId, new AbortController().signal))!) shown.push(job.progress);
    })();
    await world.until(id, "completed");
    await watching;
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(shown.at(-1)).toBe(100);
    expect(shown.filter((value) => value === 100)).toHaveLength(1);
  });

  test("of several stages is submitted once for each, by the same token", async () => {
    await using world = await openWorld({ tokens: TWO_TOKENS });
    world.script.poll = (_operation, _token, nth) =>
      nth === 1 ? { state: "next", step: { upscale: "4k" } } : { state: "done", result: null, usage: null };
    const { id } = await made(world);
    await world.until(id, "completed");
    expect(world.seen.submitted).toHaveLength(2);
    expect(world.seen.submitted[1]!.request).toEqual({ upscale: "4k" });
    expect(world.seen.submitted[1]!.tokenId).toBe(world.seen.submitted[0]!.tokenId);
  });

  test("whose download fails is downloaded again, not submitted again", async () => {
    await using world = await openWorld();
    world.script.download = (nth) => (nth < 3 ? failing("upstream_unavailable")() : undefined);
    const { id } = await made(world);
    await world.until(id, "completed");
    expect(world.seen).toMatchObject({ downloads: 3 });
    expect(world.seen.submitted).toHaveLength(1);
  });
});

describe("a poll or a download that fails", () => {
  const refusals = [
    ["upstream_unauthorized", { detail: { scope: "token", reason: "session_dead" } }, "session_dead"],
    ["upstream_unauthorized", {}, "key_invalid"],
    ["upstream_verification", {}, "verification"],
    ["upstream_rate_limited", { detail: { scope: "token", reason: "throttled" } }, "throttled"],
    ["content_policy", { detail: { scope: "request", reason: "policy_output" } }, undefined],
    ["upstream_unavailable", {}, undefined],
    ["no_result", {}, undefined],
  ] as const;

  test.each(refusals)("reports the health of its token: %s %p is %p", async (kind, options, reason) => {
    for (const step of ["poll", "download"] as const) {
      await using world = await openWorld();
      world.script[step] = failing(kind, options);
      const { id } = await made(world);
      await world.eventually(async () => (step === "poll" ? world.seen.polls.length : world.seen.downloads) > 1);
      expect(world.ctx.pool.cooldownOf(1)?.reason).toBe(reason);
      expect((await world.ctx.jobs.get(id, world.keyId))?.state).toBe(step === "poll" ? "running" : "storing");
    }
  });

  test("and that it works again, when it does with the same secret", async () => {
    await using world = await openWorld();
    const found: unknown[] = [];
    const refuseOnce = (nth: number) => {
      found.push(world.ctx.pool.cooldownOf(1)?.reason);
      if (nth === 1) failing("upstream_unauthorized")();
    };
    world.script.poll = (_, __, nth) => {
      refuseOnce(nth);
      return { state: "done", result: null, usage: null };
    };
    world.script.download = refuseOnce;
    await world.until((await made(world)).id, "completed");
    expect([...found, world.ctx.pool.cooldownOf(1)]).toEqual([undefined, "key_invalid", undefined, "key_invalid", null]);
  });
});

describe("money", () => {
  test.each(["upstream_rate_limited", "upstream_quota", "upstream_unauthorized", "network"] as const)(
    "%s before a charge: another try, and one payment in the end",
    async (kind) => {
      await using world = await openWorld({ tokens: TWO_TOKENS });
      let refusals = 0;
      world.script.afterSubmit = () => (refusals++ === 0 ? failing(kind)() : undefined);
      const { id } = await made(world, { options: { seconds: 5 } });
      await world.until(id, "completed");
      expect(world.seen.submitted).toHaveLength(2);
      expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 5 });
    },
  );

  test.each(["upstream_timeout", "upstream_unknown_outcome"] as const)(
    "%s after sending: unknown, never repeated, reserved until decided",
    async (kind) => {
      await using world = await openWorld({ tokens: TWO_TOKENS });
      world.script.afterSubmit = failing(kind, { charged: true });
      const { id } = await made(world, { options: { seconds: 5 } });
      expect((await world.until(id, "unknown")).error).toMatchObject({ kind, charged: true });
      await world.pass(120 * SECOND);
      expect(world.seen.submitted).toHaveLength(1);
      expect(world.ledger()).toMatchObject({ open: 1, videoSeconds: 0 });
      expect(await world.ctx.jobs.decide(id, true)).toMatchObject({ state: "failed", error: { charged: true } });
      expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 5 });
      expect(await world.ctx.jobs.decide(id, false)).toMatchObject({ error: { charged: true } });
    },
  );

  test("an unknown job takes no slot among the key's generations, also after a restart", async () => {
    await using world = await openWorld();
    const limits = { ...(await world.store.listKeys())[0]!.limits, concurrency: 1 };
    await world.store.updateKey(world.keyId, { limits });
    await world.crash();
    world.script.afterSubmit = failing("upstream_unknown_outcome", { charged: true });
    const { id } = await made(world);
    expect(await kindOf(made(world))).toBe("limit_exceeded");
    await world.until(id, "unknown");
    delete world.script.afterSubmit;
    await world.until((await made(world)).id, "completed");
    await world.crash();
    await world.until((await made(world)).id, "completed");
    expect(world.ctx.limits.gauges()).toEqual({ reservations: 1, inFlight: 0 });
  });

  test("an unknown job decided as not charged gives its reservation back", async () => {
    await using world = await openWorld();
    world.script.afterSubmit = failing("upstream_unknown_outcome", { charged: true });
    const { id } = await made(world);
    await world.until(id, "unknown");
    await world.ctx.jobs.decide(id, false);
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 0, usd: 0 });
  });

  test("a refusal of the prompt is final, reported, and costs nothing when the upstream says so", async () => {
    await using world = await openWorld({ tokens: TWO_TOKENS });
    world.script.poll = () => ({ state: "failed", error: new AppError("content_policy", "I cannot draw this.") });
    const { id } = await made(world);
    expect(await world.until(id, "failed")).toMatchObject({ error: { kind: "content_policy", message: "I cannot draw this." } });
    expect(world.seen.submitted).toHaveLength(1);
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 0 });
    expect(world.ctx.pool.gauges().tokens).toMatchObject({ healthy: 2 });
  });

  test("past the deadline it is asked once more, then failed and charged", async () => {
    await using world = await openWorld({ settings: { "generation.video_timeout": 60 } });
    world.script.poll = () => ({ state: "pending", progress: 50 });
    const { id } = await made(world, { options: { seconds: 5 } });
    const failed = await world.until(id, "failed");
    expect(failed.error).toMatchObject({ kind: "upstream_timeout", charged: true });
    expect(world.seen.polls.at(-1)!.at).toBeGreaterThanOrEqual(failed.deadlineAt);
    expect(world.seen.cancels).toBe(1);
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 5 });
    // It had its whole time: that counts against its token.
    expect(lastErrors(world)).toEqual(["upstream_timeout"]);
  });

  test("time in which the upstream could not be asked does not count against the token", async () => {
    await using world = await openWorld({ settings: { "generation.video_timeout": 60 } });
    world.script.poll = failing("upstream_unavailable");
    const { id } = await made(world);
    expect(await world.until(id, "failed")).toMatchObject({ error: { kind: "upstream_timeout", charged: true } });
    expect(lastErrors(world)).toEqual([]);
  });

  test("a result that comes at the last poll counts", async () => {
    await using world = await openWorld({ settings: { "generation.video_timeout": 60 } });
    let deadline = Number.POSITIVE_INFINITY;
    world.script.poll = () =>
      world.clock.now() >= deadline ? { state: "done", result: null, usage: null } : { state: "pending", progress: null };
    const { id } = await made(world);
    deadline = (await world.until(id, "running")).deadlineAt;
    await world.until(id, "completed");
  });

  test("a token that dies is asked until the deadline; the reason is reported", async () => {
    await using world = await openWorld({ settings: { "generation.video_timeout": 60 } });
    world.script.poll = failing("upstream_unauthorized");
    const { id } = await made(world);
    const failed = await world.until(id, "failed");
    expect(failed.error?.message).toContain("As scripted: upstream_unauthorized.");
    expect(world.seen.polls.length).toBeGreaterThan(5);
    expect(world.seen.submitted).toHaveLength(1);
  });
});

describe("waiting", () => {
  test("more jobs than slots all end, never more at once than the token allows", async () => {
    await using world = await openWorld();
    let running = 0;
    let most = 0;
    world.script.afterSubmit = () => {
      running++;
      most = Math.max(most, running);
    };
    world.script.poll = () => {
      running--;
      return { state: "done", result: null, usage: null };
    };
    const jobs = await Promise.all(Array.from({ length: 12 }, () => made(world)));
    for (const { id } of jobs) await world.until(id, "completed");
    expect(most).toBe(2);
    expect(world.seen.submitted).toHaveLength(12);
  });

  test("outlasts pool.wait_ms, and ends at its deadline", async () => {
    await using world = await openWorld({ settings: { "pool.wait_ms": 1000, "generation.video_timeout": 60 } });
    world.script.afterSubmit = never;
    const [, , third] = await Promise.all([made(world), made(world), made(world)]);
    await world.pass(30 * SECOND);
    expect((await world.ctx.jobs.get(third!.id, null))?.state).toBe("queued");
    expect(await world.until(third!.id, "failed")).toMatchObject({ error: { kind: "busy", charged: false } });
  });

  test("nothing is accepted when no token of the pool could ever serve it", async () => {
    await using world = await openWorld({ tokens: [] });
    expect(await kindOf(made(world))).toBe("no_token");
  });
});

describe("cancelling", () => {
  test("a queued job ends at once and costs nothing", async () => {
    await using world = await openWorld();
    world.script.beforeSubmit = never;
    const { id } = await made(world);
    expect(await world.ctx.jobs.cancel(id, world.keyId)).toMatchObject({ state: "cancelled" });
    expect(world.ledger()).toMatchObject({ open: 0, usd: 0 });
  });

  test.each([
    [true, "cancelled"],
    [false, "completed"],
  ] as const)("a running job where the upstream says %p ends %s, charged", async (upstream, state) => {
    await using world = await openWorld();
    let isOver = false;
    world.script.cancel = () => upstream;
    world.script.poll = () => (isOver ? { state: "done", result: null, usage: null } : { state: "pending", progress: 5 });
    const { id } = await made(world, { options: { seconds: 5 } });
    await world.until(id, "running");
    const cancelling = world.ctx.jobs.cancel(id, world.keyId);
    await world.pass(4 * SECOND);
    await cancelling;
    isOver = true;
    await world.until(id, state);
    expect(world.ledger()).toMatchObject({ open: 0, videoSeconds: 5 });
  });

  test("a removed job that cannot be stopped is seen no more and leaves nothing when it has ended", async () => {
    await using world = await openWorld();
    let isOver = false;
    world.script.poll = () => (isOver ? { state: "done", result: null, usage: null } : { state: "pending", progress: 5 });
    const { id, requestId } = await made(world);
    await world.until(id, "running");
    const removing = world.ctx.jobs.remove(id, world.keyId);
    await world.pass(4 * SECOND);
    expect(await removing).toBe(true);
    expect(await world.ctx.jobs.get(id, world.keyId)).toBeNull();
    expect((await world.ctx.jobs.list(world.keyId, { limit: 10 })).jobs).toEqual([]);
    isOver = true;
    await world.eventually(async () => (await world.store.getJob(id)) === null);
    expect(await world.store.listResults(requestId)).toEqual([]);
  });
});

test("another key's job is not there for anyone else, and the upstream hears nothing of it", async () => {
  await using world = await openWorld();
  const { id } = await made(world);
  await world.until(id, "completed");
  const { jobs } = world.ctx;
  const polls = world.seen.polls.length;
  const signal = new AbortController().signal;
  expect(await jobs.get(id, world.otherKeyId)).toBeNull();
  expect(await jobs.watch(id, world.otherKeyId, signal)).toBeNull();
  expect(await jobs.cancel(id, world.otherKeyId)).toBeNull();
  expect(await jobs.remove(id, world.otherKeyId)).toBe(false);
  expect((await jobs.list(world.otherKeyId, { limit: 5 })).jobs).toEqual([]);
  expect(await kindOf(made(world, { keyId: world.otherKeyId, source: { jobId: id } }))).toBe("not_found");
  expect(world.seen.polls).toHaveLength(polls);
});

test("pages of one job each give every job once, newest first or oldest first", async () => {
  await using world = await openWorld();
  world.script.beforeSubmit = never;
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) ids.push((await made(world)).id);
  for (const order of ["asc", "desc"] as const) {
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const { jobs, hasMore } = await world.ctx.jobs.list(world.keyId, { limit: 1, after, order });
      seen.push(...jobs.map(({ id }) => id));
      if (!hasMore) break;
    }
    expect(seen).toEqual(order === "asc" ? ids : ids.toReversed());
  }
});

test("27: a remix goes to the token that made its source, with the handle that token knows it by", async () => {
  await using world = await openWorld({ tokens: TWO_TOKENS });
  const first = await made(world);
  const source = await world.until(first.id, "completed");
  const { id } = await made(world, { source: { jobId: first.id }, prompt: "at night" });
  expect(await world.until(id, "completed")).toMatchObject({ mode: "edit", tokenId: source.tokenId, sourceJobId: first.id });
  expect(world.seen.submitted[1]!.request).toMatchObject({ source: { operation: { name: "operation-1" } } });
});

test("when that token is gone, another starts from the stored bytes", async () => {
  await using world = await openWorld({ tokens: TWO_TOKENS });
  const first = await made(world);
  const source = await world.until(first.id, "completed");
  await world.store.deleteToken(source.tokenId!);
  world.ctx.pool.load(await world.store.listTokens());
  const { id } = await made(world, { source: { jobId: first.id } });
  expect((await world.until(id, "completed")).tokenId).not.toBe(source.tokenId);
  expect(world.seen.submitted[1]!.request).toMatchObject({ source: { operation: null } });
});

test("images reach the upstream in the client's order, also when they came as bytes", async () => {
  await using world = await openWorld();
  const image = () => ({ mime: "image/png", data: new Blob([PIXEL_PNG]) });
  const { id } = await made(world, { images: [image(), image()], choice: parseModel("gemini-omni-1.2-flash")! });
  expect(await world.until(id, "completed")).toMatchObject({ mode: "frames" });
  expect((world.seen.submitted[0]!.request as { images: unknown[] }).images).toHaveLength(2);
});
