// What a run says again of its failures.

import { expect, test } from "bun:test";
import { failuresIn } from "./failures.ts";

const OUTPUT = `
test/one.test.ts:
(pass) first [1ms]
12 |   expect(a).toBe(2);
error: expect(received).toBe(expected)
(fail) second [2ms]
(pass) third [1ms]

test/two.test.ts:

# Unhandled error between tests
-------------------------------
error: Macro "./built-in.ts" not found
-------------------------------

test/one.test.ts:
(pass) fourth [1ms]

2 tests failed:
(fail) second [2ms]
`;

test("each failure is said with its file and what it printed, once", () => {
  expect(failuresIn(OUTPUT)).toEqual([
    "test/one.test.ts:\n12 |   expect(a).toBe(2);\nerror: expect(received).toBe(expected)\n(fail) second [2ms]",
    `test/two.test.ts:\n# Unhandled error between tests\n${"-".repeat(31)}\nerror: Macro "./built-in.ts" not found\n${"-".repeat(31)}`,
  ]);
});

test("a failure that printed a lot is cut to its last lines", () => {
  const long = `test/one.test.ts:\n${Array.from({ length: 500 }, (_, at) => `line ${at}`).join("\n")}\n(fail) it [1ms]`;
  const [failure = ""] = failuresIn(long);
  expect(failure.split("\n").length).toBe(41);
  expect(failure).toEndWith("line 499\n(fail) it [1ms]");
});

test("a run without failures says nothing", () => {
  expect(failuresIn("test/one.test.ts:\n(pass) it [1ms]\n 1 pass\n")).toEqual([]);
});
