// Images that a text holds or names: Markdown images, reference definitions, links and bare addresses of our own media.
import { ownMediaId } from "../../../gateway/generation/inputs/inputs.ts";
import { codeRanges, type Range } from "./code-ranges.ts";
import { markdownImages } from "./markdown-images.ts";

export type TextMedia = Range & {
  url: string;
  /** Text that replaces it, e.g. the label of a link. */
  label: string;
};

const OWN_PATH = /\/media\/[a-z2-7]{26}\.([a-z0-9]{1,5})(?:[?#][!#-&*-;=?-Z\\^_a-~]{0,200})?/y;
const VIDEO_EXTENSIONS: ReadonlySet<string> = new Set(["mp4", "webm", "mov", "m4v"]);
/** Before an address in text. */
const DELIMITERS: ReadonlySet<string> = new Set(" \t\r\n()<>[]{}\"'`|,;*~");
/** Chinese and Japanese are written without blanks around an address. */
const isDelimiter = (char: string) => DELIMITERS.has(char) || char > "\x7f";
const MAX_HOST = 300;
const MAX_LABEL = 300;
const NONE: readonly TextMedia[] = [];

/**
 * Images of a text in order: data URLs as Markdown images, and our own media in any form. Foreign links and code stay text.
 * Linear in the length of the text.
 */
export function textMedia(text: string): readonly TextMedia[] {
  return mayNameMedia(text) ? mediaIn(text) : NONE;
}

/** False: a text without any. */
export const mayNameMedia = (text: string): boolean => text.includes("](") || text.includes("/media/");

function mediaIn(text: string): readonly TextMedia[] {
  const images = text.includes("](") ? shownIn(text) : [];
  const named = text.includes("/media/") ? namedIn(text, images) : [];
  if (images.length + named.length === 0) return [];
  const found = [...images, ...named].sort((a, b) => a.start - b.start);
  const code = codeRanges(text);
  let at = 0;
  return found.filter(({ start }) => {
    while (at < code.length && code[at]!.end <= start) at++;
    return !(at < code.length && code[at]!.start <= start);
  });
}

/** References outside the user's attachments that may be read: our own media, and bytes in the body. */
export const isReadableUrl = (url: string): boolean => url.startsWith("data:image/") || ownMediaId(url) !== null;

const shownIn = (text: string): TextMedia[] =>
  markdownImages(text).flatMap(({ url, start, end }) => (isReadableUrl(url) && !isVideo(url) ? [{ url, start, end, label: "" }] : []));

const isVideo = (url: string) => VIDEO_EXTENSIONS.has(/\.([a-z0-9]{1,5})(?:[?#]|$)/.exec(url.slice(-250))?.[1] ?? "");

/** Addresses of our own media that are not those of the images above. */
function namedIn(text: string, images: readonly TextMedia[]): TextMedia[] {
  const found: TextMedia[] = [];
  let image = 0;
  let from = 0;
  for (let at = text.indexOf("/media/"); at >= 0; at = text.indexOf("/media/", at + 1)) {
    while (image < images.length && images[image]!.end <= at) image++;
    if (at < from || (image < images.length && images[image]!.start <= at)) continue;
    OWN_PATH.lastIndex = at;
    const match = OWN_PATH.exec(text);
    if (!match || VIDEO_EXTENSIONS.has(match[1]!)) continue;
    const end = at + match[0].length;
    const least = Math.max(from, images[image - 1]?.end ?? 0, at - MAX_HOST);
    let start = at;
    while (start > least && !isDelimiter(text[start - 1]!)) start--;
    const url = text.slice(start, end);
    // Inside of another URL, or the path of another site.
    if (ownMediaId(url) === null) continue;
    const around = surroundings(text, { start, end }, least);
    found.push({ url, ...around });
    from = around.end;
  }
  return found;
}

/** What belongs to the address: its line when that is a definition, the link around it, or angle brackets. */
function surroundings(text: string, { start, end }: Range, least: number): Omit<TextMedia, "url"> {
  const opening = text[start - 1] === "<" ? start - 1 : start;
  const closing = opening < start && text[end] === ">" ? end + 1 : end;
  const before = text.slice(Math.max(least, start - MAX_LABEL), opening);
  const after = text.slice(closing, closing + MAX_LABEL);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  if (/^ {0,3}\[[^\]\n]{1,100}\]:[ \t]*$/.test(line)) {
    const newline = text.indexOf("\n", closing);
    return { start: opening - line.length, end: newline < 0 ? text.length : newline + 1, label: "" };
  }
  const [bracket, parenthesis] = [line.lastIndexOf("["), after.indexOf(")")];
  if (line.endsWith("](") && bracket >= 0 && parenthesis >= 0) {
    const label = line.slice(bracket + 1, -2);
    return { start: opening - line.length + bracket, end: closing + parenthesis + 1, label };
  }
  return { start: opening, end: closing, label: "" };
}
