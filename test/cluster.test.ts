// Two nodes on one Postgres: limits, slots, idempotency and jobs are one; deaths, pauses, restarts and outages lose and double nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../src/clock.ts";
import { loadConfig } from "../src/config/config.ts";
import type { IncidentRow } from "../src/db/alerts.ts";
import { hasPostgres } from "../src/db/postgres/testing.ts";
import { storePassword } from "../src/gateway/auth/password.ts";
import { silentLog } from "../src/log.ts";
import { start } from "../src/server.ts";
import { temporaryFolder } from "../src/testing.ts";
import { VERSION } from "../src/version.ts";
import { ADMIN_PASSWORD, login, signedIn } from "./admin/admin.ts";
import { startStandIns } from "./alert-stand-ins.ts";
import { eventually, IMAGE, type Nodes, type ServerNode, startNodes, VIDEO } from "./cluster-world.ts";
import { type S3Server, startS3 } from "./s3.ts";

const image = { model: IMAGE, prompt: "a fox", n: 1 };
const IMAGES = "/v1/images/generations";
const HOUR = 3_600_000;
/** An incident that nobody was told of. */
const edgeOf = (id: string, now: number): IncidentRow => ({
  ...{ id, rule: "sign_in", subject: id, beganAt: now - HOUR, endedAt: now - HOUR, settled: false },
  state: { facts: { kind: "signIn", address: "203.0.113.9", actor: "admin" }, level: 1, urgent: true, changedAt: now - HOUR },
});
/** What the admin says of a node's load. */
const LOAD = /\d+ running, \d+ waiting, \d+ jobs, \d+ MiB/g;
/** Signature, and a header of 64 × 64 pixels. */
const PNG_HEAD = Buffer.from("89504e470d0a1a0a0000000d49484452000000400000004008060000", "hex");
const statusOf = async (response: Response) => {
  await response.arrayBuffer();
  return response.status;
};
const countOf = (statuses: number[], status: number) => statuses.filter((one) => one === status).length;

describe.skipIf(!hasPostgres)("two nodes", () => {
  let world: Nodes;
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await startS3();
    world = await startNodes({ tokens: 4, s3 });
  }, 60_000);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await s3[Symbol.asyncDispose]();
  });

  /** Makes an image on a node; resolves with the path of its link. */
  const mediaOf = async (node: ServerNode): Promise<string> => {
    const response = await world.post(node, IMAGES, { ...image, response_format: "url" });
    expect(response.status).toBe(200);
    const { data } = (await response.json()) as { data: { url: string }[] };
    return new URL(data[0]!.url).pathname;
  };
  const objects = async () => (await s3.client.list({ prefix: "pool/" })).contents ?? [];

  test("media that one node made lie in the bucket, and the other one serves them, whole and by range", async () => {
    const [a, b] = world.nodes;
    const path = await mediaOf(a);
    const id = path.slice("/media/".length).split(".")[0]!;
    expect((await objects()).map(({ key }) => key.includes(id))).toContain(true);
    const [here, there] = await Promise.all([a, b].map(async (node) => (await world.get(node, path)).bytes()));
    expect(there).toEqual(here!);
    const part = await world.send(b, path, { headers: { range: "bytes=100-199" } });
    expect([part.status, await part.bytes()]).toEqual([206, here!.slice(100, 200)]);
  }, 20_000);

  test("the bucket gone: results wait on the disk of the node that made them, and are there when it is back", async () => {
    const [a, b] = world.nodes;
    const before = (await objects()).length;
    await s3.close();
    const path = await mediaOf(a);
    expect(await statusOf(await world.get(a, path))).toBe(200);
    expect(await statusOf(await world.get(b, path))).toBe(503);
    s3.open();
    await eventually("the other node has it", 20_000, async () => (await statusOf(await world.get(b, path))) === 200);
    expect((await objects()).length).toBe(before + 1);
  }, 40_000);

  test("each alert is sent by one of them", async () => {
    await using far = startStandIns();
    const now = Date.now();
    const channel = { id: "hook", kind: "webhook", name: "hook", enabled: true, rules: ["sign_in"], createdAt: now };
    await world.store.putChannel({ ...channel, config: far.config("webhook") });
    await world.store.saveIncidents([edgeOf("inc_one", now)], []);
    await eventually("it is sent", 20_000, () => far.received.length > 0);
    await Bun.sleep(6_000);
    expect(far.received.map(({ body }) => (body as { incidents: { id: string }[] }).incidents.map(({ id }) => id))).toEqual([["inc_one"]]);
    await world.store.deleteChannel("hook");
  }, 40_000);

  test("both serve, and each is listed with where it is reached", async () => {
    const [a, b] = world.nodes;
    expect(await Promise.all([a, b].map(async (node) => statusOf(await world.post(node, IMAGES, image))))).toEqual([200, 200]);
    expect((await world.store.listNodes()).map(({ url, state }) => [url, state])).toEqual([
      [b.url, "serving"],
      [a.url, "serving"],
    ]);
    // What only a node itself sees is with its beats, for the one that sends alerts.
    const well = { networkSince: null, ledgerSince: null, models: [], links: { unreached: [], reached: [] } };
    await eventually("each reports its needs", 10_000, async () =>
      (await world.store.listNodes()).every(({ gauges }) => Bun.deepEquals((gauges as { needs?: unknown } | null)?.needs, well)),
    );
  });

  test("the admin of each shows both, with load, version and beat; one that is taken out of service is not ready until it is put back", async () => {
    const [a, b] = world.nodes;
    await storePassword(world.store, ADMIN_PASSWORD, false);
    const admin = await signedIn(a.url, await login(a.url, ADMIN_PASSWORD));
    // A session is of both: the page of the other node, and a form of it.
    const other = await signedIn(b.url, admin.cookie);
    const id = await b.id();
    for (const { get } of [admin, other]) {
      const page = async () => (await get("/admin/system")).text();
      await eventually("the load of both is shown", 10_000, async () => (await page()).match(LOAD)?.length === 2);
      const text = await page();
      for (const shown of [a.url, b.url, VERSION, "Last beat", `id="node-${id}"`]) expect(text).toContain(shown);
    }
    const readiness = async () => (await world.get(b, "/ready")).status;
    const drained = await admin.htmx("/admin/system/nodes", { act: "drain", id: String(id) });
    expect(drained.status).toBe(200);
    await eventually("the other node is not ready", 10_000, async () => (await readiness()) === 503);
    expect(await statusOf(await world.get(a, "/ready"))).toBe(200);
    expect(await statusOf(await other.htmx("/admin/system/nodes", { act: "serve", id: String(id) }))).toBe(200);
    await eventually("the other node is ready again", 10_000, async () => (await readiness()) === 200);
    expect(await statusOf(await admin.htmx("/admin/system/nodes", { act: "drain", id: "99999" }))).toBe(404);
  }, 40_000);

  test("the same Idempotency-Key on both is one submission, and the same job for both", async () => {
    const before = world.simulator.counts().total.accepted;
    const headers = { "idempotency-key": "once" };
    const asked = await Promise.all(world.nodes.map((node) => world.post(node, "/v1/videos", { model: VIDEO, prompt: "once" }, headers)));
    const jobs = (await Promise.all(asked.map((response) => response.json()))) as { id: string }[];
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    await eventually("the job completes", 20_000, async () => (await world.store.getJob(jobs[0]!.id))?.state === "completed");
    expect(world.simulator.counts().total.accepted - before).toBe(1);
  });

  test("a client of one node follows by events what the other one runs", async () => {
    world.simulator.setOptions({ latencyMs: 1500 });
    const before = world.simulator.counts().total.accepted;
    const headers = { "idempotency-key": "followed" };
    const body = { model: IMAGE, stream: true, messages: [{ role: "user", content: "a followed fox" }] };
    const first = world.post(world.nodes[1], "/v1/chat/completions", body, headers);
    await Bun.sleep(400);
    const follower = await world.post(world.nodes[0], "/v1/chat/completions", body, headers);
    const texts = await Promise.all([follower.text(), first.then((response) => response.text())]);
    world.simulator.setOptions({ latencyMs: 0 });
    for (const text of texts) expect([text.includes("/media/"), text.includes("[DONE]")]).toEqual([true, true]);
    expect(world.simulator.counts().total.accepted - before).toBe(1);
  }, 20_000);

  test("an upload that one node began goes on on the other, whatever the piece", async () => {
    const [a, b] = world.nodes;
    const bytes = Uint8Array.from({ length: 700_000 }, (_, at) => at % 251);
    bytes.set(PNG_HEAD);
    const begun = await world.send(a, "/upload/v1beta/files", {
      method: "POST",
      headers: { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start", "x-goog-upload-header-content-length": "700000" },
    });
    const { pathname } = new URL(begun.headers.get("x-goog-upload-url")!);
    const piece = (node: ServerNode, command: string, offset: number, body?: Uint8Array<ArrayBuffer>) =>
      world.send(node, pathname, {
        method: "POST",
        headers: { "x-goog-upload-command": command, "x-goog-upload-offset": `${offset}`, authorization: "" },
        body,
      });
    const first = await piece(b, "upload", 0, bytes.slice(0, 262_144));
    expect([first.status, first.headers.get("x-goog-upload-status"), first.headers.get("x-goog-upload-size-received")]).toEqual([
      ...[200, "active", "262144"],
    ]);
    expect((await piece(b, "query", 0)).headers.get("x-goog-upload-size-received")).toBe("262144");
    expect((await piece(b, "upload", 5, bytes.slice(5, 10))).status).toBe(400);
    expect((await piece(a, "upload", 262_144, bytes.slice(262_144, 524_288))).status).toBe(200);
    const last = await piece(b, "upload, finalize", 524_288, bytes.slice(524_288));
    const { file } = (await last.json()) as { file: { name: string; sizeBytes: string; state: string } };
    expect([last.status, last.headers.get("x-goog-upload-status"), file.sizeBytes, file.state]).toEqual([200, "final", "700000", "ACTIVE"]);
    expect(await statusOf(await world.get(b, `/v1beta/${file.name}`))).toBe(200);
    expect(await statusOf(await piece(b, "query", 0))).toBe(404);
    const unknown = await world.send(b, `${pathname.slice(0, pathname.lastIndexOf("-"))}-999999`, { method: "POST" });
    expect([unknown.status, await unknown.text()]).toEqual([
      404,
      expect.stringContaining("The node that held this has ended, and what it had received is gone. Begin again from the start."),
    ]);
  }, 30_000);

  test("a cooldown that one node met is known to the other", async () => {
    const [a, b] = world.nodes;
    const ids = (await world.store.listTokens()).map(({ id }) => id);
    world.simulator.setFaults("gemini.generate=429-minute(30):once");
    await statusOf(await world.post(a, IMAGES, image));
    world.simulator.setFaults("");
    await eventually("health is stored", 5_000, async () => (await world.store.listHealth(ids)).some(({ version }) => version > 0));
    expect(await statusOf(await world.post(b, IMAGES, image))).toBe(200);
  }, 20_000);
});

describe.skipIf(!hasPostgres)("limits and slots of two nodes", () => {
  test("a balance of ten that both race for is spent exactly", async () => {
    await using world = await startNodes({ limits: { images: { day: null, month: null, total: 10 } } });
    const asked = Array.from({ length: 60 }, (_, at) => world.post(world.nodes[at % 2]!, IMAGES, image));
    const statuses = await Promise.all(asked.map(async (response) => statusOf(await response)));
    expect([countOf(statuses, 200), countOf(statuses, 429)]).toEqual([10, 50]);
    expect(world.simulator.counts().total.accepted).toBe(10);
    await eventually("nothing is reserved", 10_000, async () => (await world.store.readLedger([], 0)).open.length === 0);
    expect((await world.store.readLedger(["total"], 0)).spent.map(({ amounts }) => amounts.images)).toEqual([10]);
  }, 60_000);

  test("a token of one slot never has two calls, and all that wait are served", async () => {
    await using world = await startNodes({ tokens: 1, concurrency: 1 });
    world.simulator.setOptions({ latencyMs: 100 });
    const asked = Array.from({ length: 16 }, (_, at) => world.post(world.nodes[at % 2]!, IMAGES, image));
    expect(await Promise.all(asked.map(async (response) => statusOf(await response)))).toEqual(Array(16).fill(200));
    expect(world.simulator.counts().total.maxInFlight).toBe(1);
  }, 60_000);
});

describe.skipIf(!hasPostgres)("a node that goes", () => {
  test("dies: within 15 s its jobs go on elsewhere, with the same token, none twice, nothing left reserved", async () => {
    await using world = await startNodes();
    const [a, b] = world.nodes;
    world.simulator.setOptions({ videoMs: 8_000 });
    const asked = await Promise.all(Array.from({ length: 8 }, () => world.post(a, "/v1/videos", { model: VIDEO, prompt: "a fox" })));
    const ids = await Promise.all(asked.map(async (response) => ((await response.json()) as { id: string }).id));
    const jobs = () => Promise.all(ids.map(async (id) => (await world.store.getJob(id))!));
    await eventually("all are submitted", 15_000, async () => (await jobs()).every(({ state }) => state === "running"));
    const tokens = (await jobs()).map(({ tokenId }) => tokenId);
    const [dead, alive] = [await a.id(), await b.id()];
    a.kill("SIGKILL");
    expect(await world.jobsOf(dead)).toBe(8);
    await eventually("the other node has them", 15_000, async () => (await world.jobsOf(alive)) === 8);
    await eventually("all complete", 30_000, async () => (await jobs()).every(({ state }) => state === "completed"));
    expect((await jobs()).map(({ tokenId }) => tokenId)).toEqual(tokens);
    expect(world.simulator.counts().total.accepted).toBe(8);
    await eventually("nothing is reserved", 5_000, async () => (await world.store.readLedger([], 0)).open.length === 0);
  }, 90_000);

  test("dies: the other one goes on to send alerts", async () => {
    await using far = startStandIns();
    await using world = await startNodes();
    const now = Date.now();
    const channel = { id: "hook", kind: "webhook", name: "hook", enabled: true, rules: ["sign_in"], createdAt: now };
    await world.store.putChannel({ ...channel, config: far.config("webhook") });
    // The oldest node sends.
    world.nodes[0].kill("SIGKILL");
    await world.store.saveIncidents([edgeOf("inc_left", now)], []);
    await eventually("it is sent", 90_000, () => far.received.length > 0);
    await Bun.sleep(6_000);
    expect(far.received.length).toBe(1);
  }, 180_000);

  test("dies with an upload: the other one says so, as Google's API does, and the upload that begins again is received", async () => {
    await using world = await startNodes({ tokens: 1 });
    const [a, b] = world.nodes;
    const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
    bytes.set(PNG_HEAD);
    const begin = async (node: ServerNode) => {
      const begun = await world.send(node, "/upload/v1beta/files", {
        method: "POST",
        headers: { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start" },
      });
      return new URL(begun.headers.get("x-goog-upload-url")!).pathname;
    };
    const piece = (path: string, command: string, offset: number, body?: Uint8Array<ArrayBuffer>) =>
      world.send(b, path, { method: "POST", headers: { "x-goog-upload-command": command, "x-goog-upload-offset": `${offset}` }, body });
    const path = await begin(a);
    expect((await piece(path, "upload", 0, bytes.slice(0, 262_144))).status).toBe(200);
    a.kill("SIGKILL");
    const seen = new Set<number>();
    const errorOf = async (response: Response) =>
      ((await response.json()) as { error: { code: number; status: string; message: string } }).error;
    await eventually("it is gone", 20_000, async () => {
      const response = await piece(path, "upload, finalize", 262_144, bytes.slice(262_144));
      seen.add(response.status);
      const { code, status, message } = await errorOf(response);
      expect([code, status, message]).toEqual(
        response.status === 404
          ? [404, "NOT_FOUND", expect.stringContaining("Begin again from the start.")]
          : [503, "UNAVAILABLE", expect.stringContaining("Try again in a moment.")],
      );
      return response.status === 404;
    });
    expect([...seen]).toEqual([503, 404]);
    expect((await errorOf(await piece(path, "query", 0))).status).toBe("NOT_FOUND");
    const whole = await piece(await begin(b), "upload, finalize", 0, bytes);
    expect([whole.status, whole.headers.get("x-goog-upload-status")]).toEqual([200, "final"]);
  }, 60_000);

  test("is paused and wakes up: it is fenced, and ends", async () => {
    await using world = await startNodes();
    const [a] = world.nodes;
    const id = await a.id();
    a.kill("SIGSTOP");
    const isDead = async () => (await world.store.listNodes()).some((row) => row.id === id && row.state === "dead");
    await eventually("it is declared dead", 40_000, isDead);
    a.kill("SIGCONT");
    expect(await a.exited).toBe(1);
    expect(a.logged()).toContain("declared this one dead");
  }, 90_000);

  test("is restarted under load, one after the other: no request fails, and its jobs go on", async () => {
    await using world = await startNodes();
    world.simulator.setOptions({ latencyMs: 50, videoMs: 12_000 });
    const video = (await (await world.post(world.nodes[0], "/v1/videos", { model: VIDEO, prompt: "a fox" })).json()) as { id: string };
    let isOver = false;
    const statuses: number[] = [];
    const load = Array.from({ length: 6 }, async () => {
      while (!isOver) statuses.push(await statusOf(await world.balanced(IMAGES, image)));
    });
    for (const node of world.nodes) {
      node.kill("SIGTERM");
      expect(await node.exited).toBe(0);
      await node.restart();
    }
    isOver = true;
    await Promise.all(load);
    expect([statuses.filter((status) => status !== 200), statuses.length > 20]).toEqual([[], true]);
    await eventually("the video completes", 30_000, async () => (await world.store.getJob(video.id))?.state === "completed");
    expect(world.simulator.counts().total.accepted).toBe(statuses.length + 1);
  }, 120_000);
});

describe.skipIf(!hasPostgres)("an outage", () => {
  test("of Postgres for 20 s: no money moves, neither node is ready, then all settles and both live", async () => {
    await using world = await startNodes();
    world.simulator.setOptions({ latencyMs: 2_000 });
    const underWay = world.post(world.nodes[0], IMAGES, image).then(statusOf);
    await Bun.sleep(1_000);
    const before = world.simulator.counts().total.accepted;
    await world.postgres.kill();
    const ready = async () => Promise.all(world.nodes.map(async (node) => statusOf(await world.get(node, "/ready"))));
    await eventually("neither is ready", 15_000, async () => (await ready()).every((status) => status === 503));
    const refused = await world.post(world.nodes[1], IMAGES, image);
    expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([503, "ledger_unavailable"]);
    expect(world.simulator.counts().total.accepted).toBe(before);
    await Bun.sleep(15_000);
    await world.postgres.restart();
    world.simulator.setOptions({ latencyMs: 0 });
    await eventually("both are ready", 20_000, async () => (await ready()).every((status) => status === 200));
    expect(await underWay).toBe(200);
    for (const node of world.nodes) expect(await statusOf(await world.post(node, IMAGES, image))).toBe(200);
    await eventually("nothing is reserved", 10_000, async () => (await world.store.readLedger([], 0)).open.length === 0);
  }, 120_000);

  test("of the clock: a machine that is 5 s off does not start", async () => {
    await using world = await startNodes({ tokens: 1 });
    using folder = temporaryFolder();
    const env = { FLOW2API_SECRET_KEY: process.env.FLOW2API_SECRET_KEY };
    process.env.FLOW2API_SECRET_KEY = world.secretKey;
    try {
      const flags = { "storage.data_dir": folder.path, "storage.database_url": world.databaseUrl, "server.port": "0" };
      const config = loadConfig({ file: null, env: {}, flags });
      const clock = { ...systemClock, now: () => Date.now() + 5_000 };
      const refused = await start({ config, log: silentLog, clock }).catch((error) => error);
      expect(refused).toMatchObject({ kind: "conflict", reason: "clock_off" });
    } finally {
      if (env.FLOW2API_SECRET_KEY === undefined) delete process.env.FLOW2API_SECRET_KEY;
      else process.env.FLOW2API_SECRET_KEY = env.FLOW2API_SECRET_KEY;
    }
  }, 60_000);
});
