// What bounds parsed JSON has, and that they are counted in its text alone.
import { describe, expect, test } from "bun:test";
import { parseJson } from "./json-text.ts";

describe("bounded JSON", () => {
  test.each(['{"a":[1,"x\\"],[",{"b":null}]}', '"\\\\"', "[]", '["\\\\\\"]"]', '{"a":"[[[[{{{{,,,,"}', " 1 "])(
    "%s is parsed as JSON.parse does",
    (text) => expect(parseJson(text)).toEqual(JSON.parse(text)),
  );

  test.each(["", "{", '"', '"\\', "[1,]", "}}}", "]", "nul", '{"a":1}}'])("%s is not valid JSON", (text) =>
    expect(() => parseJson(text)).toThrow("The request body is not valid JSON."),
  );

  test("a hundred levels are read, more are not", () => {
    expect(parseJson(`${"[".repeat(100)}${"]".repeat(100)}`)).toBeArray();
    expect(() => parseJson(`${"[".repeat(101)}${"]".repeat(101)}`)).toThrow("nested deeper than 100 levels");
    expect(() => parseJson('{"a":'.repeat(1_000_000))).toThrow("nested deeper");
  });

  test("ten thousand entries of a list or an object are read, more are not", () => {
    const list = (length: number) => `[${Array(length).fill("1").join(",")}]`;
    expect(parseJson(list(10_000))).toHaveLength(10_000);
    expect(() => parseJson(list(10_001))).toThrow("more than 10000 entries");
    const object = `{${Array.from({ length: 10_001 }, (_, at) => `"${at}":1`).join(",")}}`;
    expect(() => parseJson(object)).toThrow("more than 10000 entries");
  });

  test("a hundred thousand values are read, more are not, however they are nested", () => {
    const lists = (count: number) =>
      `[${Array(count)
        .fill(`[${Array(4_999).fill("0").join(",")}]`)
        .join(",")}]`;
    expect(parseJson(lists(19))).toHaveLength(19);
    expect(() => parseJson(lists(21))).toThrow("more than 100000 values");
  });

  test("megabytes of quotes, backslashes and brackets are one pass", () => {
    for (const piece of ['"', "\\", '\\"', '"\\', '""', "[]", "{}", '":', '"\\\\"']) {
      for (const head of ["", '"', "["]) expect(() => parseJson(head + piece.repeat(2_000_000 / piece.length))).toThrow();
    }
  });
});
