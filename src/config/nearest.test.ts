// Which known word a typing error means.
import { expect, test } from "bun:test";
import { nearest } from "./nearest.ts";

test.each([
  ["wait", ["wait_ms", "queue_limit"], "wait_ms"],
  ["retention", ["rotation", "retention_days"], "retention_days"],
  ["queue_limits", ["queue_limit", "queue_limit_x"], "queue_limit"],
  ["prot", ["host", "port"], "port"],
  ["PORT", ["post", "port"], "port"],
  ["serv", ["version", "serve"], "serve"],
  ["", ["ab", "a"], "a"],
  ["same", ["sane", "sand", "same"], "same"],
  ["xx", ["ab", "cd"], "ab"],
])("%p among %p means %p", (word, words, expected) => {
  expect(nearest(word, words)).toBe(expected);
});

test("among no words nothing is near", () => {
  expect(nearest("port", [])).toBeNull();
});
