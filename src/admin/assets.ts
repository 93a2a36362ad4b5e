// Static assets: CSS, scripts, htmx under content-hashed URLs, from source tree or executable.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { staticPlugin } from "@elysiajs/static";
import { Elysia } from "elysia";
import sse from "htmx.org/dist/ext/hx-sse.min.js" with { type: "file" };
import htmx from "htmx.org/dist/htmx.min.js" with { type: "file" };
import plot from "uplot/dist/uPlot.iife.min.js" with { type: "file" };
import plotStyle from "uplot/dist/uPlot.min.css" with { type: "file" };
import { ICON_SHEET, ICON_SHEET_URL } from "../../views/ui/icon.tsx";
import type { AssetUrls } from "../../views/ui/view.ts";
import { createFileCompression } from "./compression.ts";
import { readStylesheet } from "./stylesheet.ts";

/** The build embeds `views/assets` as `assets` beside the program; see scripts/build.ts. */
const EMBEDDED = join(import.meta.dir, "assets");
const FOLDER = existsSync(EMBEDDED) ? EMBEDDED : join(import.meta.dir, "../../views/assets");
/**
 * Packages' files keep their own names in the executable; here they have ours. htmx and its extension are one file: htmx starts as soon as it
 * is there, and an extension that arrived later would find no element any more.
 */
const PACKAGED = { "htmx.min.js": [htmx, sse], "uPlot.iife.min.js": [plot], "uPlot.min.css": [plotStyle] } as const;

const CACHE = "public, max-age=31536000, immutable";

/** Routes of the static files, and where to find each. `css/` is served as one file. */
export async function loadAssets() {
  const names = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && !entry.name.startsWith(".") ? [entry.name] : [],
  );
  const made: Record<string, string> = { "app.css": readStylesheet(join(FOLDER, "css")) };
  for (const [name, paths] of Object.entries(PACKAGED)) made[name] = paths.map((path) => readFileSync(path, "utf8")).join("\n");
  const hasher = new Bun.CryptoHasher("sha256");
  for (const name of names.sort()) hasher.update(readFileSync(join(FOLDER, name)));
  for (const text of Object.values(made)) hasher.update(text);
  const prefix = `/admin/assets/${hasher.digest("hex").slice(0, 12)}`;
  const own = await staticPlugin({
    assets: FOLDER,
    prefix,
    alwaysStatic: true,
    indexHTML: false,
    ignorePatterns: [/[\\/]css[\\/]/],
    headers: { "Cache-Control": CACHE },
  });
  const others = new Elysia().get(ICON_SHEET_URL, () => serve(ICON_SHEET, "image/svg+xml"));
  for (const [name, text] of Object.entries(made))
    others.get(`${prefix}/${name}`, () => serve(text, name.endsWith(".css") ? "text/css" : "text/javascript"));
  const urls = Object.fromEntries([...names, ...Object.keys(made)].map((name) => [name, `${prefix}/${name}`])) as AssetUrls;
  return { routes: new Elysia().onAfterHandle(createFileCompression()).use(own).use(others), urls };
}

const serve = (text: string, type: string) =>
  new Response(text, {
    headers: { "content-type": `${type};charset=utf-8`, "cache-control": CACHE },
  });
