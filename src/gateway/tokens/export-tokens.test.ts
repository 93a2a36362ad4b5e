// Token export: no secrets, no spreadsheet formulas, importable again.
import { expect, test } from "bun:test";
import { tokenRow } from "../../../test/pool.ts";
import { exportTokens as slicesOf } from "./export-tokens.ts";
import { parseTokens } from "./parse-tokens.ts";

const exportTokens = (...args: Parameters<typeof slicesOf>) => [...slicesOf(...args)].join("");

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

test.each([0, 1, 250, 251, 600])("%i tokens come in slices that make one text", (count) => {
  const rows = Array.from({ length: count }, (_, index) => tokenRow(index + 1, { label: `t${index}` }));
  const { tokens } = JSON.parse(exportTokens(rows, "json"));
  expect(tokens.map(({ id }: { id: number }) => id)).toEqual(rows.map(({ id }) => id));
  expect(exportTokens(rows, "json")).toBe(`${JSON.stringify({ tokens }, null, 2)}\n`);
  const lines = exportTokens(rows, "csv").split("\r\n").slice(1, -1);
  expect(lines.map((line) => Number(line.split(",")[0]))).toEqual(rows.map(({ id }) => id));
  expect([...slicesOf(rows, "csv")].length).toBe(2 + Math.ceil(count / 250));
});
