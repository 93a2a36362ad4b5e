// Unknown vendor words: counted, logged once, bounded in number and length.
import { expect, test } from "bun:test";
import { createLog } from "../../log.ts";
import { newsWord, shapeOf } from "../../providers/news.ts";
import { virtualClock } from "../../testing.ts";
import { VendorNews } from "./vendor-news.ts";

const entry = (word: string) => ({ provider: "gemini", kind: "finish_reason" as const, word, shape: "{}" });

test("one kind is logged once and counted each time; the one seen last comes first", async () => {
  const lines: string[] = [];
  const clock = virtualClock();
  const news = new VendorNews({ clock, log: createLog({ level: "info", format: "json", write: (line) => void lines.push(line) }) });
  for (const word of ["A_WORD", "A_WORD", "ANOTHER", "A_WORD"]) {
    news.report(entry(word));
    await clock.advance(1000);
  }
  expect(lines.map((line) => JSON.parse(line).word)).toEqual(["A_WORD", "ANOTHER"]);
  expect(news.list().map(({ word, count, lastAt, firstAt }) => [word, count, lastAt - firstAt])).toEqual([
    ["A_WORD", 3, 3000],
    ["ANOTHER", 1, 0],
  ]);
});

test("no upstream can fill the memory with words", () => {
  const news = new VendorNews({ clock: virtualClock(), log: createLog({ level: "error", format: "json", write: () => {} }) });
  for (let index = 0; index < 1000; index++) news.report(entry(`W${index}`));
  expect(news.list()).toHaveLength(200);
  expect(news.list()[0]!.word).toBe("W999");
});

test("a shape has names and types, and nothing of the content", () => {
  const body = { candidates: [{ finishReason: "NEW", content: { parts: [{ text: "a secret fox" }] } }], "my prompt here!": 1, none: null };
  expect(shapeOf(body)).toBe("{candidates:[{finishReason:string,content:{parts:[{text:string}]}}],?:number,none:null}");
  expect(shapeOf("<html>")).toBe("string");
  const deep = { a: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } } };
  expect(shapeOf(deep)).toContain("{…}");
  expect(shapeOf(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field${index}`, "x".repeat(1000)]))).length).toBeLessThan(
    700,
  );
});

test("only a machine word is shown as it came", () => {
  expect(newsWord("models/gemini-9-omni")).toBe("models/gemini-9-omni");
  expect(newsWord("draw <b>me</b>")).toBe("(string)");
  expect(newsWord(7)).toBe("(number)");
});
