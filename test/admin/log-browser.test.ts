// The log page in Chromium: lines appear while one looks.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startRig } from "../rig.ts";
import { launchBrowser, type TestBrowser } from "./browser.ts";
import { openAdmin } from "./seed.ts";

let browser: TestBrowser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 30_000);
afterAll(() => browser[Symbol.asyncDispose]());

test("a line that is logged appears on top of the log while one looks", async () => {
  await using rig = await startRig();
  await using opened = await openAdmin(rig, browser);
  const { page } = opened;
  await page.goto(`${rig.url}/admin/system/logs?level=warn`);
  rig.context.log.info("not at this level");
  rig.context.log.warn("the disk hums", { key: "sk-f2a-never-shown", where: "<img src=x onerror=alert(1)>" });
  // A slow machine adds warnings of its own.
  const lines = page.locator(".log-line", { hasText: "the disk" });
  const first = lines.first();
  await first.getByText("the disk hums").waitFor();
  rig.context.log.error("the disk sings");
  await first.getByText("the disk sings").waitFor();
  expect(await lines.count()).toBe(2);
  expect(await page.locator(".log").textContent()).not.toContain("never-shown");
  expect(opened.complaints).toEqual([]);
}, 30_000);

test("a part is live also where the other scripts arrive after htmx has started", async () => {
  await using rig = await startRig();
  await using opened = await openAdmin(rig, browser);
  const { page } = opened;
  await page.route("**/*.js", async (route) => {
    if (!route.request().url().endsWith("/htmx.min.js")) {
      while (!(await page.evaluate("'htmx' in window"))) await Bun.sleep(5);
      await Bun.sleep(20);
    }
    await route.continue();
  });
  const stream = page.waitForRequest(/\/admin\/events\/log/);
  await page.goto(`${rig.url}/admin/system/logs?level=warn`);
  await stream;
}, 30_000);
