// What each verb that changes something leaves in the audit log: who, what, before and after, and never a secret.
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { acquireFolder } from "../db/sqlite/lock.ts";
import { loadSecretKey } from "../db/sqlite/secrets.ts";
import { openStore } from "../db/sqlite/store.ts";
import { temporaryFolder } from "../testing.ts";
import { run } from "./cli.ts";
import { recordedIo, runRecorded } from "./testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const SECRET = "AIzaSyCanaryCanaryCanaryCanaryCanary01";

let folders = 0;
function fresh(stdin = "") {
  const data = join(folder.path, `data-${folders++}`);
  const cli = (line: string) => runRecorded({ cwd: folder.path, stdin }, ...line.split(" "), "--data", data);
  /** The latest change first. */
  async function trail() {
    const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
    const rows = await store.listAudit({ limit: 100 }).finally(() => store.close());
    expect(JSON.stringify(rows)).not.toMatch(/canary|sk-f2a-\w/i);
    return rows;
  }
  return { data, cli, trail };
}

const ADD = `token add --no-check --provider gemini --secret ${SECRET} --label one`;

/** Starts a server on the folder and stops it as soon as it listens. */
async function serveOnce(data: string): Promise<void> {
  const io = recordedIo({ cwd: folder.path });
  const serving = run(["serve", "--host", "127.0.0.1", "--port", "0", "--data", data], io);
  while (!io.err.includes('"listening"')) await Bun.sleep(2);
  io.signal();
  expect(await serving).toBe(0);
}

describe("the last change is reported", () => {
  const CASES: [string, string[], { action: string; subject: string; before: unknown; after: unknown }][] = [
    ["a token that is added", [`${ADD} --group g`], made("token.add", "token 1", { provider: "gemini", label: "one", group: "g" })],
    [
      "a token that is changed, with what differs alone",
      [ADD, "token set 1 --weight 2.5 --proxy http://u:canary@p.example:1"],
      {
        action: "token.change",
        subject: "token 1",
        before: { weight: 1, proxy: null },
        after: { weight: 2.5, proxy: "http://…@p.example:1" },
      },
    ],
    [
      "a token that is removed",
      [ADD, "token remove 1"],
      { action: "token.delete", subject: "token 1", before: expect.objectContaining({ provider: "gemini", label: "one" }), after: null },
    ],
    ["tokens that are imported", ["token import -"], made("token.import", "tokens", { added: 1, known: 0, invalid: 1 })],
    ["secrets that leave", [ADD, "token export --secrets"], made("token.export", "tokens", { secrets: true, count: 1 })],
    [
      "a key that is made",
      ["key create --name bob --rpm 6"],
      made("key.create", "key 1", { name: "bob", limits: expect.objectContaining({ rpm: 6 }) }),
    ],
    [
      "a key that is changed",
      ["key create --name bob", "key set 1 --name alice --disable"],
      { action: "key.update", subject: "key 1", before: { name: "bob", enabled: true }, after: { name: "alice", enabled: false } },
    ],
    [
      "a key that is revoked",
      ["key create --name bob", "key revoke 1"],
      { action: "key.delete", subject: "key 1", before: { revokedAt: null }, after: { revokedAt: recordedIo({ cwd: "" }).now() } },
    ],
    ["a secret key that is replaced", [ADD, "rotate-secret"], { action: "secret.rotate", subject: "data", before: null, after: null }],
  ];
  function made(action: string, subject: string, after: object) {
    return { action, subject, before: null, after: expect.objectContaining(after) };
  }

  test.each(CASES)("%s", async (_name, lines, change) => {
    const { cli, trail } = fresh(`${SECRET}\ncanary\n`);
    for (const line of lines) expect(await cli(line)).toMatchObject({ code: 0, err: expect.not.stringContaining(SECRET) });
    const [last, ...before] = await trail();
    expect(last).toMatchObject({ actor: "command line", address: null, ...change });
    expect(before).toHaveLength(lines.length - 1);
  });
});

test.each(["token set 1 --weight 1", "token import - --dry-run", "token export", "key revoke 2", "token remove 9"])(
  "%s changes nothing and leaves nothing",
  async (line) => {
    const { cli, trail } = fresh(`${SECRET}2\n`);
    await cli(ADD);
    await cli(line);
    expect((await trail()).map(({ action }) => action)).toEqual(["token.add"]);
  },
);

describe("restore", () => {
  async function backedUp() {
    const world = fresh();
    await world.cli("key create --name before");
    await world.cli(`backup ${world.data}.tar`);
    await world.cli("key create --name after");
    return world;
  }

  test("leaves its change in what it has restored", async () => {
    const { data, cli, trail } = await backedUp();
    await cli(`restore ${data}.tar`);
    expect((await trail()).map(({ action }) => action)).toEqual(["restore.apply", "key.create"]);
  });

  test("beside a server leaves that it waits, and once the server has started that it was done", async () => {
    const { data, cli, trail } = await backedUp();
    {
      using _server = acquireFolder(data);
      expect(await cli(`restore ${data}.tar`)).toMatchObject({ out: expect.stringContaining("restart it to restore"), err: "" });
    }
    expect((await trail()).map(({ action }) => action)).toEqual(["restore.stage", "key.create", "key.create"]);
    await serveOnce(data);
    expect((await trail()).map(({ action }) => action)).toEqual(["restore.apply", "key.create"]);
  });
});

test("what is changed while a restore waits is warned of: the restore will undo it", async () => {
  const { data, cli } = fresh();
  await cli("key create --name before");
  await cli(`backup ${data}.tar`);
  using _server = acquireFolder(data);
  await cli(`restore ${data}.tar`);
  const warning = "A restore waits for the server's next start: it will undo this.\n";
  expect((await cli("key set 1 --name after")).err).toBe(warning);
  expect((await cli("key list")).err).toBe("");
});

test("a restore that rotate-secret finds waiting is done first, and reported", async () => {
  const { data, cli, trail } = fresh();
  await cli("key create --name before");
  await cli(`backup ${data}.tar`);
  {
    using _server = acquireFolder(data);
    await cli(`restore ${data}.tar`);
  }
  expect((await cli("rotate-secret")).out).toContain("The backup that waited for a start was restored first");
  expect((await trail()).map(({ action }) => action)).toEqual(["secret.rotate", "restore.apply", "key.create"]);
});

test("the first start leaves that its key was made", async () => {
  const { data, trail } = fresh();
  await serveOnce(data);
  expect(await trail()).toMatchObject([{ action: "key.create", subject: "key 1", after: { name: "first key" }, actor: "command line" }]);
});
