// bun run screenshots: every page of the admin, light and dark, on a desktop and on a phone, into docs/screenshots/, with a page that shows all.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DESKTOP, launchBrowser, overflow, PHONE, type TestBrowser } from "../test/admin/browser.ts";
import { type Showcase, startShowcase } from "./showcase.ts";

const { values } = parseArgs({
  options: {
    /** Part of an image's name: only those are made. */
    only: { type: "string", default: "" },
    out: { type: "string", default: join(import.meta.dir, "..", "docs", "screenshots") },
  },
});

/** A longer page is cut: the image is to be looked at, not read to its end. */
const MOST_HEIGHT = { desktop: 1280, phone: 1700 } as const;
/** Of the page that is all images, which weigh. */
const MOST_HEIGHT_OF_PICTURES = { desktop: 880, phone: 1100 } as const;
/** Pages with images of their own keep all colours, at the price of what nobody sees. */
const PICTURED = /^(gallery|picture|playground|job|request)-/;
const fileOf = (name: string) => `${name}.${PICTURED.test(name) ? "webp" : "png"}`;

/** The page that shows all images. */
const INDEX = "README.md";

type Shot = {
  name: string;
  /** Of the admin. */
  page: string;
  path: string;
  locale: "en-US" | "zh-CN";
  device: "desktop" | "phone";
  theme: "light" | "dark";
  isOutside?: boolean;
};

const complaints: string[] = [];
await main();
process.exit(complaints.length > 0 ? 1 : 0);

async function main(): Promise<void> {
  const showcase = await startShowcase();
  await using _rig = showcase.rig;
  await using browser = await launchBrowser();
  mkdirSync(values.out, { recursive: true });
  let bytes = 0;
  const all = shotsOf(showcase);
  const shots = all.filter(({ name }) => name.includes(values.only));
  for (const shot of shots) {
    const image = await take(browser, showcase, shot);
    bytes += image.length;
    await Bun.write(join(values.out, fileOf(shot.name)), image);
  }
  const files = new Set([INDEX, ...all.map(({ name }) => fileOf(name))]);
  for (const name of readdirSync(values.out)) if (!files.has(name)) rmSync(join(values.out, name));
  await Bun.write(join(values.out, INDEX), indexOf(all));
  console.log(`${shots.length} pictures, ${(bytes / 1e6).toFixed(1)} MB`);
  for (const complaint of complaints) console.error(complaint);
}

/** A page of all images, a row for each page of the admin. */
function indexOf(shots: readonly Shot[]): string {
  const pages = [...Map.groupBy(shots, ({ page }) => page)];
  const rows = pages.map(([page, ofPage]) => {
    const images = ofPage.map(({ name, device }) => `<img src="${fileOf(name)}" alt="${name}" width="${device === "phone" ? 160 : 400}">`);
    return `## ${page}\n\n${images.join("\n")}\n`;
  });
  return `# Every page of the admin\n\nMade by \`bun run screenshots\` from simulated upstreams and made-up names.\n\n${rows.join("\n")}`;
}

function shotsOf({ token, key, job, run, image, request }: Showcase): Shot[] {
  const pages: readonly { name: string; path: string; isOutside?: boolean }[] = [
    { name: "login", path: "/admin/login", isOutside: true },
    { name: "overview", path: "/admin" },
    { name: "tokens", path: "/admin/tokens" },
    { name: "token", path: `/admin/tokens/${token}` },
    { name: "groups", path: "/admin/tokens/groups" },
    { name: "import", path: "/admin/tokens/import" },
    { name: "keys", path: "/admin/keys" },
    { name: "key", path: `/admin/keys/${key}` },
    { name: "playground", path: `/admin/playground?job=${run}` },
    { name: "gallery", path: "/admin/gallery" },
    { name: "picture", path: `/admin/gallery/${image}` },
    { name: "jobs", path: "/admin/jobs" },
    { name: "job", path: `/admin/jobs/${job}` },
    { name: "requests", path: "/admin/requests" },
    { name: "request", path: `/admin/requests/${request}` },
    { name: "usage", path: "/admin/usage" },
    { name: "settings", path: "/admin/settings" },
    { name: "models", path: "/admin/models" },
    { name: "system", path: "/admin/system" },
    { name: "backup", path: "/admin/system/backup" },
    { name: "logs", path: "/admin/system/logs" },
    { name: "trail", path: "/admin/system/trail" },
    { name: "api", path: "/admin/api" },
    { name: "account", path: "/admin/account" },
  ];
  const every = pages.flatMap((page) =>
    (["desktop", "phone"] as const).flatMap((device) =>
      (["light", "dark"] as const).map(
        (theme): Shot => ({ ...page, page: page.name, name: `${page.name}-${device}-${theme}`, locale: "en-US", device, theme }),
      ),
    ),
  );
  const chinese = pages
    .filter(({ name }) => ["overview", "tokens", "playground"].includes(name))
    .map(
      (page): Shot => ({
        ...page,
        page: page.name,
        name: `${page.name}-desktop-light-zh`,
        locale: "zh-CN",
        device: "desktop",
        theme: "light",
      }),
    );
  return [...every, ...chinese];
}

async function take(
  from: TestBrowser,
  { rig: { url, folder, simulator }, cookie }: Showcase,
  { name, path, locale, device, theme, isOutside }: Shot,
): Promise<Uint8Array> {
  const viewport = device === "phone" ? PHONE : DESKTOP;
  await using open = await from.open({ viewport, locale, colorScheme: theme, deviceScaleFactor: 1, reducedMotion: "reduce" });
  const { page } = open;
  const [cookieName = "", value = ""] = cookie.split(/=(.*)/);
  if (!isOutside) await page.context().addCookies([{ name: cookieName, value, url }]);
  await page.goto(`${url}${path}`, { waitUntil: "load" });
  // Plots are drawn, images below the fold arrive, live parts say their first word.
  await page.waitForTimeout(400);
  await page.evaluate(showInstead, [
    [url, "http://localhost:8000"],
    [simulator.url, "http://localhost:8100"],
    [folder, "/var/lib/flow2api"],
    [`Bun/${Bun.version}`, "Firefox · Linux"],
  ]);
  const wide = await overflow(page);
  if (wide > 0) complaints.push(`${name}: ${wide} px too wide`);
  complaints.push(...open.complaints.map((complaint) => `${name}: ${complaint}`));
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({
    width: viewport.width,
    height: Math.max(viewport.height, Math.min(height, (path === "/admin/gallery" ? MOST_HEIGHT_OF_PICTURES : MOST_HEIGHT)[device])),
  });
  await page.waitForTimeout(250);
  const png = await page.screenshot({ animations: "disabled" });
  const image = new Bun.Image(png);
  return PICTURED.test(name) ? image.webp({ quality: 90 }).bytes() : image.png({ palette: true, colors: 256, compressionLevel: 9 }).bytes();
}

/** Runs in the page: what is this machine's gives way to what a reader would have. */
function showInstead(words: string[][]): void {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode as Text;
    for (const [from, to] of words) if (text.data.includes(from!)) text.data = text.data.replaceAll(from!, to!);
  }
  for (const field of document.querySelectorAll("input"))
    for (const [from, to] of words) field.value = field.type === "file" ? "" : field.value.replaceAll(from!, to!);
}
