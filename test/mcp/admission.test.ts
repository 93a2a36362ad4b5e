// Who may call /mcp: a client key as bearer, from a known host and page; and what strangers and wrong methods get.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { FLOW, GEMINI, KEY, type Rig, startRig } from "../rig.ts";
import { connect, INITIALIZE, rpc } from "./connect.ts";

setDefaultTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], settings: { "server.public_url": "https://img.example.com" } });
});
afterAll(() => rig[Symbol.asyncDispose]());

const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const post = (headers: Record<string, string> = {}, body: unknown = INITIALIZE, path = "/mcp") =>
  fetch(`${rig.url}${path}`, {
    method: "POST",
    headers: { ...HEADERS, authorization: `Bearer ${KEY}`, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("the key", () => {
  test.each([
    ["none", ""],
    ["an unknown one", "Bearer sk-f2a-unknown"],
    ["another scheme", `Basic ${btoa(`x:${KEY}`)}`],
  ])("%s is 401 with a challenge, as a JSON-RPC error", async (_name, authorization) => {
    const response = await fetch(`${rig.url}/mcp`, {
      method: "POST",
      headers: { ...HEADERS, ...(authorization && { authorization }) },
      body: JSON.stringify(INITIALIZE),
    });
    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(await response.json()).toMatchObject({ jsonrpc: "2.0", id: null, error: { message: expect.stringContaining("API key") } });
  });

  test("in the query it does not count: addresses are logged by what is between", async () => {
    const response = await fetch(`${rig.url}/mcp?key=${KEY}`, { method: "POST", headers: HEADERS, body: JSON.stringify(INITIALIZE) });
    expect(response.status).toBe(401);
  });

  test("of another key's job and model nothing is returned", async () => {
    const { store, keys } = rig.context;
    const { id } = (await store.listKeys())[0]!;
    await store.updateKey(id, { models: ["gemini-3-pro-image"] });
    keys.load(await store.listKeys(), await store.listKeyHashes());
    await using client = await connect(rig);
    const [listed, refused] = await Promise.all([client.call("list_models"), client.call("generate_image", { prompt: "a fox" })]);
    expect(JSON.stringify(listed)).not.toContain("nano-banana");
    expect(refused).toMatchObject({ isError: true, _meta: { "flow2api/error": { code: "model_not_allowed" } } });
    await store.updateKey(id, { models: [] });
    keys.load(await store.listKeys(), await store.listKeyHashes());
  });
});

describe("sign-in is not offered", () => {
  const PATHS = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration",
    "/mcp/.well-known/openid-configuration",
  ];
  test.each(PATHS)("%s is 404, with a key and without", async (path) => {
    const all = await Promise.all(["", `Bearer ${KEY}`].map((authorization) => fetch(`${rig.url}${path}`, { headers: { authorization } })));
    expect(all.map(({ status }) => status)).toEqual([404, 404]);
  });
});

describe("host and page", () => {
  const { port } = new URL("http://x:1");
  test.each([
    ["the server's address", {}, 200],
    ["localhost", { host: "localhost:8000" }, 200],
    ["the public address", { host: "img.example.com" }, 200],
    ["a page of this machine", { origin: "http://localhost:6274" }, 200],
    ["a page of the public address", { host: "img.example.com", origin: "https://img.example.com" }, 200],
    ["a name that a stranger can point here", { host: "evil.example.com" }, 403],
    ["such a name with its own page", { host: `evil.example.com:${port}`, origin: "http://evil.example.com" }, 403],
    ["the page of a stranger", { origin: "https://evil.example.com" }, 403],
    ["a page that hides where it is from", { origin: "null" }, 403],
    ["a forwarded name of no trusted proxy", { host: "evil.example.com", "x-forwarded-host": "localhost" }, 403],
  ])("%s: %j is %d", async (_name, headers, status) => {
    const response = await post(headers);
    expect(response.status).toBe(status);
    if (status === 403) expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining("server.mcp_hosts") } });
  });

  test("other routes are served by any name", async () => {
    const response = await rig.call("/v1/models", { headers: { host: "evil.example.com", origin: "http://evil.example.com" } });
    expect(response.status).toBe(200);
  });

  test("a browser's page of this machine gets its preflight", async () => {
    const response = await fetch(`${rig.url}/mcp`, {
      method: "OPTIONS",
      headers: { origin: "http://localhost:6274", "access-control-request-headers": "authorization, mcp-protocol-version" },
    });
    expect([response.status, response.headers.get("access-control-allow-headers")]).toEqual([204, "authorization, mcp-protocol-version"]);
  });
});

describe("the transport", () => {
  test.each(["GET", "DELETE"])("%s is 405: there are no sessions", async (method) => {
    const response = await fetch(`${rig.url}/mcp`, { method, headers: { authorization: `Bearer ${KEY}`, accept: "text/event-stream" } });
    expect(response.status).toBe(405);
  });

  test.each([
    ["no JSON", {}, "{", 400],
    ["another type", { "content-type": "text/plain" }, INITIALIZE, 415],
    ["neither a request nor a notification", {}, { jsonrpc: "2.0" }, 400],
    ["deep nesting", {}, "[".repeat(5000) + "]".repeat(5000), 400],
  ])("a body that is %s is refused", async (_name, headers, body, status) => {
    const response = await post(headers, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ jsonrpc: "2.0", error: { code: expect.any(Number) } });
  });

  test("streams are not to be buffered by a proxy", async () => {
    const { headers } = await post({}, rpc("tools/list"));
    expect([headers.get("content-type"), headers.get("x-accel-buffering")]).toEqual(["text/event-stream", "no"]);
  });

  test("nothing but ours is offered", async () => {
    const responses = await Promise.all(
      ["resources/list", "prompts/list"].map((method) => post({}, rpc(method)).then((found) => found.text())),
    );
    for (const result of responses) expect(result).toContain("-32601");
  });

  test.each(["/mcp/", "//mcp", "/v1/mcp", "/mcp/mcp"])("%s is /mcp", async (path) => {
    expect((await post({}, INITIALIZE, path)).status).toBe(200);
  });

  test("several calls in one body are calls of their own", async () => {
    const call = (id: number) => ({ ...rpc("tools/call", { name: "generate_image", arguments: { prompt: `fox ${id}` } }), id });
    const before = rig.simulator.counts().total.accepted;
    const text = await (await post({ "mcp-protocol-version": "2025-03-26" }, [call(1), call(2)])).text();
    expect(text.match(/"type":"image"/g)).toHaveLength(2);
    expect(rig.simulator.counts().total.accepted).toBe(before + 2);
    expect(rig.context.limits.gauges()).toEqual({ reservations: 0, inFlight: 0 });
  });

  test("a body's bytes are given back when its response has ended", async () => {
    expect(await (await post({}, rpc("tools/list"))).text()).toContain("get_job");
    expect(rig.context.bodyBudget.held).toBe(0);
  });
});

test("the admin's own port does not serve it", async () => {
  await using other = await startRig({ settings: { "admin.port": await freePort() } });
  const { port } = other.context.config.settings.admin;
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, { method: "POST", headers: { authorization: `Bearer ${KEY}` } });
  expect(response.status).toBe(404);
});

async function freePort(): Promise<number> {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port } = server;
  await server.stop(true);
  return port!;
}
