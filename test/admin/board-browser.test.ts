// The overview and the token list in a browser: cancelling, one action for all, rows that change by themselves, keys, a phone.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../keys.ts";
import { GEMINI, GEMINI_TWO, quietMonth, type Rig, type RigOptions, startRig } from "../rig.ts";
import { cutOff, launchBrowser, overflow, type TestBrowser, violations } from "./browser.ts";
import { openAdmin, seedUse } from "./seed.ts";

setDefaultTimeout(90_000);

let browser: TestBrowser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser[Symbol.asyncDispose]());

const PHONE = { viewport: { width: 360, height: 780 }, hasTouch: true };
const slow = (options: RigOptions = {}) =>
  startRig({
    clock: quietMonth(),
    tokens: [{ ...GEMINI, imageConcurrency: 1 }],
    simulator: { faults: "gemini.generate=latency(20000)" },
    ...options,
    settings: { "server.drain_timeout": 0, "generation.on_disconnect": "abort", ...options.settings },
  });
const ask = (rig: Rig, prompt: string) => rig.chat({ messages: [{ role: "user", content: prompt }] });
const block = (rig: Rig, index: number, reason: string) => {
  const token = rig.context.pool.snapshot()[index]!;
  const detail = { scope: "token", reason } as never;
  rig.context.pool.reportOutcome(token.id, { ok: false, kind: "upstream_unauthorized", detail, charged: false });
};

describe.each([
  [
    "en-US",
    {
      cancel: "Cancel",
      running: "Now running",
      released: "Nothing is charged",
      none: "Nothing runs",
      doneAll: "Done, clear all 2",
      cannot: "Cannot",
    },
  ],
  [
    "zh-CN",
    {
      cancel: "取消",
      running: "正在运行",
      released: "不产生费用",
      none: "没有正在运行",
      doneAll: "已处理，解除全部 2 个",
      cannot: "不可用",
    },
  ],
] as const)("in %s", (locale, words) => {
  test("what waits and what runs is cancelled by its row", async () => {
    await using rig = await slow();
    await using opened = await openAdmin(rig, browser, { locale });
    const { page } = opened;
    await page.goto(`${rig.url}/admin`);
    const first = ask(rig, "the first");
    await until(() => rig.simulator.counts().total.requests === 1);
    const second = ask(rig, "the second");
    const rows = page.locator("#ov-work .work");
    await page.locator("#ov-work .work.q").waitFor();
    expect(await rows.count()).toBe(2);
    await page.locator("#ov-work .work.q").getByRole("button", { name: words.cancel }).click();
    await page.locator(".toast").getByText(words.released).waitFor();
    expect((await second).status).toBe(499);
    await rows.getByRole("button", { name: words.cancel }).click();
    expect((await first).status).toBe(499);
    await page.locator("#ov-work").getByText(words.none).waitFor();
    await until(() => rig.context.limits.gauges().reservations === 0);
    expect(opened.complaints).toEqual([]);
  });

  test("one reason has one action for all its tokens, and their models cannot be made", async () => {
    await using rig = await startRig({ clock: quietMonth(), tokens: [GEMINI, GEMINI_TWO] });
    await using opened = await openAdmin(rig, browser, { locale });
    const { page } = opened;
    await page.goto(`${rig.url}/admin`);
    for (const index of [0, 1]) block(rig, index, "verification");
    await page.locator(".tile.bad").getByText(words.cannot).first().waitFor();
    await page.getByRole("button", { name: words.doneAll }).click();
    await page.locator(".toast").waitFor();
    await until(() => rig.context.pool.snapshot().every(({ health }) => health.state === "healthy"));
    await page.goto(`${rig.url}/admin`);
    expect(await page.locator(".tile.bad").count()).toBe(0);
    expect(opened.complaints).toEqual([]);
  });
});

test("a leaked key's models are not healthy, on its page and beside the list", async () => {
  await using rig = await startRig({ clock: quietMonth(), tokens: [GEMINI, GEMINI_TWO] });
  block(rig, 0, "key_leaked");
  await using opened = await openAdmin(rig, browser, { viewport: { width: 1920, height: 1000 } });
  const { page } = opened;
  const [leaked] = rig.context.pool.snapshot();
  await page.goto(`${rig.url}/admin/tokens/${leaked!.id}`);
  const states = await page.locator("#models tbody .st").allTextContents();
  expect(states.length).toBeGreaterThan(0);
  expect(states.filter((state) => state.includes("Healthy"))).toEqual([]);
  await page.goto(`${rig.url}/admin/tokens`);
  await page.getByRole("link", { name: "alpha" }).click();
  await page.locator("#inspect").getByRole("heading", { name: "alpha" }).waitFor();
  expect(await page.locator("#inspect").getByText("Healthy").count()).toBe(0);
  expect(new URL(page.url()).pathname).toBe("/admin/tokens");
  expect(opened.complaints).toEqual([]);
});

test("rows of the list change in place: what was selected and where the keyboard is stay", async () => {
  await using rig = await startRig({ clock: quietMonth(), tokens: [GEMINI, GEMINI_TWO] });
  await using opened = await openAdmin(rig, browser);
  const { page } = opened;
  await page.goto(`${rig.url}/admin/tokens`);
  const [first] = rig.context.pool.snapshot();
  const row = page.locator(`#token-${first!.id}`);
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await row.getByRole("checkbox").waitFor();
  block(rig, 0, "key_invalid");
  await row.getByText("key not valid").first().waitFor();
  expect(await row.getByRole("checkbox").isChecked()).toBe(true);
  expect(await page.evaluate(() => document.activeElement?.closest("tr")?.id)).toBe(`token-${first!.id}`);
  await page.locator("#token-counts").getByText("1 is blocked").waitFor();
  expect(opened.complaints).toEqual([]);
});

test("secrets of many tokens are replaced by lines of label and secret", async () => {
  await using rig = await startRig({ clock: quietMonth(), tokens: [GEMINI, GEMINI_TWO] });
  for (const index of [0, 1]) block(rig, index, "key_invalid");
  await using opened = await openAdmin(rig, browser);
  const { page } = opened;
  await page.goto(`${rig.url}/admin`);
  await page.getByRole("link", { name: "Replace by CSV" }).click();
  await page.locator("[name=text]").fill("nobody,nobody-project.key-new");
  await page.getByRole("button", { name: "Replace and check" }).click();
  await page.getByText("names none of these tokens").first().waitFor();
  await page.locator("[name=text]").fill("label,secret\nalpha,alpha-project.key-new\nbeta,beta-project.key-new");
  await page.getByRole("button", { name: "Replace and check" }).click();
  await page.locator(".toast").getByText("2 secrets replaced").waitFor();
  await until(() => rig.context.pool.snapshot().every(({ health }) => health.state === "healthy"));
  const secrets = await Promise.all(rig.context.pool.rows().map(({ id }) => rig.context.store.readTokenSecret(id)));
  expect(secrets.map(({ secret }) => secret)).toEqual(["alpha-project.key-new", "beta-project.key-new"]);
  expect(opened.complaints).toEqual([]);
});

test("an hour of a chart is reached by one tab stop and arrow keys, and leads to its requests", async () => {
  await using rig = await startRig({ clock: quietMonth() });
  await seedUse(rig, { count: 200, days: 0.9 });
  await using opened = await openAdmin(rig, browser);
  const { page } = opened;
  await page.goto(`${rig.url}/admin`);
  const chart = page.locator("#ov-today [data-chart]").first();
  expect(await chart.locator('a[tabindex="0"]').count()).toBe(1);
  await chart.locator('a[tabindex="0"]').focus();
  const hours = await chart.locator("a").count();
  if (hours > 1) await page.keyboard.press("ArrowLeft");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toMatch(/^\d\d:00: /);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/admin\/requests\?kind=image&from=/);
  expect(opened.complaints).toEqual([]);
});

describe.each(["light", "dark"] as const)("in %s", (colorScheme) => {
  test.each([360, 1280, 1920])("nothing is cut off or hard to read at %i px", async (width) => {
    await using rig = await slow({ tokens: [GEMINI, GEMINI_TWO] });
    block(rig, 1, "key_leaked");
    await seedUse(rig, { count: 100, days: 1.5 });
    const waiting = ask(rig, "a fox");
    waiting.catch(() => {});
    await until(() => rig.simulator.counts().total.requests === 1);
    const options = width === 360 ? PHONE : { viewport: { width, height: 1000 } };
    await using opened = await openAdmin(rig, browser, { ...options, colorScheme });
    const { page } = opened;
    for (const path of ["/admin", "/admin/tokens"]) {
      await page.goto(rig.url + path);
      expect([path, await overflow(page), await cutOff(page)]).toEqual([path, 0, []]);
      expect(await violations(page)).toEqual([]);
    }
    if (width === 360) {
      const heights = await page.locator("tr[data-row]").evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
      expect(heights).toEqual([64, 64]);
    }
    expect(opened.complaints).toEqual([]);
  });
});
