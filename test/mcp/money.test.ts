// What MCP calls cost: limits and ledger of the key, one call under one idempotency key, one payment for a client that leaves.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type KeyLimits, NO_LIMITS } from "../../src/domain/key.ts";
import { until } from "../keys.ts";
import { FLOW, GEMINI, GEMINI_TWO, hurriedClock, KEY, type Rig, startRig } from "../rig.ts";
import { CLIENTS, connect, errorOf, linkOf, type Note, rpc, textOf } from "./connect.ts";

setDefaultTimeout(60_000);

async function limitKey({ context }: Rig, change: Partial<KeyLimits>): Promise<number> {
  const { store, keys } = context;
  const { id } = (await store.listKeys())[0]!;
  await store.updateKey(id, { limits: { ...NO_LIMITS, ...change } });
  keys.load(await store.listKeys(), await store.listKeyHashes());
  return id;
}
const images = (total: number) => ({ images: { day: null, month: null, total } });
const accepted = (rig: Rig) => rig.simulator.counts().total.accepted;

describe("limits of the key", () => {
  test("hold, and are reported in their own words", async () => {
    await using rig = await startRig();
    const id = await limitKey(rig, images(2));
    await using client = await connect(rig);
    expect((await client.call("generate_image", { prompt: "a fox", n: 2 })).isError).toBeFalsy();
    const refused = errorOf(await client.call("generate_image", { prompt: "a fox" }));
    expect(refused).toMatchObject({ isError: true, code: "insufficient_quota", text: expect.stringContaining("2 images in total") });
    expect([accepted(rig), rig.context.limits.usage(id).total.images]).toEqual([2, 2]);
    expect(rig.context.limits.gauges()).toEqual({ reservations: 0, inFlight: 0 });
  });

  test("of a minute count calls that make something, not those that read", async () => {
    await using rig = await startRig();
    await limitKey(rig, { rpm: 1 });
    await using client = await connect(rig);
    for (let count = 0; count < 3; count++) expect((await client.call("list_models")).isError).toBeFalsy();
    expect((await client.call("generate_image", { prompt: "a fox" })).isError).toBeFalsy();
    expect(errorOf(await client.call("generate_image", { prompt: "a fox" }))).toMatchObject({ isError: true, code: "rate_limit_exceeded" });
  });

  test("are asked before what a call names is fetched", async () => {
    await using rig = await startRig();
    await limitKey(rig, images(0));
    await using client = await connect(rig);
    const refused = errorOf(await client.call("edit_image", { prompt: "x", images: ["https://img.invalid/a.png"] }));
    expect(refused.code).toBe("insufficient_quota");
  });
});

test("a call is in the request log and the ledger as any other", async () => {
  await using rig = await startRig();
  await using client = await connect(rig);
  await client.call("generate_image", { prompt: "a fox" });
  const { store, requests, limits } = rig.context;
  const { id } = (await store.listKeys())[0]!;
  await requests.flush();
  const [row] = await requests.list({ limit: 1 });
  expect(row).toMatchObject({ dialect: "mcp", route: "POST /mcp generate_image", outcome: "ok", images: 1, keyId: id });
  expect(limits.usage(id).total.usd).toBeGreaterThan(0);
});

describe("one idempotency key is one call", () => {
  test.each(CLIENTS)("with %s", async (_name, open) => {
    await using rig = await startRig();
    await using client = await open(rig);
    const given = { prompt: "a fox", idempotency_key: "one" };
    const [first, second] = [await client.call("generate_image", given), await client.call("generate_image", given)];
    expect(linkOf(second)).toBe(linkOf(first));
    expect(accepted(rig)).toBe(1);
    const other = errorOf(await client.call("generate_image", { ...given, prompt: "a hare" }));
    expect(other).toMatchObject({ isError: true, text: expect.stringMatching(/idempotency/i) });
    expect(accepted(rig)).toBe(1);
  });

  test("of a video too, and get_job shows an image's job", async () => {
    await using rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock() });
    await using client = await connect(rig);
    const given = { prompt: "a fox runs", idempotency_key: "clip" };
    const [first, second] = [await client.call("generate_video", given), await client.call("generate_video", given)];
    expect(textOf(second)).toBe(textOf(first));
    await client.call("generate_image", { prompt: "a fox", idempotency_key: "still" });
    const { jobs } = await rig.context.jobs.list(null, { limit: 10, kind: "image" });
    const shown = await client.call("get_job", { id: jobs[0]!.id });
    expect(shown.content.map(({ type }) => type)).toEqual(["image", "resource_link", "text"]);
  });
});

describe("a client that leaves in mid-call", () => {
  const slow = () => startRig({ tokens: [GEMINI, GEMINI_TWO], simulator: { faults: "gemini.generate=latency(300)" } });

  async function leave(rig: Rig): Promise<void> {
    const before = rig.simulator.counts().total.requests;
    const left = new AbortController();
    const leaving = rig.call("/mcp", {
      json: rpc("tools/call", { name: "generate_image", arguments: { prompt: "a fox" } }),
      headers: { accept: "application/json, text/event-stream" },
      signal: left.signal,
    });
    const read = leaving.then((response) => response.text());
    read.catch(() => {});
    await until(() => rig.simulator.counts().total.requests > before);
    left.abort();
    await read.catch(() => {});
    const { id } = (await rig.context.store.listKeys())[0]!;
    await until(() => rig.context.undelivered.has(id));
  }

  test("has its image in the gallery and its payment once", async () => {
    await using rig = await slow();
    await leave(rig);
    await until(() => rig.context.limits.gauges().reservations === 0);
    const { id } = (await rig.context.store.listKeys())[0]!;
    expect(rig.context.limits.usage(id).total.images).toBe(1);
    expect((await rig.context.store.listMedia({ limit: 5, origin: "result" })).map(({ origin, kind }) => [origin, kind])).toEqual([
      ["result", "image"],
    ]);
    expect(accepted(rig)).toBe(1);
  });

  test("gets that image when it asks the same again, and a new one with `again`", async () => {
    await using rig = await slow();
    await leave(rig);
    await using client = await connect(rig);
    const given = { prompt: "a fox" };
    const joined = await client.call("generate_image", given);
    expect([joined.isError ?? false, accepted(rig)]).toEqual([false, 1]);
    await leave(rig);
    await client.call("generate_image", { ...given, again: true });
    expect(accepted(rig)).toBe(3);
  });

  test("of a response that was read whole nothing is left to give again", async () => {
    await using rig = await slow();
    await using client = await connect(rig);
    const links = [
      linkOf(await client.call("generate_image", { prompt: "a fox" })),
      linkOf(await client.call("generate_image", { prompt: "a fox" })),
    ];
    expect([new Set(links).size, accepted(rig)]).toEqual([2, 2]);
  });
});

describe("progress", () => {
  test.each(CLIENTS)("with %s it comes every 5 s and rises", async (_name, open) => {
    // 1.5 s of the system are 15 s of this clock.
    await using rig = await startRig({ simulator: { faults: "gemini.generate=latency(1500)" }, clock: hurriedClock() });
    await using client = await open(rig);
    const notes: Note[] = [];
    await client.call("generate_image", { prompt: "a fox" }, { onProgress: (note) => notes.push(note) });
    expect(notes.length).toBeGreaterThanOrEqual(3);
    expect(notes.at(-1)!.message).toMatch(/^Generating.*, \d+ s so far$/);
    expect(notes.every(({ progress }, index) => index === 0 || progress > notes[index - 1]!.progress)).toBe(true);
  });

  test("is not sent to a client that does not ask", async () => {
    await using rig = await startRig({ simulator: { faults: "gemini.generate=latency(700)" }, clock: hurriedClock() });
    const response = await rig.call("/mcp", {
      json: rpc("tools/call", { name: "generate_image", arguments: { prompt: "a fox" } }),
      headers: { accept: "application/json, text/event-stream", authorization: `Bearer ${KEY}` },
    });
    expect(await response.text()).not.toContain("notifications/progress");
  });
});
