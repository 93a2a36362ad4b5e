// Token export: no secrets, no spreadsheet formulas, importable again.
import { expect, test } from "bun:test";
import { tokenRow } from "../../../test/pool.ts";
import { exportTokens } from "./export-tokens.ts";
import { parseTokens } from "./parse-tokens.ts";

const ROWS = [
  tokenRow(1, {
    label: '=HYPERLINK("http://x","y")',
    note: "two\nlines, and a comma",
    tags: ["a", "b"],
    proxy: "http://user:hunter2@proxy.example:3128",
  }),
  tokenRow(2, { label: "-plain", group: "project", weight: 0.5, caps: { requestsPerMinute: 3 }, imageConcurrency: -1 }),
];

test("JSON has every token without its secret and its proxy's password", () => {
  const text = exportTokens(ROWS, "json");
  expect(JSON.parse(text).tokens.map(({ id }: { id: number }) => id)).toEqual([1, 2]);
  expect(text).not.toContain("hunter2");
});

test("CSV has one line a token; texts that begin like a formula do not", () => {
  const lines = exportTokens(ROWS, "csv").trimEnd().split("\r\n");
  expect(lines).toHaveLength(3);
  expect(lines[1]).toContain('"\t=HYPERLINK(""http://x"",""y"")"');
  expect(lines[2]).toContain('"\t-plain"');
  expect(lines[2]).toContain(",-1,");
  expect(lines.join()).not.toContain("hunter2");
});

test("CSV with a column of secrets is read again as it was written", () => {
  const [header, ...rows] = exportTokens([ROWS[1]!], "csv").trimEnd().split("\r\n");
  const text = [`secret,${header}`, ...rows.map((row) => `AIzaSyA-example-key-000000000000000000,${row}`)]
    .join("\n")
    .replace("alpha", "gemini");
  expect(parseTokens(text)).toMatchObject([{ provider: "gemini", label: "-plain", group: "project", weight: 0.5, imageConcurrency: -1 }]);
});
