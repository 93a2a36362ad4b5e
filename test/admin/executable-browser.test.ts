// The admin of the compiled executable in Chromium: one-time password, setup, main actions, access.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { en, type Messages } from "../../views/locales/en.ts";
import { zh } from "../../views/locales/zh.ts";
import { NAV } from "../../views/ui/nav.ts";
import { ensureExecutable, type Program, startProgram } from "../executable.ts";
import { cutOff, launchBrowser, type OpenPage, overflow, PHONE, type TestBrowser, watchShifts } from "./browser.ts";

const LANGUAGES = [
  { locale: "en-US", t: en },
  { locale: "zh-CN", t: zh },
] as const;
const PASSWORD = "a password of the operator";
const OMNI = "gemini-omni-1.2-flash";

/** Videos are asked for at the pace of a real upstream. */
setDefaultTimeout(90_000);

let browser: TestBrowser;
/** As it is after the first steps. */
let program: Program;
beforeAll(async () => {
  await ensureExecutable();
  browser = await launchBrowser();
  program = await startFresh();
  await using opened = await browser.open();
  await firstSteps(opened, program, en);
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

/** Nothing but the executable in an empty folder; simulated upstreams beside it. */
const startFresh = () => startProgram({ tokens: [], withKey: false, simulator: { videoMs: 500 } });

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

async function signIn(page: Page, url: string, password: string, t: Messages = en): Promise<void> {
  await page.goto(`${url}/admin/login`);
  await page.locator("[name=password]").fill(password);
  await button(page, t.login.submit).click();
}

/** From the front page to the overview. The key that was made. */
async function firstSteps({ page }: OpenPage, { url, folder }: Program, t: Messages): Promise<string> {
  const { welcome } = t;
  const reported = readFileSync(join(folder, "data", "first-start.txt"), "utf8");
  await signIn(page, url, /Admin password[^:]*: (\S+)/.exec(reported)![1]!, t);
  await page.getByRole("heading", { name: welcome.password.title }).waitFor();
  await page.locator("[name=password]").fill(PASSWORD);
  await page.locator("[name=again]").fill(PASSWORD);
  await button(page, welcome.password.submit).click();
  await button(page, welcome.key.submit).click();
  const key = (await page.locator("#made-key").textContent())!.trim();
  await page.getByRole("link", { name: welcome.goOn }).click();
  await page.locator("[name=secret]").fill("alpha-project.key-one");
  await button(page, welcome.token.submit).click();
  await button(page, welcome.picture.submit).click();
  await page.locator("figure img").waitFor();
  await page.getByRole("link", { name: welcome.picture.finish }).click();
  await page.getByRole("heading", { name: t.overview.title }).waitFor();
  return key;
}

/** A page of the program, signed in with the operator's own password. */
async function open(path: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const opened = await browser.open(options);
  opened.page.setDefaultTimeout(15_000);
  await signIn(opened.page, program.url, PASSWORD, options.locale === "zh-CN" ? zh : en);
  await opened.page.waitForURL(`${program.url}/admin`);
  await opened.page.goto(program.url + path);
  return opened;
}

describe.each(LANGUAGES)("in $locale", ({ locale, t }) => {
  test("the first steps take under a minute, need no default, and end with a key that works", async () => {
    await using fresh = await startFresh();
    await using opened = await browser.open({ locale });
    const begun = Date.now();
    const key = await firstSteps(opened, fresh, t);
    expect(Date.now() - begun).toBeLessThan(60_000);
    const models = await fetch(`${fresh.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    expect(models.status).toBe(200);
    expect(opened.complaints).toEqual([]);
  });

  test("an image is made, changed and set in motion, and is found again in gallery, jobs, requests and usage", async () => {
    await using opened = await open("/admin/playground", { locale });
    const { page, complaints } = opened;
    const prompt = `a heron, ${locale}`;
    const run = async (text: string, result: "img" | "video") => {
      await page.locator("#f-prompt").fill(text);
      await button(page, t.playground.run).click();
      await page.locator(`#run [data-state=completed] ${result}`).waitFor({ timeout: 60_000 });
    };
    await run(prompt, "img");
    await page.getByRole("link", { name: t.playground.refine }).click();
    await page.locator("[data-slot=pictures] .reference").waitFor();
    await run("at night", "img");
    await page.locator("#f-model").selectOption(OMNI);
    await page.locator("[data-slot=first] .reference").waitFor();
    await run("it flies away", "video");

    await page.goto(`${program.url}/admin/gallery?kind=video`);
    await page.locator(".shot a").first().click();
    await page.locator("video.whole").waitFor();
    await page.getByRole("dialog").getByText("it flies away").first().waitFor();
    await page.goBack();
    expect(new URL(page.url()).search).toContain("kind=video");
    await page.goto(`${program.url}/admin/jobs`);
    await page.getByRole("link", { name: prompt }).click();
    await page.locator(".beside img").waitFor();
    await page.goto(`${program.url}/admin/requests`);
    await page.locator("tbody tr a").first().click();
    await page.locator("#attempts .att").first().waitFor();
    await page.goto(`${program.url}/admin/usage?by=model`);
    await page.locator("tbody").getByText(OMNI).waitFor();
    expect(complaints).toEqual([]);
  });

  test("a key is made, used, and deleted", async () => {
    await using opened = await open("/admin/keys/new", { locale });
    const { page, complaints } = opened;
    await page.locator("#f-name").fill(`made in ${locale}`);
    await button(page, t.keys.submit).click();
    const key = (await page.locator("#made-key").textContent())!.trim();
    const ask = async () => (await fetch(`${program.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect(await ask()).toBe(200);
    await page.getByRole("link", { name: t.keys.toKey }).click();
    await button(page, t.keys.remove).click();
    await page.locator(".toast").waitFor();
    expect(await ask()).toBe(401);
    expect(complaints).toEqual([]);
  });

  test("a change of a setting is compared, made, counts for the next request, and is undone", async () => {
    const key = await newKey(`limits ${locale}`);
    const post = async () => {
      const body = JSON.stringify({ model: "no-such", messages: [], filler: "a".repeat(2 * 1024 * 1024) });
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      return (await fetch(`${program.url}/v1/chat/completions`, { method: "POST", headers, body })).status;
    };
    await using opened = await open("/admin/settings?q=body_limit_mb", { locale });
    const { page, complaints } = opened;
    expect(await post()).not.toBe(413);
    await page.locator("[name='value.server.body_limit_mb']").fill("1");
    await button(page, t.settings.review).click();
    expect(await page.locator("ins").textContent()).toBe("1");
    await button(page, t.settings.apply(1)).click();
    const toast = page.locator(".toast");
    await toast.waitFor();
    expect(await post()).toBe(413);
    await toast.getByRole("button", { name: t.controls.undo }).click();
    await page.getByText(t.settings.undone).waitFor();
    expect(await post()).not.toBe(413);
    expect(complaints).toEqual([]);
  });

  test("a token is edited in its row, deleted and brought back; a model is switched off and on again", async () => {
    await using opened = await open("/admin/tokens?q=gemini-1", { locale });
    const { page, complaints } = opened;
    const row = page.locator("tbody tr").first();
    await row.getByRole("link", { name: t.tokens.edit }).click();
    await row.locator("[name=note]").fill(`noted, ${locale}`);
    await row.getByRole("button", { name: t.controls.save }).click();
    await row.getByText(`noted, ${locale}`).waitFor();
    await row.locator("summary").click();
    await row.getByRole("button", { name: t.tokens.remove }).click();
    await page
      .locator(".toast", { hasText: t.tokens.removed(1) })
      .getByRole("button", { name: t.controls.undo })
      .click();
    await page.getByText(`noted, ${locale}`).waitFor();

    await page.goto(`${program.url}/admin/models`);
    const model = page.locator("#model-gemini-3-pro-image");
    await model.getByRole("button", { name: t.models.switchOff }).click();
    await model.getByRole("button", { name: t.models.switchOn }).waitFor();
    await page.locator(".toast").getByRole("button", { name: t.controls.undo }).click();
    await model.getByRole("button", { name: t.models.switchOff }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("the server tests itself, and a backup that was downloaded is laid ready and given up again", async () => {
    await using opened = await open("/admin/system", { locale });
    const { page, complaints } = opened;
    await button(page, t.system.selfTest).click();
    await page.getByText(t.system.allWell).waitFor();
    await page.goto(`${program.url}/admin/system/backup`);
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, t.system.download).click()]);
    await page.locator("[name=backup]").setInputFiles(await download.path());
    await button(page, t.system.restore).click();
    await page.getByRole("heading", { name: t.system.restoreNowTitle }).waitFor();
    await page.goto(`${program.url}/admin/system/backup`);
    await page.getByText(t.system.staged).waitFor();
    await button(page, t.system.dropStaged).first().click();
    await page.getByText(t.system.restoreDropped).waitFor();
    expect(complaints).toEqual([]);
  });

  test("ten thousand tokens are previewed and imported, with progress, and deleted again in one act", async () => {
    await using opened = await open("/admin/tokens/import", { locale });
    const { page, complaints } = opened;
    const group = `of ${locale}`;
    const lines = Array.from({ length: 10_000 }, (_, index) => `AIzaSy${locale.slice(0, 2)}-key-number-${`${index}`.padStart(20, "0")}`);
    await page.locator("[name=file]").setInputFiles({ name: "tokens.txt", mimeType: "text/plain", buffer: Buffer.from(lines.join("\n")) });
    await page.locator("[name=group]").fill(group);
    await button(page, t.tokens.preview).click();
    await page.locator(".import-start button").click();
    await page.locator("progress, #import-result").first().waitFor();
    await page.locator("#import-result").waitFor({ timeout: 30_000 });
    await page.goto(`${program.url}/admin/tokens?${new URLSearchParams({ group })}`);
    expect(await page.locator("tbody tr").count()).toBe(50);
    await page.locator("[data-select-all]").check();
    await page.locator("#bulk [name=every]").check();
    await page.locator("#bulk button[value=remove]").click();
    const question = page.getByRole("dialog");
    await question.locator("[name=confirmed]").fill("10000");
    await question.locator("button.kill").click();
    await page.locator(".empty").waitFor();
    expect(complaints).toEqual([]);
  });
});

/** A key made on the command line, when the running server has noticed it. */
async function newKey(name: string): Promise<string> {
  const key = (await program.cli("key", "create", "--name", name)).stdout.trim();
  const headers = { authorization: `Bearer ${key}` };
  while ((await fetch(`${program.url}/v1/models`, { headers })).status === 401) await Bun.sleep(20);
  return key;
}

describe("who is stored out", () => {
  test("is whoever's session was ended elsewhere, at the next step", async () => {
    await using here = await open("/admin/account");
    await using there = await open("/admin/tokens");
    await button(here.page, en.account.endAll).click();
    await here.page.waitForURL(/\/admin\/login/);
    await there.page.getByRole("link", { name: en.shell.nav.keys, exact: true }).click();
    await there.page.waitForURL(/\/admin\/login\?/);
    expect(there.complaints).toEqual([]);
  });

  test("is a form of another site, or one without its token", async () => {
    await using opened = await open("/admin/tokens");
    const { name, value } = (await opened.page.context().cookies()).find((cookie) => cookie.name === "flow2api")!;
    const send = (origin: string) =>
      fetch(`${program.url}/admin/tokens/1/disable`, {
        method: "POST",
        redirect: "manual",
        headers: { cookie: `${name}=${value}`, origin },
      });
    expect([(await send("https://elsewhere.example")).status, (await send(program.url)).status]).toEqual([403, 403]);
    await opened.page.goto(`${program.url}/admin/tokens/1`);
    await button(opened.page, en.tokens.disable).waitFor();
  });

  test("is who guesses, for longer each time", async () => {
    await using fresh = await startFresh();
    await using opened = await browser.open();
    const { page, complaints } = opened;
    const waiting = page.getByText(/^Too many wrong passwords/);
    for (let guess = 0; guess < 20 && !(await waiting.isVisible()); guess++) {
      await signIn(page, fresh.url, `guess number ${guess}`);
      await page.locator(".note, .toast").first().waitFor();
    }
    expect(await waiting.isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });
});

test("on a phone every page of the menu fits", async () => {
  await using opened = await open("/admin", { viewport: PHONE });
  const found: string[] = [];
  for (const { path } of NAV) {
    await opened.page.goto(program.url + path);
    const wider = await overflow(opened.page);
    if (wider > 0) found.push(`${path} is ${wider} px too wide`);
    for (const part of await cutOff(opened.page)) found.push(`${path}: ${part}`);
  }
  expect(found).toEqual([]);
  expect(opened.complaints).toEqual([]);
});

/** As long as plots take to be drawn and times to be shown. Runs in the page. */
const thirtyFrames = () =>
  new Promise<void>((go) => {
    let left = 30;
    const next = () => (left-- > 0 ? requestAnimationFrame(next) : go());
    next();
  });

test("nothing on a page moves by itself once it is shown", async () => {
  await using opened = await open("/admin");
  const { page } = opened;
  const shifted = await watchShifts(page);
  const found: string[] = [];
  for (const { path } of NAV) {
    await page.goto(program.url + path, { waitUntil: "load" });
    await page.evaluate(thirtyFrames);
    const sum = await shifted();
    if (sum > 0.01) found.push(`${path}: ${sum}`);
  }
  expect(found).toEqual([]);
});

test("by keyboard alone every page of the menu is reached, its search found, and the way back leads back", async () => {
  await using opened = await open(NAV.at(-1)!.path);
  const { page } = opened;
  for (const { path, letter } of NAV) {
    await page.keyboard.press("g");
    await page.keyboard.press(letter);
    await page.waitForURL(program.url + path);
  }
  await page.goBack();
  expect(page.url()).toBe(program.url + NAV.at(-2)!.path);
  await page.goto(`${program.url}/admin/tokens`);
  await page.keyboard.press("/");
  await page.keyboard.type("no such token");
  await page.keyboard.press("Enter");
  await page.locator(".empty").waitFor();
  expect(opened.complaints).toEqual([]);
});

test("without JavaScript the first steps are made, and an image in the playground", async () => {
  await using fresh = await startFresh();
  await using opened = await browser.open({ javaScriptEnabled: false });
  await firstSteps(opened, fresh, en);
  const { page } = opened;
  await page.goto(`${fresh.url}/admin/playground`);
  await page.locator("#f-prompt").fill("a fox");
  await button(page, en.playground.run).click();
  await page.locator("#run [data-state=completed] img").waitFor();
});
