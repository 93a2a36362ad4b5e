// Keys, requests and usage in Chromium: a new key in use, live rows, plots, keyboard, phone width.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { BrowserContextOptions } from "playwright-core";
import { GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { launchBrowser, openSignedIn, overflow, PHONE, type TestBrowser, violations } from "./browser.ts";
import { seedUse } from "./seed.ts";

/** Longer than the page's own, which names what was waited for. */
setDefaultTimeout(60_000);

let browser: TestBrowser;
let rig: Rig;
let admin: SignedIn;
/** A request that was tried twice. */
let tried: string;

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
  const rows = await seedUse(rig, { count: 300 });
  tried = rows.findLast(({ attempts }) => attempts.length > 1)!.id;
  admin = await signIn(rig);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const open = (path: string, options: BrowserContextOptions = {}) =>
  openSignedIn(browser, { url: rig.url, cookie: admin.cookie }, { ...options, path });

const LANGUAGES = [
  { locale: "en-US", words: { create: "New key", name: "Name", submit: "Create key", disable: "Disable", undo: "Undo", more: "More" } },
  { locale: "zh-CN", words: { create: "新建密钥", name: "名称", submit: "创建密钥", disable: "停用", undo: "撤销", more: "更多" } },
] as const;

describe.each(LANGUAGES)("keys in $locale", ({ locale, words }) => {
  test("a key is made, copied, used, switched off and on, deleted and brought back", async () => {
    await using opened = await open("/admin/keys", { locale, permissions: ["clipboard-read", "clipboard-write"] });
    const { page, complaints } = opened;
    await page.getByRole("link", { name: words.create }).click();
    await page.locator("[name=name]").fill(`made in ${locale}`);
    await page.locator("[name=more_models]").fill("no-such-model");
    await page.getByRole("button", { name: words.submit }).click();
    await page.locator("#main form .note.bad").waitFor();
    await page.locator("[name=more_models]").fill("");
    await page.getByRole("button", { name: words.submit }).click();
    const key = (await page.locator("#made-key").textContent())!.trim();
    await page.locator("[data-copy-from='#made-key']").click();
    expect(await page.evaluate(() => navigator.clipboard.readText()).then((text) => text.trim())).toBe(key);
    const asked = () => fetch(`${rig.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).then(({ status }) => status);
    expect(await asked()).toBe(200);

    await page.goto(`${rig.url}/admin/keys`);
    const row = page.locator("tr", { hasText: `made in ${locale}` });
    await row.locator("summary").click();
    await row.getByRole("button", { name: words.disable }).click();
    await page.locator(".toast").getByRole("button", { name: words.undo }).waitFor();
    expect(await asked()).not.toBe(200);
    await Promise.all([page.waitForEvent("load"), page.locator(".toast").getByRole("button", { name: words.undo }).click()]);
    await row.waitFor();
    expect(await asked()).toBe(200);

    await row.locator("summary").click();
    await Promise.all([page.waitForEvent("load"), row.locator("form[action$='/delete'] button").click()]);
    await row.waitFor({ state: "detached" });
    expect(await asked()).not.toBe(200);
    await Promise.all([page.waitForEvent("load"), page.locator(".toast").getByRole("button", { name: words.undo }).click()]);
    await row.waitFor();
    expect(await asked()).toBe(200);
    expect(complaints).toEqual([]);
  });

  test("everything fits a phone", async () => {
    await using opened = await open("/admin/keys", { locale, viewport: PHONE });
    for (const path of [
      "/admin/keys",
      "/admin/keys/1",
      "/admin/keys/new",
      "/admin/keys/1/rotate",
      "/admin/usage",
      "/admin/requests",
      `/admin/requests/${tried}`,
    ]) {
      await opened.page.goto(rig.url + path);
      expect([path, await overflow(opened.page)]).toEqual([path, 0]);
    }
  });
});

describe("requests", () => {
  test("come by themselves, newest on top; paused they do not", async () => {
    await using opened = await open("/admin/requests");
    const { page, complaints } = opened;
    const first = page.locator("#request-rows tr").first();
    const before = await first.getAttribute("id");
    await (await rig.chat()).text();
    await page.waitForFunction((id) => document.querySelector("#request-rows tr")?.id !== id, before);
    const now = await first.getAttribute("id");
    await page.getByRole("link", { name: "Pause" }).click();
    await page.getByText("Paused").waitFor();
    await (await rig.chat()).text();
    await page.waitForTimeout(1500);
    expect(await first.getAttribute("id")).toBe(now);
    await page.getByRole("link", { name: "Show the newest" }).click();
    await page.waitForFunction((id) => document.querySelector("#request-rows tr")?.id !== id, now);
    expect(complaints).toEqual([]);
  });

  test("are searched, filtered and opened by keyboard alone, and back leads back", async () => {
    await using opened = await open("/admin/requests");
    const { page, complaints } = opened;
    await page.keyboard.press("/");
    await page.keyboard.type("seconds");
    await page.keyboard.press("Enter");
    await page.waitForURL("**q=seconds*");
    const found = await page.locator("#request-rows tr").count();
    expect(found).toBeGreaterThan(0);
    expect(await page.locator("#request-rows", { hasText: "no result within" }).count()).toBe(1);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/admin/requests/req_*");
    expect(await page.locator(".fall .lane").count()).toBeGreaterThan(0);
    await page.goBack();
    expect(page.url()).toContain("q=seconds");
    await page.locator("[name=outcome]").selectOption("ok");
    await page.getByText("No request matches.").waitFor();
    expect(complaints).toEqual([]);
  });
});

describe("usage", () => {
  test("is drawn, in the colours of the theme, and named where the pointer is", async () => {
    await using opened = await open("/admin/usage");
    const { page, complaints } = opened;
    await page.locator(".chart canvas").first().waitFor();
    expect(await page.locator(".chart canvas").count()).toBe(await page.locator(".chart").count());
    await page.locator(".chart-area").first().hover();
    await page.waitForFunction(() => document.querySelector("[data-plot-value]")?.textContent !== "");
    const ink = () => page.evaluate(() => document.querySelector<HTMLCanvasElement>(".chart canvas")!.toDataURL());
    const light = await ink();
    await page.locator("details.menu:has([data-theme-choice]) summary").first().click();
    await page.locator("[data-theme-choice][value=dark]").first().click();
    await page.waitForFunction((before) => document.querySelector<HTMLCanvasElement>(".chart canvas")!.toDataURL() !== before, light);
    await page.locator("[name=span]").selectOption("7");
    await page.waitForURL("**span=7*");
    await page.getByRole("link", { name: "By model" }).click();
    await page.getByRole("link", { name: "gemini-3-pro-image", exact: true }).click();
    await page.waitForURL(({ searchParams }) => searchParams.get("model") === "gemini-3-pro-image");
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download CSV" }).click()]);
    expect(file.suggestedFilename()).toMatch(/^usage-by-day-.*\.csv$/);
    expect(complaints).toEqual([]);
  });

  test("has its numbers where nothing can be drawn", async () => {
    await using opened = await open("/admin/usage", { javaScriptEnabled: false });
    const { page } = opened;
    expect(await page.locator(".chart-area").first().isVisible()).toBe(false);
    await page.locator(".chart summary").first().click();
    expect(await page.locator(".chart-numbers tbody tr").first().isVisible()).toBe(true);
  });
});

test.each(["light", "dark"] as const)("axe objects to nothing, in the %s theme", async (colorScheme) => {
  await using opened = await open("/admin/keys", { colorScheme });
  const found: string[] = [];
  const paths = [
    "/admin/keys",
    "/admin/keys/1",
    "/admin/keys/1/edit",
    "/admin/keys/1/rotate",
    "/admin/usage?by=token",
    "/admin/requests",
    `/admin/requests/${tried}`,
  ];
  for (const path of paths) {
    await opened.page.goto(rig.url + path);
    for (const violation of await violations(opened.page)) found.push(`${path}: ${violation}`);
  }
  expect(found).toEqual([]);
});
