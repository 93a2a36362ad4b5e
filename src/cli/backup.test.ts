// backup, restore and rotate-secret on real data folders: round trips, what is refused, and folders that are in use.
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { settleFolder } from "../db/sqlite/backup/restore.ts";
import { acquireFolder } from "../db/sqlite/lock.ts";
import { loadSecretKey } from "../db/sqlite/secrets.ts";
import { openRequestLog, openStore } from "../db/sqlite/store.ts";
import { createTar, readTar } from "../db/tar.ts";
import { newId } from "../ids.ts";
import { silentLog } from "../log.ts";
import { temporaryFolder, virtualClock } from "../testing.ts";
import { runRecorded, type World } from "./testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const SECRET = "AIzaSyCanaryCanaryCanaryCanaryCanary01";
const SESSION = "session-canary-0123456789";
const NOW = Date.UTC(2026, 10, 23, 12);
const ASIDE = "before-restore-20261123-120000";
const PICTURE = new Uint8Array(20_000).fill(7);

let folders = 0;
function fresh(env: World["env"] = {}) {
  const data = join(folder.path, `data-${folders++}`);
  return { data, cli: (...argv: string[]) => runRecorded({ cwd: folder.path, env }, ...argv, "--data", data) };
}

const open = (data: string, env: World["env"] = {}) => openStore({ dataDir: data, secretKey: loadSecretKey(data, env) });

const mediaItem = (id: string, bytes: number) =>
  ({
    id,
    kind: "image",
    origin: "result",
    mime: "image/png",
    ext: "png",
    bytes,
    width: 1,
    height: 1,
    keyId: 1,
    createdAt: NOW,
    expiresAt: null,
    requestId: null,
    name: null,
    purpose: null,
    family: null,
  }) as const;

/** A folder with something of everything. */
async function filled(env: World["env"] = {}) {
  const { data, cli } = fresh(env);
  mkdirSync(data, { mode: 0o700 });
  const store = await open(data, env);
  await store.insertToken({ provider: "gemini", label: "one", secret: SECRET, proxy: "http://u:canary@p.example:1" }, NOW);
  await store.insertToken({ provider: "flow", label: "two", secret: SESSION, state: { project: { id: "p-1" } } }, NOW);
  await store.writeSettings({ "plugin.connection_token": "c".repeat(32) });
  await store.insertKey({ name: "client", prefix: "sk-f2a-ab", hash: new Uint8Array(32).fill(1) }, NOW);
  await store.writeKeyWebhook(1, { url: "https://hook.example/canary", secret: "whsec_canary" });
  const [small, large, gone] = [newId(), newId(), newId()];
  await store.insertMedia(mediaItem(small, 3), new Uint8Array([1, 2, 3]));
  for (const id of [large, gone]) await store.insertMedia(mediaItem(id, PICTURE.length));
  await store.close();
  const picture = join("media", large.slice(0, 1), `${large}.png`);
  await Bun.write(join(data, picture), PICTURE);
  const requests = await openRequestLog({ dataDir: data, clock: virtualClock(), log: silentLog });
  await requests.close();
  return { data, cli, picture, file: `${data}.tar` };
}

/** Everything sealed, opened, and rows beside it. */
async function contentsOf(data: string, env: World["env"] = {}) {
  const store = await open(data, env);
  try {
    const tokens = await store.listTokens();
    const secrets = await Promise.all(tokens.map(({ id }) => store.readTokenSecret(id)));
    const repeated = await store.hasTokens(tokens.map(({ provider }, index) => ({ provider, secret: secrets[index]!.secret })));
    return {
      tokens,
      secrets,
      repeated,
      settings: await store.readSettings(),
      keys: await store.listKeys(),
      hook: await store.readKeyWebhook(1),
    };
  } finally {
    await store.close();
  }
}

const namesIn = async (file: string) => {
  const names: string[] = [];
  for await (const { name } of readTar(file)) names.push(name);
  return names;
};

describe("backup", () => {
  test("holds the database alone and says what it lacks, readable by its owner only", async () => {
    const { cli, file } = await filled();
    const { code, out } = await cli("backup", file);
    expect(code).toBe(0);
    expect(out).toContain("holds tokens, keys, jobs, usage and settings\n");
    for (const lack of ["request log (--requests)", "secret key (--with-secret)", "media in files (--media)"]) expect(out).toContain(lack);
    expect(await namesIn(file)).toEqual(["flow2api.db", "backup.json"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, "latin1");
    expect([SECRET, SESSION, "whsec_canary", "hook.example", "u:canary"].filter((secret) => text.includes(secret))).toEqual([]);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("holds the rest when asked, and counts media that are gone", async () => {
    const { data, cli, file, picture } = await filled();
    const { out } = await cli("backup", file, "--requests", "--media", "--with-secret");
    expect(await namesIn(file)).toEqual(["flow2api.db", "requests.db", "secret.key", picture, "backup.json"]);
    expect(out).toContain("lacks 1 media whose files are gone\n");
    expect(readFileSync(file, "latin1").includes(readFileSync(join(data, "secret.key"), "latin1"))).toBe(true);
  });

  test("replaces no file, and needs a database", async () => {
    const { cli, file } = await filled();
    await cli("backup", file);
    expect(await cli("backup", file)).toEqual({ code: 1, out: "", err: `${file} is there already.\n` });
    const empty = fresh();
    expect((await empty.cli("backup", "other.tar")).err).toContain("There is no flow2api.db");
    expect(existsSync(empty.data)).toBe(false);
  });

  test("of a folder that another process writes to is a moment of it, and comes back with the same rows", async () => {
    const { data, cli } = await filled();
    const writer = Bun.spawn(["bun", join(import.meta.dir, "backup.fixtures.ts"), data], { stdout: "pipe", stderr: "inherit" });
    await writer.stdout.getReader().read();
    const files = [1, 2, 3].map((number) => `${data}-${number}.tar`);
    try {
      for (const file of files) expect((await cli("backup", file, "--with-secret")).code).toBe(0);
    } finally {
      writer.kill(9);
      await writer.exited;
    }
    const all = (await contentsOf(data)).tokens;
    let before = 0;
    for (const file of files) {
      const target = fresh();
      expect((await target.cli("restore", file)).code).toBe(0);
      const { tokens, repeated } = await contentsOf(target.data);
      expect(tokens).toEqual(all.slice(0, tokens.length));
      expect(tokens.length).toBeGreaterThanOrEqual(before);
      expect(tokens.length % 2).toBe(0);
      expect(repeated).not.toContain(false);
      before = tokens.length;
    }
  });
});

describe("restore", () => {
  test("to another folder brings back everything that the backup holds", async () => {
    const { data, cli, file, picture } = await filled();
    await cli("backup", file, "--requests", "--media", "--with-secret");
    const target = fresh();
    const { code, out } = await target.cli("restore", file);
    expect(code).toBe(0);
    expect(out).toContain("Restored: 1 media\n");
    expect(await contentsOf(target.data)).toEqual(await contentsOf(data));
    expect(new Uint8Array(readFileSync(join(target.data, picture)))).toEqual(PICTURE);
    expect(statSync(join(target.data, "secret.key")).mode & 0o777).toBe(0o600);
  });

  test("moves aside what it replaces, leaves what it does not hold, and deletes nothing", async () => {
    const { data, cli, file, picture } = await filled();
    await cli("backup", file);
    const before = await contentsOf(data);
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", "added-later-0123456789");
    expect((await cli("restore", file)).out).toContain(`What was there before is in ${join(data, ASIDE)}\n`);
    expect(await contentsOf(data)).toEqual(before);
    expect(existsSync(join(data, picture))).toBe(true);
    expect(readdirSync(join(data, ASIDE))).toEqual(["flow2api.db"]);
    copyFileSync(join(data, "secret.key"), join(data, ASIDE, "secret.key"));
    expect((await contentsOf(join(data, ASIDE))).tokens).toHaveLength(3);
    await cli("restore", file);
    expect(existsSync(join(data, `${ASIDE}-2`))).toBe(true);
  });

  test("waits for the next start when a server uses the folder", async () => {
    const { data, cli, file } = await filled();
    await cli("backup", file);
    const before = await contentsOf(data);
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", "added-later-0123456789");
    const owner = acquireFolder(data);
    const { code, out } = await cli("restore", file);
    expect([code, out]).toEqual([0, expect.stringContaining("restart it to restore")]);
    expect((await contentsOf(data)).tokens).toHaveLength(3);
    expect(settleFolder(data, NOW)).toEqual({ aside: join(data, ASIDE) });
    owner[Symbol.dispose]();
    expect(await contentsOf(data)).toEqual(before);
    expect(settleFolder(data, NOW)).toBeNull();
  });

  test("that was cut off between two files goes on at the next start", async () => {
    const { data, cli, file, picture } = await filled();
    await cli("backup", file, "--media", "--requests");
    const before = await contentsOf(data);
    using _owner = acquireFolder(data);
    await cli("restore", file);
    // As far as a crash let it come: the database is in place, the request log moved aside and not yet replaced.
    mkdirSync(join(data, ASIDE));
    renameSync(join(data, "flow2api.db"), join(data, ASIDE, "flow2api.db"));
    renameSync(join(data, "restore.staged", "flow2api.db"), join(data, "flow2api.db"));
    renameSync(join(data, "requests.db"), join(data, ASIDE, "requests.db"));
    settleFolder(data, NOW);
    expect(await contentsOf(data)).toEqual(before);
    expect(existsSync(join(data, "requests.db"))).toBe(true);
    expect(new Uint8Array(readFileSync(join(data, picture)))).toEqual(PICTURE);
    expect(readdirSync(join(data, ASIDE)).sort()).toEqual(["flow2api.db", "media", "requests.db"]);
  });

  test("signs everybody out and hands a waiting job to a person: it may have been paid for since", async () => {
    const { data, cli, file } = await filled();
    const db = new Database(join(data, "flow2api.db"));
    db.run("INSERT INTO sessions (hash, created_at, seen_at, address, agent) VALUES (zeroblob(32), 1, 1, NULL, 'agent')");
    const row =
      "INSERT INTO jobs (id, kind, key_id, request_id, state, created_at, removed, body) VALUES (?, 'video', 1, 'r', ?, 1, 0, '{}')";
    for (const state of ["queued", "running"]) db.query(row).run(state, state);
    db.close();
    await cli("backup", file);
    await cli("restore", file);
    using restored = new Database(join(data, "flow2api.db"), { readonly: true });
    expect(restored.query("SELECT id, state FROM jobs ORDER BY id").values()).toEqual([
      ["queued", "submitting"],
      ["running", "running"],
    ]);
    expect(restored.query("SELECT * FROM sessions").all()).toEqual([]);
  });

  test("refuses another folder's key with a sentence, and takes the key of that day", async () => {
    const { data, cli, file } = await filled();
    await cli("backup", file);
    const other = await filled();
    const before = readdirSync(other.data);
    expect((await other.cli("restore", file)).err).toContain("The backup was sealed with another secret key: give the key of that day");
    expect(readdirSync(other.data)).toEqual(before);
    const empty = fresh();
    expect((await empty.cli("restore", file)).err).toContain("There is no secret key here, and the backup holds none");
    expect(existsSync(join(empty.data, "secret.key"))).toBe(false);
    const env = { FLOW2API_SECRET_KEY: readFileSync(join(data, "secret.key"), "utf8") };
    expect((await runRecorded({ cwd: folder.path, env }, "restore", file, "--data", empty.data)).code).toBe(0);
    expect(await contentsOf(empty.data, env)).toEqual(await contentsOf(data));
  });

  test("refuses a backup that holds its key where the environment has another", async () => {
    const { cli, file } = await filled();
    await cli("backup", file, "--with-secret");
    const env = { FLOW2API_SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64") };
    expect((await fresh(env).cli("restore", file)).err).toContain("FLOW2API_SECRET_KEY is another one");
  });

  /** The same backup with one file put another way. */
  async function remade(file: string, change: (name: string, bytes: Uint8Array) => [string, Uint8Array][]): Promise<string> {
    const made = `${file}-${folders++}.tar`;
    const tar = await createTar(made, NOW);
    for await (const entry of readTar(file))
      for (const [name, bytes] of change(entry.name, await entry.read(1e9))) await tar.addBytes(name, bytes);
    await tar.close();
    return made;
  }
  const edited = (bytes: Uint8Array, edit: (text: string) => string) =>
    new Uint8Array(Buffer.from(edit(Buffer.from(bytes).toString("latin1")), "latin1"));

  test.each<[string, (name: string, bytes: Uint8Array) => [string, Uint8Array][], string]>([
    [
      "a changed file",
      (name, bytes) => [[name, name.endsWith(".db") ? edited(bytes, (text) => text.replace("SQLite", "SQLoot")) : bytes]],
      "not what was",
    ],
    ["a missing end", (name, bytes) => (name === "backup.json" ? [] : [[name, bytes]]), "as if it were cut off"],
    ["a missing file", (name, bytes) => (name === "flow2api.db" ? [] : [[name, bytes]]), "flow2api.db is missing"],
    [
      "a foreign file",
      (name, bytes) => [
        ["../outside", bytes],
        [name, bytes],
      ],
      "is no part of a backup",
    ],
    [
      "a format to come",
      (name, bytes) => [[name, name === "backup.json" ? edited(bytes, (text) => text.replace('"format": 1', '"format": 2')) : bytes]],
      "use a newer build",
    ],
  ])("refuses %s and changes nothing", async (_name, change, message) => {
    const { data, cli, file } = await filled();
    await cli("backup", file);
    const before = readdirSync(data);
    const { code, err } = await cli("restore", await remade(file, change));
    expect([code, err]).toEqual([1, expect.stringContaining(message)]);
    expect(readdirSync(data)).toEqual(before);
  });

  test("refuses a database newer than this build, a cut file, another file and none", async () => {
    const { data, cli, file } = await filled();
    const db = new Database(join(data, "flow2api.db"));
    db.run("PRAGMA user_version = 999");
    db.close();
    await cli("backup", file);
    const target = fresh();
    expect((await target.cli("restore", file)).err).toContain("flow2api.db has schema version 999");
    writeFileSync(`${file}.cut`, readFileSync(file).subarray(0, 50_000));
    expect((await target.cli("restore", `${file}.cut`)).err).toContain("it ends too early");
    writeFileSync(`${file}.txt`, "canary".repeat(1000));
    expect((await target.cli("restore", `${file}.txt`)).err).toContain("no tar archive");
    expect((await target.cli("restore", "nothing.tar")).err).toContain("expected a backup, got no such file");
  });
});
