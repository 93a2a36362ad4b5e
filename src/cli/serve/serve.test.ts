// serve and demo, really listening: from the command line to a response and back to an empty folder.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../../testing.ts";
import { run } from "../cli.ts";
import { type Recorded, recordedIo, runRecorded, type World } from "../testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const cwd = folder.path;

type Running = AsyncDisposable & { io: Recorded; port: number; stop(): Promise<number> };

/** Runs a command line that serves, until `ready` finds its port in what was written. */
async function running(ready: RegExp, argv: string[], world: Partial<World> = {}): Promise<Running> {
  const io = recordedIo({ cwd, ...world });
  let ended: number | null = null;
  const code = run(argv, io).then((status) => {
    ended = status;
    return status;
  });
  const portOf = () => ready.exec(io.out + io.err)?.[1];
  while (portOf() === undefined) {
    if (ended !== null) throw new Error(`It ended with ${ended}: ${io.err}`);
    await Bun.sleep(2);
  }
  const stop = () => {
    io.signal();
    return code;
  };
  return { io, port: Number(portOf()), stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

const LISTENING = /"message":"listening","url":"http:\/\/[^"]+:(\d+)"/;

const serve = (data: string, port = 0) => running(LISTENING, ["serve", "--host", "127.0.0.1", "--port", `${port}`, "--data", data]);
const get = (port: number, path: string, key?: string) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: key ? { authorization: `Bearer ${key}` } : {} });

describe("serve", () => {
  test("needs no configuration, lives until a signal, and ends with 0", async () => {
    const data = join(folder.path, "alone");
    const server = await serve(data);
    expect(server.io.out).toBe(`First start: admin password and first key are in ${join(data, "first-start.txt")}\n`);
    expect((await runRecorded({ cwd }, "healthcheck", "--port", `${server.port}`)).out).toBe("ok\n");
    expect(await server.stop()).toBe(0);
    expect((await runRecorded({ cwd }, "healthcheck", "--port", `${server.port}`)).code).toBe(1);
  });

  test("serves from the folder that was named, wherever that is named from", async () => {
    await using server = await running(LISTENING, ["serve", "--host", "127.0.0.1", "--port", "0", "--data", "relative"]);
    const data = join(folder.path, "relative");
    expect(server.io.out).toContain(join(data, "first-start.txt"));
    expect(readdirSync(data)).toEqual(expect.arrayContaining(["flow2api.db", "media", "requests.db", "secret.key"]));
    const [key] = /sk-f2a-\S+/.exec(await Bun.file(join(data, "first-start.txt")).text())!;
    expect((await get(server.port, "/v1/models", key)).status).toBe(200);
  });

  test("opens to the first key, and to keys made while it runs", async () => {
    const data = join(folder.path, "keys");
    await using server = await serve(data);
    const [first] = /sk-f2a-\S+/.exec(await Bun.file(join(data, "first-start.txt")).text())!;
    expect((await get(server.port, "/v1/models", first)).status).toBe(200);
    expect((await get(server.port, "/v1/models")).status).toBe(401);
    const later = (await runRecorded({ cwd }, "key", "create", "--name", "later", "--data", data)).out.trim();
    const noticed = async () => (await get(server.port, "/v1/models", later)).status === 200;
    const deadline = Date.now() + 10_000;
    while (!(await noticed()) && Date.now() < deadline) await Bun.sleep(20);
    expect(await noticed()).toBe(true);
    for (const secret of [first, later]) expect(server.io.out + server.io.err).not.toContain(secret);
  });

  test("a second one on the same folder, or on the same port, ends with 1 and one line", async () => {
    const data = join(folder.path, "twice");
    await using server = await serve(data);
    const again = await runRecorded({ cwd }, "serve", "--port", "0", "--data", data);
    expect([again.code, again.out, again.err.split("\n").length]).toEqual([1, "", 2]);
    const port = `${server.port}`;
    const other = await runRecorded({ cwd }, "serve", "--host", "127.0.0.1", "--port", port, "--data", join(folder.path, "other"));
    expect(other.code).toBe(1);
    expect(other.err).toEndWith(`Port ${port} is taken; choose another with --port.\n`);
  });
});

describe("demo", () => {
  const demo = () =>
    running(/demo on http:\/\/127\.0\.0\.1:(\d+)/, ["demo", "--port", "0"], { env: { FLOW2API_GEMINI_BASE_URL: "http://127.0.0.1:9" } });
  const demoFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith("flow2api-demo-"));

  test("answers the two things it says to try, marked as simulated, and leaves nothing behind", async () => {
    const before = demoFolders();
    const server = await demo();
    const [made = ""] = demoFolders().filter((name) => !before.includes(name));
    expect(server.io.out).toContain(`curl http://localhost:${server.port}/v1/models -H "Authorization: Bearer han1234"`);
    expect(server.io.out).toContain(`curl -X POST http://localhost:${server.port}/v1/chat/completions`);

    const models = await get(server.port, "/v1/models", "han1234");
    expect([models.status, models.headers.get("x-flow2api-simulated")]).toEqual([200, "true"]);
    const [, body = ""] = /-d '([^']+)'/.exec(server.io.out) ?? [];
    const headers = { authorization: "Bearer han1234", "content-type": "application/json" };
    const chat = await fetch(`http://127.0.0.1:${server.port}/v1/chat/completions`, { method: "POST", headers, body });
    const text = await chat.text();
    expect([chat.status, chat.headers.get("x-flow2api-simulated")]).toEqual([200, "true"]);
    expect(text).toMatch(/!\[[^\]]*\]\(http:\/\/127\.0\.0\.1:\d+\/media\/[a-z2-7]{26}\.\w+\)/);
    expect(text).toEndWith("data: [DONE]\n\n");

    expect(await server.stop()).toBe(0);
    expect(made).not.toBe("");
    expect(existsSync(join(tmpdir(), made))).toBe(false);
  });

  test("does not answer to another machine's name", async () => {
    await using server = await demo();
    const response = await fetch(`http://127.0.0.1:${server.port}/health`, { headers: { host: "attacker.example" } });
    expect(response.ok).toBe(false);
  });
});

test("simulate serves the simulator alone, with the faults it is given, and says how to use it", async () => {
  const faults = ["--faults", "gemini.models=bad-key"];
  const reported = ["--seed", "7", "--latency", "3", ...faults];
  await using simulator = await running(/Simulator on http:\/\/127\.0\.0\.1:(\d+)/, ["simulate", "--port", "0", ...reported]);
  const { port, io } = simulator;
  expect(await (await get(port, "/__simulator/options")).json()).toMatchObject({ latencyMs: 3 });
  const [, gemini = ""] = /FLOW2API_GEMINI_BASE_URL=(\S+)/.exec(io.out) ?? [];
  expect((await fetch(`${gemini}/v1beta/models?key=demo-1.1`)).status).toBe(400);
  const [, url = "", spec = ""] = /curl -X PUT (\S+) -d "([^"]+)"/.exec(io.out) ?? [];
  expect(await (await fetch(url, { method: "PUT", body: spec })).json()).toEqual({ faults: spec });
  expect((await fetch(`${gemini}/v1beta/models?key=demo-1.1`)).status).toBe(200);
  expect((await get(port, "/__simulator/counts")).status).toBe(200);
});
