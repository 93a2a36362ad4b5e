// Forms in Chromium: mistakes in place, a server that is away, copying by LAN address, the live badge, undo on another page, questions.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { FLOW, GEMINI, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { launchBrowser, openSignedIn, PHONE, type TestBrowser } from "./browser.ts";

let browser: TestBrowser;
let rig: Rig;
let me: SignedIn;
beforeAll(async () => {
  browser = await launchBrowser();
  rig = await startRig({ tokens: [GEMINI, FLOW] });
  me = await signIn(rig);
  const many = Array.from({ length: 25 }, (_, index) => ({
    provider: "gemini",
    label: `many-${index}`,
    secret: `many-project.key-${index}`,
  }));
  await rig.context.store.insertTokens(many, 1);
  await rig.reload();
}, 60_000);
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});
const open = (path: string, options = {}) => openSignedIn(browser, { url: rig.url, cookie: me.cookie }, { path, ...options });

test.each([true, false])(
  "a mistake stays on its page with what was typed and the focus on it; JavaScript: %p",
  async (javaScriptEnabled) => {
    await using opened = await open("/admin/tokens/new", { javaScriptEnabled });
    const { page, complaints } = opened;
    await page.locator("[name=secret]").fill("hello world");
    await page.locator("[name=label]").fill("aurora-4");
    await page.locator("[name=image_concurrency]").fill("lots");
    await page.locator("main button[type=submit]").click();
    await page.locator(".note.bad").waitFor();
    expect(await page.locator("[name=label]").inputValue()).toBe("aurora-4");
    expect(await page.locator("[name=image_concurrency]").inputValue()).toBe("lots");
    expect(await page.locator("[name=secret]").inputValue()).toBe("hello world");
    expect(await page.locator(".field.wrong .err").count()).toBe(2);
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).name)).toBe("secret");
    expect(await page.locator("nav.side").count()).toBe(1);
    expect(complaints).toEqual([]);
  },
);

test("with JavaScript, passwords stay where they were typed", async () => {
  await using opened = await open("/admin/account");
  const { page } = opened;
  await page.locator("[name=current]").fill("the present one");
  await page.locator("[name=password]").fill("short");
  await page.locator("[name=again]").fill("other");
  await page.locator("form[action='/admin/account/password'] button").click();
  await page.locator(".field.wrong").first().waitFor();
  expect(await page.locator("[name=current]").inputValue()).toBe("the present one");
});

test("a server that cannot be reached: nothing is lost, and the same is sent again by one button", async () => {
  await using opened = await open("/admin/keys/new");
  const { page } = opened;
  await page.locator("[name=name]").fill("while away");
  await page.context().setOffline(true);
  await page.locator("main button[type=submit]").first().click();
  await page.getByText("Not reached, nothing was changed.").waitFor();
  expect(await page.locator("[name=name]").inputValue()).toBe("while away");
  await page.context().setOffline(false);
  await page.locator(".toast").getByRole("button", { name: "Retry" }).click();
  await page.locator("#made-key").waitFor();
});

test("from twenty tokens on a question names the number; typed wrong it asks again; undo is on every page", async () => {
  await using opened = await open("/admin/tokens");
  const { page, complaints } = opened;
  await page.locator("[data-select-all]").check();
  await page.locator("#bulk button[value=remove]").click();
  const question = page.locator("#question");
  await question.getByRole("heading", { name: "Delete 27 tokens" }).waitFor();
  await question.getByRole("link").click();
  await question.waitFor({ state: "hidden" });
  expect(rig.context.pool.snapshot()).toHaveLength(27);
  await page.locator("#bulk button[value=remove]").click();
  await question.locator("[name=confirmed]").fill("26");
  await question.getByRole("button").click();
  await question.locator(".err").waitFor();
  await question.locator("[name=confirmed]").fill("27");
  await question.getByRole("button").click();
  await page.locator(".toast").waitFor();
  expect(rig.context.pool.snapshot()).toHaveLength(0);
  await page.goto(`${rig.url}/admin/usage`);
  await page.locator(".undo-menu summary").click();
  await page.locator("#last-actions").getByRole("button").first().click();
  await page.getByText("Undone: 27 tokens deleted.").waitFor();
  expect(rig.context.pool.snapshot()).toHaveLength(27);
  expect(complaints).toEqual([]);
});

test("deleted tokens are listed and restored; a paused provider says so and is resumed", async () => {
  await using opened = await open("/admin/tokens/1");
  const { page } = opened;
  await page.goto(`${rig.url}/admin/tokens?q=alpha`);
  await page.locator("tbody tr summary").first().click();
  await page.locator("button[formaction$='/remove']").first().click();
  await page.locator(".toast").waitFor();
  await page.goto(`${rig.url}/admin/tokens/deleted`);
  await page.locator("[data-select]").first().check();
  await page.locator("#bulk").getByRole("button", { name: "Restore" }).click();
  await page.getByText("Restored.").waitFor();
  await page.goto(`${rig.url}/admin/tokens`);
  await page.locator("summary", { hasText: "Providers" }).click();
  await page.getByRole("button", { name: "Pause flow" }).click();
  await page.getByText("flow is paused: none of its tokens is asked.").waitFor();
  expect(rig.context.pool.view(2)!.health.reason).toBe("paused");
  await page.locator(".note").getByRole("button", { name: "Resume flow" }).click();
  await page.locator(".note", { hasText: "flow is paused" }).waitFor({ state: "detached" });
  expect(rig.context.pool.view(2)!.health.state).toBe("healthy");
});

test("the badge says what the event stream does", async () => {
  await using opened = await open("/admin");
  const { page } = opened;
  const badge = page.locator("[data-live]");
  await page.locator("[data-live][data-state=live]").waitFor();
  expect((await badge.textContent())?.trim()).toBe("Live");
  await page.context().setOffline(true);
  await page.locator("[data-live][data-state=reconnecting]").waitFor();
  await page.context().setOffline(false);
  await page.locator("[data-live][data-state=live]").waitFor({ timeout: 30_000 });
}, 60_000);

test("without a clipboard the older way copies, and without that the text is selected and the keys are named", async () => {
  await using opened = await open("/admin/keys/new");
  const { page } = opened;
  await page.locator("[name=name]").fill("copied");
  await page.locator("main button[type=submit]").first().click();
  await page.locator("#made-key").waitFor();
  await page.evaluate(() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    document.execCommand = () => false;
  });
  await page.locator("[data-copy-from='#made-key']").click();
  await page.getByText("The text is selected: press Ctrl C to copy it.").waitFor();
  const selected = await page.evaluate(() => getSelection()!.toString().trim());
  expect(selected).toBe((await page.locator("#made-key").textContent())!.trim());
});

test("a field that gets the focus is not under what sticks to the edge, on a phone too", async () => {
  for (const viewport of [PHONE, { width: 1280, height: 500 }]) {
    await using opened = await open("/admin/keys/1/edit", { viewport });
    const { page } = opened;
    const fields = page.locator("main :is(input:not([type=hidden]), select, textarea)");
    for (let index = 0; index < (await fields.count()); index += 4) {
      const field = fields.nth(index);
      await field.focus();
      const isSeen = await field.evaluate((element) => {
        const { left, top, width, height } = element.getBoundingClientRect();
        const found = document.elementFromPoint(left + Math.min(width / 2, 40), top + height / 2);
        return found !== null && (element.contains(found) || found.contains(element) || found.closest("label") !== null);
      });
      expect([index, isSeen]).toEqual([index, true]);
    }
  }
});
