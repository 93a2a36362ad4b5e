// A restore as its operator meets it: it waits on every page, names what it would undo, moves aside and deletes nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { writeBackup } from "../../src/db/sqlite/backup/backup-file.ts";
import { restoreBackup } from "../../src/db/sqlite/backup/restore.ts";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { storePassword } from "../../src/gateway/auth/password.ts";
import { RowMediaStore } from "../../src/gateway/media/media-store.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { temporaryFolder, virtualClock } from "../../src/testing.ts";
import { ADMIN_PASSWORD, login, type SignedIn, signedIn, signIn } from "../admin/admin.ts";
import { until } from "../keys.ts";
import { GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";
import { startProcess } from "../serve-process.ts";

const DAY_MS = 86_400_000;
const MODEL = "gemini-3.1-flash-image";

const makeImage = (rig: Rig, prompt: string) => rig.call("/v1/images/generations", { json: { model: MODEL, prompt, size: "2048x2048" } });
const mediaFiles = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !/drafts|thumbs/.test(entry.parentPath))
        .map(({ name }) => name)
        .sort()
    : [];

async function backupOf(rig: Rig, media = false): Promise<string> {
  const file = join(rig.folder, "..", `${crypto.randomUUID()}.tar`);
  await writeBackup({ dataDir: rig.folder, file, requests: true, media, secretKey: null, now: Date.now() });
  return file;
}

const stage = (rig: Rig, file: string) => restoreBackup({ dataDir: rig.folder, file, env: {}, now: rig.context.clock.now() });

describe("images made after the backup", () => {
  test.each([
    ["without media", false],
    ["with media", true],
  ])("lie in the folder of what was replaced after a restore %s and the next starts, none is deleted", async (_name, withMedia) => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    let [before, all]: string[][] = [[], []];
    {
      await using rig = await startRig({ folder: data });
      await makeImage(rig, "before");
      before = mediaFiles(join(data, "media"));
      const file = await backupOf(rig, withMedia);
      for (const prompt of ["after", "later"]) expect((await makeImage(rig, prompt)).status).toBe(200);
      all = mediaFiles(join(data, "media"));
      expect([before!.length, all!.length]).toEqual([1, 3]);
      expect((await stage(rig, file)).state).toBe("staged");
    }
    let aside = "";
    {
      await using rig = await startRig({ folder: data, tokens: [] });
      ({ aside } = rig.context.maintenance.appliedRestore()!);
      expect(mediaFiles(join(data, "media"))).toEqual(before!);
      const moved = mediaFiles(join(data, aside, "media"));
      expect(moved).toEqual(withMedia ? all! : all!.filter((name) => !before!.includes(name)));
      expect(rig.context.maintenance.appliedRestore()).toMatchObject({ movedMedia: withMedia ? 0 : 2, seen: false });
      const [row] = await rig.context.store.listMedia({ origin: "result", limit: 5 });
      expect(await (await rig.call(`/media/${row!.id}.${row!.ext}`)).bytes()).toHaveLength(row!.bytes);
      expect(row!.expiresAt! - Date.now()).toBeGreaterThan(6 * DAY_MS);
    }
    await using again = await startRig({ folder: data, tokens: [] });
    expect(mediaFiles(join(data, "media"))).toEqual(before!);
    expect(mediaFiles(join(data, aside, "media")).length).toBe(withMedia ? 3 : 2);
    expect(again.context.maintenance.appliedRestore()?.movedMedia).toBe(withMedia ? 0 : 2);
  });

  test("stay also where a database was put back by hand: files without a record are moved, and deleted after a month at the earliest", async () => {
    using folder = temporaryFolder();
    const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
    const clock = virtualClock(Date.now());
    const settings = () => ({ media: { max_age_days: 1, input_max_age_days: 1, max_megapixels: 1, sweep_interval: 300 } }) as never;
    const open = () =>
      new RowMediaStore({
        dataDir: folder.path,
        rowBytes: 0,
        store,
        clock,
        settings,
        log: { info() {}, warn() {}, error() {}, debug() {} } as never,
      });
    const { PIXEL_PNG } = await import("../../src/gateway/media/media.fixtures.ts");
    const made = await open().storeBytes(PIXEL_PNG, { origin: "result", keyId: 1, requestId: "r" });
    await store.deleteMedia([made.id]);
    const start = async () => {
      const media = open();
      await media.start();
      await media.stop();
      return mediaFiles(join(folder.path, "media"));
    };
    expect(await start()).toEqual([`${made.id}.png`]);
    await clock.advance(29 * DAY_MS);
    expect(await start()).toEqual([`${made.id}.png`]);
    await clock.advance(2 * DAY_MS);
    expect(await start()).toEqual([]);
    await store.close();
  });
});

describe("a restore that waits", () => {
  let rig: Rig;
  let me: SignedIn;
  beforeAll(async () => {
    rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const file = await backupOf(rig);
    await rig.context.store.insertToken({ provider: "gemini", label: "later", secret: "later-project.key-three" }, Date.now());
    await rig.context.store.deleteToken(2);
    me = await signIn(rig);
    await stage(rig, file);
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const PAGES = [
    "",
    "/tokens",
    "/keys",
    "/jobs",
    "/gallery",
    "/requests",
    "/usage",
    "/settings",
    "/models",
    "/playground",
    "/system",
    "/account",
  ];
  test.each([...PAGES, "/system/backup", "/system/logs", "/system/trail", "/keys/new", "/tokens/new", "/welcome/key"])(
    "is shown on /admin%s",
    async (path) => {
      const html = await (await me.get(`/admin${path}`)).text();
      expect(html).toContain("A backup will be restored at the next start");
      expect(html).toContain('href="/admin/system/restore"');
      expect(html).toContain('action="/admin/system/restore/drop"');
    },
  );

  test("is not shown to who is not signed in", async () => {
    expect(await (await fetch(`${rig.url}/admin/login`)).text()).not.toContain("A backup waits");
  });

  test("names what has changed since the backup, and that here somebody else has to restart", async () => {
    const html = await (await me.get("/admin/system/restore")).text();
    expect(html).toContain("Tokens: 1 added since, which will be lost; 1 deleted since, which will be restored");
    expect(html).not.toContain("Keys: ");
    expect(html).toContain("Restart the server to restore");
    expect((await me.post("/admin/system/restore/now")).status).toBe(303);
    expect(await (await me.get("/admin/system/restore")).text()).toContain("Restore this backup?");
  });

  test("speaks both languages", async () => {
    expect(await (await me.get("/admin/system/restore", { "accept-language": "zh-CN" })).text()).toContain("自备份以来的变化");
  });
});

test("a restore that has waited for a day is dropped, by pages and by the next start", async () => {
  using folder = temporaryFolder();
  const data = join(folder.path, "data");
  const start = Date.now();
  {
    await using rig = await startRig({ folder: data, clock: virtualClock(start) });
    const file = await backupOf(rig);
    await rig.context.store.insertToken(GEMINI_TWO, start);
    await restoreBackup({ dataDir: data, file, env: {}, now: start - DAY_MS + 1000 });
    expect(rig.context.maintenance.stagedRestore()).toMatchObject({ expiresAt: start + 1000 });
  }
  await using again = await startRig({ folder: data, tokens: [], clock: virtualClock(start + 1000) });
  expect((await again.context.store.listTokens()).map(({ label }) => label)).toEqual(["alpha", "beta"]);
  expect(again.context.maintenance.stagedRestore()).toBeNull();
  expect(existsSync(join(data, "restore.staged"))).toBe(false);
});

test("'restore now' restarts the server in its place, and the overview reports what was restored and where the rest is", async () => {
  using folder = temporaryFolder();
  const data = join(folder.path, "data");
  await using simulator = { ...(await startSimulator()), [Symbol.asyncDispose]: async () => {} };
  const withStore = async <T>(act: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>) => {
    const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
    return act(store).finally(() => store.close());
  };
  await Bun.write(join(data, ".keep"), "");
  await withStore(async (store) => {
    await store.insertToken(GEMINI, Date.now());
    await storePassword(store, ADMIN_PASSWORD, false);
  });
  const file = join(folder.path, "backup.tar");
  await writeBackup({ dataDir: data, file, requests: false, media: false, secretKey: null, now: Date.now() });
  await withStore((store) => store.insertToken(GEMINI_TWO, Date.now()));

  await using server = await startProcess(data, simulator);
  const me = await signedIn(server.url, await login(server.url, ADMIN_PASSWORD));
  expect((await restoreBackup({ dataDir: data, file, env: {}, now: Date.now() })).state).toBe("staged");
  const response = await me.post("/admin/system/restore/now");
  expect(response.headers.get("location")).toBe("/admin/system/restarting");
  expect((await me.get("/admin/system/restarting")).headers.get("refresh")).toContain("/admin/system/backup");
  await until(() => (server.log().match(/"message":"listening"/g) ?? []).length === 2);
  const again = await signedIn(server.url, await login(server.url, ADMIN_PASSWORD));
  const overview = await (await again.get("/admin")).text();
  expect(overview).toContain("A backup was restored");
  expect(overview).toContain("before-restore-");
  const tokens = await (await again.get("/admin/tokens")).text();
  expect([tokens.includes("alpha"), tokens.includes("beta")]).toEqual([true, false]);
  await again.post("/admin/system/restore/seen");
  expect(await (await again.get("/admin")).text()).not.toContain("A backup was restored");
  expect(await (await again.get("/admin/system/backup")).text()).toContain("The former data is in the data folder");
  await server.end("SIGTERM");
  await simulator.stop();
}, 240_000);
