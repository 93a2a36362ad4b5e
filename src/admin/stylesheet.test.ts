// The joined stylesheet: order of media queries, nothing lost, its weight.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SHAPES } from "../../views/ui/media.tsx";
import { joinStyles, readStylesheet } from "./stylesheet.ts";

describe("files become one", () => {
  test("without comments and spaces", () => {
    expect(joinStyles(["/* a */ a > b , i {\n  color : red ;\n top:0;\n}\n/* {} */\n"])).toBe("a>b,i{color :red;top:0}");
  });

  test("with what holds for a width behind what holds always, the narrowest last", () => {
    const first = "@media (max-width:760px){a{top:1px}} a{top:0} @media (min-width:1600px){a{top:2px}}";
    const second = "b{top:0} @media (max-width:1099px){b{top:3px}} @media (max-width:760px){b{top:4px}}";
    expect(joinStyles([first, second])).toBe(
      "a{top:0}b{top:0}@media (min-width:1600px){a{top:2px}}@media (max-width:1099px){b{top:3px}}@media (max-width:760px){a{top:1px}b{top:4px}}",
    );
  });

  test("and keeps other rules with braces inside", () => {
    expect(joinStyles(["@keyframes turn { to { top: 0 } } a{}"])).toBe("@keyframes turn{to{top:0}}a{}");
  });
});

const FOLDER = join(import.meta.dir, "../../views/assets/css");

test("it weighs little, and uses only colours that it has", () => {
  const text = readStylesheet(FOLDER);
  expect(text.length).toBeLessThan(45_500);
  const known = new Set([...text.matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
  expect([...text.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name).filter((name) => !known.has(name))).toEqual([]);
  expect(text.split("{").length).toBe(text.split("}").length);
});

describe("classes", () => {
  const files = (folder: string, pattern: string) =>
    [...new Bun.Glob(pattern).scanSync({ cwd: folder })]
      .filter((file) => !file.includes("locales/") && file !== "views.test.tsx")
      .map((file) => readFileSync(join(folder, file), "utf8"));
  const VIEWS = join(import.meta.dir, "../../views");
  const views = files(VIEWS, "**/*.{ts,tsx}");
  const scripts = files(join(VIEWS, "assets"), "*.js");
  const selectors = readStylesheet(FOLDER).replace(/\{[^{}]*\}/g, "{}");
  const styled = new Set([...selectors.matchAll(/\.(-?[A-Za-z_][\w-]*)/g)].map(([, name]) => name!));
  /** Words of every string, the fixed parts of templates among them: classes come from tables as well. */
  const words = new Set(
    [...views, ...scripts].flatMap((text) =>
      [...text.matchAll(/"([^"\n]*)"|`([^`]*)`/g)].flatMap(([, plain, template]) => (plain ?? template)!.match(/[\w-]+/g) ?? []),
    ),
  );
  /** Of `at-${place}` and the like. */
  const beginnings = [...new Set(views.flatMap((text) => [...text.matchAll(/[`\s]([a-z]+-?)\$\{/g)].map(([, begin]) => begin!)))];
  const isBuilt = (name: string) =>
    beginnings.some((begin) => name.startsWith(begin) && (begin.endsWith("-") || /^\d+$/.test(name.slice(begin.length))));

  test("of the stylesheet occur in a view or a script", () => {
    // htmx sets it while a request is under way.
    expect([...styled].filter((name) => !words.has(name) && !isBuilt(name) && name !== "htmx-request" && !(name in SHAPES))).toEqual([]);
  });

  test("of a view have a rule, or something that looks for them", () => {
    const looked = [...scripts, ...files(join(VIEWS, "../test/admin"), "*.ts")].join("\n");
    const named = new Set(views.flatMap((text) => [...text.matchAll(/\bclass="([^"]+)"/g)].flatMap(([, names]) => names!.split(" "))));
    expect([...named].filter((name) => !styled.has(name) && !new RegExp(`[."' ]${name}\\b`).test(looked))).toEqual([]);
  });
});
