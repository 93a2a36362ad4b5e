// What counts as a Markdown image, and that hostile text is one pass.
import { describe, expect, test } from "bun:test";
import { markdownImages } from "./markdown-images.ts";

const urls = (text: string) => markdownImages(text).map((image) => image.url);

describe("the scanner of Markdown images", () => {
  test.each([
    ["plain", "a ![cat](http://h/1.png) b", ["http://h/1.png"]],
    ["two", "![](data:image/png;base64,AA==)![x](http://h/2)", ["data:image/png;base64,AA==", "http://h/2"]],
    ["title", '![a](http://h/1 "a title")', ["http://h/1"]],
    ["angle brackets and blanks", "![a](  <http://h/1> )", ["http://h/1"]],
    ["brackets inside the text", "![a [b] c](u)", ["u"]],
    ["a stray bracket inside the text", "![a [ b](u)", ["u"]],
    ["the innermost start", "![a ![b](u)", ["u"]],
    ["a link is not an image", "[a](u)", []],
    ["a link after a text in brackets", "![a] b [c](u)", []],
    ["no target", "![a]( ) ![b](u)", ["u"]],
    ["no end", "![a](u", []],
    ["a line break in the text", "![a\nb](u)", ["u"]],
    ["brackets in the target", "![a](x[0]) ![b](u)", ["x[0]", "u"]],
  ])("%s", (_, text, expected) => expect(urls(text)).toEqual(expected));

  test("positions cover the whole image", () => {
    const text = "one ![a](u 't') two";
    const [image] = markdownImages(text);
    expect(text.slice(image!.start, image!.end)).toBe("![a](u 't')");
    expect(image!.alt).toBe("a");
  });

  test("a million hostile characters are one pass", () => {
    const pieces = ["![a](", "![", "](", "[", "]", "![](", "![a](<", "![a]( ", "![a](u ", "![](x)[", "]![", "![]()", "\\![", "![a](\t<>"];
    for (const piece of pieces) markdownImages(piece.repeat(1_000_000 / piece.length));
    for (const piece of pieces) markdownImages(`${piece.repeat(1_000_000 / piece.length)})`);
  });
});
