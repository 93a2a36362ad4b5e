// The daily tasks of an operator in Chromium, each in at most three clicks from the overview: menus, buttons, choices and Enter count, typing does not.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Locator, Page } from "playwright-core";
import { GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { launchBrowser, openSignedIn, type TestBrowser } from "./browser.ts";
import { seedUse } from "./seed.ts";

setDefaultTimeout(60_000);

/** A page on the overview whose clicks are counted. */
class Task {
  clicks = 0;

  constructor(readonly page: Page) {}

  async click(what: Locator): Promise<void> {
    this.clicks++;
    await what.first().click();
    await this.page.waitForLoadState();
  }

  async choose(what: Locator, value: string): Promise<void> {
    this.clicks++;
    await Promise.all([this.page.waitForURL((url) => url.search.includes(value)), what.selectOption(value)]);
  }

  /** The search of the frame, by its shortcut: Enter is the click. */
  async search(text: string): Promise<void> {
    await this.page.keyboard.press("Control+k");
    await this.page.keyboard.type(text);
    this.clicks++;
    await Promise.all([this.page.waitForURL((url) => !/^\/admin\/?$/.test(url.pathname)), this.page.keyboard.press("Enter")]);
  }

  menu(name: string): Promise<void> {
    return this.click(this.page.locator(".side").getByRole("link", { name, exact: true }));
  }

  link = (name: string | RegExp) => this.page.locator("main").getByRole("link", { name });
  button = (name: string | RegExp) => this.page.locator("main").getByRole("button", { name });
}

let browser: TestBrowser;
let rig: Rig;
let admin: SignedIn;

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], settings: { "requests.record_payloads": true } });
  admin = await signIn(rig);
  browser = await launchBrowser();
  const { store } = rig.context;
  await store.insertKey({ name: "studio", prefix: "sk-f2a-st", hash: crypto.getRandomValues(new Uint8Array(32)) }, Date.now());
  await rig.reload();
  await seedUse(rig, { count: 300 });
  await (await rig.chat({ messages: [{ role: "user", content: "a lighthouse at dusk" }] })).text();
  const [row] = await rig.context.requests.list({ limit: 1 });
  const now = Date.now();
  const call = { ...row!.attempts[0]!, startedAt: now - 900, ms: 800, outcome: "upstream_quota", reason: "per_day", upstreamStatus: 429 };
  const studio = (await store.listKeys()).find(({ name }) => name === "studio")!.id;
  const failed = {
    ...row!,
    keyId: studio,
    at: now - 1000,
    ms: 900,
    outcome: "no_token",
    message: "No token can serve this.",
    images: 0,
    usd: 0,
  };
  for (const id of ["req_task1", "req_task2", "req_task3"])
    rig.context.requests.append({ ...failed, id, mediaIds: [], payload: undefined, attempts: [{ ...call, tokenId: 2 }] });
  await rig.context.requests.flush();
  const [reservation] = await store.begin([
    {
      keyId: studio,
      requestId: "req_task1",
      kind: "image",
      family: row!.family!,
      at: now,
      estimate: { images: 1, videoMs: 0, microUsd: 0 },
    },
  ]);
  const nothing = { images: 0, videoMs: 0, microUsd: 0 };
  await store.end([
    {
      ...{
        id: (reservation as { id: number }).id,
        state: "released",
        endedAt: now,
        actual: nothing,
        periods: [],
        hour: now - (now % 3_600_000),
      },
      ...{ ok: false, ms: 900, inputTokens: 0, outputTokens: 0 },
      calls: Array.from({ length: 3 }, () => ({ tokenId: 2, ok: false, ms: 800, amounts: nothing })),
    },
  ]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

/** Runs one from the overview. */
async function inThreeClicks(body: (task: Task, page: Page) => Promise<void>): Promise<void> {
  await using opened = await openSignedIn(browser, { url: rig.url, cookie: admin.cookie }, { path: "/admin", timezoneId: "Asia/Shanghai" });
  const task = new Task(opened.page);
  await body(task, opened.page);
  expect(task.clicks).toBeLessThanOrEqual(3);
  expect(opened.complaints).toEqual([]);
}

describe("in at most three clicks", () => {
  test("which token failed most today, and why", () =>
    inThreeClicks(async (task, page) => {
      await task.click(task.link("Usage"));
      await task.click(task.link("By token"));
      const first = page.locator("#sums tbody tr").first();
      expect(await first.textContent()).toContain("beta");
      await task.click(first.locator('td[data-label="Errors"] a'));
      expect(await page.locator("#request-rows").textContent()).toContain("limit per day");
    }));

  test("who spent most this week", () =>
    inThreeClicks(async (task, page) => {
      await task.menu("Usage");
      await task.click(task.link("By key"));
      await task.choose(page.locator('main select[name="span"]'), "7");
      expect(await page.locator("#sums tbody tr").first().textContent()).toContain("demo");
      expect(await page.locator('th[aria-sort="descending"]').textContent()).toContain("Cost");
    }));

  test("why did this user's request fail at that time", () =>
    inThreeClicks(async (task, page) => {
      await task.menu("Requests");
      await task.click(task.link(/^Failed$/));
      const line = page.locator("#request-rows tr", { hasText: "studio" }).first();
      const shown = await line.locator("time").first().textContent();
      const at = new Intl.DateTimeFormat("en", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      expect(shown).toContain(at.format(Date.parse((await line.locator("time").first().getAttribute("datetime"))!)));
      await task.click(line.locator("a").first());
      expect(await page.locator("main h1").textContent()).toContain("No token could serve this request");
    }));

  test("rotate a leaked key", () =>
    inThreeClicks(async (task, page) => {
      await task.search("studi");
      await task.click(task.link(/^Rotate/));
      await page.locator('main [name="hours"]').fill("0");
      await task.click(page.locator("main form").getByRole("button"));
      await page
        .getByText(/sk-f2a-/)
        .first()
        .waitFor();
    }));

  test("find the image of a prompt", () =>
    inThreeClicks(async (task, page) => {
      await task.search("lighthouse");
      await task.click(page.locator("#found .results a"));
      expect(await page.locator("main").textContent()).toContain("a lighthouse at dusk");
    }));

  test("200 tokens by CSV into five groups", () =>
    inThreeClicks(async (task, page) => {
      await task.search("import");
      const lines = Array.from({ length: 200 }, (_, index) => `made-${index},gemini,made-${index}.key-${index},project-${index % 5}`);
      await page.locator('main textarea[name="text"]').fill(`label,provider,secret,group\n${lines.join("\n")}`);
      await task.click(task.button(/preview/i));
      await task.click(task.button(/^Import 200/));
      for (const deadline = Date.now() + 20_000; rig.context.pool.rows().length < 202 && Date.now() < deadline; ) await Bun.sleep(50);
      const groups = Map.groupBy(rig.context.pool.rows(), ({ group }) => group);
      expect([...groups.keys()].filter((name) => name?.startsWith("project-"))).toHaveLength(5);
    }));

  test("50 images a day for one client", () =>
    inThreeClicks(async (task, page) => {
      await task.menu("Keys");
      await task.click(page.locator("main tr", { hasText: "studio" }).getByRole("link", { name: "Edit" }));
      await page.locator("main [name=images_day]").fill("50");
      await task.click(task.button(/^Save/));
      for (const deadline = Date.now() + 5_000; Date.now() < deadline; await Bun.sleep(50)) {
        const key = (await rig.context.store.listKeys()).find(({ name }) => name === "studio");
        if (key?.limits.images.day === 50) return;
      }
      throw new Error("The key has no limit of 50 images a day.");
    }));

  test("usage for billing", () =>
    inThreeClicks(async (task, page) => {
      await task.menu("Usage");
      await task.click(task.link("Billing list"));
      expect(await page.locator("main tbody tr").count()).toBeGreaterThan(10);
      const download = page.waitForEvent("download");
      await task.click(task.link("Download CSV"));
      expect((await download).suggestedFilename()).toMatch(/^usage-billing-.*\.csv$/);
    }));

  test("pause a provider", () =>
    inThreeClicks(async (task, page) => {
      await task.menu("Tokens");
      await task.click(page.locator("main details.menu:has(form[action$='/providers/gemini/pause']) summary"));
      await task.click(task.button("Pause gemini"));
      await page.getByText("gemini is paused: none of its tokens is asked.").waitFor();
      expect(rig.context.settings.current().pool.paused_providers).toEqual(["gemini"]);
      await admin.post("/admin/tokens/providers/gemini/resume");
    }));

  test("be told when the pool is nearly empty", () =>
    inThreeClicks(async (task, page) => {
      await task.click(page.locator("#bell"));
      await task.click(page.locator("#bell-menu").getByRole("link", { name: "ntfy" }));
      await page.locator("main form [name=name]").fill("phone");
      await page.locator("main form [name='config.topic']").fill("flow2api-of-the-test");
      await task.click(task.button(/^(Save|Add)/));
      for (const end = Date.now() + 5_000; (await rig.context.store.listChannels()).length === 0 && Date.now() < end; ) await Bun.sleep(50);
      expect((await rig.context.store.listChannels()).map(({ name, enabled }) => [name, enabled])).toEqual([["phone", true]]);
    }));

  describe("with a request that takes its time", () => {
    let chat: Promise<Response>;
    beforeAll(async () => {
      rig.simulator.setOptions({ latencyMs: 20_000 });
      chat = rig.chat({ messages: [{ role: "user", content: "a slow fox" }] });
      while ((await rig.context.pool.gauges()).inFlight.image === 0) await Bun.sleep(5);
    });
    afterAll(() => rig.simulator.setOptions({ latencyMs: 0 }));

    test("queue and in-flight now", () =>
      inThreeClicks(async (_task, page) => {
        expect(await page.locator("#ov-work .work").first().textContent()).toContain("demo");
      }));

    test("cancel a running request", () =>
      inThreeClicks(async (task, page) => {
        await task.click(page.locator("#ov-work").getByRole("button", { name: /^Cancel/ }));
        expect((await chat).status).toBe(499);
      }));
  });
});
