// A real Chromium for tests: found on the system, one process a test file, and everything that the page complains of is stored.
import { existsSync } from "node:fs";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const CANDIDATES = [
  process.env.CHROMIUM_PATH ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export const DESKTOP = { width: 1280, height: 800 } as const;
export const TABLET = { width: 820, height: 1180 } as const;
export const PHONE = { width: 360, height: 740 } as const;

export type OpenPage = AsyncDisposable & {
  page: Page;
  /** Errors of scripts, of the console, and broken rules of the content security policy. */
  complaints: string[];
};

export type TestBrowser = AsyncDisposable & {
  /** A page in a profile of its own: no cookie of another. */
  open(options?: BrowserContextOptions): Promise<OpenPage>;
};

/** @throws {Error} when there is no browser: a test that needs one is never passed over */
export async function launchBrowser(): Promise<TestBrowser> {
  const executablePath = CANDIDATES.find((path) => path !== "" && existsSync(path)) ?? (await shipped());
  const browser: Browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  return {
    async open(options = {}) {
      const context = await browser.newContext({ viewport: DESKTOP, locale: "en-US", ...options });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error" && !EXPECTED.test(message.text())) complaints.push(`console: ${message.text()}`);
      });
      return { page, complaints, [Symbol.asyncDispose]: () => close(page) };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** Closes a page's context. One that is on its way to another page may never be closed: it is stopped first. */
async function close(page: Page): Promise<void> {
  await page.goto("about:blank", { timeout: 2_000 }).catch(() => {});
  await Promise.race([page.context().close(), Bun.sleep(5_000)]);
}

/** A page of a session: `cookie` is `name=value`, `path` where to begin; without one the page is empty. */
export async function openSignedIn(
  browser: TestBrowser,
  { url, cookie }: { url: string; cookie: string },
  { path, ...options }: BrowserContextOptions & { path?: string } = {},
): Promise<OpenPage> {
  const opened = await browser.open(options);
  opened.page.setDefaultTimeout(15_000);
  const [name = "", value = ""] = cookie.split(/=(.*)/);
  await opened.page.context().addCookies([{ name, value, url }]);
  if (path !== undefined) await opened.page.goto(url + path);
  return opened;
}

/** A browser writes every response with an error status to its console; tests ask for some. */
const EXPECTED = /Failed to load resource: the server responded with a status of 4\d\d/;

/**
 * Without one on the system: the browser that a registry package ships for Linux, unpacked into the temporary folder together
 * with the libraries that a bare machine lacks (which it does where this variable names its runtime).
 */
async function shipped(): Promise<string> {
  const installed = chromium.executablePath();
  if (existsSync(installed)) return installed;
  process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs22.x";
  const { default: packaged } = await import("@sparticuz/chromium");
  return packaged.executablePath();
}

/** What axe finds on the page as it is, one line a finding; by these rules alone, or by all. */
export async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  // Not a script tag: the page's own policy would refuse it, and rightly.
  await page.evaluate(axe.source);
  const options = { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : {}) };
  const found = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as axe.AxeResults;
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
  );
}

/** What scrolls sideways in the page, so that a part of it is out of sight: tables, tabs. The menu of a phone does, and code. */
export const cutOff = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll(".table, .box, main")]
      .filter((element) => getComputedStyle(element).overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.className} ${element.id} is ${element.scrollWidth - element.clientWidth} px too wide`),
  );

/** From the next page on: how much of what is seen moves by itself, as Chromium counts it; 0 is nothing, over 0.1 is called poor. */
export async function watchShifts(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    const seen = globalThis as unknown as { shifts: PerformanceEntryList };
    seen.shifts = [];
    new PerformanceObserver((list) => seen.shifts.push(...list.getEntries())).observe({ type: "layout-shift", buffered: true });
  });
  return () =>
    page.evaluate(() => {
      const { shifts } = globalThis as unknown as { shifts: (PerformanceEntry & { value: number })[] };
      return shifts.reduce((sum, { value }) => sum + value, 0);
    });
}

/** Pixels by which the page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
