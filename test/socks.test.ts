// SOCKS5 proxies of one token and of all: images and videos through them, names resolved there, failures that blame no token.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect as connectTo } from "node:net";
import { systemClock } from "../src/clock.ts";
import { send } from "../src/http.ts";
import { SocksBridge } from "../src/socks-bridge.ts";
import { IDLE_MS, SocksBridges } from "../src/socks-bridges.ts";
import { temporaryFolder, virtualClock } from "../src/testing.ts";
import { until } from "./keys.ts";
import { FLOW, GEMINI, GEMINI_TWO, hurriedClock, type Rig, startRig } from "./rig.ts";
import { startSocks } from "./socks-server.ts";

setDefaultTimeout(60_000);

const signal = new AbortController().signal;
const idle: Disposable[] = [];
afterAll(() => {
  for (const one of idle) one[Symbol.dispose]();
});
const address = (port: number, login = "me:canary") => `socks5h://${login}@127.0.0.1:${port}`;

/** A job until it has ended. */
async function video(rig: Rig, model: string): Promise<string> {
  const started = (await (await rig.call("/v1/videos", { json: { model, prompt: "a fox runs" } })).json()) as { id: string };
  return until(async () => {
    const { status } = (await (await rig.call(`/v1/videos/${started.id}`)).json()) as { status: string };
    return (status === "completed" || status === "failed") && status;
  });
}

describe("the proxy of one token", () => {
  test.each([
    ["Gemini", GEMINI, "gemini-3.1-flash-image", "gemini-omni-1.2-flash"],
    ["Flow", FLOW, "imagen-4.0-generate-preview", "veo-3.1-fast"],
  ])("carries images and videos of a %s token, with its login, which nobody sees", async (_name, token, image, clip) => {
    await using socks = await startSocks("me:canary");
    await using rig = await startRig({ tokens: [{ ...token, proxy: address(socks.port) }], clock: hurriedClock() });
    expect((await rig.chat({ model: image })).status).toBe(200);
    expect(await video(rig, clip)).toBe("completed");
    expect(socks.targets.length).toBeGreaterThan(2);
    expect(new Set(socks.logins)).toEqual(new Set(["me:canary"]));
    expect(rig.logged.join()).not.toContain("canary");
  });

  test("is no other token's", async () => {
    await using socks = await startSocks();
    await using rig = await startRig({ tokens: [{ ...GEMINI, enabled: false, proxy: `socks5://127.0.0.1:${socks.port}` }, GEMINI_TWO] });
    expect((await rig.chat()).status).toBe(200);
    expect(socks.connections()).toBe(0);
  });

  test.each([
    ["a wrong password", "me:wrong"],
    ["no login where one is asked for", ""],
  ])("with %s is a failure of the network: nothing is charged and no token blocked", async (_name, login) => {
    await using socks = await startSocks("me:canary");
    const proxy = login === "" ? `socks5://127.0.0.1:${socks.port}` : address(socks.port, login);
    await using rig = await startRig({ tokens: [{ ...GEMINI, proxy }], settings: { "generation.max_attempts": 1 } });
    const response = await rig.chat();
    expect(response.status).toBe(502);
    expect(await response.text()).toContain("Nothing was charged.");
    expect(rig.simulator.counts().total.requests).toBe(0);
    expect(rig.context.pool.gauges().tokens.blocked ?? 0).toBe(0);
    await rig.context.requests.flush();
    const [row] = await rig.context.requests.list({ limit: 1 });
    expect(JSON.stringify(row)).toContain("network");
  });

  test("that is not there is a failure of the network too, and another token serves", async () => {
    await using rig = await startRig({
      tokens: [{ ...GEMINI, proxy: "socks5://127.0.0.1:1" }, GEMINI_TWO],
      settings: { "pool.strategy": "fill_first" },
    });
    expect((await rig.chat()).status).toBe(200);
  });

  test("serves 200 calls at once, whole in both directions", async () => {
    await using socks = await startSocks("me:canary");
    const body = "x".repeat(300_000);
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: async (request) => new Response((await request.text()) + body) });
    const ask = () =>
      send({ method: "POST", url: `http://upstream.test:${server.port}/a?b=c`, body, proxy: address(socks.port), signal }).then((found) =>
        found.text(),
      );
    const all = await Promise.all(Array.from({ length: 200 }, ask));
    expect(all.every((text) => text.length === 600_000)).toBe(true);
    expect(new Set(socks.targets.map(({ kind, host }) => `${kind} ${host}`))).toEqual(new Set(["name upstream.test"]));
    await server.stop(true);
  });
});

describe("the proxy of all tokens", () => {
  test("is taken by those without one, and may be changed while serving", async () => {
    await using socks = await startSocks("me:canary");
    await using other = await startSocks();
    await using rig = await startRig({ tokens: [GEMINI], settings: { "pool.proxy": address(socks.port) } });
    expect((await rig.chat()).status).toBe(200);
    expect(socks.logins).toEqual(["me:canary"]);
    rig.context.settings.current().pool.proxy = `socks5://127.0.0.1:${other.port}`;
    expect((await rig.chat()).status).toBe(200);
    expect([socks.connections(), other.connections()]).toEqual([1, 1]);
    expect(rig.logged.join()).not.toContain("canary");
  });

  test("is not taken by a token with its own, nor by one that says direct", async () => {
    await using all = await startSocks();
    await using own = await startSocks();
    const settings = { "pool.proxy": `socks5://127.0.0.1:${all.port}` };
    await using first = await startRig({ tokens: [{ ...GEMINI, proxy: `socks5://127.0.0.1:${own.port}` }], settings });
    await using second = await startRig({ tokens: [{ ...GEMINI, proxy: "direct" }], settings });
    expect([(await first.chat()).status, (await second.chat()).status]).toEqual([200, 200]);
    expect([all.connections(), own.connections()]).toEqual([0, 1]);
  });
});

describe("a tunnel", () => {
  const folder = temporaryFolder();
  idle.push(folder);
  const files = ["-keyout", `${folder.path}/key.pem`, "-out", `${folder.path}/cert.pem`];
  const made = Bun.spawnSync(
    [
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=upstream.test",
      "-addext",
      "subjectAltName=DNS:upstream.test,IP:::1",
      ...files,
    ],
    { stdout: "ignore", stderr: "ignore" },
  );
  const hasTls = made.exitCode === 0;
  const tls = () => ({ key: Bun.file(`${folder.path}/key.pem`), cert: Bun.file(`${folder.path}/cert.pem`) });

  test.skipIf(!hasTls)("ends at the upstream: its certificate is verified, and the proxy sees a name and no more", async () => {
    await using socks = await startSocks();
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: tls(),
      fetch: async (request) => new Response(`${(await request.bytes()).byteLength}`),
    });
    const bridge = new SocksBridge(`socks5://127.0.0.1:${socks.port}`);
    const proxy = await bridge.listen();
    const ca = await Bun.file(`${folder.path}/cert.pem`).text();
    const ask = (name: string, body: Uint8Array | string, trusted: object = { ca }) =>
      fetch(`https://${name}:${server.port}/`, { method: "POST", body: body as BodyInit, proxy, tls: trusted });
    for (let count = 0; count < 3; count++)
      expect(await (await ask("upstream.test", new Uint8Array(8 * 1024 * 1024))).text()).toBe("8388608");
    expect(await (await ask("[::1]", "x")).text()).toBe("1");
    // A name that the certificate does not have, and an authority that is not known.
    const wrong = await Promise.allSettled([ask("other.test", "x"), ask("upstream.test", "x", {})]);
    expect(wrong.map((one) => one.status === "rejected" && one.reason.code)).toEqual([
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
    ]);
    expect(socks.targets[0]).toEqual({ kind: "name", host: "upstream.test", port: server.port! });
    expect(socks.targets.some(({ kind }) => kind === "ipv6")).toBe(true);
    bridge.close();
    await server.stop(true);
  });

  test.each(["http", "https"])("that the proxy cannot open is not sent (%s)", async (scheme) => {
    await using socks = await startSocks();
    const failing = send({
      method: "POST",
      url: `${scheme}://refused.test/`,
      body: "x",
      proxy: `socks5://127.0.0.1:${socks.port}`,
      signal,
    });
    expect(failing).rejects.toMatchObject({
      kind: "network",
      charged: false,
      message: expect.stringContaining("could not reach the upstream"),
    });
    await failing.catch(() => {});
    expect(socks.targets).toEqual([{ kind: "name", host: "refused.test", port: scheme === "http" ? 80 : 443 }]);
  });

  test("of an HTTP proxy that refuses it is not sent either", async () => {
    const refusing = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n") },
    });
    const failing = send({ method: "POST", url: "https://upstream.test/", body: "x", proxy: `http://127.0.0.1:${refusing.port}`, signal });
    expect(failing).rejects.toMatchObject({ kind: "network", charged: false });
    await failing.catch(() => {});
    refusing.stop(true);
  });
});

describe("the bridge", () => {
  test("is for this process alone: a stranger on its port gets 407 and reaches nothing", async () => {
    await using socks = await startSocks();
    const bridge = new SocksBridge(`socks5://127.0.0.1:${socks.port}`);
    const own = new URL(await bridge.listen());
    expect([own.hostname, own.password.length]).toEqual(["127.0.0.1", 48]);
    const logins = ["", "proxy-authorization: Basic YnJpZGdlOndyb25n\r\n", `proxy-authorization: Bearer ${own.password}\r\n`];
    const asked = logins.flatMap((login) => [
      `CONNECT upstream.test:443 HTTP/1.1\r\n${login}\r\n`,
      `GET http://upstream.test/ HTTP/1.1\r\n${login}\r\n`,
    ]);
    const responses = await Promise.all(asked.map((text) => speak(Number(own.port), text)));
    expect(responses.map((text) => text.slice(9, 12))).toEqual(asked.map(() => "407"));
    expect(socks.connections()).toBe(0);
    bridge.close();
  });

  test.each([
    ["what is no request", "hello\r\n\r\n"],
    ["a head without an end", "x".repeat(70_000)],
    ["an address that is none", "CONNECT :::: HTTP/1.1\r\n\r\n"],
  ])("refuses %s", async (_name, text) => {
    const bridge = new SocksBridge("socks5://127.0.0.1:1");
    const { port } = new URL(await bridge.listen());
    expect(await speak(Number(port), text)).toMatch(/^HTTP\/1\.1 4\d\d /);
    bridge.close();
  });

  test("is one for each proxy, and closed five minutes after its last use", async () => {
    await using socks = await startSocks();
    const clock = virtualClock();
    const bridges = new SocksBridges(clock);
    const one = `socks5://127.0.0.1:${socks.port}`;
    const [first, again, second] = await Promise.all([
      bridges.open(one),
      bridges.open(one),
      bridges.open(`socks5://me:x@127.0.0.1:${socks.port}`),
    ]);
    expect([first === again, first.url === second.url, bridges.count]).toEqual([true, false, 2]);
    await clock.advance(IDLE_MS - 1);
    await bridges.open(one);
    await clock.advance(1);
    await until(() => bridges.count === 1);
    const { port } = new URL(first.url);
    expect(await speak(Number(port), "x\r\n\r\n")).toContain("407");
    await until(async () => {
      await clock.advance(IDLE_MS);
      return bridges.count === 0;
    });
    await until(() =>
      speak(Number(port), "x\r\n\r\n").then(
        () => false,
        () => true,
      ),
    );
  });

  test("is not there without a SOCKS proxy", () => {
    expect(new SocksBridges(systemClock).count).toBe(0);
  });
});

/** Everything that a port answers to a text. */
function speak(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let response = "";
    const socket = connectTo(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (piece) => {
      response += piece;
    });
    socket.on("error", reject).on("close", () => resolve(response));
  });
}
