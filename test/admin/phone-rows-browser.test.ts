// Rows of lists on a phone: two lines of at most 72 px, in both languages. Plots: the reader's hours, and nothing moves under the pointer.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { DESKTOP, launchBrowser, openSignedIn, PHONE, type TestBrowser } from "./browser.ts";
import { seedUse } from "./seed.ts";

let browser: TestBrowser;
let rig: Rig;
let me: SignedIn;
beforeAll(async () => {
  browser = await launchBrowser();
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
  me = await signIn(rig);
  await seedUse(rig, { count: 200, days: 1 });
  const { store, clock } = rig.context;
  const labels = ["short", "a label that is far longer than a phone is wide, with words", `x${"unbroken".repeat(9)}`];
  for (const [index, label] of labels.entries()) {
    const { id } = await store.insertToken(
      { provider: "gemini", label, secret: `deleted-project.key-${index}`, group: "a group with quite a long name" },
      clock.now(),
    );
    await store.setTokensDeleted([id], clock.now());
  }
  await rig.reload();
}, 60_000);
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

const open = (path: string, options: Parameters<typeof openSignedIn>[2] = {}) =>
  openSignedIn(browser, { url: rig.url, cookie: me.cookie }, { path, ...options });

describe.each(["en-US", "zh-CN"])("on a phone in %s", (locale) => {
  test.each([
    ["/admin/requests", 20],
    ["/admin/models", 5],
    ["/admin/tokens", 2],
    ["/admin/tokens/deleted", 3],
    ["/admin/keys", 1],
  ])("rows of %s have two lines", async (path, least) => {
    await using phone = await open(path, { viewport: PHONE, hasTouch: true, isMobile: true, locale });
    const rows = await phone.page
      .locator(".table tbody tr")
      .evaluateAll((all) => all.map((row) => ({ height: row.getBoundingClientRect().height, text: row.textContent?.slice(0, 40) })));
    expect(rows.length).toBeGreaterThanOrEqual(least);
    expect(rows.filter(({ height }) => height > 72 || height < 40)).toEqual([]);
  });
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("a plot by the hour", () => {
  test.each([
    ["Asia/Kolkata", 5.5],
    ["America/St_Johns", -3.5],
    ["UTC", 0],
  ])("has the hours of %s, under the pointer and in its numbers", async (timezoneId, offset) => {
    await using opened = await open("/admin/usage?span=today", { timezoneId, viewport: DESKTOP });
    const { page, complaints } = opened;
    // The zone is known from a cookie of the first page on.
    await page.reload();
    await page.locator(".chart canvas").first().waitFor();
    const { times, step } = await page
      .locator("[data-plot]")
      .first()
      .evaluate((figure) => JSON.parse((figure as HTMLElement).dataset.plot!) as { times: number[]; step: string });
    expect(step).toBe("hour");
    const box = (await page.locator(".chart-area .u-over").first().boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const when = page.locator("[data-plot-when]").first();
    await page.waitForFunction(() => document.querySelector("[data-plot-when]")?.textContent !== "");
    const shown = /(\d\d:\d\d)$/.exec((await when.textContent())!.trim())![1]!;
    const clockOf = (time: number) => new Date(time + offset * HOUR).toISOString().slice(11, 16);
    expect(times.map(clockOf)).toContain(shown);
    const minutes = (((offset * 60) % 60) + 60) % 60;
    expect(Number(shown.slice(3))).toBe(minutes);
    const rows = await page.locator("figure.chart").first().locator("tbody th").allTextContents();
    expect(rows.length).toBe(times.length);
    for (const [index, text] of rows.entries()) expect([index, text]).toEqual([index, expect.stringContaining(clockOf(times[index]!))]);
    expect(complaints).toEqual([]);
    expect(times[0]! % DAY).toBe(0);
  });
});

test.each([
  ["a desk", "/admin/usage", DESKTOP],
  ["a phone", "/admin/usage", PHONE],
  ["a desk", "/admin", DESKTOP],
  ["a phone", "/admin", PHONE],
] as const)("on %s the pointer over the plots of %s moves nothing", async (_name, path, viewport) => {
  await using opened = await open(path, { viewport });
  const { page } = opened;
  const plots = page.locator(".chart-area, svg[data-chart]");
  await plots.first().waitFor();
  await page.waitForTimeout(300);
  const places = () =>
    page.evaluate(() => {
      const { scrollHeight, scrollWidth } = document.documentElement;
      const boxes = [...document.querySelectorAll("main *")]
        .filter((element) => !element.closest(".chart-area, svg") && !element.closest(".chart-now, time"))
        .map((element) => {
          const { x, y, height } = element.getBoundingClientRect();
          return [element.tagName, Math.round(x), Math.round(y + scrollY), Math.round(height)].join(" ");
        });
      return { scrollHeight, scrollWidth, boxes };
    });
  const moved: string[] = [];
  const count = await plots.count();
  expect(count).toBeGreaterThan(0);
  for (let index = 0; index < count; index++) {
    const plot = plots.nth(index);
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    if (!box || box.width === 0) continue;
    await page.mouse.move(0, 0);
    const before = await places();
    for (const share of [0.2, 0.5, 0.9]) {
      await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const after = await places();
      if (!Bun.deepEquals(before, after))
        moved.push(`plot ${index} at ${share}: ${after.boxes.filter((one, at) => one !== before.boxes[at]).slice(0, 3)}`);
    }
  }
  expect(moved).toEqual([]);
});
