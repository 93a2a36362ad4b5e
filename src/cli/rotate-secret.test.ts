// flow2api rotate-secret: everything sealed opens with the new key and nothing with the old one, however it ends.
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SEALED } from "../db/sealed.ts";
import { settleFolder } from "../db/sqlite/backup/restore.ts";
import { acquireFolder } from "../db/sqlite/lock.ts";
import { loadSecretKey } from "../db/sqlite/secrets.ts";
import { openStore } from "../db/sqlite/store.ts";
import { createVault } from "../db/vault.ts";
import { temporaryFolder } from "../testing.ts";
import { runRecorded, type World } from "./testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const NOW = Date.UTC(2026, 10, 23);
const newKeyText = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64");

let folders = 0;
/** A folder whose every sealed column holds something. */
async function filled(env: World["env"] = {}) {
  const data = join(folder.path, `data-${folders++}`);
  mkdirSync(data, { mode: 0o700 });
  const key = loadSecretKey(data, env);
  const store = await openStore({ dataDir: data, secretKey: key });
  for (const number of [1, 2, 3]) {
    const state = { project: { id: `p-${number}` } };
    await store.insertToken(
      { provider: "flow", label: `t-${number}`, secret: `session-canary-${number}`, proxy: "http://p:1", state },
      NOW,
    );
  }
  await store.writeSettings({ "plugin.connection_token": "c".repeat(32) });
  await store.insertKey({ name: "client", prefix: "", hash: new Uint8Array(32) }, NOW);
  await store.writeKeyWebhook(1, { url: "https://hook.example/", secret: "whsec_canary" });
  await store.close();
  const { seal } = createVault(key);
  const db = new Database(join(data, "flow2api.db"));
  db.query(
    "INSERT INTO jobs (id, kind, key_id, request_id, state, created_at, removed, body, webhook_url) VALUES ('j', 'video', 1, 'r', 'queued', 1, 0, '{}', ?)",
  ).run(seal("job_webhook_url", "https://job.example/"));
  db.query(
    "INSERT INTO deliveries (id, job_id, key_id, url, type, payload, created_at, state, attempts, next_at) VALUES ('d', 'j', 1, ?, 't', '{}', 1, 'waiting', 0, 1)",
  ).run(seal("delivery_url", "https://delivery.example/"));
  db.close();
  const cli = (world: World["env"], ...argv: string[]) => runRecorded({ cwd: folder.path, env: world }, ...argv, "--data", data);
  return { data, cli, keyFile: join(data, "secret.key") };
}

async function contentsOf(data: string, env: World["env"] = {}) {
  const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, env) });
  try {
    const tokens = await store.listTokens();
    const secrets = await Promise.all(tokens.map(({ id }) => store.readTokenSecret(id)));
    return {
      tokens,
      secrets,
      // Known again by its keyed hash.
      known: await store.hasTokens(secrets.map(({ secret }) => ({ provider: "flow", secret }))),
      settings: await store.readSettings(),
      hook: await store.readKeyWebhook(1),
      job: (await store.getJob("j"))?.webhookUrl,
      deliveries: await store.listDueDeliveries(NOW, 10),
    };
  } finally {
    await store.close();
  }
}

test("every column of bytes is sealed again, or is known not to be sealed", () => {
  const sealed = SEALED.map(({ table, column }) => `${table}.${column}`);
  // A keyed hash that is made again, hashes of what we issued, and images.
  const others = ["tokens.secret_mac", "keys.hash", "former_keys.hash", "admin_tokens.hash", "sessions.hash", "media.data"];
  const migrations = join(import.meta.dir, "../db/sqlite/migrations");
  using db = new Database(":memory:");
  for (const name of readdirSync(migrations)
    .filter((file) => /^\d/.test(file))
    .sort())
    db.run(readFileSync(join(migrations, name), "utf8"));
  const columns = db
    .query<{ name: string }, []>(
      `SELECT t.name || '.' || c.name AS name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND c.type = 'BLOB'`,
    )
    .all()
    .map(({ name }) => name);
  expect(columns.sort()).toEqual([...sealed, ...others].sort());
});

describe("with the key in its file", () => {
  test("everything opens with the new key, and the old one opens nothing and is gone", async () => {
    const { data, cli, keyFile } = await filled();
    const [before, old] = [await contentsOf(data), readFileSync(keyFile, "utf8")];
    const { code, out } = await cli({}, "rotate-secret");
    expect([code, out]).toEqual([0, expect.stringContaining("14 values are sealed with the new secret key.\n")]);
    expect(await contentsOf(data)).toEqual(before);
    expect(before.known).toEqual([true, true, true]);
    expect(readFileSync(keyFile, "utf8")).not.toBe(old);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(existsSync(`${keyFile}.next`)).toBe(false);
    expect(out).not.toContain(old.trim());
    const { code: refused } = await cli({ FLOW2API_SECRET_KEY: old }, "token", "list");
    expect(refused).toBe(1);
  });

  test("nothing that the old key opens is left in the file", async () => {
    const { data, cli } = await filled();
    const boxes = () => {
      using db = new Database(join(data, "flow2api.db"), { readonly: true });
      return db
        .query<{ secret: Uint8Array }, []>("SELECT secret FROM tokens")
        .all()
        .map(({ secret }) => Buffer.from(secret));
    };
    const old = boxes();
    await cli({}, "rotate-secret");
    const bytes = readFileSync(join(data, "flow2api.db"));
    expect(old.map((box) => bytes.includes(box))).toEqual([false, false, false]);
    expect(boxes().map((box) => bytes.includes(box))).toEqual([true, true, true]);
  });

  test("cut off before the commit, the old key counts; cut off after it, the new one", async () => {
    const { data, cli, keyFile } = await filled();
    const before = await contentsOf(data);
    const old = readFileSync(keyFile, "utf8");
    writeFileSync(`${keyFile}.next`, `${newKeyText()}\n`);
    expect(await contentsOf(data)).toEqual(before);
    settleFolder(data, NOW);
    expect([existsSync(`${keyFile}.next`), readFileSync(keyFile, "utf8")]).toEqual([false, old]);

    const oldCopy = `${keyFile}.copy`;
    copyFileSync(keyFile, oldCopy);
    await cli({}, "rotate-secret");
    renameSync(keyFile, `${keyFile}.next`);
    renameSync(oldCopy, keyFile);
    expect(await contentsOf(data)).toEqual(before);
    settleFolder(data, NOW);
    expect([existsSync(`${keyFile}.next`), readFileSync(keyFile, "utf8") === old]).toEqual([false, false]);
    expect(await contentsOf(data)).toEqual(before);
  });

  test("one value that does not open leaves everything as it was", async () => {
    const { data, cli, keyFile } = await filled();
    const old = readFileSync(keyFile, "utf8");
    const db = new Database(join(data, "flow2api.db"));
    db.run("UPDATE deliveries SET url = zeroblob(60)");
    db.close();
    expect((await cli({}, "rotate-secret")).code).toBe(1);
    expect(readFileSync(keyFile, "utf8")).toBe(old);
    expect(existsSync(`${keyFile}.next`)).toBe(false);
    expect((await cli({}, "token", "list")).code).toBe(0);
  });

  test("is refused while a server uses the folder, and without a database", async () => {
    const { data, cli } = await filled();
    using _owner = acquireFolder(data);
    expect((await cli({}, "rotate-secret")).err).toBe(
      "A server uses this data folder and holds secrets sealed with the present key: stop it first.\n",
    );
    const empty = await runRecorded({ cwd: folder.path }, "rotate-secret", "--data", join(folder.path, "nowhere"));
    expect(empty.err).toContain("There is no flow2api.db");
  });

  test("takes the new key from the environment, and refuses one that is none", async () => {
    const { data, cli, keyFile } = await filled();
    const before = await contentsOf(data);
    expect((await cli({ FLOW2API_NEW_SECRET_KEY: "canary" }, "rotate-secret")).err).toMatch(/^FLOW2API_NEW_SECRET_KEY: expected 32 bytes/);
    const FLOW2API_NEW_SECRET_KEY = newKeyText();
    expect((await cli({ FLOW2API_NEW_SECRET_KEY }, "rotate-secret")).code).toBe(0);
    expect(readFileSync(keyFile, "utf8").trim()).toBe(FLOW2API_NEW_SECRET_KEY);
    expect(await contentsOf(data)).toEqual(before);
  });
});

describe("with the key in the environment", () => {
  test("asks for the new one, seals with it, and says where to put it", async () => {
    const env = { FLOW2API_SECRET_KEY: newKeyText() };
    const { data, cli, keyFile } = await filled(env);
    const before = await contentsOf(data, env);
    expect((await cli(env, "rotate-secret")).err).toContain("give the new one in FLOW2API_NEW_SECRET_KEY");
    const both = { ...env, FLOW2API_NEW_SECRET_KEY: newKeyText() };
    const { code, out } = await cli(both, "rotate-secret");
    expect([code, out]).toEqual([0, expect.stringContaining("Now put the value of FLOW2API_NEW_SECRET_KEY into FLOW2API_SECRET_KEY")]);
    expect(out).not.toContain(both.FLOW2API_NEW_SECRET_KEY);
    expect(existsSync(keyFile)).toBe(false);
    expect(await contentsOf(data, { FLOW2API_SECRET_KEY: both.FLOW2API_NEW_SECRET_KEY })).toEqual(before);
    expect((await cli(both, "rotate-secret")).err).toContain("The new secret key is in force already");
  });

  test("refuses a present key that is another, and a new one that is the present one", async () => {
    const { cli } = await filled();
    const other = newKeyText();
    expect((await cli({ FLOW2API_SECRET_KEY: other, FLOW2API_NEW_SECRET_KEY: newKeyText() }, "rotate-secret")).err).toContain(
      "is not the one",
    );
    expect((await cli({ FLOW2API_SECRET_KEY: other, FLOW2API_NEW_SECRET_KEY: other }, "rotate-secret")).err).toContain(
      "is the present one",
    );
  });
});
