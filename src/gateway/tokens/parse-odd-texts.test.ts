// Texts as people really paste them: spreadsheets, settings with comments, prose, pages, lock files. Nothing is taken that is no
// secret, and no secret is passed over without a word.

import { describe, expect, test } from "bun:test";
import { parseTokens } from "./parse-tokens.ts";
import { isRefused, type ParsedToken } from "./parsed-token.ts";

const KEY = "AIzaSyCanaryCanaryCanaryCanaryCanary01";
const KEY2 = "AIzaSyCanaryCanaryCanaryCanaryCanary02";
const session = (letter: string) => `eyJhbGciOiJkaXIiLCJlbmMi..middle.${letter.repeat(60)}.${"d".repeat(40)}`;
const COOKIE = "__Secure-next-auth.session-token";

const read = (text: string) => parseTokens(text).map((parsed) => (isRefused(parsed) ? `line ${parsed.line}: refused` : parsed));
const taken = (text: string) => parseTokens(text).filter((parsed): parsed is ParsedToken => !isRefused(parsed));

describe("spreadsheets", () => {
  test("with a byte order mark, Windows line ends, quoted fields and a line break in one", () => {
    const text = `\uFEFF"Note","API Key"\r\n"first\r\nsecond, with ""quotes""","${KEY}"\r\n"x","${KEY2}"\r\n`;
    expect(parseTokens(text)).toEqual([
      { line: 2, provider: "gemini", secret: KEY, note: 'first second, with "quotes"' },
      { line: 4, provider: "gemini", secret: KEY2, note: "x" },
    ]);
  });

  test("a quote that is never closed takes no other row with it", () => {
    const rows = [`key,note`, `${KEY},"5 inches`, `${KEY2},plain`];
    expect(taken(rows.join("\n")).map(({ secret }) => secret)).toEqual([KEY, KEY2]);
    const many = [`key,note`, ...Array.from({ length: 3000 }, (_, index) => `AIzaSy${`${index}`.padStart(33, "x")},"x`)];
    expect(taken(many.join("\n"))).toHaveLength(3000);
  });

  test("the line in which Excel names its separator is no header", () => {
    expect(read(`sep=;\nname;key\na;${KEY}`)).toEqual([{ line: 3, provider: "gemini", secret: KEY }]);
  });
});

describe("comments", () => {
  test.each([
    ["a line", `#${KEY}\n${KEY2}`, 1],
    ["an assignment", `${KEY2}\n# GEMINI_API_KEY=${KEY}`, 2],
    ["settings", `{\n  // "${KEY}",\n  "keys": ["${KEY2}"]\n}`, 2],
    ["YAML", `keys:\n  - ${KEY2}\n  # - ${KEY}\n`, 3],
  ])("a secret in one is reported, not taken: %s", (_name, text, line) => {
    expect(taken(text)).toMatchObject([{ secret: KEY2 }]);
    expect(read(text)).toContain(`line ${line}: refused`);
  });

  test("beside a key it becomes its label without its sign", () => {
    const labels = (text: string) => taken(text).map(({ label }) => label);
    expect(labels(`${KEY}, // spare`)).toEqual(["spare"]);
    expect(labels(`${KEY} #main`)).toEqual(["main"]);
    expect(labels(`${KEY}; -- third`)).toEqual(["third"]);
    expect(labels(`+ ${KEY}`)).toEqual([undefined]);
  });

  test("lines that only order a file are passed over", () => {
    const text = `; mine\n[[token]]\nkeys = [\n  "${KEY}",\n]\n| - | - |\n* * *\n~~~~\n`;
    expect(read(text)).toEqual([{ line: 4, provider: "gemini", secret: KEY }, "line 7: refused"]);
  });
});

describe("no secret is passed over in silence", () => {
  test("the second session of two cookies.txt", () => {
    const row = (value: string) => `labs.google\tFALSE\t/\tTRUE\t1800000000\t${COOKIE}\t${value}`;
    expect(read(`${row(session("a"))}\n${row(session("b"))}`)).toEqual([
      { line: 1, provider: "flow", secret: session("a") },
      "line 2: refused",
    ]);
  });

  test("nor is the first part of a cookie reported beside the whole", () => {
    const [first, second] = [session("a").slice(0, 80), session("a").slice(80)];
    const row = (name: string, value: string) => `labs.google\tFALSE\t/\tTRUE\t1800000000\t${name}\t${value}`;
    expect(read(`${row(`${COOKIE}.0`, first)}\n${row(`${COOKIE}.1`, second)}`)).toEqual([
      { line: 1, provider: "flow", secret: session("a") },
    ]);
  });

  test("keys as the names of an object", () => {
    expect(parseTokens(`{\n"${KEY}": {"label": "a"},\n"${KEY2}": true}`)).toEqual([
      { line: 2, provider: "gemini", secret: KEY, label: "a" },
      { line: 3, provider: "gemini", secret: KEY2 },
    ]);
  });
});

describe("nothing is taken", () => {
  const sha = (letter: string) => `sha512-${letter.repeat(43)}/AIza+eyJhbGci.${letter.repeat(40)}==`;
  test.each([
    [
      "prose",
      "Dear team, the keys are in the vault under prod/gemini/api-key.\nkey: the one of May\nflow,diagrams and more\nflow,diagrams-of-2026 too",
    ],
    ["prose in rows", "gemini,claude-4-opus-2026\nflow,diagrams\ngemini,gemini-3-pro-image"],
    ["a page", '<html><body class="session-token"><script>var token="abcdefabcdef1234";</script></body></html>'],
    [
      "a lock file",
      JSON.stringify(
        { packages: { "a@1": ["a@1", "", { dependencies: { b: "^1" } }, sha("a")], token: ["b@1", "", {}, sha("b")] } },
        null,
        2,
      ),
    ],
    ["a lock of YAML", `packages:\n  a@1:\n    resolution: {integrity: ${sha("c")}}\n    key: ${sha("d")}\n`],
    ["sums of files", `${"0123456789abcdef".repeat(4)}  a.txt\nd41d8cd98f00b204e9800998ecf8427e *b.txt`],
    ["halves of a key that was broken over two lines", `${KEY.slice(0, 24)}\n${KEY.slice(24)}`],
    ["placeholders in named columns", "provider,key\ngemini,changeme\ngemini,your-api-key-here\nflow,xxxxxxxxxxxxxxxx\ngemini,********"],
    [
      "hashes in named columns",
      `session_token,provider\nd41d8cd98f00b204e9800998ecf8427e,flow\n550e8400-e29b-41d4-a716-446655440000,flow\n${sha("e").replace("/", "")},flow`,
    ],
    ["half a key in a named column", `key,provider\n${KEY.slice(0, 20)},gemini`],
    ["masked keys", "AIzaSy****************************ry01\nAIza...ry01"],
  ])("%s", (_name, text) => {
    expect(taken(text)).toEqual([]);
    expect(taken(text.replaceAll("\n", "\r\n"))).toEqual([]);
  });
});
