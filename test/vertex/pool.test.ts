// A pool with Vertex in it: which provider serves, what shared capacity and refusals do, what the admin says of it.
import { afterEach, describe, expect, test } from "bun:test";
import type { NewToken } from "../../src/domain/token.ts";
import { withAccount } from "../../src/gateway/tokens/cloud-account.ts";
import { serviceAccountKey } from "../../src/simulator/vertex/accounts.ts";
import { signIn } from "../admin/admin.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, type RigOptions, startRig } from "../rig.ts";

const PRO = "gemini-3-pro-image";
const vertex = (project = "one-project", change: Partial<NewToken> = {}): NewToken =>
  withAccount({ provider: "vertex", label: project, secret: serviceAccountKey({ project }), ...change });

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]();
  rig = null;
});
const start = async (options: RigOptions): Promise<Rig> => (rig = await startRig(options));

const ask = (by: Rig, model = PRO) => by.chat({ model });
const providersOf = (by: Rig) =>
  by.simulator
    .calls()
    .filter(({ operation, status }) => operation !== null && /\.(?:generate|image|interaction)$/.test(operation) && status === 200)
    .map(({ operation }) => operation!.split(".")[0]);
const viewOf = (by: Rig, label: string) => by.context.pool.snapshot().find((token) => token.label === label)!;

describe("shared capacity", () => {
  test("lets another provider serve at once, holds the location for this model alone, and no account", async () => {
    const by = await start({ tokens: [vertex("one-project", { priority: 5 }), vertex("two-project", { priority: 5 }), GEMINI] });
    by.simulator.setFaults("vertex.generate=429-shared");
    expect((await ask(by)).status).toBe(200);
    // One call met it; the other account of the location was not asked.
    const asked = by.simulator.calls().filter(({ operation }) => operation === "vertex.generate");
    expect([asked.length, providersOf(by)]).toEqual([1, ["gemini"]]);
    for (const label of ["one-project", "two-project"]) {
      const { health, models } = viewOf(by, label);
      expect(health.state).toBe("healthy");
      expect(models).toMatchObject([{ family: PRO, scope: "location", state: "cooling", reason: "shared_capacity" }]);
    }
    by.simulator.setFaults("");
    // Another model of the same location serves.
    expect((await ask(by, "gemini-3.1-flash-lite-image")).status).toBe(200);
    expect(providersOf(by)).toEqual(["gemini", "vertex"]);
  });

  test("of one location leaves another one free", async () => {
    const tokens = [
      vertex("one-project", { location: "us-central1", priority: 5, families: null } as Partial<NewToken>),
      vertex("two-project"),
    ];
    const by = await start({ tokens });
    by.simulator.setFaults("vertex.generate=429-shared:once");
    expect((await ask(by, "gemini-2.5-flash-image")).status).toBe(200);
    expect(viewOf(by, "one-project").models).toHaveLength(1);
    expect(viewOf(by, "two-project").models).toEqual([]);
  });

  test("waits for its location where nothing else can serve", async () => {
    const by = await start({ tokens: [vertex()], clock: hurriedClock() });
    by.simulator.setFaults("vertex.generate=429-shared:once");
    expect((await ask(by)).status).toBe(200);
    expect(by.simulator.counts().total).toMatchObject({ charged: 1 });
  });

  test("that stays is reported as too many requests", async () => {
    const by = await start({ tokens: [vertex()], settings: { "pool.wait_ms": 0 } });
    by.simulator.setFaults("vertex.generate=429-shared");
    const response = await ask(by);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(viewOf(by, "one-project").health.state).toBe("healthy");
  });
});

describe("who serves", () => {
  const three = [GEMINI, FLOW, vertex()];

  test("the cheapest of the three, and another as soon as it cannot", async () => {
    const by = await start({ tokens: three });
    expect((await ask(by)).status).toBe(200);
    expect(providersOf(by)).toEqual(["flow"]);
    by.simulator.setFaults("flow.image=quota");
    expect((await ask(by)).status).toBe(200);
    expect(["gemini", "vertex"]).toContain(providersOf(by).at(-1)!);
  });

  test.each([
    ["vertex", [GEMINI, FLOW, vertex("one-project", { priority: 1 })]],
    ["gemini", [{ ...GEMINI, priority: 2 }, FLOW, vertex("one-project", { priority: 1 })]],
    ["flow", [GEMINI, { ...FLOW, priority: 3 }, vertex("one-project", { priority: 1 })]],
  ])("%s where it has the highest priority", async (provider, tokens) => {
    const by = await start({ tokens });
    expect((await ask(by)).status).toBe(200);
    expect(providersOf(by)).toEqual([provider]);
  });

  test("the strategy, where the price does not count", async () => {
    const by = await start({ tokens: three, settings: { "pool.prefer_cheaper": false, "pool.strategy": "round_robin" } });
    for (let turn = 0; turn < 3; turn++) await ask(by);
    expect(new Set(providersOf(by))).toEqual(new Set(["gemini", "flow", "vertex"]));
  });

  test("an own price of the operator's counts", async () => {
    const by = await start({ tokens: [GEMINI, vertex()] });
    const admin = await signIn(by);
    const saved = await admin.post(`/admin/models/${PRO}/prices`, { "price.vertex.1K": "0.01" });
    expect(saved.status).toBeLessThan(400);
    for (let turn = 0; turn < 3; turn++) expect((await ask(by)).status).toBe(200);
    expect(providersOf(by)).toEqual(["vertex", "vertex", "vertex"]);
  });

  test("the admin shows who would be next and why", async () => {
    const by = await start({ tokens: three });
    const admin = await signIn(by);
    const page = async () => (await admin.get(`/admin/models/${PRO}`)).text();
    const order = (html: string) => [...html.matchAll(/id="turn-(\w+)"/g)].map((match) => match[1]);
    expect(order(await page())[0]).toBe("flow");
    expect(await page()).toContain("Its price is the lowest");
    const [, , id] = by.context.pool.rows().map((row) => row.id);
    await by.context.store.updateToken(id!, { priority: 9 });
    by.context.pool.load(await by.context.store.listTokens());
    expect(order(await page())[0]).toBe("vertex");
    expect(await page()).toContain("Its token has the highest priority");
    by.simulator.setFaults("vertex.generate=429-shared");
    expect((await ask(by)).status).toBe(200);
    const html = await page();
    expect(order(html)).toEqual(["flow", "gemini", "vertex"]);
    expect(html).toContain("shared capacity");
  });
});

describe("what is reported", () => {
  test.each([
    ["not-in-location", "not_in_location", "location to global"],
    ["iam", "iam_denied", "roles/aiplatform.user"],
    ["api-disabled", "api_disabled", "aiplatform.googleapis.com"],
  ])("%s names the mend to the operator, and nothing inner to the client", async (fault, reason, words) => {
    const by = await start({ tokens: [vertex()] });
    by.simulator.setFaults(`vertex.generate=${fault}`);
    const response = await ask(by);
    expect(response.status).toBeGreaterThanOrEqual(400);
    const reported = await response.text();
    expect(reported).not.toContain("aiplatform");
    expect(reported).not.toContain("one-project");
    const admin = await signIn(by);
    const html = await (await admin.get(`/admin/tokens/${by.context.pool.rows()[0]!.id}`)).text();
    expect(html).toContain(words);
    const view = viewOf(by, "one-project");
    expect([view.health.reason, ...view.models.map((model) => model.reason)]).toContain(reason as never);
  });

  test("another location ends what the first one lacked", async () => {
    const by = await start({ tokens: [vertex("one-project", { location: "europe-west4" })] });
    expect((await ask(by)).status).toBeGreaterThanOrEqual(400);
    const admin = await signIn(by);
    const { id } = by.context.pool.rows()[0]!;
    const saved = await admin.post(`/admin/tokens/${id}/settings`, {
      label: "one-project",
      group: "one-project",
      location: "global",
      image_concurrency: "4",
      video_concurrency: "2",
      weight: "1",
      priority: "0",
      enabled: "on",
      image_enabled: "on",
      video_enabled: "on",
    });
    expect(saved.status).toBe(303);
    expect(by.context.pool.rows()[0]!.location).toBeNull();
    expect((await ask(by)).status).toBe(200);
  });
});

test("an Omni video of Vertex is made, stored and charged once; its access token may end on the way", async () => {
  const by = await start({ tokens: [vertex()], simulator: { videoMs: 0 }, clock: hurriedClock() });
  by.simulator.setFaults("vertex.interaction-get=token-expired:once");
  const created = await by.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox runs", seconds: "8" } });
  const { id } = (await created.json()) as { id: string };
  const job = await settled(by, id);
  expect(job.state).toBe("completed");
  expect(by.simulator.counts().total.charged).toBe(1);
  const content = await by.call(`/v1/videos/${id}/content`);
  expect(content.headers.get("content-type")).toBe("video/mp4");
});

test("a video that is complete and shows nothing ends as unknown, and waits for the operator", async () => {
  const clock = steeredClock();
  const by = await start({ tokens: [vertex()], simulator: { videoMs: 0 }, clock });
  by.simulator.setFaults("vertex.interaction=no-output");
  const created = await by.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox runs", seconds: "8" } });
  const { id } = (await created.json()) as { id: string };
  // The second poll comes after the first was understood.
  await until(() => (by.simulator.counts().operations["vertex.interaction-get"]?.requests ?? 0) > 1);
  expect((await by.context.store.getJob(id))?.state).toBe("running");
  clock.pass(121_000);
  const job = await settled(by, id);
  expect([job.state, job.error?.reason ?? job.error?.detail?.reason]).toEqual(["unknown", "no_output"]);
  expect(viewOf(by, "one-project").health.state).toBe("healthy");
  expect(by.simulator.counts().total.charged).toBe(1);
});

/** The system's, set forward by hand; waits are short. */
function steeredClock() {
  let aheadMs = 0;
  const { after } = hurriedClock();
  return {
    now: () => Date.now() + aheadMs,
    after: (ms: number, task: () => void) => after(ms / 10, task),
    pass(ms: number) {
      aheadMs += ms;
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  while (!isTrue()) {
    signal.throwIfAborted();
    await Bun.sleep(2);
  }
}

async function settled(by: Rig, id: string) {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    const row = await by.context.store.getJob(id);
    if (row && ["completed", "failed", "cancelled", "unknown"].includes(row.state)) return row;
    signal.throwIfAborted();
    await Bun.sleep(5);
  }
}
