// Token pages in Chromium: rows in place, undo, bulk actions, import of 10 000, keyboard, phone width.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { FLOW, GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { launchBrowser, openSignedIn, PHONE, type TestBrowser } from "./browser.ts";

const LANGUAGES = [
  {
    locale: "en-US",
    words: { edit: "Edit", save: "Save", remove: "Delete", undo: "Undo", disable: "Disable", look: "Preview", more: "More for" },
  },
  {
    locale: "zh-CN",
    words: { edit: "编辑", save: "保存", remove: "删除", undo: "撤销", disable: "停用", look: "先预览", more: "的更多操作" },
  },
] as const;

/** Longer than the page's own, which names what was waited for. */
setDefaultTimeout(30_000);

let browser: TestBrowser;
let rig: Rig;
let admin: SignedIn;

beforeAll(async () => {
  rig = await startRig({ tokens: [{ ...GEMINI, tags: ["first"] }, { ...GEMINI_TWO, tags: ["first"] }, FLOW] });
  admin = await signIn(rig);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const open = (path: string, options: BrowserContextOptions = {}) =>
  openSignedIn(browser, { url: rig.url, cookie: admin.cookie }, { ...options, path });

const row = (page: Page, id: number) => page.locator(`#token-${id}`);
const rowOf = (id: number) => rig.context.pool.rows().find((one) => one.id === id);

describe.each(LANGUAGES)("in $locale", ({ locale, words }) => {
  test("a row is edited where it stands", async () => {
    await using opened = await open("/admin/tokens", { locale });
    const { page, complaints } = opened;
    await row(page, 1).getByRole("link", { name: words.edit }).click();
    const note = `noted in ${locale}`;
    await row(page, 1).locator("[name=note]").fill(note);
    await row(page, 1).locator("[name=weight]").fill("3");
    await row(page, 1).getByRole("button", { name: words.save }).click();
    await row(page, 1).getByText(note).waitFor();
    expect(rowOf(1)).toMatchObject({ note, weight: 3, enabled: true });
    expect(await page.locator(".toast").count()).toBe(1);
    expect(new URL(page.url()).pathname).toBe("/admin/tokens");
    expect(complaints).toEqual([]);
  });

  test("a deleted row is gone at once, and undo brings it back", async () => {
    await using opened = await open("/admin/tokens", { locale });
    const { page, complaints } = opened;
    await row(page, 2).locator("summary").click();
    await row(page, 2).getByRole("button", { name: words.remove }).click();
    await row(page, 2).waitFor({ state: "detached" });
    await page.locator(".toast").getByRole("button", { name: words.undo }).click();
    await row(page, 2).waitFor();
    expect(rowOf(2)).toMatchObject({ label: "beta", enabled: true });
    expect(complaints).toEqual([]);
  });

  test("what is selected is changed together, and the way back leads there", async () => {
    await using opened = await open("/admin/tokens?tag=first", { locale });
    const { page, complaints } = opened;
    expect(await page.locator("#bulk").isVisible()).toBe(false);
    await page.locator("[data-select-all]").check();
    expect(await page.locator("[data-selected]").textContent()).toBe("2");
    await Promise.all([page.waitForEvent("load"), page.locator("#bulk").getByRole("button", { name: words.disable, exact: true }).click()]);
    expect([1, 2, 3].map((id) => rowOf(id)?.enabled)).toEqual([false, false, true]);
    await page.locator("[data-select-all]").check();
    await Promise.all([page.waitForEvent("load"), page.locator("#bulk button[value=enable]").click()]);
    expect([1, 2, 3].map((id) => rowOf(id)?.enabled)).toEqual([true, true, true]);
    expect([new URL(page.url()).search, await page.locator("tbody tr").count()]).toEqual(["?tag=first", 2]);
    expect(complaints).toEqual([]);
  });

  test("ten thousand are previewed and imported, with progress, and the list stays a page", async () => {
    await using opened = await open("/admin/tokens/import", { locale });
    const { page, complaints } = opened;
    const lines = Array.from({ length: 10_000 }, (_, index) => `AIzaSy${locale.slice(0, 2)}-key-number-${`${index}`.padStart(20, "0")}`);
    const file = { name: "tokens.txt", mimeType: "text/plain", buffer: Buffer.from([...lines, "not a token"].join("\n")) };
    await page.locator("[name=file]").setInputFiles(file);
    await page.locator("[name=group]").fill(`of ${locale}`);
    await page.getByRole("button", { name: words.look }).click();
    await page.locator("#invalid").waitFor();
    expect(await page.locator("#fresh tbody tr").count()).toBe(100);
    expect(await page.content()).not.toContain("AIzaSy");
    await page.locator(".import-start button").click();
    await page.locator("progress, #import-result").first().waitFor();
    await page.locator("#import-result").waitFor({ timeout: 20_000 });
    expect(rig.context.pool.rows().filter(({ group }) => group === `of ${locale}`)).toHaveLength(10_000);
    await page.goto(`${rig.url}/admin/tokens?group=${encodeURIComponent(`of ${locale}`)}`);
    expect(await page.locator("tbody tr").count()).toBe(50);
    const first = await page.locator("tbody tr").first().getAttribute("id");
    await page.locator("a[rel=next]").click();
    await page.waitForFunction((id) => document.querySelector("tbody tr")?.id !== id, first);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
    expect(complaints).toEqual([]);
  });
});

test("what changes meanwhile closes neither a row that is edited nor a menu", async () => {
  await using opened = await open("/admin/tokens");
  const { page } = opened;
  await row(page, 1).getByRole("link", { name: "Edit" }).click();
  await row(page, 1).locator("[name=note]").fill("half a sentence");
  await row(page, 2).locator("summary").click();
  await row(page, 2).getByRole("button", { name: "Disable" }).waitFor();
  for (const id of [1, 2]) await rig.context.store.updateToken(id, { note: "written elsewhere" });
  await rig.context.pool.refresh();
  await row(page, 2).getByText("written elsewhere").waitFor();
  expect(await row(page, 2).getByRole("button", { name: "Disable" }).isVisible()).toBe(true);
  expect(await row(page, 1).locator("[name=note]").inputValue()).toBe("half a sentence");
});

test("all that were imported by mistake go in one act, and come back by one", async () => {
  await using opened = await open("/admin/tokens?group=of%20zh-CN");
  const { page } = opened;
  await page.locator("[data-select-all]").check();
  await page.locator("#bulk [name=every]").check();
  await page.locator("#bulk button[value=remove]").click();
  await page.locator("#question [name=confirmed]").fill("10000");
  await page.locator("#question").getByRole("button").click();
  await page.getByText("No token matches").waitFor();
  await page.locator(".toast").getByRole("button", { name: "Undo" }).click();
  await page.locator(".toast").getByText("Undone: 10000 tokens deleted.").waitFor();
  expect(rig.context.pool.rows().filter(({ group, enabled }) => group === "of zh-CN" && enabled)).toHaveLength(10_000);
});

test("without a mouse: find, select, act, open, try again", async () => {
  await using opened = await open("/admin");
  const { page, complaints } = opened;
  const detail = { scope: "token", reason: "throttled" } as const;
  rig.context.pool.reportOutcome(3, { ok: false, kind: "upstream_rate_limited", charged: false, detail });
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL("**/admin/tokens");
  await page.keyboard.press("/");
  await page.keyboard.type("flow");
  await page.keyboard.press("Enter");
  await page.waitForURL("**q=flow**");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  expect(await page.locator("[data-selected]").textContent()).toBe("1");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/admin/tokens/3");
  const again = page.getByRole("button", { name: "Try again now" });
  while (!(await again.evaluate((button) => button === document.activeElement))) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("It is tried again.").waitFor();
  expect(rig.context.pool.view(3)?.health.state).toBe("healthy");
  expect(complaints).toEqual([]);
});

test("without JavaScript the same is done by forms and links", async () => {
  await using opened = await open("/admin/tokens?q=alpha", { javaScriptEnabled: false });
  const { page } = opened;
  await row(page, 1).getByRole("link", { name: "Edit" }).click();
  await page.locator("#settings [name=note]").fill("by form alone");
  await page.locator("#settings").getByRole("button", { name: "Save" }).click();
  await page.locator(".toast").getByText("Saved.").waitFor();
  expect(rowOf(1)?.note).toBe("by form alone");
});

describe("on a phone", () => {
  test.each(["/admin/tokens", "/admin/tokens/1", "/admin/tokens/groups", "/admin/tokens/import", "/admin/tokens/new"])(
    "%s needs no scrolling sideways, in light and dark",
    async (path) => {
      for (const colorScheme of ["light", "dark"] as const) {
        await using opened = await open(path, { viewport: PHONE, colorScheme });
        expect(await opened.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
        expect(opened.complaints).toEqual([]);
      }
    },
  );
});

test.each(["/admin/tokens?tag=first", "/admin/tokens/1", "/admin/tokens/groups", "/admin/tokens/import", "/admin/tokens/new"])(
  "%s is open to all who read, in both themes",
  async (path) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await using opened = await open(path, { colorScheme });
      // The policy of the page lets no test run a script of its own; the tool is put in past it.
      const session = await opened.page.context().newCDPSession(opened.page);
      await session.send("Page.setBypassCSP", { enabled: true });
      await opened.page.reload();
      await opened.page.addScriptTag({ path: Bun.resolveSync("axe-core/axe.min.js", import.meta.dir) });
      const violations = await opened.page.evaluate(async () => {
        const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
        return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 160)}`);
      });
      expect(violations).toEqual([]);
    }
  },
);
