// The admin in Chromium: setup, keys, themes, without JavaScript.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { storePassword } from "../../src/gateway/auth/password.ts";
import { GEMINI, quietMonth, startRig } from "../rig.ts";
import { ADMIN_PASSWORD, signIn } from "./admin.ts";
import { launchBrowser, type OpenPage, type TestBrowser, violations } from "./browser.ts";
import { openAdmin, seedUse } from "./seed.ts";
import { fillAdmin } from "./world.ts";

setDefaultTimeout(60_000);

let browser: TestBrowser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 30_000);
afterAll(() => browser[Symbol.asyncDispose]());

const TEMPORARY = "one-time-password";
const OWN = "my very own password";

/** From the front page to the overview, as a person would. Calls `seen` on every page on the way. */
async function firstSteps({ page }: OpenPage, url: string, seen: (step: string) => Promise<void>): Promise<void> {
  await page.goto(url);
  await seen("login");
  await page.getByLabel("Admin password").fill(TEMPORARY);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/welcome/password");
  await seen("password");
  await page.getByLabel("New password", { exact: true }).fill(OWN);
  await page.getByLabel("New password again").fill(OWN);
  await page.getByRole("button", { name: "Set password" }).click();
  await page.waitForURL("**/welcome/key");
  await seen("key");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("link", { name: "Continue" }).waitFor();
  await seen("made key");
  await page.getByRole("link", { name: "Continue" }).click();
  await page.getByLabel("Key or session").fill("bad-key");
  await page.getByRole("button", { name: "Check and add" }).click();
  await page.locator(".note.bad, [role=alert]").first().waitFor();
  await seen("refused token");
  await page.getByLabel("Key or session").fill(GEMINI.secret);
  await page.getByRole("button", { name: "Check and add" }).click();
  await page.waitForURL("**/welcome/picture");
  await seen("picture");
  await page.getByRole("button", { name: "Generate" }).click();
  await page.locator("figure img").waitFor();
  await seen("made picture");
  await page.getByRole("link", { name: "To the overview" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await seen("overview");
}

describe("the first steps", () => {
  test("lead from the one-time password to an image, and break no rule of the policy", async () => {
    await using rig = await startRig({ tokens: [] });
    await storePassword(rig.context.store, TEMPORARY, true);
    await using opened = await browser.open();
    const found: string[] = [];
    const visited: string[] = [];
    await firstSteps(opened, rig.url, async (step) => {
      visited.push(step);
      for (const violation of await violations(opened.page)) found.push(`${step}: ${violation}`);
    });
    expect(visited).toHaveLength(8);
    expect(found).toEqual([]);
    expect(opened.complaints).toEqual([]);
    expect((await rig.context.store.listTokens()).map(({ label }) => label)).toEqual(["gemini-1"]);
  }, 30_000);

  test("need no JavaScript", async () => {
    await using rig = await startRig({ tokens: [] });
    await storePassword(rig.context.store, TEMPORARY, true);
    await using opened = await browser.open({ javaScriptEnabled: false });
    await firstSteps(opened, rig.url, async () => {});
    expect(opened.page.url()).toBe(`${rig.url}/admin`);
  }, 30_000);
});

describe("by keyboard", () => {
  test("g and a letter goes to a page, ? lists the keys, Escape closes the list, back goes back", async () => {
    await using rig = await startRig();
    await using opened = await openAdmin(rig, browser);
    const { page } = opened;
    await page.goto(`${rig.url}/admin`);
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.waitForURL("**/admin/account");
    await page.keyboard.press("?");
    expect(await page.locator("#shortcuts").isVisible()).toBe(true);
    await page.keyboard.press("Escape");
    expect(await page.locator("#shortcuts").isVisible()).toBe(false);
    await page.keyboard.press("j");
    expect(await page.evaluate(() => document.activeElement?.hasAttribute("data-row"))).toBe(true);
    await page.goBack();
    expect(page.url()).toBe(`${rig.url}/admin`);
  });

  test("the first stop is the way past the menu", async () => {
    await using rig = await startRig();
    await using opened = await openAdmin(rig, browser);
    await opened.page.goto(`${rig.url}/admin`);
    await opened.page.keyboard.press("Tab");
    expect(await opened.page.evaluate(() => document.activeElement?.getAttribute("href"))).toBe("#main");
  });
});

describe("the theme", () => {
  test("changes at once, and stays", async () => {
    await using rig = await startRig();
    await using opened = await openAdmin(rig, browser, { colorScheme: "light" });
    const { page } = opened;
    await page.goto(`${rig.url}/admin`);
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    const choose = async (name: string) => {
      await page.getByLabel("Theme").click();
      await page.getByRole("button", { name, exact: true }).click();
    };
    await choose("Dark");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await ground()).toBe(dark);
    await page.emulateMedia({ colorScheme: "dark" });
    await choose("System");
    expect(await ground()).toBe(dark);
  });
});

describe("the overview", () => {
  test("shows by itself what happens, and solves what needs a hand", async () => {
    await using rig = await startRig({ clock: quietMonth() });
    await using opened = await openAdmin(rig, browser);
    const { page } = opened;
    await page.goto(`${rig.url}/admin`);
    await page.getByText("Nothing needs you.").waitFor();
    const [token] = rig.context.pool.snapshot();
    rig.context.pool.reportOutcome(token!.id, {
      ok: false,
      kind: "upstream_unauthorized",
      detail: { scope: "token", reason: "key_invalid" },
      charged: false,
    });
    await page.getByRole("link", { name: "Replace secret" }).waitFor({ timeout: 5000 });
    await page.getByRole("button", { name: "Try again now" }).click();
    await page.getByText("It is tried again.").waitFor();
    await page.getByText("Nothing needs you.").waitFor();
    expect(opened.complaints).toEqual([]);
  });

  test("sums up and draws what was used, and leads to the decision on what nobody knows", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const { jobs } = await fillAdmin(rig, me, ["a fox"]);
    await seedUse(rig, { count: 59, days: 0.9 });
    await using opened = await openAdmin(rig, browser);
    const { page } = opened;
    await page.goto(`${rig.url}/admin`);
    await page.getByRole("heading", { name: "1 job may have been charged" }).waitFor();
    // Right after midnight of UTC all of it was yesterday's.
    const drawn = await page
      .locator("#ov-today .plot path:is(.up, .was)")
      .evaluateAll((paths) => paths.map((path) => path.getAttribute("d")));
    expect(drawn.join("")).toContain("M");
    await page.locator("#ov-spend .plot").waitFor();
    await page.getByRole("link", { name: "Decide" }).click();
    await page.waitForURL(`**/admin/jobs/${jobs[0]}`);
    expect(opened.complaints).toEqual([]);
  });

  test("leads a browser whose session ended to the login", async () => {
    await using rig = await startRig();
    await using opened = await openAdmin(rig, browser);
    const { page } = opened;
    await page.goto(`${rig.url}/admin/account`);
    await rig.context.sessions.closeAll();
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await page.getByText("You are signed out").waitFor();
    await page.getByLabel("Admin password").fill(ADMIN_PASSWORD);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/admin/account");
  });
});
