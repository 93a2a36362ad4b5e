// Scheduled backups: when they are due, into a folder and into a bucket, what is retained, what fails and is tried again.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { S3_ACCESS_KEY, S3_REGION, S3_SECRET_KEY, startS3 } from "../../../test/s3.ts";
import { newMedia } from "../../db/rows.fixtures.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { readTar } from "../../db/tar.ts";
import { createLog } from "../../log.ts";
import { createMaintenance } from "../../maintenance.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { Backups } from "./backups.ts";
import { FolderTarget } from "./folder-target.ts";
import { S3Target } from "./s3-target.ts";
import { nextBackupAt } from "./schedule.ts";
import { type BackupTarget, installationIn } from "./target.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 23, 12);
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("the next backup", () => {
  const daily = { every_hours: 24, hour: 3 };
  const at = (hours: number) => START + hours * HOUR;
  test.each([
    ["is none without a schedule", { every_hours: 0, hour: 3 }, null, null],
    ["is now where there was none yet", daily, null, START],
    ["is at the hour of the next day", daily, { at: at(-9), ok: true }, at(15)],
    ["is made up for when the server was off", daily, { at: at(-100), ok: true }, at(-81)],
    ["is in an hour after one that failed", daily, { at: at(-0.5), ok: false }, at(0.5)],
    ["is at its slot where that is sooner", { every_hours: 1, hour: 0 }, { at: at(-0.25), ok: false }, at(0)],
    ["is every six hours from the hour on", { every_hours: 6, hour: 3 }, { at: at(-1), ok: true }, at(3)],
    ["is now when the clock was set back by days", daily, { at: at(50), ok: true }, START],
  ] as const)("%s", (_name, settings, last, expected) => {
    expect(nextBackupAt(settings, last, START)).toBe(expected);
  });
});

type Target = (dataDir: string) => BackupTarget;

async function world(makeTarget: Target, change: Partial<Settings> = {}, isShared = false, data = temporaryFolder()) {
  const clock = virtualClock(START);
  const store = await openStore({ dataDir: data.path, secretKey: new Uint8Array(32).map((_, index) => index * 7) });
  const logged: string[] = [];
  const settings: Settings = { ...DEFAULTS, ...change };
  const target = makeTarget(data.path);
  const maintenance = createMaintenance({ dataDir: data.path, isShared, env: {}, now: clock.now });
  const log = createLog({ level: "debug", format: "json", write: (line) => logged.push(line) });
  const backups = new Backups({ store, maintenance, target, settings: () => settings, clock, log });
  await backups.load();
  closing.push(async () => {
    await backups.stop();
    await store.close();
    data[Symbol.dispose]();
  });
  return { backups, clock, store, target, logged, settings, dataDir: data.path };
}

type Settings = ReturnType<ConstructorParameters<typeof Backups>[0]["settings"]>;
const DEFAULTS: Settings = {
  ...{ every_hours: 24, hour: 3, keep: 2, requests: true, media: false, folder: "" },
  ...{ s3_url: "", s3_endpoint: "", s3_region: "", s3_access_key: "", s3_secret_key: "" },
};

/** A backup's name without that of its installation. */
const dayOf = (name: string) => name.replace(/-[a-z2-7]{8}\.tar$/, ".tar");

/** What an installation is called in the names of its backups. */
async function ownOf(dataDir: string): Promise<string> {
  const { name, file } = await createMaintenance({ dataDir, env: {}, now: () => START }).writeBackup({ requests: false, media: false });
  rmSync(file);
  return installationIn(name) ?? "";
}

const inFolder = (dataDir: string) => new FolderTarget(join(dataDir, "backups"));

describe("into a folder", () => {
  test("of a copied data folder are its own: neither overwrites or deletes what the other has made", async () => {
    using shared = temporaryFolder();
    const target = () => new FolderTarget(shared.path);
    const one = await world(target, { keep: 1 });
    const before = await one.backups.run();
    const copied = temporaryFolder();
    // File systems tell times of birth apart that are some ms apart.
    await Bun.sleep(20);
    expect(Bun.spawnSync(["cp", "-a", `${one.dataDir}/.`, copied.path]).exitCode).toBe(0);
    const two = await world(target, { keep: 1 }, false, copied);
    // At the same minute, as schedules have it.
    const byCopy = await two.backups.run();
    expect(readdirSync(shared.path).sort()).toEqual([before.name, byCopy.name].sort());
    await one.clock.advance(24 * HOUR);
    await two.clock.advance(24 * HOUR);
    const made = [(await one.backups.run()).name, (await two.backups.run()).name];
    expect(readdirSync(shared.path).sort()).toEqual(made.sort());
    expect(new Set([before.name, byCopy.name, ...made]).size).toBe(4);
  });

  test("lie whole, readable by the owner only, and the newest are retained; other files stay", async () => {
    const { backups, clock, dataDir } = await world(inFolder);
    mkdirSync(join(dataDir, "backups"));
    writeFileSync(join(dataDir, "backups/notes.tar"), "mine");
    for (let day = 0; day < 4; day++) {
      await backups.look();
      await clock.advance(24 * HOUR);
    }
    const names = readdirSync(join(dataDir, "backups")).sort();
    expect(names.map(dayOf)).toEqual(["flow2api-20261125-1200.tar", "flow2api-20261126-1200.tar", "notes.tar"]);
    const file = join(dataDir, "backups", names[1]!);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const entries: string[] = [];
    for await (const entry of readTar(file)) {
      entries.push(entry.name);
      await entry.read(100_000_000);
    }
    expect([entries[0], entries.at(-1), entries.includes("secret.key")]).toEqual(["flow2api.db", "backup.json", false]);
    expect(readdirSync(dataDir).filter((name) => name.startsWith("passing-"))).toEqual([]);
    expect(backups.state()).toMatchObject({ last: { ok: true, name: names[1] }, nextAt: Date.UTC(2026, 10, 27, 3) });
  });

  test("are made once in a slot, and not at all without a schedule", async () => {
    const { backups, dataDir, clock, settings } = await world(inFolder);
    await backups.look();
    await clock.advance(2 * HOUR);
    await backups.look();
    expect(await backups.list()).toHaveLength(1);
    settings.every_hours = 0;
    await clock.advance(48 * HOUR);
    await backups.look();
    expect([await backups.list().then(({ length }) => length), existsSync(join(dataDir, "backups"))]).toEqual([1, true]);
  });

  test("stay when they were just made, also where the clock was set back", async () => {
    const { backups, dataDir, settings } = await world(inFolder);
    mkdirSync(join(dataDir, "backups"));
    const installation = await ownOf(dataDir);
    for (const day of [28, 29])
      writeFileSync(join(dataDir, `backups/flow2api-202611${day}-0300-${installation}.tar`), "later, by the clock of then");
    settings.keep = 1;
    expect(await backups.run()).toMatchObject({ ok: true, name: `flow2api-20261123-1200-${installation}.tar` });
    expect(readdirSync(join(dataDir, "backups"))).toEqual([`flow2api-20261123-1200-${installation}.tar`]);
  });

  test("leave nothing of one that a crash cut off", async () => {
    const { backups, dataDir } = await world(inFolder);
    mkdirSync(join(dataDir, "backups"));
    const [own, other] = [await ownOf(dataDir), ".flow2api-20261101-0300-abcdefgh.tar.partial"];
    for (const name of [`.flow2api-20261101-0300-${own}.tar.partial`, other, ".notes.tar.partial"])
      writeFileSync(join(dataDir, "backups", name), "half");
    await backups.run();
    expect(readdirSync(join(dataDir, "backups")).sort()).toEqual([other, ".notes.tar.partial", `flow2api-20261123-1200-${own}.tar`]);
  });

  test("are given up by a stop, also while they are copied", async () => {
    const stuck: BackupTarget = {
      place: "stuck",
      put: (_name, _file, stop) =>
        new Promise((_resolve, reject) => stop.addEventListener("abort", () => reject(stop.reason), { once: true })),
      list: async () => [],
      delete: async () => {},
    };
    const { backups, dataDir } = await world(() => stuck);
    const run = backups.run();
    while (readdirSync(dataDir).filter((name) => name.startsWith("passing-")).length === 0) await Bun.sleep(5);
    await Bun.sleep(100);
    await backups.stop();
    expect(await run).toMatchObject({ ok: false, error: "The server is stopping." });
    expect(readdirSync(dataDir).filter((name) => name.startsWith("passing-"))).toEqual([]);
    expect(backups.state().last).toBeNull();
  });

  test("are given up by a stop while they are written: it does not wait for the thread", async () => {
    const { backups, dataDir, store } = await world(inFolder, { media: true });
    for (let count = 0; count < 400; count++) {
      const row = newMedia({ bytes: 200_000 });
      const path = join(dataDir, "media", row.id.slice(0, 1));
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, `${row.id}.${row.ext}`), new Uint8Array(200_000));
      await store.insertMedia(row);
    }
    const run = backups.run();
    while (!readdirSync(dataDir).some((name) => name.startsWith(".passing-"))) await Bun.sleep(1);
    const since = performance.now();
    await backups.stop();
    expect(await run).toMatchObject({ ok: false, error: "The server is stopping." });
    expect(performance.now() - since).toBeLessThan(1_000);
    expect(backups.state().last).toBeNull();
    expect(existsSync(join(dataDir, "backups"))).toBe(false);
  }, 20_000);

  test("that cannot be written are a failure in plain words, tried again in an hour, and remembered over a restart", async () => {
    const blocked = (dataDir: string) => {
      writeFileSync(join(dataDir, "file"), "");
      return new FolderTarget(join(dataDir, "file/backups"));
    };
    const { backups, store, settings, clock, target, dataDir } = await world(blocked);
    await backups.look();
    const { last, madeAt, nextAt } = backups.state();
    expect(last).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^The backup folder .*file\/backups cannot be written \(ENOTDIR\)\.$/),
    });
    expect([madeAt, nextAt]).toEqual([null, START + HOUR]);
    const again = new Backups({
      store,
      target,
      clock,
      settings: () => settings,
      log: createLog({ level: "error", format: "json", write() {} }),
      maintenance: createMaintenance({ dataDir, env: {}, now: clock.now }),
    });
    await again.load();
    expect(again.state().last).toEqual(last);
  });
});

describe("into a bucket", () => {
  const options = (endpoint: string, bucket: string, secretKey = S3_SECRET_KEY) => ({
    ...{ url: `s3://${bucket}/pool/backups`, endpoint, region: S3_REGION, accessKey: S3_ACCESS_KEY, secretKey },
  });

  test("are objects below the prefix, byte for byte, and the newest are retained", async () => {
    await using s3 = await startS3();
    const { backups, clock } = await world(() => new S3Target(options(s3.endpoint, s3.bucket)));
    for (let day = 0; day < 3; day++) {
      await backups.look();
      await clock.advance(24 * HOUR);
    }
    expect((await backups.list()).map(({ name }) => dayOf(name))).toEqual(["flow2api-20261125-1200.tar", "flow2api-20261124-1200.tar"]);
    const { contents = [] } = await s3.client.list({ prefix: "" });
    expect(contents.map(({ key }) => dayOf(key)).sort()).toEqual([
      "pool/backups/flow2api-20261124-1200.tar",
      "pool/backups/flow2api-20261125-1200.tar",
    ]);
    const folder = temporaryFolder();
    closing.push(() => folder[Symbol.dispose]());
    const copy = join(folder.path, "copy.tar");
    await Bun.write(copy, await s3.client.file(contents[0]!.key).bytes());
    const names: string[] = [];
    for await (const entry of readTar(copy)) {
      names.push(entry.name);
      await entry.read(100_000_000);
    }
    expect(names.at(-1)).toBe("backup.json");
    expect(backups.state().place).toBe(`s3://${s3.bucket}/pool/backups`);
  });

  test("of two installations with one prefix stay each other's: each deletes its own", async () => {
    await using s3 = await startS3();
    const target = () => new S3Target(options(s3.endpoint, s3.bucket));
    const [one, two] = [await world(target, { keep: 1 }), await world(target, { keep: 1 })];
    const made: string[] = [];
    for (let day = 0; day < 2; day++)
      for (const { backups, clock } of [one, two]) {
        const { name, ok } = await backups.run();
        expect(ok).toBe(true);
        made.push(name);
        await clock.advance(24 * HOUR);
      }
    expect(new Set(made).size).toBe(4);
    expect((await one.backups.list()).map(({ name }) => name).sort()).toEqual(made.slice(2).sort());
  });

  test("that are refused, or meet nobody, are failures without a secret in them", async () => {
    await using s3 = await startS3();
    const wrong = await world(() => new S3Target(options(s3.endpoint, s3.bucket, "canary-wrong-secret")));
    await wrong.backups.look();
    expect(wrong.backups.state().last).toMatchObject({ ok: false, error: expect.stringContaining("SignatureDoesNotMatch") });
    const away = await world(() => new S3Target(options(s3.endpoint, s3.bucket)));
    await s3.close();
    await away.backups.look();
    expect(away.backups.state().last).toMatchObject({ ok: false, error: "The object store could not be reached." });
    const text = [...wrong.logged, ...away.logged, JSON.stringify([wrong.backups.state(), away.backups.state()])].join("\n");
    expect(text).not.toMatch(/canary-wrong-secret|X-Amz-Signature=/);
    s3.open();
    await away.clock.advance(HOUR);
    await away.backups.look();
    expect(away.backups.state().last).toMatchObject({ ok: true });
  });
});

test("where the records are in Postgres none is made, nor due, nor a failure of before shown", async () => {
  const { backups, clock, store, dataDir } = await world(inFolder, {}, true);
  const failed = { at: START, ok: false, name: "", bytes: 0, error: "storage.database_url is set" };
  await store.writeFact("backup.state", JSON.stringify({ last: failed, madeAt: null, since: START }));
  await backups.load();
  backups.start();
  for (let hours = 0; hours < 3; hours++) await clock.advance(HOUR);
  expect(backups.state()).toMatchObject({ last: null, nextAt: null });
  expect(await backups.run()).toMatchObject({ ok: false, error: expect.stringContaining("the records are in Postgres") });
  expect([backups.state().last, existsSync(join(dataDir, "backups"))]).toEqual([null, false]);
});

test("where media lie in a bucket a backup says that it lacks them, and counts none as gone", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  await store.insertMedia(newMedia({ bytes: 30_000 }));
  await store.close();
  const maintenance = createMaintenance({ dataDir: folder.path, mediaUrl: "s3://bucket/media", env: {}, now: () => START });
  const { lacks } = await maintenance.writeBackup({ requests: true, media: true });
  expect(lacks.filter((part) => part.includes("media"))).toEqual(["media: they lie in s3://bucket/media"]);
});
