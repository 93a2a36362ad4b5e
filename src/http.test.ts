// What a failed call means: whether it can have arrived decides whether it may be repeated.
import { afterAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { AppError } from "./errors.ts";
import { readBody, send } from "./http.ts";

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function listen(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
}

const idle = new AbortController().signal;
const post = (url: string, options: { proxy?: string | null; signal?: AbortSignal } = {}) =>
  send({ method: "POST", url, body: "x", proxy: options.proxy ?? null, signal: options.signal ?? idle });
const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "answered",
    (error) => error.kind,
  );

describe("a call fails as", () => {
  test("network, uncharged, when nobody listens", async () => {
    await expect(post("http://127.0.0.1:1/")).rejects.toMatchObject({ kind: "network", charged: false });
  });
  test("network when the name does not exist", async () => expect(await kindOf(post("http://nothing.invalid/"))).toBe("network"));
  test("network when the proxy is not there", async () =>
    expect(await kindOf(post("http://192.0.2.1/", { proxy: "http://127.0.0.1:1" }))).toBe("network"));
  test("unknown outcome, charged, when the connection ends after the body was taken", async () => {
    const url = await listen((socket) => socket.once("data", () => socket.destroy()));
    await expect(post(url)).rejects.toMatchObject({ kind: "upstream_unknown_outcome", charged: true });
  });
  test("the signal's own reason when it aborts", async () => {
    const url = await listen(() => {});
    const controller = new AbortController();
    const pending = kindOf(post(url, { signal: controller.signal }));
    controller.abort(new AppError("upstream_timeout", "late"));
    expect(await pending).toBe("upstream_timeout");
  });
});

test("the environment's proxy never counts", async () => {
  const before = process.env.HTTP_PROXY;
  process.env.HTTP_PROXY = "http://127.0.0.1:1";
  try {
    const url = await listen((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")));
    expect((await post(url)).status).toBe(200);
  } finally {
    if (before === undefined) delete process.env.HTTP_PROXY;
    else process.env.HTTP_PROXY = before;
  }
});

test("a redirect is a response, not followed", async () => {
  let requests = 0;
  const url = await listen((socket) => {
    socket.on("data", () => {
      requests++;
      socket.end(`HTTP/1.1 302 Found\r\nlocation: ${url}next\r\ncontent-length: 0\r\n\r\n`);
    });
  });
  expect([(await post(url)).status, requests]).toEqual([302, 1]);
});

test("a body over its cap ends the transfer", async () => {
  const url = await listen((socket) =>
    socket.once("data", () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n${"x".repeat(5000)}`)),
  );
  const response = await post(url);
  await expect(readBody(response, 1000, idle)).rejects.toMatchObject({ kind: "upstream_unavailable" });
});

test("a body cut in the middle is an unknown outcome", async () => {
  const url = await listen((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")));
  const response = await post(url);
  await expect(readBody(response, 1000, idle)).rejects.toMatchObject({ kind: "upstream_unknown_outcome" });
});
