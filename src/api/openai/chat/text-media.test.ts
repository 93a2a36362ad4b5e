// Which images a text holds: our own media in any form, data URLs as Markdown, nothing in code; in time linear in its length.
import { expect, test } from "bun:test";
import { codeRanges } from "./code-ranges.ts";
import { textMedia } from "./text-media.ts";

const ID = "abcdefghijklmnopqrstuvwxyz";
const OWN = `http://h/media/${ID}.png`;
const DATA = "data:image/png;base64,AAAA";

const found = (text: string) => textMedia(text).map(({ url, start, end, label }) => [url, text.slice(start, end), label]);

test.each<[string, [url: string, whole: string, label: string][]]>([
  [`![a](${OWN})`, [[OWN, `![a](${OWN})`, ""]]],
  [`![a](${DATA} "t")`, [[DATA, `![a](${DATA} "t")`, ""]]],
  [`[image-1]: ${OWN}`, [[OWN, `[image-1]: ${OWN}`, ""]]],
  [
    `a\n\n[image-1]: ${OWN}\n[image-2]: ${OWN}?x=1\nb`,
    [
      [OWN, `[image-1]: ${OWN}\n`, ""],
      [`${OWN}?x=1`, `[image-2]: ${OWN}?x=1\n`, ""],
    ],
  ],
  [`see [the fox](${OWN} "t") now`, [[OWN, `[the fox](${OWN} "t")`, "the fox"]]],
  [`see (${OWN}) now`, [[OWN, OWN, ""]]],
  [
    `<${OWN}>, <img src="${OWN}">`,
    [
      [OWN, `<${OWN}>`, ""],
      [OWN, OWN, ""],
    ],
  ],
  [`/media/${ID}.png`, [[`/media/${ID}.png`, `/media/${ID}.png`, ""]]],
  [`https://h/base/media/${ID}.webp.`, [[`https://h/base/media/${ID}.webp`, `https://h/base/media/${ID}.webp`, ""]]],
  [
    `${OWN},${OWN}`,
    [
      [OWN, OWN, ""],
      [OWN, OWN, ""],
    ],
  ],
  [`x ${OWN.replace("png", "mp4")} ![v](${OWN.replace("png", "webm")})`, []],
  ["![a](http://elsewhere.example/a.png) [b](http://elsewhere.example/media/a.png)", []],
  [`\`${OWN}\` and \`\`![a](${DATA}) \` b\`\``, []],
  [`> ~~~\n> ${OWN}\n> ~~~\n${OWN}`, [[OWN, OWN, ""]]],
  [`\`\`\`\`\n\`\`\`\n${OWN}\n\`\`\`\`\n${OWN}`, [[OWN, OWN, ""]]],
  ["", []],
])("%j", (text, expected) => expect(found(text)).toEqual(expected));

test("a fence that is open reaches the end, a stray backtick nothing", () => {
  expect(codeRanges("a\n```js\nb")).toEqual([{ start: 2, end: 9 }]);
  expect(codeRanges("a ` b\nc ` d")).toEqual([]);
});

/** Pieces of which a hostile text is made. */
const PIECES = [
  "/media/",
  `/media/${ID}.png`,
  `[a](/media/${ID}.png`,
  "[x]: /media/",
  "`",
  "``` ",
  "`a``b",
  "![a](",
  "<",
  "(".repeat(9),
  "[image-1]: ",
];
test("a megabyte of each is read in one pass", () => {
  for (const piece of PIECES) textMedia(piece.repeat(Math.ceil(1_000_000 / piece.length)));
});
