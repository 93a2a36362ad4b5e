// Playground, gallery and jobs in Chromium: images and videos by mouse, keyboard, drop and paste.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import type { JobRow } from "../../src/db/jobs.ts";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { newId } from "../../src/ids.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { launchBrowser, openSignedIn, PHONE, type TestBrowser } from "./browser.ts";

const LANGUAGES = [
  {
    locale: "en-US",
    words: {
      run: "Generate",
      refine: "Use as reference",
      remove: "Delete",
      undo: "Undo",
      notCharged: "Not charged",
      ended: "Failed",
      again: "Run again",
    },
  },
  {
    locale: "zh-CN",
    words: { run: "生成", refine: "用作参考", remove: "删除", undo: "撤销", notCharged: "未计费", ended: "失败", again: "再次运行" },
  },
] as const;

const OMNI = "gemini-omni-1.2-flash";
/** Longer than the page's own, which names what was waited for. */
setDefaultTimeout(40_000);

let browser: TestBrowser;
let rig: Rig;
let admin: SignedIn;
/** An image as a file of the reader's machine. */
let picture: Buffer;

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock() });
  admin = await signIn(rig);
  browser = await launchBrowser();
  picture = Buffer.from(await new Bun.Image(PIXEL_PNG).resize(64, 64, { fit: "fill" }).png().bytes());
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const open = (path: string, options: BrowserContextOptions = {}) =>
  openSignedIn(browser, { url: rig.url, cookie: admin.cookie }, { ...options, path });

const prompt = (page: Page) => page.locator("#f-prompt");
const result = (page: Page, tag: "img" | "video") => page.locator(`#run [data-state=completed] ${tag}`);
/** Its width in pixels, once it is there to be seen. */
const seen = (page: Page, tag: "img" | "video") =>
  result(page, tag).evaluate(async (element) => {
    const width = () => (element instanceof HTMLVideoElement ? element.videoWidth : (element as HTMLImageElement).naturalWidth);
    while (width() === 0) await new Promise((go) => setTimeout(go, 15));
    return width();
  });
const drop = (page: Page, selector: string, type: "drop" | "paste") =>
  page.locator(selector).evaluate(
    (element, [type, base64]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64!), (letter) => letter.charCodeAt(0))], "mine.png", { type: "image/png" }));
      const init = { bubbles: true, cancelable: true };
      element.dispatchEvent(
        type === "drop"
          ? new DragEvent("drop", { ...init, dataTransfer: data })
          : new ClipboardEvent("paste", { ...init, clipboardData: data }),
      );
    },
    [type, picture.toString("base64")],
  );

describe.each(LANGUAGES)("in $locale", ({ locale, words }) => {
  test("an image is made, then changed, then moves, each to a visible result", async () => {
    await using opened = await open("/admin/playground", { locale });
    const { page, complaints } = opened;
    await prompt(page).fill(`a lighthouse in ${locale}`);
    await page.getByRole("button", { name: words.run }).click();
    expect(await seen(page, "img")).toBeGreaterThan(100);
    expect(page.url()).toContain("?job=image_");

    await page.getByRole("link", { name: words.refine }).first().click();
    await page.locator("[data-slot=pictures] .reference").waitFor();
    await prompt(page).fill("at night");
    // By keyboard.
    await prompt(page).press("Control+Enter");
    expect(await seen(page, "img")).toBeGreaterThan(100);

    await page.locator("#f-model").selectOption(OMNI);
    await page.locator("[data-slot=first] .reference").waitFor();
    await prompt(page).fill("the beam turns");
    await page.getByRole("button", { name: words.run }).click();
    expect(await seen(page, "video")).toBeGreaterThan(100);
    await page.locator("#history a").nth(2).waitFor();
    expect(complaints).toEqual([]);
  });

  test("the gallery is filtered, and a selection deleted and brought back", async () => {
    const keyId = (await rig.context.store.listKeys())[0]!.id;
    for (let index = 0; index < 2; index++)
      await rig.context.media.storeBytes(picture, { origin: "result", keyId, requestId: null, family: "imagen-4" });
    await using opened = await open("/admin/gallery", { locale });
    const { page, complaints } = opened;
    await page.locator("#f-model").selectOption("imagen-4");
    await page.waitForURL(/model=imagen-4/);
    const tiles = page.locator(".shot");
    const before = await tiles.count();
    expect(before).toBeGreaterThan(0);
    await tiles.first().focus();
    await page.keyboard.press("x");
    await page.getByRole("button", { name: words.remove }).click();
    await page.locator(".toast").waitFor();
    expect(await tiles.count()).toBe(before - 1);
    expect(page.url()).toContain("model=imagen-4");
    await page.getByRole("button", { name: words.undo }).click();
    await page.waitForFunction((count) => document.querySelectorAll(".shot").length === count, before);
    expect(complaints).toEqual([]);
  });

  test("a job that nobody knows the end of is decided after a question that names the amount", async () => {
    const [known] = await rig.context.store.listJobs({ keyId: null, limit: 1, order: "desc", kind: "video" });
    const error = { kind: "upstream_unknown_outcome", message: "Nobody answered.", reason: null, detail: null, charged: true } as const;
    const job: JobRow = { ...known!, id: `video_${newId()}`, requestId: newId(), state: "unknown", endedAt: null, mediaIds: [], error };
    await rig.context.store.insertJob(job);
    await using opened = await open("/admin/jobs?state=unknown", { locale });
    const { page, complaints } = opened;
    const row = page.locator(`#job-${job.id}`);
    await row.getByRole("button", { name: words.notCharged }).click();
    await page.locator("#question button[type=submit]").click();
    await page.locator(".toast").waitFor();
    expect(await rig.context.store.getJob(job.id)).toMatchObject({ state: "failed", charged: false });
    await page.locator("main").getByRole("button", { name: words.again }).first().waitFor();
    expect(complaints).toEqual([]);
  });
});

describe("inputs", () => {
  test("come by file, by drop, by paste and from the gallery, and go again", async () => {
    await using opened = await open("/admin/playground");
    const { page, complaints } = opened;
    const references = page.locator("[data-slot=pictures] .reference");
    const has = (count: number) => references.nth(count - 1).waitFor();
    await page.locator("[data-upload]").setInputFiles([
      { name: "a.png", mimeType: "image/png", buffer: picture },
      { name: "b.png", mimeType: "image/png", buffer: picture },
    ]);
    await has(2);
    await drop(page, "[data-slot=pictures]", "drop");
    await has(3);
    await drop(page, "#f-prompt", "paste");
    await has(4);
    await page.locator("[data-picker]").click();
    await page.locator("#picker [data-pick]").first().click();
    await has(5);
    await references.first().getByRole("checkbox").click();
    await page.waitForFunction(() => document.querySelectorAll(".reference").length === 4);
    await page.locator("#code-curl", { hasText: "image-4.png" }).waitFor();
    await page.getByLabel("Python").check();
    await page.locator("#code-python", { hasText: "client.images.edit" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("that are no images are refused where they were put", async () => {
    await using opened = await open("/admin/playground");
    await opened.page.locator("[data-upload]").setInputFiles([{ name: "a.png", mimeType: "image/png", buffer: Buffer.from("no picture") }]);
    await opened.page.locator("[data-slot=pictures] [role=alert]").waitFor();
    expect(await opened.page.locator(".reference").count()).toBe(0);
  });

  test("what is missing is said where the result would be", async () => {
    await using opened = await open("/admin/playground");
    const { page } = opened;
    await page.locator("#f-model").selectOption(OMNI);
    await page.locator("#f-mode").selectOption("frames");
    await page.locator("[data-slot=last]").waitFor();
    await prompt(page).fill("from here to there");
    await page.getByRole("button", { name: "Generate" }).click();
    await page.locator("#run").getByText("Add the first frame.").waitFor();
    // The choice of a mode leaves the reader where they were.
    expect(await page.evaluate(() => document.querySelector("#f-mode")?.isConnected)).toBe(true);
  });
});

test("the keyboard stays in the model's list while its options change", async () => {
  await using opened = await open("/admin/playground");
  const { page } = opened;
  await page.locator("#f-model").focus();
  await page.locator("#f-model").selectOption(OMNI);
  await page.locator("#f-mode").waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("f-model");
});

test("a run that waits is stopped where it is shown", async () => {
  const [known] = await rig.context.store.listJobs({ keyId: null, limit: 1, order: "desc", kind: "video" });
  const job: JobRow = {
    ...known!,
    id: `video_${newId()}`,
    requestId: newId(),
    state: "queued",
    endedAt: null,
    mediaIds: [],
    charged: false,
  };
  await rig.context.store.insertJob(job);
  await using opened = await open(`/admin/playground?job=${job.id}`);
  await opened.page.getByRole("button", { name: "Cancel" }).click();
  await opened.page.locator("#run [data-state=cancelled]").waitFor();
  expect((await rig.context.store.getJob(job.id))!.state).toBe("cancelled");
});

test("the gallery goes on as one scrolls", async () => {
  const keyId = 77;
  for (let index = 0; index < 110; index++) await rig.context.media.storeBytes(PIXEL_PNG, { origin: "result", keyId, requestId: null });
  await using opened = await open(`/admin/gallery?key=${keyId}`);
  const { page, complaints } = opened;
  const tiles = page.locator(".shot");
  expect(await tiles.count()).toBe(48);
  for (const count of [96, 110]) {
    await page.locator(".tiles-more").scrollIntoViewIfNeeded();
    await page.waitForFunction((wanted) => document.querySelectorAll(".shot").length === wanted, count);
  }
  expect(await page.locator(".tiles-more").count()).toBe(0);
  expect(complaints).toEqual([]);
});

describe("without JavaScript", () => {
  test("an image is made, the gallery goes on by a link", async () => {
    await using opened = await open("/admin/playground", { javaScriptEnabled: false });
    const { page } = opened;
    await prompt(page).fill("a plain form");
    await page.getByRole("button", { name: "Generate" }).click();
    await result(page, "img").waitFor();
    await page.goto(`${rig.url}/admin/gallery?key=77`);
    await Promise.all([page.waitForEvent("load"), page.getByRole("link", { name: "Show more" }).click()]);
    expect(await page.locator(".shot").count()).toBe(48);
  });
});

test.each(["/admin/playground", "/admin/gallery", "/admin/jobs"])("%s is no wider than a phone", async (path) => {
  await using opened = await open(path, { viewport: PHONE });
  expect(await opened.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
});
