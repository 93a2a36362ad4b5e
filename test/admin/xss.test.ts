// Stored hostile text on every admin page in Chromium is rendered as text.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { RequestRow } from "../../src/domain/request.ts";
import { newTimeId } from "../../src/ids.ts";
import { GEMINI, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { launchBrowser, type OpenPage, openSignedIn, type TestBrowser } from "./browser.ts";
import { type AdminWorld, examplesOf, fillAdmin, htmlRoutes } from "./world.ts";
import { XSS_PAYLOADS } from "./xss-payloads.ts";

let browser: TestBrowser;
let rig: Rig;
let me: SignedIn;
let world: AdminWorld;
let routes: string[];
let template: RequestRow;

/** All at once: for what shows a single thing. */
const TOGETHER = XSS_PAYLOADS.join("\n");
const TEXTS = [...XSS_PAYLOADS, TOGETHER];
/** Pages of a list that are viewed, after one another. */
const MAX_PAGES = 12;
/** Until the next part of a stream is in place, ms. */
const STREAM_MS = 1500;

beforeAll(async () => {
  browser = await launchBrowser();
  rig = await startRig({ tokens: [GEMINI], settings: { "requests.record_payloads": true } });
  me = await signIn(rig);
  await comeOverHttp(rig);
  world = await fillAdmin(rig, me, TEXTS);
  template = (await rig.context.requests.get(world.requests.at(-1)!))!;
  routes = await htmlRoutes(rig);
}, 60_000);

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

/** Some of them come as they would from a client: as prompt, model and name of a file. */
async function comeOverHttp({ chat, call }: Rig): Promise<void> {
  for (const text of XSS_PAYLOADS.filter((_text, index) => index % 15 === 0)) {
    await chat({ messages: [{ role: "user", content: text }] });
    await chat({ model: text });
    const form = new FormData();
    form.append("purpose", "user_data");
    form.append("file", new File([await Bun.file("views/assets/icon.svg").bytes()], text));
    await call("/v1/files", { method: "POST", body: form });
  }
}

type Watched = OpenPage & {
  /** What was run, asked or opened that should not have been. */
  hits: string[];
};

async function openWatched(options: Parameters<TestBrowser["open"]>[0]): Promise<Watched> {
  const opened = await openSignedIn(browser, { url: rig.url, cookie: me.cookie }, options);
  const { page } = opened;
  const hits: string[] = [];
  await page.context().exposeFunction("xssed", () => void hits.push(`run on ${page.url()}`));
  page.on("dialog", (dialog) => {
    hits.push(`dialog on ${page.url()}: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", () => hits.push(`window from ${page.url()}`));
  await page.context().route(
    (url) => url.origin !== rig.url,
    (route) => {
      hits.push(`${route.request().url()} asked for by ${page.url()}`);
      return route.abort();
    },
  );
  return { ...opened, hits };
}

/** Elements and attributes of the page as it is that no page of ours has. Runs in the browser. */
const LOOK = `(() => {
  const FOREIGN = new Set("iframe frame frameset object embed base math marquee portal fencedframe plaintext xmp listing applet foreignobject style isindex keygen x xss template noembed".split(" "));
  const ADDRESSES = new Set("href src action formaction data poster background xlink:href srcset hx-get hx-post hx-put hx-delete hx-sse:connect".split(" "));
  const own = (address) => { try { return new URL(address, location.href).origin === location.origin || new URL(address).hostname !== "xss.example" && /^https?:/.test(address); } catch { return false; } };
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    const name = element.localName;
    if (FOREIGN.has(name)) found.push("<" + name + ">");
    // A page is shown once its last element is there: it loads nothing.
    if (element.outerHTML === '<link rel="expect" href="#question" blocking="render">') continue;
    if ((name === "script" || name === "link") && !(element.src || element.href || "").startsWith(location.origin + "/admin/assets/")) found.push(element.outerHTML);
    for (const { name: attribute, value } of element.attributes) {
      if (/^(on|hx-on|data-hx-on|ng-|v-|x-)/.test(attribute) || attribute === "srcdoc") found.push(name + " " + attribute);
      if (ADDRESSES.has(attribute) && value !== "" && !own(value)) found.push(name + " " + attribute + "=" + value);
    }
  }
  return found;
})()`;

/** Everything that can be read: text, values, titles. Without white space, which browsers change. */
const READ = `(() => {
  const parts = [document.documentElement.textContent];
  for (const element of document.querySelectorAll("*")) for (const { value } of element.attributes) parts.push(value);
  for (const field of document.querySelectorAll("input, textarea")) parts.push(field.value);
  return parts.join("\\n").replace(/\\s+/g, "");
})()`;

const squeezed = (text: string) => text.replace(/\s+/g, "");

/** What comes to a page, before it is opened and while it is. The log holds few lines, and every request makes some. */
const ARRIVALS: Record<string, { before?(): void; during(): void }> = {
  "/admin/system/logs": {
    before: () => XSS_PAYLOADS.forEach((text) => void rig.context.log.warn(text, { [text]: text, label: text })),
    during: () => rig.context.log.warn(TOGETHER),
  },
  "/admin/requests": {
    during: () => rig.context.requests.append({ ...template, id: `req_${newTimeId(Date.now())}`, at: Date.now(), mediaIds: [] }),
  },
};

type Report = { /** Of a list. */ pages: number; visited: number; found: string[]; read: Map<string, string> };

/** Goes to an address and on through the pages of its list. */
async function visit({ page }: Watched, route: string, address: string, report: Report): Promise<void> {
  const arrivals = ARRIVALS[route];
  arrivals?.before?.();
  let next: string | null = address;
  for (let count = 0; next !== null && count < report.pages; count++) {
    const response = await page.goto(new URL(next, rig.url).href, { waitUntil: "load" });
    if (!response || response.status() >= 400) report.found.push(`${next} is answered with ${response?.status()}`);
    report.visited++;
    if (arrivals && count === 0) {
      arrivals.during();
      await page.waitForTimeout(STREAM_MS);
    }
    for (const what of (await page.evaluate(LOOK)) as string[]) report.found.push(`${next}: ${what}`);
    report.read.set(route, (report.read.get(route) ?? "") + (await page.evaluate(READ)));
    next = route.includes(":") ? null : await page.evaluate(() => document.querySelector("a[rel=next]")?.getAttribute("href") ?? null);
  }
}

/** Of many things the one with all texts, and some with one each. */
const fewOf = (addresses: readonly string[]) => (addresses.length < 10 ? addresses : [addresses.at(-1)!, addresses[0]!, addresses[50]!]);

/** Every page, and one or a few of what there are many of. */
async function visitAll(watched: Watched, pages: number): Promise<Report> {
  const report: Report = { pages, visited: 0, found: [], read: new Map() };
  // Toasts on the page that comes next name what was acted on.
  for (const id of [world.tokens.at(-1)!, ...world.tokens.slice(0, 4)]) await me.post(`/admin/tokens/${id}/check`);
  for (const route of routes) for (const address of fewOf(examplesOf(route, world))) await visit(watched, route, address, report);
  return report;
}

/** What an address asks for stands in the page too. */
async function askAll(watched: Watched, report: Report): Promise<void> {
  const asked = new URLSearchParams({ q: TEXTS[60]!, group: TEXTS[61]!, tag: TEXTS[62]!, model: TEXTS[63]!, subject: TEXTS[64]! });
  for (const route of routes.filter((one) => examplesOf(one, world)[0] === one))
    await visit(watched, `${route}?`, `${route}?${asked}`, report);
}

test("there are at least 200 of them, each once", () => {
  expect(new Set(XSS_PAYLOADS).size).toBe(XSS_PAYLOADS.length);
  expect(XSS_PAYLOADS.length).toBeGreaterThanOrEqual(200);
});

test("where it is not escaped it is run, asked for and seen", async () => {
  await using watched = await openWatched({ bypassCSP: true });
  const { page, hits } = watched;
  const looks: string[] = [];
  let text = "";
  const body = () => `<!doctype html><title>x</title><p title="${text}">${text}</p>`;
  await page.context().route(`${rig.url}/unescaped`, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: body() }));
  for (text of XSS_PAYLOADS.filter((_text, index) => index % 3 === 0)) {
    await page.goto(`${rig.url}/unescaped`).catch(() => {});
    looks.push(...((await page.evaluate(LOOK).catch(() => [])) as string[]));
  }
  expect(new Set(hits).size).toBeGreaterThan(2);
  expect(hits.filter((hit) => hit.startsWith("run")).length).toBeGreaterThan(30);
  expect(hits.some((hit) => hit.startsWith("dialog"))).toBe(true);
  expect(hits.some((hit) => hit.includes("xss.example"))).toBe(true);
  expect(looks.length).toBeGreaterThan(30);
}, 60_000);

test("on every page it breaks no rule of the policy, asks for nothing and stays text", async () => {
  await using watched = await openWatched({ locale: "en-US" });
  const report = await visitAll(watched, MAX_PAGES);
  await askAll(watched, report);
  const { visited, found, read } = report;
  expect(found).toEqual([]);
  expect(watched.hits).toEqual([]);
  expect(watched.complaints).toEqual([]);
  expect(visited).toBeGreaterThan(60);
  for (const route of SHOWING_ALL) {
    const text = read.get(route) ?? "";
    expect([route, XSS_PAYLOADS.filter((payload) => !text.includes(squeezed(payload)))]).toEqual([route, []]);
  }
}, 240_000);

/** Where every one of them has to be seen. */
const SHOWING_ALL = [
  "/admin/",
  "/admin/account/",
  "/admin/gallery/",
  "/admin/gallery/:id",
  "/admin/jobs/",
  "/admin/jobs/:id",
  "/admin/keys/",
  "/admin/keys/:id",
  "/admin/playground/",
  "/admin/requests",
  "/admin/requests/:id",
  "/admin/system/logs",
  "/admin/system/trail",
  "/admin/tokens/",
  "/admin/tokens/:id",
  "/admin/tokens/groups/",
];

test("on every page, in the other language and without the policy, it is not run", async () => {
  await using watched = await openWatched({ locale: "zh-CN", bypassCSP: true });
  const { found } = await visitAll(watched, 1);
  expect(found).toEqual([]);
  expect(watched.hits).toEqual([]);
}, 240_000);
