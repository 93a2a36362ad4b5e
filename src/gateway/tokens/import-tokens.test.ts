// Token import: labels of tokens without one.

import { expect, test } from "bun:test";
import { createLabels, freeLabel } from "./import-tokens.ts";

test("the least number that no label has, for each provider its own", () => {
  const rows = ["gemini-1", "gemini-3", "flow-2"].map((label) => ({ label }));
  expect([freeLabel("gemini", rows), freeLabel("flow", rows), freeLabel("other", [])]).toEqual(["gemini-2", "flow-1", "other-1"]);
});

test("many in a row are all different, and none that is taken", () => {
  const next = createLabels(["gemini-2"]);
  expect([next("gemini"), next("gemini"), next("flow"), next("gemini")]).toEqual(["gemini-1", "gemini-3", "flow-1", "gemini-4"]);
});
