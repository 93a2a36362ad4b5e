// Gallery in Chromium: viewer by keys, comparison, selection, zip, search by prompt, rows of true proportions.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import type { JobRow } from "../../src/db/jobs.ts";
import { newId } from "../../src/ids.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { launchBrowser, openSignedIn, overflow, PHONE, type TestBrowser } from "./browser.ts";

setDefaultTimeout(40_000);

const LANGUAGES = [
  {
    locale: "en-US",
    words: { compare: "Compare", zip: "Download as zip", every: /match/, all: "Select all shown" },
  },
  {
    locale: "zh-CN",
    words: { compare: "对比", zip: "下载为 zip", every: /符合条件/, all: "选择所有已显示的" },
  },
] as const;

/** Widths and heights, newest first. */
const SIZES = [
  [640, 360],
  [360, 640],
  [400, 400],
  [900, 386],
] as const;
const PROMPTS = ["a red fox in the snow", "a lighthouse at night", "雾中的灯塔", "a paper boat"];

let browser: TestBrowser;
let rig: Rig;
let admin: SignedIn;
/** Newest first. */
let ids: string[];

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock() });
  admin = await signIn(rig);
  browser = await launchBrowser();
  const body = { prompt: "x", n: 1, background: true };
  const started = (await (await rig.call("/v1/images/generations", { json: body })).json()) as { id: string };
  for await (const _ of (await rig.context.jobs.watch(started.id, null, AbortSignal.timeout(10_000)))!);
  const known: JobRow = (await rig.context.store.getJob(started.id))!;
  for (const id of known.mediaIds) await rig.context.media.remove(id);
  ids = [];
  for (const [at, [width, height]] of SIZES.toReversed().entries()) {
    const pixels = await new Bun.Image(await pixel()).resize(width, height, { fit: "fill" }).png().bytes();
    const requestId = newId();
    const { id } = await rig.context.media.storeBytes(pixels, { origin: "result", keyId: 1, requestId, family: "imagen-4" });
    const prompt = PROMPTS.toReversed()[at]!;
    await rig.context.store.insertJob({ ...known, id: `image_${newId()}`, requestId, prompt, mediaIds: [id] });
    ids.unshift(id);
    await Bun.sleep(2);
  }
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const pixel = async () => (await import("../../src/gateway/media/media.fixtures.ts")).PIXEL_PNG;
const open = (path: string, options: BrowserContextOptions = {}) =>
  openSignedIn(browser, { url: rig.url, cookie: admin.cookie }, { ...options, path });
const shown = (page: Page, id: string) => page.locator(`#viewer-media [src*="${id}"]`).waitFor();

describe.each(LANGUAGES)("in $locale", ({ locale, words }) => {
  test("the viewer opens by a click, moves by arrow keys, shows the prompt, and closes by Escape and Back", async () => {
    await using opened = await open("/admin/gallery", { locale });
    const { page, complaints } = opened;
    await page.locator(`#media-${ids[0]} .pic`).click();
    await shown(page, ids[0]!);
    await page.locator("#viewer-facts .prompt", { hasText: PROMPTS[0]! }).waitFor();
    await page.keyboard.press("ArrowRight");
    await shown(page, ids[1]!);
    await page.locator("#viewer-facts .prompt", { hasText: PROMPTS[1]! }).waitFor();
    await page.keyboard.press("End");
    await shown(page, ids[3]!);
    expect(await page.locator("[data-turn=next]").isDisabled()).toBe(true);
    await page.keyboard.press("ArrowLeft");
    await shown(page, ids[2]!);
    await page.locator("#viewer-film a").first().click();
    await shown(page, ids[0]!);
    expect(page.url()).toEndWith(`#${ids[0]}`);
    await page.keyboard.press("Escape");
    await page.locator("#viewer").waitFor({ state: "hidden" });
    await page.waitForFunction(() => location.hash === "");
    await page.locator(`#media-${ids[1]} .pic`).click();
    await shown(page, ids[1]!);
    await page.goBack();
    await page.locator("#viewer").waitFor({ state: "hidden" });
    expect(complaints).toEqual([]);
  });

  test("two are compared, by what differs between them", async () => {
    await using opened = await open("/admin/gallery", { locale });
    const { page, complaints } = opened;
    await page.locator(`#media-${ids[0]}`).focus();
    await page.keyboard.press("x");
    const compare = page.getByRole("button", { name: words.compare });
    expect(await compare.isDisabled()).toBe(true);
    await page.locator(`#media-${ids[1]} [data-select]`).check();
    await compare.click();
    await page.waitForURL("**/admin/gallery/compare?**");
    expect(await page.locator(".pair-wide img").count()).toBe(2);
    for (const prompt of PROMPTS.slice(0, 2)) await page.locator(".compared td", { hasText: prompt }).waitFor();
    expect(await page.locator(".compared .same").count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  test("all that are shown are selected at once, and come as one zip", async () => {
    await using opened = await open("/admin/gallery", { locale });
    const { page, complaints } = opened;
    await page.getByLabel(words.all).check();
    expect(await page.locator("[data-select]:checked").count()).toBe(4);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: words.zip }).click()]);
    expect(download.suggestedFilename()).toMatch(/^flow2api-\d{4}-\d\d-\d\d\.zip$/);
    const names = await namesIn(await Bun.file(await download.path()).bytes());
    expect(names.map((name) => /^\d{4}-\d\d-\d\d-imagen-4-([a-z2-7]{26})\.png$/.exec(name)?.[1])).toEqual(ids);
    expect(complaints).toEqual([]);
  });

  test("the image of a prompt is found by a part of it", async () => {
    await using opened = await open("/admin/gallery", { locale });
    const { page } = opened;
    const found = async (text: string) => {
      await page.keyboard.press("/");
      await page.keyboard.type(text);
      await page.keyboard.press("Enter");
      await page.waitForURL(`**q=${encodeURIComponent(text).replaceAll("%20", "+")}*`);
      const shots = await page.locator(".shot").evaluateAll((all) => all.map(({ id }) => id.slice("media-".length)));
      await page.goto(`${rig.url}/admin/gallery`);
      return shots;
    };
    expect(await found("red fox")).toEqual([ids[0]!]);
    expect(await found("灯塔")).toEqual([ids[2]!]);
    expect(await found("nothing like it")).toEqual([]);
  });
});

/** Names in the central directory of a zip, each of whose files must be whole. */
async function namesIn(bytes: Uint8Array): Promise<string[]> {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  let at = data.getUint32(bytes.length - 6, true);
  while (data.getUint32(at, true) === 0x02014b50) {
    const [crc, size, length, extra, local] = [
      data.getUint32(at + 16, true),
      data.getUint32(at + 24, true),
      data.getUint16(at + 28, true),
      data.getUint16(at + 30, true),
      data.getUint32(at + 42, true),
    ];
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length));
    const from = local + 30 + data.getUint16(local + 26, true) + data.getUint16(local + 28, true);
    expect(Bun.hash.crc32(bytes.subarray(from, from + size))).toBe(crc);
    names.push(name);
    at += 46 + length + extra;
  }
  return names;
}

test("images stand in rows of equal height, each in its own proportions", async () => {
  await using opened = await open("/admin/gallery");
  await opened.page.locator(`#media-${ids[3]} img`).waitFor();
  const boxes = await opened.page
    .locator(".shot .pic")
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON() as DOMRect));
  for (const [at, [width, height]] of SIZES.entries())
    expect(Math.abs(boxes[at]!.width / boxes[at]!.height / (width / height) - 1)).toBeLessThan(0.03);
  const firstRow = boxes.filter(({ top }) => top === boxes[0]!.top);
  expect(firstRow.length).toBeGreaterThan(1);
  for (const { height } of firstRow) expect(Math.abs(height - firstRow[0]!.height)).toBeLessThan(2);
});

test("on a phone the first image is above the fold, and the filters are a sheet", async () => {
  await using opened = await open("/admin/gallery", { viewport: PHONE, hasTouch: true, isMobile: true });
  const { page } = opened;
  expect((await page.locator(".shot").first().boundingBox())!.y).toBeLessThan(PHONE.height - 200);
  expect(await page.locator("#f-model").isVisible()).toBe(false);
  await page.getByRole("button", { name: "Filters" }).click();
  await page.locator("#f-model").selectOption("imagen-4");
  await page.waitForURL(/model=imagen-4/);
  expect(await overflow(page)).toBe(0);
});

test("from twenty on, or all that match, a deletion is asked about with its number", async () => {
  const family = "imagen-3";
  for (let index = 0; index < 21; index++)
    await rig.context.media.storeBytes(await pixel(), { origin: "result", keyId: 1, requestId: null, family });
  await using opened = await open(`/admin/gallery?model=${family}`);
  const { page } = opened;
  await page.getByLabel("Select all shown").check();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("heading", { name: "Delete 21 media items?" }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Cancel");
  await Promise.all([page.waitForEvent("load"), page.getByRole("link", { name: "Cancel" }).click()]);
  expect(await page.locator(".shot").count()).toBe(21);
  await page.locator("[data-select]").first().check();
  await page.getByLabel("All 21 that match").check();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Delete 21" }).click();
  await page.getByText("21 deleted.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("21 restored.").waitFor();
});

test("jobs have a thumbnail, counts on their tabs, the whole reason, and rows of two lines on a phone", async () => {
  const known = (await rig.context.store.listJobs({ keyId: null, limit: 1, order: "desc" }))[0]!;
  const message = `The upstream refused it: ${"a reason that is rather long, ".repeat(6)}and ends here.`;
  const error = { kind: "content_policy", message, reason: null, detail: null, charged: false } as const;
  const id = `image_${newId()}`;
  await rig.context.store.insertJob({ ...known, id, requestId: newId(), state: "failed", mediaIds: [], error } as JobRow);
  await using desk = await open("/admin/jobs");
  await desk.page.locator(`#job-${id}`).getByText("and ends here.").waitFor();
  expect(await desk.page.locator(".job-thumb img").count()).toBeGreaterThan(3);
  expect(await desk.page.getByRole("link", { name: /^Failed/ }).textContent()).toBe("Failed 1");
  await using phone = await open("/admin/jobs", { viewport: PHONE, hasTouch: true, isMobile: true });
  const heights = await phone.page.locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
  expect(heights.length).toBeGreaterThan(3);
  expect(Math.max(...heights)).toBeLessThanOrEqual(72);
  const bar = phone.page.getByRole("navigation", { name: "Main pages" });
  expect(await bar.locator("> *").count()).toBe(5);
  await bar.getByRole("button", { name: "More" }).click();
  await phone.page.getByRole("link", { name: "Settings" }).waitFor();
  await phone.page.keyboard.press("Escape");
  await phone.page.getByRole("link", { name: "Settings" }).waitFor({ state: "hidden" });
  expect(await overflow(phone.page)).toBe(0);
});
