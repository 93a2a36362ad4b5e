// The Markdown renderers of chat clients on what a chat response holds: images are shown, where they are stored is not.
import { describe, expect, test } from "bun:test";
import MarkdownIt from "markdown-it";
import { marked } from "marked";
import { micromark } from "micromark";
import { Converter } from "showdown";
import { contentOf, type ShownImage } from "../../src/api/openai/chat/encode.ts";

/** By renderer, the programs that were seen to use it. SillyTavern marks speech in quotes before the Markdown. */
const RENDERERS: Record<string, (text: string) => string> = {
  "micromark (react-markdown: LibreChat, LobeHub, NextChat, Cherry Studio)": (text) => micromark(text),
  "marked (Open WebUI)": (text) => marked.parse(text, { async: false, gfm: true, breaks: true }),
  "markdown-it (n8n, VS Code)": (text) => new MarkdownIt({ linkify: true, breaks: true }).render(text),
  "showdown (SillyTavern)": (text) =>
    new Converter({
      ...{ emoji: true, literalMidWordUnderscores: true, parseImgDimensions: true, tables: true, underline: true },
      ...{ simpleLineBreaks: true, strikethrough: true, disableForced4SpacesIndentedSublists: true },
    }).makeHtml(text.replace(/"([^"\n]{0,1000})"/g, '<q>"$1"</q>')),
};

const image = (form: ShownImage["form"], name: string): ShownImage => {
  const link = `https://images.example/media/${name}.png`;
  return { form, url: form === "images" ? "data:image/png;base64,AAAA" : link, link };
};

describe.each(Object.entries(RENDERERS))("%s", (_, render) => {
  const NAMES = ["fbhbjxoal5xx3oxarusdvwyqgb", "a7eoii3ani7ksbalys6wertkcr"];

  test.each([1, 2])("shows %i images of the form markdown, and no word of where they are stored", (count) => {
    const html = render(
      contentOf(
        "Here you are.",
        NAMES.slice(0, count).map((name) => image("markdown", name)),
      ),
    );
    expect(html.match(/<img /g)).toHaveLength(count);
    expect(textOf(html)).toBe("Here you are.");
  });

  test.each([1, 2])("shows the text alone where %i images stand beside it", (count) => {
    const html = render(
      contentOf(
        "Here you are.",
        NAMES.slice(0, count).map((name) => image("images", name)),
      ),
    );
    expect(html).not.toContain("<img");
    expect(textOf(html)).toBe("Here you are.");
  });
});

const textOf = (html: string) => html.replace(/<[^>]{0,500}>/g, "").trim();
