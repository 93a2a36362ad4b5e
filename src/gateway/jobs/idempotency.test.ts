// Repeated requests: the same one is carried out once, another one under the same name is refused, across restarts.

import { describe, expect, test } from "bun:test";
import { failing, openWorld } from "../../../test/jobs/jobs-world.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { AppError } from "../../errors.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { hashRequest } from "../generation/undelivered/hash-request.ts";
import { type Begun, IDEMPOTENCY_MS, Idempotency } from "./idempotency.ts";

const NAME = { keyId: 1, route: "POST /v1/images/generations", key: "order-1" };

async function open() {
  const folder = temporaryFolder();
  const clock = virtualClock();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  const start = () => new Idempotency({ store, clock });
  const close = async () => {
    await store.close();
    folder[Symbol.dispose]();
  };
  return { clock, store, start, [Symbol.asyncDispose]: close };
}

const claimOf = (begun: Begun) => {
  if (begun.state !== "new") throw new Error(`It is ${begun.state}.`);
  return begun.claim;
};
const kindOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AppError ? error.kind : error),
  );

describe("a name", () => {
  test("is new once, then running, then a job, also after a restart", async () => {
    await using world = await open();
    const first = world.start();
    const claim = claimOf(await first.begin(NAME, "hash"));
    const second = await first.begin(NAME, "hash");
    expect(second.state).toBe("running");
    await claim.attach("video_1");
    expect(second.state === "running" && (await second.jobId)).toBe("video_1");
    expect(await first.begin(NAME, "hash")).toEqual({ state: "job", jobId: "video_1" });
    expect(await world.start().begin(NAME, "hash")).toEqual({ state: "job", jobId: "video_1" });
  });

  test("among a hundred racing requests is new for one", async () => {
    await using world = await open();
    const idempotency = world.start();
    const states = await Promise.all(Array.from({ length: 100 }, async () => (await idempotency.begin(NAME, "hash")).state));
    expect(states.filter((state) => state === "new")).toHaveLength(1);
  });

  test("with another request is a conflict; of another key, on another route or a day later it is another name", async () => {
    await using world = await open();
    const idempotency = world.start();
    await idempotency.begin(NAME, "hash");
    expect(await kindOf(idempotency.begin(NAME, "other"))).toBe("conflict");
    expect((await idempotency.begin({ ...NAME, keyId: 2 }, "other")).state).toBe("new");
    expect((await idempotency.begin({ ...NAME, route: "POST /v1/videos" }, "other")).state).toBe("new");
    await world.clock.advance(IDEMPOTENCY_MS + 1);
    expect((await idempotency.begin(NAME, "other")).state).toBe("new");
  });

  test.each(["", "a\nb", "x".repeat(256)])("%p is refused", async (key) => {
    await using world = await open();
    expect(await kindOf(world.start().begin({ ...NAME, key }, "hash"))).toBe("invalid_request");
  });
});

describe("a failure", () => {
  test("that cost nothing lets the request begin again", async () => {
    await using world = await open();
    const idempotency = world.start();
    await claimOf(await idempotency.begin(NAME, "hash")).abandon(new AppError("busy", "Full."));
    expect((await idempotency.begin(NAME, "hash")).state).toBe("new");
  });

  test("of the store while a name is taken over lets the request begin again", async () => {
    await using world = await open();
    await world.start().begin(NAME, "hash");
    const next = world.start();
    const take = world.store.takeIdempotency;
    world.store.takeIdempotency = () => Promise.reject(new AppError("unavailable", "Away."));
    expect(await kindOf(next.begin(NAME, "hash"))).toBe("unavailable");
    world.store.takeIdempotency = take;
    expect((await next.begin(NAME, "hash")).state).toBe("new");
  });

  test("of a process from which another took the name leaves it to that one", async () => {
    await using world = await open();
    const late = claimOf(await world.start().begin(NAME, "hash"));
    const next = world.start();
    const claim = claimOf(await next.begin(NAME, "hash"));
    await late.abandon(new AppError("unavailable", "Declared dead."));
    await late.attach("video_late").catch(() => {});
    await claim.attach("video_1");
    expect(await world.start().begin(NAME, "hash")).toEqual({ state: "job", jobId: "video_1" });
  });
});

describe("a job that failed", () => {
  const order = { idempotencyKey: "again" };
  const ask = (world: Awaited<ReturnType<typeof openWorld>>) => world.ctx.jobs.createImages(world.images(order));

  test("and cost nothing makes room for another, one for however many ask", async () => {
    await using world = await openWorld();
    world.script.image = failing("upstream_invalid");
    const first = await ask(world);
    expect((await world.until(first.id, "failed")).error).toMatchObject({ kind: "upstream_invalid", charged: false });
    delete world.script.image;
    const ids = new Set((await Promise.all(Array.from({ length: 20 }, () => ask(world)))).map(({ id }) => id));
    expect([ids.size, ids.has(first.id)]).toEqual([1, false]);
    await world.until([...ids][0]!, "completed");
    expect(world.seen.images).toBe(2);
    expect(world.ledger()).toMatchObject({ open: 0, images: 1 });
  });

  test("and was charged for is returned again, also after a restart", async () => {
    await using world = await openWorld();
    world.script.image = failing("upstream_timeout");
    const { id } = await ask(world);
    await world.until(id, "failed");
    expect((await ask(world)).id).toBe(id);
    await world.crash();
    expect((await ask(world)).id).toBe(id);
    expect(world.seen.images).toBe(1);
  });

  test("is forgotten only as long as the name stands for it", async () => {
    await using world = await open();
    const idempotency = world.start();
    await claimOf(await idempotency.begin(NAME, "hash")).attach("second");
    await idempotency.forget(NAME, "first");
    expect(await idempotency.begin(NAME, "hash")).toEqual({ state: "job", jobId: "second" });
    await idempotency.forget(NAME, "second");
    expect((await idempotency.begin(NAME, "hash")).state).toBe("new");
  });
});

describe("a crash", () => {
  test("before anything was sent lets the request begin again", async () => {
    await using world = await open();
    await world.start().begin(NAME, "hash");
    const next = world.start();
    expect((await next.begin(NAME, "hash")).state).toBe("new");
    expect((await next.begin(NAME, "hash")).state).toBe("running");
  });
});

test("requests are the same whatever the order of their fields, with the same bytes, and without what is undefined", async () => {
  const same = [
    { a: 1, b: { c: [new Blob(["x"])] } },
    { b: { c: [new Blob(["x"])], d: undefined }, a: 1 },
  ];
  expect(await hashRequest(same[0])).toBe(await hashRequest(same[1]));
  expect(await hashRequest({ a: [1, 2] })).not.toBe(await hashRequest({ a: [2, 1] }));
  expect(await hashRequest({ a: new Blob(["x"]) })).not.toBe(await hashRequest({ a: new Blob(["y"]) }));
});

test("a video asked for twice under one key is one job, also after a restart; another video is a conflict", async () => {
  await using world = await openWorld();
  const order = () => world.order({ idempotencyKey: "twice" });
  const [first, second] = await Promise.all([world.ctx.jobs.createVideo(order()), world.ctx.jobs.createVideo(order())]);
  expect(second!.id).toBe(first!.id);
  await world.until(first!.id, "completed");
  await world.crash();
  expect((await world.ctx.jobs.createVideo(order())).id).toBe(first!.id);
  expect(await kindOf(world.ctx.jobs.createVideo({ ...order(), prompt: "a bear" }))).toBe("conflict");
  expect(world.seen.submitted).toHaveLength(1);
});
