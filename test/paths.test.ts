// Host names of any length on every kind of route, base URLs that are nearly right, and whose address is in links.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { GEMINI, KEY, type Rig, startRig } from "./rig.ts";

setDefaultTimeout(30_000);

let rig: Rig;
let image: string;
beforeAll(async () => {
  rig = await startRig({
    tokens: [GEMINI],
    settings: { "server.public_url": "https://images.example.com" },
    simulator: { videoMs: 0, fileMs: 0 },
  });
  const response = (await (await rig.chat()).json()) as { choices: { message: { content: string } }[] };
  image = new URL(/\((https[^)]+)\)/.exec(response.choices[0]!.message.content)![1]!).pathname;
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A request as it stands on the wire: no client corrects its path or its host. */
function raw(head: string, body = ""): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    let response = "";
    const length = body ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` : "";
    const socket = connect(Number(new URL(rig.url).port), "127.0.0.1", () => {
      socket.write(`${head}\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\n${length}\r\n${body}`);
    });
    socket.setEncoding("latin1").on("data", (chunk) => (response += chunk));
    socket.on("close", () => resolve({ status: Number(response.split(" ")[1]), body: response.slice(response.indexOf("\r\n\r\n") + 4) }));
    socket.on("error", reject);
  });
}

const HOSTS = [
  "x",
  "f2a",
  "api",
  "a.b",
  "gateway",
  "localhost",
  "images.example.com",
  "a:1",
  "api:8000",
  "[::1]",
  "[::1]:8000",
  "under_score",
  "UPPER",
  "trailing.",
  "",
  "a b",
  "user@host",
  "a:99999",
  "a:b",
  "999.1.1.1",
  "[zz]",
  "a%20b",
  "ä",
];

describe.each(HOSTS)("under the host name %p", (host) => {
  const ROUTES: [method: string, path: () => string][] = [
    ["GET", () => image],
    ["HEAD", () => image],
    ["GET", () => "/health"],
    ["GET", () => "/v1/models"],
    ["GET", () => "/v1/models/gemini-3-pro-image"],
    ["GET", () => "/v1beta/models/gemini-3-pro-image"],
    ["GET", () => "/v1/videos"],
    ["GET", () => "/v1/files?limit=1"],
    ["GET", () => "/openapi.json"],
    ["POST", () => "/v1beta/models/gemini-3-pro-image:countTokens"],
  ];
  test.each(ROUTES)("%s is served", async (method, path) => {
    const body = method === "POST" ? '{"contents":"a fox"}' : "";
    expect((await raw(`${method} ${path()} HTTP/1.1\r\nHost: ${host}`, body)).status).toBe(200);
  });

  test("a path with an id is not taken for another one", async () => {
    expect((await raw(`GET /v1/videos/video_none HTTP/1.1\r\nHost: ${host}`)).body).toContain("no such video");
    expect((await raw(`GET /admin/tokens HTTP/1.1\r\nHost: ${host}`)).status).toBe(303);
  });
});

test("a request without a host is served", async () => {
  expect((await raw(`GET ${image} HTTP/1.0`)).status).toBe(200);
  expect((await raw("GET /admin/tokens HTTP/1.0")).status).toBe(303);
});

const PROMPT = '{"prompt":"a fox","messages":[{"role":"user","content":"a fox"}],"model":"gemini-3-pro-image","input":"a fox"}';

describe("a base URL that is nearly right is served", () => {
  test.each([
    "//v1/images/generations",
    "/v1//images/generations",
    "/v1/v1/images/generations",
    "/v1/v1/chat/completions",
    "/v1/chat/completions/chat/completions",
    "/images/generations",
    "/chat/completions",
    "/responses",
    "/v1beta/chat/completions",
    "/api/v1/responses",
  ])("POST %s", async (path) => {
    const { status, body } = await raw(`POST ${path} HTTP/1.1\r\nHost: api`, PROMPT);
    expect([status, /"(?:data|choices|output)":/.test(body)]).toEqual([200, true]);
  });

  test.each(["/models", "//v1/models", "/v1/v1/models", "/v1/chat/completions/models"])(
    "GET %s lists in the caller's dialect",
    async (path) => {
      expect((await raw(`GET ${path} HTTP/1.1\r\nHost: x`)).body).toContain('"object":"list"');
    },
  );
});

test.each(["/v1/nothing", "/v2/chat/completions", "/nothing"])("%s is a 404 that names the base URLs", async (path) => {
  const response = await rig.call(path, { json: {} });
  const { error } = (await response.json()) as { error: { message: string; code: string } };
  expect([response.status, error.code]).toEqual([404, "unknown_url"]);
  expect(error.message).toContain(`${rig.url}/v1 for OpenAI clients`);
});

describe("while server.public_url is another host", () => {
  type Made = { data: { url: string }[] };
  const madeBy = async (headers: Record<string, string> = {}) => {
    const json = { prompt: "a fox", response_format: "url" };
    return ((await (await rig.call("/v1/images/generations", { json, headers })).json()) as Made).data[0]!.url;
  };

  test("a program's links have the host that it called", async () => {
    expect(await madeBy()).toStartWith(`${rig.url}/media/`);
    const video = (await (await rig.call("/v1/videos", { json: { prompt: "a fox" } })).json()) as { polling_url: string };
    expect(video.polling_url).toStartWith(`${rig.url}/v1/videos/`);
    const headers = { "x-goog-api-key": KEY, "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start" };
    const upload = await fetch(`${rig.url}/upload/v1beta/files`, { method: "POST", headers, body: '{"file":{}}' });
    expect(upload.headers.get("x-goog-upload-url")).toStartWith(`${rig.url}/upload/`);
  });

  test("a person's links have the public address", async () => {
    expect(await (await rig.chat()).text()).toContain("](https://images.example.com/media/");
  });

  test("a program that called the public host gets its scheme as well", async () => {
    expect(await madeBy({ host: "images.example.com" })).toStartWith("https://images.example.com/media/");
  });

  test("a proxy that is not trusted hides the host that was called", async () => {
    expect(await madeBy({ "x-forwarded-for": "203.0.113.1" })).toStartWith("https://images.example.com/media/");
  });
});
