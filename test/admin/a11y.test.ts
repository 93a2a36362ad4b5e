// Accessibility of every admin page (axe) in themes, languages and widths; no overflow.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { GEMINI, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { cutOff, DESKTOP, launchBrowser, overflow, PHONE, TABLET, type TestBrowser, violations } from "./browser.ts";
import { seedUse } from "./seed.ts";
import { type AdminWorld, examplesOf, fillAdmin, htmlRoutes } from "./world.ts";

let browser: TestBrowser;
let rig: Rig;
let me: SignedIn;
let world: AdminWorld;
let addresses: string[];

/** Short, long, and long without a place to break. */
const TEXTS = [
  "a fox",
  "studio",
  "a lighthouse in the fog, seen from a boat that is rather too close to it, in the manner of an old postcard",
  "一座被雾笼罩的灯塔，从一艘离得太近的船上望去，像一张旧明信片",
  `x${"unbroken".repeat(11)}`,
  "client-a@example.com",
  "gemini-3.1-flash-image",
  "🦊🦊🦊",
];

beforeAll(async () => {
  browser = await launchBrowser();
  rig = await startRig({ tokens: [GEMINI], settings: { "requests.record_payloads": true } });
  me = await signIn(rig);
  world = await fillAdmin(rig, me, TEXTS);
  await seedUse(rig, { count: 120 });
  const routes = await htmlRoutes(rig);
  addresses = ["/admin/nothing"];
  for (const address of routes.flatMap((route) => looksOf(route, examplesOf(route, world)))) {
    // A fragment is a part of a page that is checked whole.
    if ((await (await me.get(address)).text()).startsWith("<!")) addresses.push(address);
  }
}, 60_000);

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

/** Of things with states (unknown, cancelled, failed; blocked, held) several. */
const looksOf = (route: string, examples: readonly string[]) =>
  route.includes(":") ? examples.filter((_address, index) => index === 0 || index === 4 || index === 6) : examples;

const WIDE = { width: 1920, height: 1080 } as const;

/** What is asked of a page once per language and width; colours are asked of each theme. */
const THEMES = ["light", "dark"] as const;

/** The pages of the menu; of the others each language and width once is enough. */
const isMain = (address: string) => !address.includes("?") && address.replace(/\/$/, "").split("/").length <= 3;

test.each([
  ["a desk, English", DESKTOP, "en-US", "every page"],
  ["a phone, Chinese", PHONE, "zh-CN", "every page"],
  ["a desk, Chinese", DESKTOP, "zh-CN", "main pages"],
  ["a phone, English", PHONE, "en-US", "main pages"],
  ["a tablet, English", TABLET, "en-US", "main pages"],
  ["a tablet, Chinese", TABLET, "zh-CN", "main pages"],
  ["a wide screen, English", WIDE, "en-US", "main pages"],
  ["a wide screen, Chinese", WIDE, "zh-CN", "main pages"],
] as const)(
  "on %s, light and dark, pages can be used by all, fit, and complain of nothing",
  async (_name, viewport, locale, which) => {
    await using opened = await browser.open({ viewport, locale, colorScheme: "light" });
    const { page, complaints } = opened;
    const [name = "", value = ""] = me.cookie.split(/=(.*)/);
    await page.context().addCookies([{ name, value, url: rig.url }]);
    const found: string[] = [];
    const asked = addresses.filter((address) => which === "every page" || isMain(address));
    for (const address of asked) {
      await page.goto(rig.url + address);
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        const rules = colorScheme === "light" ? undefined : ["color-contrast"];
        for (const violation of await violations(page, rules)) found.push(`${address} ${colorScheme}: ${violation}`);
      }
      await page.emulateMedia({ colorScheme: "light" });
      const wider = await overflow(page);
      if (wider > 0) found.push(`${address} is ${wider} px too wide`);
      for (const part of await cutOff(page)) found.push(`${address}: ${part}`);
      for (const complaint of complaints.splice(0)) found.push(`${address}: ${complaint}`);
    }
    expect(found).toEqual([]);
    expect(asked.length).toBeGreaterThan(which === "every page" ? 25 : 9);
  },
  300_000,
);

test("a theme that was chosen has the colours of the same theme of the system", async () => {
  await using opened = await browser.open({ colorScheme: "light" });
  const { page } = opened;
  const [name = "", value = ""] = me.cookie.split(/=(.*)/);
  await page.context().addCookies([{ name, value, url: rig.url }]);
  await page.goto(`${rig.url}/admin/tokens`);
  const colours = () =>
    page.evaluate(() =>
      [...document.querySelectorAll("body, .btn, a, td, .badge, nav")].map((element) => {
        const { color, backgroundColor, borderTopColor } = getComputedStyle(element);
        return `${color} ${backgroundColor} ${borderTopColor}`;
      }),
    );
  const seen: Record<string, string[]> = {};
  for (const colorScheme of THEMES)
    for (const chosen of ["system", "light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), chosen);
      seen[`${colorScheme} ${chosen}`] = await colours();
    }
  expect(seen["dark light"]).toEqual(seen["light system"]!);
  expect(seen["light light"]).toEqual(seen["light system"]!);
  expect(seen["light dark"]).toEqual(seen["dark system"]!);
  expect(seen["dark dark"]).toEqual(seen["dark system"]!);
  expect(seen["dark system"]).not.toEqual(seen["light system"]!);
});

test("on a tablet every page fits, and no part of it is out of sight", async () => {
  await using opened = await browser.open({ viewport: TABLET });
  const { page } = opened;
  const [name = "", value = ""] = me.cookie.split(/=(.*)/);
  await page.context().addCookies([{ name, value, url: rig.url }]);
  const found: string[] = [];
  for (const address of addresses) {
    await page.goto(rig.url + address);
    const wider = await overflow(page);
    if (wider > 0) found.push(`${address} is ${wider} px too wide`);
    for (const part of await cutOff(page)) found.push(`${address}: ${part}`);
  }
  expect(found).toEqual([]);
}, 120_000);
