// Webhooks on a real HTTP server: which URL receives what, signed so that the official client believes it, retried, never to a private place.
import { expect, test } from "bun:test";
import OpenAI from "openai";
import { openWorld, type World } from "../../../test/jobs/jobs-world.ts";
import type { DeliveryRow } from "../../db/jobs.ts";
import { AppError } from "../../errors.ts";
import { signedHeaders } from "./webhooks.ts";

type Received = { headers: Headers; body: string };

/** A receiver that answers with these statuses in turn, then with 204. */
function receiver(...statuses: number[]) {
  const received: Received[] = [];
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      received.push({ headers: request.headers, body: await request.text() });
      return new Response(null, { status: statuses.shift() ?? 204 });
    },
  });
  return { received, url: `http://localhost:${server.port}/hook`, [Symbol.asyncDispose]: async () => void (await server.stop(true)) };
}

const delivered = (world: World, check: (rows: DeliveryRow[]) => boolean) =>
  world.eventually(async () => {
    await Bun.sleep(1);
    return check(await world.store.listDeliveries({ limit: 10 }));
  }, 20);

test("the end of a job is sent to the URL of its request, and OpenAI's client verifies it", async () => {
  await using world = await openWorld();
  await using hook = receiver();
  const { id } = await world.ctx.jobs.createVideo(world.order({ webhookUrl: hook.url }));
  await delivered(world, ([row]) => row?.state === "delivered");
  const { secret } = await world.ctx.webhooks.ofKey(world.keyId);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
  const { headers, body } = hook.received[0]!;
  const client = new OpenAI({ apiKey: "unused", webhookSecret: secret });
  // The clock of this test stands still elsewhere: the age is not what is checked here.
  const event = await client.webhooks.unwrap(body, headers, secret, 1e12).catch((error) => error);
  expect(event).toMatchObject({ object: "event", type: "video.completed", data: { id, status: "completed" } });
  const [result] = event.data.results;
  expect(result.path).toMatch(/^\/media\/[a-z2-7]{26}\.mp4$/);
  expect(result).not.toHaveProperty("url");
  expect(await client.webhooks.unwrap(`${body} `, headers, secret, 1e12).catch(() => "refused")).toBe("refused");
});

test("links are absolute when the address of this server is known", async () => {
  await using world = await openWorld({ settings: { "server.public_url": "https://pictures.example/" } });
  await using hook = receiver();
  await world.ctx.jobs.createVideo(world.order({ webhookUrl: hook.url }));
  await delivered(world, ([row]) => row?.state === "delivered");
  expect(JSON.parse(hook.received[0]!.body).data.results[0].url).toStartWith("https://pictures.example/media/");
});

test("a failure is reported with its reason", async () => {
  await using world = await openWorld();
  await using hook = receiver();
  world.script.poll = () => ({ state: "failed", error: new AppError("content_policy", "I cannot draw this.") });
  await world.ctx.jobs.createVideo(world.order({ webhookUrl: hook.url }));
  await delivered(world, ([row]) => row?.state === "delivered");
  expect(JSON.parse(hook.received[0]!.body)).toMatchObject({
    type: "video.failed",
    data: { status: "failed", error: { code: "content_policy", message: "I cannot draw this." } },
  });
});

test("a key's own URL is notified of all its jobs; another key's is not", async () => {
  await using world = await openWorld();
  await using hook = receiver();
  await world.ctx.webhooks.setUrl(world.keyId, hook.url);
  const mine = await world.ctx.jobs.createVideo(world.order());
  const other = await world.ctx.jobs.createVideo(world.order({ keyId: world.otherKeyId }));
  await world.until(other.id, "completed");
  await delivered(world, ([row]) => row?.state === "delivered");
  expect(hook.received.map(({ body }) => JSON.parse(body).data.id)).toEqual([mine.id]);
});

test("is tried again after 5 s, 30 s and so on, and given up after the sixth attempt", async () => {
  await using world = await openWorld();
  await using hook = receiver(500, 302, 404, 500, 500, 500);
  await world.ctx.jobs.createVideo(world.order({ webhookUrl: hook.url }));
  await delivered(world, ([row]) => row?.attempts === 1);
  const [first] = await world.store.listDeliveries({ limit: 1 });
  expect(first).toMatchObject({ state: "waiting", lastStatus: 500, lastError: "The server answered with status 500." });
  expect(first!.nextAt! - world.clock.now()).toBeLessThanOrEqual(5500);
  for (let attempts = 2; attempts <= 6; attempts++) {
    const [waiting] = await world.store.listDeliveries({ limit: 1 });
    await world.clock.advance(waiting!.nextAt! - world.clock.now());
    await delivered(world, ([row]) => row?.attempts === attempts);
  }
  expect((await world.store.listDeliveries({ limit: 1 }))[0]).toMatchObject({ state: "failed", attempts: 6, nextAt: null });
  const ids = new Set(hook.received.map(({ headers }) => headers.get("webhook-id")));
  expect([hook.received.length, ids.size]).toEqual([6, 1]);
});

test("what was not delivered before a restart is delivered after it", async () => {
  await using world = await openWorld();
  await using hook = receiver(503);
  await world.ctx.jobs.createVideo(world.order({ webhookUrl: hook.url }));
  await delivered(world, ([row]) => row?.attempts === 1);
  await world.crash();
  await delivered(world, ([row]) => row?.state === "delivered");
  expect(hook.received).toHaveLength(2);
});

test("a receiver that does not answer holds up nobody else's", async () => {
  await using world = await openWorld();
  const held = Promise.withResolvers<Response>();
  const asked: string[] = [];
  const silent = Bun.serve({
    port: 0,
    fetch(request) {
      asked.push(request.url);
      return held.promise;
    },
  });
  await using hook = receiver();
  const job = await world.ctx.jobs.createVideo(world.order());
  await world.until(job.id, "completed");
  const tell = (url: string, id: string) =>
    world.store.updateJob(
      job.id,
      ["completed"],
      {},
      { delivery: { id, jobId: job.id, keyId: world.keyId, url, type: "video.completed", payload: "{}", createdAt: world.clock.now() } },
    );
  for (let count = 0; count < 24; count++) await tell(`http://localhost:${silent.port}/hook`, `msg_silent${count}`);
  await tell(hook.url, "msg_served");
  world.ctx.webhooks.wake();
  // The clock stands still: nobody's time is over.
  for (let step = 0; step < 2000 && hook.received.length === 0; step++) await Bun.sleep(1);
  expect([hook.received.length, asked.length <= 2]).toEqual([1, true]);
  held.resolve(new Response(null, { status: 204 }));
  await silent.stop(true);
});

test("nothing is delivered when webhooks are switched off", async () => {
  await using world = await openWorld({ settings: { "webhooks.enabled": false } });
  await using hook = receiver();
  const { id } = await world.ctx.jobs.createVideo(world.order({ webhookUrl: hook.url }));
  await world.until(id, "completed");
  await world.pass(1000);
  expect(await world.store.listDeliveries({ limit: 1 })).toEqual([]);
  expect(hook.received).toEqual([]);
});

test("a private address is never called, and the refusal is on record", async () => {
  await using world = await openWorld();
  await using hook = receiver();
  const url = hook.url.replace("localhost", "127.0.0.1");
  await world.ctx.jobs.createVideo(world.order({ webhookUrl: url }));
  await delivered(world, ([row]) => row?.attempts === 1);
  expect((await world.store.listDeliveries({ limit: 1 }))[0]!.lastError).toContain("not on the public internet");
  expect(hook.received).toEqual([]);
});

test.each(["ftp://example.com/", "http://user:secret@example.com/", "http://example.com:25/", "no url"])(
  "%s is refused when the job is made",
  async (webhookUrl) => {
    await using world = await openWorld();
    const refused = await world.ctx.jobs.createVideo(world.order({ webhookUrl })).catch((error) => error);
    expect(refused).toMatchObject({ kind: "invalid_request", param: "webhook_url" });
    expect((await world.ctx.jobs.list(null, { limit: 1 })).jobs).toEqual([]);
  },
);

test("a rotated secret signs from then on; the address stays", async () => {
  await using world = await openWorld();
  await world.ctx.webhooks.setUrl(world.keyId, "https://hooks.example/a");
  const before = await world.ctx.webhooks.ofKey(world.keyId);
  const after = await world.ctx.webhooks.rotate(world.keyId);
  expect(after.url).toBe(before.url);
  expect(after.secret).not.toBe(before.secret);
  expect(await world.ctx.webhooks.ofKey(world.keyId)).toEqual(after);
});

test("the signature is that of the Standard Webhooks example", () => {
  // github.com/standard-webhooks/standard-webhooks, read 2026-11-23: the example of its reference libraries.
  const signed = signedHeaders(
    { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", payload: '{"test": 2432232314}' },
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    1_614_265_330_000,
  );
  expect(signed["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});
