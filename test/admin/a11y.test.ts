// Accessibility of every admin page (axe) in both themes, languages and widths; no overflow.
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

test.each([
  ["a desk, light, English", DESKTOP, "light", "en-US"],
  ["a desk, dark, Chinese", DESKTOP, "dark", "zh-CN"],
  ["a phone, light, Chinese", PHONE, "light", "zh-CN"],
  ["a phone, dark, English", PHONE, "dark", "en-US"],
] as const)(
  "on %s every page can be used by all, fits, and complains of nothing",
  async (_name, viewport, theme, locale) => {
    await using opened = await browser.open({ viewport, locale, colorScheme: theme });
    const { page, complaints } = opened;
    const [name = "", value = ""] = me.cookie.split(/=(.*)/);
    await page.context().addCookies([{ name, value, url: rig.url }]);
    const found: string[] = [];
    for (const address of addresses) {
      await page.goto(rig.url + address);
      for (const violation of await violations(page)) found.push(`${address}: ${violation}`);
      const wider = await overflow(page);
      if (wider > 0) found.push(`${address} is ${wider} px too wide`);
      for (const part of await cutOff(page)) found.push(`${address}: ${part}`);
      for (const complaint of complaints.splice(0)) found.push(`${address}: ${complaint}`);
    }
    expect(found).toEqual([]);
    expect(addresses.length).toBeGreaterThan(25);
  },
  180_000,
);

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
