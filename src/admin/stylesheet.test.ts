// The joined stylesheet: order of media queries, nothing lost, its weight.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
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
  expect(text.length).toBeLessThan(48 * 1024);
  const known = new Set([...text.matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
  expect([...text.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name).filter((name) => !known.has(name))).toEqual([]);
  expect(text.split("{").length).toBe(text.split("}").length);
});
