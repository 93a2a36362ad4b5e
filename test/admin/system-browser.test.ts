// Settings, models, system and API in Chromium: edits, download, live log, keyboard, axe.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { restoreBackup } from "../../src/db/sqlite/backup/restore.ts";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { temporaryFolder } from "../../src/testing.ts";
import { FLOW, GEMINI, startRig } from "../rig.ts";
import { launchBrowser, overflow, PHONE, type TestBrowser, violations } from "./browser.ts";
import { openAdmin } from "./seed.ts";

let browser: TestBrowser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 30_000);
afterAll(() => browser[Symbol.asyncDispose]());

const PAGES = [
  "/admin/settings",
  "/admin/settings/secret/plugin.connection_token",
  "/admin/models",
  "/admin/models/gemini-3-pro-image",
  "/admin/models/veo-3.1",
  "/admin/system",
  "/admin/system/backup",
  "/admin/system/logs",
  "/admin/system/trail",
  "/admin/system/about",
  "/admin/api",
] as const;

describe("every page", () => {
  test.each([
    ["light on a desk", { colorScheme: "light" }],
    ["dark on a desk", { colorScheme: "dark" }],
    ["light on a phone, in Chinese", { colorScheme: "light", viewport: PHONE, locale: "zh-CN" }],
    ["dark on a phone, in Chinese", { colorScheme: "dark", viewport: PHONE, locale: "zh-CN" }],
  ] as const)(
    "%s: nothing for axe, nothing beside the screen, no complaint",
    async (_name, options) => {
      await using rig = await startRig({ tokens: [GEMINI, FLOW] });
      await rig.context.store.writeSettings({ "pool.wait_ms": 5 });
      await using opened = await openAdmin(rig, browser, options);
      const found: unknown[] = [];
      for (const path of PAGES) {
        await opened.page.goto(rig.url + path);
        found.push(...(await violations(opened.page)).map((line) => `${path}: ${line}`));
        const beside = await overflow(opened.page);
        if (beside > 0) found.push(`${path}: ${beside} pixels beside the screen`);
      }
      expect([...found, ...opened.complaints]).toEqual([]);
    },
    120_000,
  );
});

test("a setting is changed by keyboard, counts for the next request, and the toast takes it back", async () => {
  await using rig = await startRig();
  await using opened = await openAdmin(rig, browser);
  const { page } = opened;
  const hasImages = async () => {
    const { choices } = (await (await rig.chat()).json()) as { choices: { message: { images?: unknown } }[] };
    return choices[0]!.message.images !== undefined;
  };
  await page.goto(`${rig.url}/admin`);
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("image_form");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=image_form/);
  await page.getByLabel("How chat returns images").selectOption("images");
  await page.getByRole("button", { name: "Review changes" }).click();
  await page.getByRole("heading", { name: "Review changes" }).waitFor();
  expect(await page.locator("ins").textContent()).toBe('"images"');
  expect(await hasImages()).toBe(false);
  // The button has the focus already.
  await page.keyboard.press("Enter");
  await page.getByText("1 setting changed.").waitFor();
  expect(await hasImages()).toBe(true);
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.getByText("The last change is undone.").waitFor();
  expect(await hasImages()).toBe(false);
  expect(opened.complaints).toEqual([]);
}, 30_000);

test("a model is switched off in its row, and on again from the toast", async () => {
  await using rig = await startRig();
  await using opened = await openAdmin(rig, browser);
  const { page } = opened;
  await page.goto(`${rig.url}/admin/models`);
  const row = page.locator("#model-gemini-3-pro-image");
  await row.getByRole("button", { name: "Switch off" }).click();
  await row.getByText("off", { exact: true }).waitFor();
  expect((await rig.chat({ model: "gemini-3-pro-image" })).status).toBe(404);
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.locator(".toast").getByText("Gemini 3 Pro Image is switched on.").waitFor();
  expect((await rig.chat({ model: "gemini-3-pro-image" })).status).toBe(200);
  expect(opened.complaints).toEqual([]);
}, 30_000);

test("a downloaded backup restores", async () => {
  await using rig = await startRig();
  await using opened = await openAdmin(rig, browser);
  using folder = temporaryFolder();
  await opened.page.goto(`${rig.url}/admin/system/backup`);
  const downloading = opened.page.waitForEvent("download");
  await opened.page.getByRole("button", { name: "Download backup" }).click();
  const file = join(folder.path, "backup.tar");
  await (await downloading).saveAs(file);

  const dataDir = join(folder.path, "data");
  const env = { FLOW2API_SECRET_KEY: Buffer.from(loadSecretKey(rig.folder, {})).toString("base64") };
  expect((await restoreBackup({ dataDir, file, env, now: Date.now() })).state).toBe("applied");
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, env) });
  expect((await store.readTokenSecret(1)).secret).toBe(GEMINI.secret);
  await store.close();
}, 30_000);

test("a backup is uploaded with the form and given up again, without JavaScript", async () => {
  await using rig = await startRig();
  await using opened = await openAdmin(rig, browser, { javaScriptEnabled: false });
  using folder = temporaryFolder();
  const { page } = opened;
  await page.goto(`${rig.url}/admin/system/backup`);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download backup" }).click();
  const file = join(folder.path, "backup.tar");
  await (await downloading).saveAs(file);
  await page.getByLabel("Backup file").setInputFiles(file);
  await page.getByRole("button", { name: "Check and stage" }).click();
  await page.getByRole("heading", { name: "Restore this backup?" }).waitFor();
  await page.goto(`${rig.url}/admin/system/backup`);
  await page.getByText("A backup is staged").waitFor();
  await page.getByRole("button", { name: "Do not restore" }).first().click();
  await page.getByText("Nothing will be restored.").waitFor();
}, 30_000);

test("the self-test reports in place", async () => {
  await using rig = await startRig();
  await using opened = await openAdmin(rig, browser);
  await opened.page.goto(`${rig.url}/admin/system`);
  await opened.page.getByRole("button", { name: "Self-test" }).click();
  await opened.page.getByText("All checks passed.").waitFor();
  expect(opened.page.url()).toBe(`${rig.url}/admin/system`);
  expect(opened.complaints).toEqual([]);
}, 30_000);
