// Before and around serving: first start, passwords, known defaults, health, settings, signals.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../config/config.ts";
import { acquireFolder } from "../../db/sqlite/lock.ts";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { Store } from "../../db/store.ts";
import { FIRST_ACCOUNT } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import { hashKey } from "../../gateway/keys/keys.ts";
import { temporaryFolder } from "../../testing.ts";
import { recordedIo, runRecorded } from "../testing.ts";
import { prepareFirstStart } from "./first-start.ts";
import { listening } from "./listen.ts";
import { watchSignals } from "./signals.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

let folders = 0;
function newFolder(): string {
  const path = join(folder.path, `data-${folders++}`);
  mkdirSync(path);
  return path;
}

async function withStore<T>(data: string, act: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
  try {
    return await act(store);
  } finally {
    await store.close();
  }
}

const cwd = folder.path;
const NOW = 1000;

async function firstStart(data: string, isTerminal: boolean): Promise<string> {
  const io = recordedIo({ cwd, isTerminal });
  const defaults = loadConfig({ file: null, env: {}, flags: {} }).settings;
  const settings = { ...defaults, storage: { ...defaults.storage, data_dir: data } };
  await withStore(data, (store) => prepareFirstStart(store, io, settings, NOW));
  return io.out;
}

describe("first start", () => {
  test("prints a one-time password and a key on a terminal, once", async () => {
    const data = newFolder();
    const out = await firstStart(data, true);
    const [, password = ""] = /first login\): (\S+)\n/.exec(out) ?? [];
    const [key = ""] = /sk-f2a-[\w-]{43}/.exec(out) ?? [];
    await withStore(data, async (store) => {
      const { passwordHash, passwordTemporary } = (await store.getAccount(FIRST_ACCOUNT))!;
      expect([await Bun.password.verify(password, passwordHash!), passwordTemporary]).toEqual([true, true]);
      expect(Buffer.from((await store.listKeyHashes())[0]!.hash)).toEqual(Buffer.from(hashKey(key)));
    });
    expect(existsSync(join(data, "first-start.txt"))).toBe(false);
    expect(await firstStart(data, true)).toBe("");
  });

  test("writes them to a private file where there is no terminal, and prints only its path", async () => {
    const data = newFolder();
    const file = join(data, "first-start.txt");
    writeFileSync(file, "left by somebody", { mode: 0o644 });
    expect(await firstStart(data, false)).toBe(`First start: admin password and first key are in ${file}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toMatch(/^Admin password [^\n]+: [a-z2-7]{26}\nAPI key: sk-f2a-[\w-]{43}\n$/);
  });

  test("a file that cannot be written leaves the folder as it was", async () => {
    const data = newFolder();
    mkdirSync(join(data, "first-start.txt"));
    await expect(firstStart(data, false)).rejects.toThrow();
    await withStore(data, async (store) => {
      expect([(await store.getAccount(FIRST_ACCOUNT))!.passwordHash, await store.readFact("first_start_at")]).toEqual([null, null]);
      expect(await store.listKeys()).toEqual([]);
    });
  });

  test("keeps a password and keys that are there already", async () => {
    const data = newFolder();
    await runRecorded({ cwd, stdin: "correct horse battery\n" }, "admin", "password", "--password", "-", "--data", data);
    await runRecorded({ cwd }, "key", "create", "--name", "bob", "--data", data);
    expect(await firstStart(data, true)).toBe("");
    await withStore(data, async (store) => {
      expect(await Bun.password.verify("correct horse battery", (await store.getAccount(FIRST_ACCOUNT))!.passwordHash!)).toBe(true);
      expect(await store.listKeys()).toHaveLength(1);
    });
  });
});

describe("admin password", () => {
  const set = (data: string, stdin: string) => runRecorded({ cwd, stdin }, "admin", "password", "--password", "-", "--data", data);

  test("replaces the temporary one by an argon2id hash", async () => {
    const data = newFolder();
    await firstStart(data, true);
    expect(await set(data, "correct horse battery\n")).toEqual({ code: 0, out: "The password of admin is set.\n", err: "" });
    await withStore(data, async (store) => {
      const { passwordHash, passwordTemporary } = (await store.getAccount(FIRST_ACCOUNT))!;
      expect(passwordHash).toStartWith("$argon2id$");
      expect(passwordTemporary).toBe(false);
    });
  });

  test.each([
    ["admin", "This password is a known default; choose another."],
    ["HAN1234", "This password is a known default; choose another."],
    ["ninechars", "The password needs at least 10 characters."],
    ["", "The password needs at least 10 characters."],
  ])("refuses %p", async (password, message) => {
    expect(await set(newFolder(), password)).toEqual({ code: 1, out: "", err: `${message}\n` });
  });

  test("asks twice at a terminal, and refuses two different inputs", async () => {
    const data = newFolder();
    const responses = ["correct horse battery", "correct horse batterz"];
    const world = { cwd, isTerminal: true, ask: async () => responses.shift()! };
    const { code, err } = await runRecorded(world, "admin", "password", "--data", data);
    expect([code, err]).toEqual([1, "The two passwords differ.\n"]);
  });
});

describe("serve refuses", () => {
  const serve = (data: string, env = {}) => runRecorded({ cwd, env }, "serve", "--port", "0", "--data", data);

  test.each(["han1234", "admin"])("the key %s, without quoting it, until it is revoked", async (known) => {
    const data = newFolder();
    await withStore(data, (store) => store.insertKey({ name: "old", prefix: "old", hash: hashKey(known) }, NOW));
    const { code, out, err } = await serve(data);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe('Key 1 is a default that everyone knows. Run "flow2api key revoke 1" and "flow2api key create".\n');
  });

  test("a metrics token that everyone knows", async () => {
    const { code, err } = await serve(newFolder(), { FLOW2API_SERVER_METRICS_TOKEN: "admin" });
    expect([code, err]).toEqual([1, "server.metrics_token: expected a secret, got one that everyone knows\n"]);
  });

  test("a data folder that another one serves from", async () => {
    const data = newFolder();
    using _owner = acquireFolder(data);
    const { code, out, err } = await serve(data);
    expect([code, out, err.split("\n").length]).toEqual([1, "", 2]);
    expect(err).toContain("in use by another flow2api");
  });

  test("a settings file with a mistake, before it touches the data folder", async () => {
    const file = join(folder.path, "wrong.toml");
    writeFileSync(file, "[server]\nprot = 80\n");
    const data = join(folder.path, "untouched");
    const { code, out, err } = await runRecorded({ cwd }, "serve", "--config", "wrong.toml", "--data", data);
    expect({ code, out, err }).toEqual({ code: 1, out: "", err: "wrong.toml: server.prot: unknown key; nearest known key: server.port\n" });
    expect(existsSync(data)).toBe(false);
  });
});

describe("an address that cannot be had", () => {
  test.each([
    [Object.assign(new Error("x"), { code: "EADDRINUSE" }), "Port 80 is taken; choose another with --port."],
    [new Error("x", { cause: { code: "EADDRINUSE" } }), "Port 80 is taken; choose another with --port."],
    [Object.assign(new Error("x"), { code: "EACCES" }), "Port 80 needs rights; choose one above 1023 with --port."],
    [
      Object.assign(new Error("x"), { code: "EEXIST", syscall: "listen" }),
      "h.example is no address of this machine: choose another with --host.",
    ],
    [Object.assign(new Error("x"), { code: "EADDRNOTAVAIL" }), "h.example is no address of this machine: choose another with --host."],
  ])("%#", async (error, message) => {
    await expect(listening(Promise.reject(error), { host: "h.example", port: 80 })).rejects.toThrow(message);
  });

  test("a taken port of the real system is one", async () => {
    using taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const again = async () => Bun.serve({ port: taken.port, hostname: "127.0.0.1", fetch: () => new Response() });
    await expect(listening(again(), { host: "127.0.0.1", port: taken.port! })).rejects.toThrow(AppError);
  });

  test("another failure stays what it is", async () => {
    await expect(listening(Promise.reject(new RangeError("other")), { host: "h.example", port: 80 })).rejects.toThrow(RangeError);
  });
});

test("the first signal stops, the second ends the process at once", async () => {
  const io = recordedIo({ cwd });
  let last = 0;
  {
    using signals = watchSignals(io, () => last++);
    io.signal();
    await signals.stopped;
    expect([last, io.exits]).toEqual([0, []]);
    io.signal();
    expect([last, io.exits]).toEqual([1, [130]]);
  }
  io.signal();
  expect(last).toBe(1);
});

describe("healthcheck", () => {
  const check = (...argv: string[]) => runRecorded({ cwd, env: { HTTP_PROXY: "http://127.0.0.1:9" } }, "healthcheck", ...argv);

  test("is 0 where /health answers 200, 1 where it answers something else or nothing", async () => {
    let status = 200;
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => new Response(null, { status: new URL(request.url).pathname === "/health" ? status : 404 }),
    });
    const port = `${server.port}`;
    expect(await check("--port", port)).toEqual({ code: 0, out: "ok\n", err: "" });
    status = 503;
    expect(await check("--port", port)).toEqual({ code: 1, out: "", err: `The server on 127.0.0.1:${port} answered 503.\n` });
    await server.stop(true);
    expect(await check("--port", port)).toEqual({ code: 1, out: "", err: `No server answers on 127.0.0.1:${port}.\n` });
  });

  test("asks where the settings say", async () => {
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const env = { FLOW2API_SERVER_PORT: `${server.port}`, FLOW2API_SERVER_HOST: "::" };
    expect((await runRecorded({ cwd, env }, "healthcheck")).code).toBe(0);
  });
});

describe("check-config", () => {
  const SECRET = "canary-0123456789-0123456789-0123456789";

  test("prints every setting with its origin, secrets hidden, and creates nothing", async () => {
    const data = join(folder.path, "none");
    writeFileSync(join(folder.path, "own.toml"), "[pool]\nwait_ms = 5\n");
    const env = { FLOW2API_PLUGIN_CONNECTION_TOKEN: SECRET, FLOW2API_TYPO: SECRET };
    const { code, out, err } = await runRecorded({ cwd, env }, "check-config", "--config", "own.toml", "--data", data);
    expect(code).toBe(0);
    expect(out).toMatch(/^pool\.wait_ms = 5 +file own\.toml$/m);
    expect(out).toMatch(/^server\.port = 8000 +default$/m);
    expect(out).toMatch(/^plugin\.connection_token = a hidden value +environment$/m);
    expect(out).toMatch(/^storage\.data_dir = ".+none" +flag$/m);
    expect(err).toStartWith("FLOW2API_TYPO: unknown environment name");
    expect(out + err).not.toContain(SECRET);
    expect(existsSync(data)).toBe(false);
  });

  test("includes what was edited at run time", async () => {
    const data = newFolder();
    await withStore(data, (store) => store.writeSettings({ "pool.strategy": "random" }));
    const { out } = await runRecorded({ cwd }, "check-config", "--data", data);
    expect(out).toMatch(/^pool\.strategy = "random" +database$/m);
  });

  test("is the refusal and 1 when something is wrong", async () => {
    const { code, out, err } = await runRecorded({ cwd, env: { FLOW2API_SERVER_PORT: "x" } }, "check-config");
    expect({ code, out, err }).toEqual({
      code: 1,
      out: "",
      err: 'FLOW2API_SERVER_PORT: server.port: expected integer 0 to 65535, got "x"\n',
    });
  });

  test("--defaults prints a file that it accepts itself", async () => {
    const { out } = await runRecorded({ cwd }, "check-config", "--defaults");
    writeFileSync(join(folder.path, "defaults.toml"), out);
    expect((await runRecorded({ cwd }, "check-config", "--config", "defaults.toml", "--data", join(folder.path, "none"))).code).toBe(0);
  });
});
