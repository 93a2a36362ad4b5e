// The Vertex provider against the simulator: access tokens, locations, refusals, images, videos.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { ImageRequest, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { startSimulator } from "../../simulator/simulator.ts";
import type { ProviderState, ProviderToken } from "../provider.ts";
import { builtInModels, collect, memoryCall } from "../testing.ts";
import { createVertex } from "./client.ts";
import { hostOf } from "./endpoint.ts";

const simulator = await startSimulator({ videoMs: 0 });
/** How far the simulator's clock was advanced in all, and how far ours differs from it. */
let passedMs = 0;
let skewMs = 0;
const now = () => Date.now() + passedMs + skewMs;
function pass(ms: number): void {
  simulator.advance(ms);
  passedMs += ms;
}
const create = () =>
  createVertex({
    models: builtInModels("vertex"),
    baseUrl: simulator.vertexBaseUrl,
    tokenUrl: simulator.vertexTokenUrl,
    now,
    log: silentLog,
  });
let vertex = create();
let ids = 0;
const tokenOf = (change: Partial<ProviderToken> = {}): ProviderToken => ({
  id: ++ids,
  secret: simulator.serviceAccount(),
  proxy: null,
  state: {},
  ...change,
});
const request: ImageRequest = { family: "gemini-3-pro-image", turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }] };
const video: VideoRequest = { family: "gemini-omni-1.2-flash", mode: "text", prompt: "a fox runs", images: [] };

afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  skewMs = 0;
  vertex = create();
});

const requestsOf = (operation: string) => (simulator.counts().operations as Record<string, { requests: number }>)[operation]?.requests ?? 0;
const mints = () => requestsOf("vertex.token");

async function imageOf(token: ProviderToken, change: Partial<ImageRequest> = {}) {
  const { call, drafts, remembered } = memoryCall();
  const { events, error } = await collect(vertex, [{ ...request, ...change }, token, call]);
  return { events, error: error as AppError | undefined, drafts, remembered };
}

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("access tokens", () => {
  test("a hundred parallel first calls mint one, the next hour's calls mint none", async () => {
    const token = tokenOf();
    const all = await Promise.all(Array.from({ length: 100 }, () => imageOf(token)));
    expect(all.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(mints()).toBe(1);
    await imageOf(token);
    expect(mints()).toBe(1);
    expect(simulator.counts().total).toMatchObject({ accepted: 101, charged: 101 });
  });

  test("after an hour one more is minted, by whoever comes first", async () => {
    const token = tokenOf();
    await imageOf(token);
    pass(3_600_000);
    await Promise.all([imageOf(token), imageOf(token), imageOf(token)]);
    expect(mints()).toBe(2);
  });

  test("what is remembered serves after a restart, and not for another key", async () => {
    const { remembered } = await imageOf(tokenOf());
    const { state } = remembered[0] as { state: ProviderState };
    vertex = create();
    expect((await imageOf(tokenOf({ state }))).error).toBeUndefined();
    expect(mints()).toBe(1);
    const secret = simulator.serviceAccount({ name: "other" });
    expect((await imageOf(tokenOf({ secret, state }))).error).toBeUndefined();
    expect(mints()).toBe(2);
  });

  test("each token has its own", async () => {
    const [one, two] = [tokenOf(), tokenOf({ secret: simulator.serviceAccount({ project: "second-project" }) })];
    await Promise.all([imageOf(one), imageOf(two)]);
    expect(mints()).toBe(2);
  });

  test("a 401 of an image is answered by one mint more, and nothing is charged twice", async () => {
    const token = tokenOf();
    await imageOf(token);
    simulator.setFaults("vertex.generate=token-expired:once");
    const { error, events } = await imageOf(token);
    expect(error).toBeUndefined();
    expect(events.filter(({ type }) => type === "submitted")).toHaveLength(1);
    expect([mints(), simulator.counts().total.charged]).toEqual([2, 2]);
  });

  test("parallel calls that meet the end of one access token mint one more", async () => {
    const token = tokenOf();
    await imageOf(token);
    // The upstream does not know it any more, and nothing has reported it.
    simulator.reset();
    const all = await Promise.all(Array.from({ length: 20 }, () => imageOf(token)));
    expect(all.every(({ error }) => error === undefined)).toBe(true);
    expect([mints(), simulator.counts().total.charged]).toEqual([1, 20]);
  });

  test("a stream that ends in a 401 is not repeated, and the next call has a new access token", async () => {
    const token = tokenOf();
    simulator.setFaults("vertex.generate=expires-mid-stream:once");
    const { error } = await imageOf(token, { includeThoughts: true });
    expect(error).toMatchObject({ kind: "upstream_unknown_outcome", charged: true });
    expect([mints(), simulator.counts().total.charged]).toEqual([1, 1]);
    expect((await imageOf(token, { includeThoughts: true })).error).toBeUndefined();
    expect([mints(), simulator.counts().total.charged]).toEqual([2, 2]);
  });

  test("an access token that ends while a stream is under way ends nothing", async () => {
    const token = tokenOf();
    simulator.setFaults("vertex.generate=slow(5)");
    const { error } = await collect(vertex, [{ ...request, includeThoughts: true }, token, memoryCall().call], ({ type }) => {
      if (type === "text") skewMs = 3_600_000;
    });
    expect([error, skewMs]).toEqual([undefined, 3_600_000]);
    expect([mints(), simulator.counts().total.charged]).toEqual([1, 1]);
  });

  test("a 401 that stays is the token's own", async () => {
    simulator.setFaults("vertex.generate=token-expired");
    const { error } = await imageOf(tokenOf());
    expect(error).toMatchObject({ kind: "upstream_unauthorized", detail: { scope: "token", reason: "key_invalid" } });
    expect([mints(), requestsOf("vertex.generate")]).toEqual([2, 2]);
  });

  test.each([
    ["an account that is gone", "grant-refused", { kind: "upstream_unauthorized", detail: { scope: "token", reason: "key_invalid" } }],
    ["an endpoint that fails", "503", { kind: "upstream_unavailable", detail: { scope: "upstream", reason: "internal" } }],
    ["an endpoint that closes the connection", "lost", { kind: "network" }],
    ["an endpoint that answers with a page", "html", { kind: "upstream_unavailable" }],
  ])("%s fails before anything is submitted", async (_, fault, expected) => {
    simulator.setFaults(`vertex.token=${fault}`);
    const { error, events } = await imageOf(tokenOf());
    expect(error).toMatchObject({ ...expected, charged: false });
    expect(events.some(({ type }) => type === "submitted")).toBe(false);
    expect(simulator.counts().total.accepted).toBe(0);
  });

  test("a clock that differs is said, and blames no account", async () => {
    skewMs = -7_200_000;
    const { error } = await imageOf(tokenOf());
    expect(error).toMatchObject({ kind: "upstream_unavailable" });
    expect(error!.message).toContain("clock");
  });

  test("the signature is checked: another key's is refused", async () => {
    const { privateKey } = (await import("node:crypto")).generateKeyPairSync("rsa", { modulusLength: 2048 });
    const account = { ...JSON.parse(simulator.serviceAccount()), private_key: privateKey.export({ type: "pkcs8", format: "pem" }) };
    const { error } = await imageOf(tokenOf({ secret: JSON.stringify(account) }));
    expect(error!.message).toBe("Google does not accept this service account: Invalid JWT Signature.");
  });
});

describe("secrets", () => {
  const account = JSON.parse(simulator.serviceAccount());
  test.each([
    ["a foreign token_uri", { ...account, token_uri: "https://evil.example/token" }, "token_uri"],
    ["a credential of a person", { ...account, type: "authorized_user" }, "authorized_user"],
    ["another cloud", { ...account, universe_domain: "evil.example" }, "another cloud"],
    ["a project that leaves its place in the path", { ...account, project_id: "../../evil" }, "project_id"],
    ["a damaged private key", { ...account, private_key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" }, "private key"],
  ])("%s is refused without a call", async (_, json, words) => {
    const { error } = await imageOf(tokenOf({ secret: JSON.stringify(json) }));
    expect(error).toMatchObject({ kind: "upstream_unauthorized", detail: { scope: "token", reason: "key_invalid" } });
    expect(error!.message).toContain(words);
    expect(simulator.calls()).toEqual([]);
  });

  test("escapes that were left in the private key are read", async () => {
    const secret = JSON.stringify({ ...account, private_key: account.private_key.replaceAll("\n", "\\n") });
    expect((await imageOf(tokenOf({ secret }))).error).toBeUndefined();
  });

  test("a key of express mode goes without project and without a mint", async () => {
    const token = tokenOf({ secret: "AQ.express-key", location: "us-central1" });
    expect((await imageOf(token)).error).toBeUndefined();
    const [call] = simulator.calls();
    expect(call!.path).toBe("/vertex/v1beta1/publishers/google/models/gemini-3-pro-image:generateContent");
    expect(mints()).toBe(0);
    expect((await vertex.check(token, memoryCall().call)).identity).toBeUndefined();
  });

  test("a location that would leave the host name is refused", async () => {
    const { error } = await imageOf(tokenOf({ location: "evil.example/" }));
    expect(error).toMatchObject({ kind: "upstream_unauthorized" });
    expect(simulator.calls()).toEqual([]);
  });

  test.each([
    ["global", "https://aiplatform.googleapis.com"],
    ["eu", "https://aiplatform.eu.rep.googleapis.com"],
    ["us", "https://aiplatform.us.rep.googleapis.com"],
    ["europe-west4", "https://europe-west4-aiplatform.googleapis.com"],
  ])("the host of %s", (location, host) => {
    expect(hostOf(location)).toBe(host);
  });
});

describe("refusals name the mend", () => {
  test.each([
    [
      "a model that is elsewhere",
      "not-in-location",
      "upstream_model_denied",
      "token_model",
      "not_in_location",
      'set its location to "global"',
    ],
    ["a role that is missing", "iam", "upstream_unauthorized", "token", "iam_denied", "roles/aiplatform.user"],
    ["an API that is off", "api-disabled", "upstream_unauthorized", "group", "api_disabled", "aiplatform.googleapis.com"],
    ["a project that is gone", "project-missing", "upstream_unauthorized", "token", "project_missing", "does not exist"],
    ["capacity that all share", "429-shared", "upstream_rate_limited", "location_model", "shared_capacity", "capacity"],
    ["the older words of the same", "429-nodetails", "upstream_rate_limited", "location_model", "shared_capacity", "capacity"],
  ])("%s", async (_, fault, kind, scope, reason, words) => {
    simulator.setFaults(`vertex.generate=${fault}`);
    const { error } = await imageOf(tokenOf());
    expect(error).toMatchObject({ kind, charged: false, detail: { scope, reason } });
    expect(error!.message).toContain(words);
  });

  test.each([
    ["noapi-project", "painter", "api_disabled"],
    ["gone-project", "painter", "project_missing"],
    ["some-project", "noiam-painter", "iam_denied"],
  ])("an account of %s as %s", async (project, name, reason) => {
    const token = tokenOf({ secret: simulator.serviceAccount({ project, name }) });
    expect((await imageOf(token)).error).toMatchObject({ detail: { reason } });
    expect(await failureOf(vertex.check(token, memoryCall().call))).toMatchObject({ detail: { reason } });
  });

  test("a location without the model is reported for a video too", async () => {
    const error = await failureOf(vertex.startVideo(video, tokenOf({ location: "europe-west4" }), memoryCall().call, async () => {}));
    expect(error).toMatchObject({ kind: "upstream_model_denied", detail: { scope: "token_model", reason: "not_in_location" } });
  });
});

describe("a check", () => {
  test("learns account and families without cost, in its location", async () => {
    const facts = await vertex.check(tokenOf(), memoryCall().call);
    expect(facts.identity).toBe("painter@simulated-project.iam.gserviceaccount.com");
    expect(facts.families).toContain("gemini-3-pro-image");
    expect(facts.families).toContain("gemini-omni-1.2-flash");
    const regional = await vertex.check(tokenOf({ location: "us-central1" }), memoryCall().call);
    expect(regional.families).toEqual(["gemini-2.5-flash-image"]);
    expect(simulator.counts().total.accepted).toBe(0);
  });
});

describe("videos", () => {
  const start = async (token: ProviderToken, change: Partial<VideoRequest> = {}) =>
    (await vertex.startVideo({ ...video, ...change }, token, memoryCall().call, async () => {})).operation;

  test("are made inline and read from the interaction", async () => {
    const token = tokenOf();
    const operation = await start(token);
    const { call, drafts } = memoryCall();
    const status = await vertex.pollVideo(operation, token, call);
    expect(status).toMatchObject({ state: "done", usage: { outputImage: 57_920 } });
    if (status.state !== "done") throw new Error(status.state);
    const file = await vertex.downloadVideo(status.result, token, call);
    expect(drafts.files[Number(file.path)]!.bytes.subarray(4, 8).toString()).toBe("ftyp");
  });

  test("inputs of any size go inline: there are no files", async () => {
    const image = { mime: "image/png", data: new Blob([Buffer.from(PNG, "base64")]) };
    await start(tokenOf(), { mode: "references", images: [image, image] });
    expect(simulator.calls().map(({ operation }) => operation)).toEqual(["vertex.token", "vertex.interaction"]);
  });

  test("a poll and a cancellation survive the end of the access token", async () => {
    const token = tokenOf();
    simulator.setOptions({ videoMs: 60_000 });
    const operation = await start(token);
    simulator.setFaults("vertex.interaction-get=token-expired:once");
    expect(await vertex.pollVideo(operation, token, memoryCall().call)).toMatchObject({ state: "pending" });
    simulator.setFaults("vertex.interaction-cancel=token-expired:once");
    expect(await vertex.cancelVideo(operation, token, memoryCall().call)).toBe(true);
    expect([mints(), simulator.counts().total.charged]).toEqual([3, 1]);
    simulator.setOptions({ videoMs: 0 });
  });

  test("complete without a result is polled on for two minutes, then unknown", async () => {
    simulator.setFaults("vertex.interaction=no-output");
    const token = tokenOf();
    const operation = await start(token);
    const poll = () => vertex.pollVideo(operation, token, memoryCall().call);
    expect((await poll()).state).toBe("pending");
    skewMs = 119_000;
    expect((await poll()).state).toBe("pending");
    skewMs = 121_000;
    expect(await poll()).toMatchObject({ state: "unknown", error: { kind: "upstream_unknown_outcome", charged: true } });
  });

  test("a result that comes late is taken", async () => {
    simulator.setFaults("vertex.interaction=no-output(60000)");
    const token = tokenOf();
    const operation = await start(token);
    expect((await vertex.pollVideo(operation, token, memoryCall().call)).state).toBe("pending");
    pass(60_000);
    expect((await vertex.pollVideo(operation, token, memoryCall().call)).state).toBe("done");
  });

  test("a refusal in words is one at once", async () => {
    simulator.setFaults("vertex.interaction=text");
    const token = tokenOf();
    const operation = await start(token);
    expect(await vertex.pollVideo(operation, token, memoryCall().call)).toMatchObject({
      state: "failed",
      error: { kind: "content_policy" },
    });
  });
});

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
