// New secrets find their tokens by label or account; what is not plain is left out with the reason.

import { expect, test } from "bun:test";
import { matchSecrets } from "./match-secrets.ts";
import type { ParsedLine } from "./parsed-token.ts";

const rows = [
  { id: 1, provider: "gemini", label: "birch", identity: "One@example.com" },
  { id: 2, provider: "gemini", label: "twin", identity: null },
  { id: 3, provider: "gemini", label: "twin", identity: "three@example.com" },
];
const line = (number: number, change: object): ParsedLine => ({ line: number, provider: "gemini", secret: `s${number}`, ...change });

test("by label, or by account whatever its case", () => {
  expect(matchSecrets([line(1, { label: "birch" }), line(2, { identity: "THREE@example.com" })], rows)).toEqual({
    matched: [
      { id: 1, secret: "s1" },
      { id: 3, secret: "s2" },
    ],
    unmatched: [],
  });
});

test.each([
  ["names nothing", {}, "names none of these tokens"],
  ["names a label that two tokens have", { label: "twin" }, "names none of these tokens"],
  ["names a token elsewhere", { label: "other" }, "names none of these tokens"],
  ["is of another provider", { label: "birch", provider: "flow" }, "is a secret of flow, the token is of gemini"],
])("a line that %s", (_name, change, reason) => {
  expect(matchSecrets([line(7, change)], rows)).toEqual({ matched: [], unmatched: [{ line: 7, reason }] });
});

test("one secret a token, and lines that are no token keep their reason", () => {
  const lines = [line(1, { label: "birch" }), line(2, { identity: "one@example.com" }), { line: 3, reason: "holds no secret" }];
  expect(matchSecrets(lines, rows)).toEqual({
    matched: [{ id: 1, secret: "s1" }],
    unmatched: [
      { line: 2, reason: "repeats line 1" },
      { line: 3, reason: "holds no secret" },
    ],
  });
});
