// Bulk edit: what is named changes, the rest of each token stays.
import { describe, expect, test } from "bun:test";
import { changeOf, withCap } from "./bulk-edit.ts";

const CAP = { requestsPerMinute: 5, requestsPerDay: null, imagesPerMinute: null, usdPerDay: null };

test.each([
  ["nothing", { tags: ["a"], caps: null }, {}, {}],
  ["plain fields", { tags: [], caps: null }, { group: null, proxy: "direct", weight: 2 }, { group: null, proxy: "direct", weight: 2 }],
  ["tags given", { tags: ["a", "b"], caps: null }, { addTags: ["b", "c"] }, { tags: ["a", "b", "c"] }],
  ["tags taken", { tags: ["a", "b"], caps: null }, { removeTags: ["a", "z"] }, { tags: ["b"] }],
  ["a tag given and taken", { tags: [], caps: null }, { addTags: ["a"], removeTags: ["a"] }, { tags: [] }],
  ["one cap of many", { tags: [], caps: CAP }, { caps: { usdPerDay: 3 } }, { caps: { ...CAP, usdPerDay: 3 } }],
  ["the only cap taken away", { tags: [], caps: CAP }, { caps: { requestsPerMinute: null } }, { caps: null }],
  [
    "a cap beside the group's and the models'",
    { tags: [], caps: { ...CAP, group: CAP, models: { a: { requestsPerDay: 1 } } } },
    { caps: { requestsPerMinute: 9 } },
    { caps: { ...CAP, requestsPerMinute: 9, group: CAP, models: { a: { requestsPerDay: 1 } } } },
  ],
])("%s", (_name, row, edit, expected) => {
  expect(changeOf(row, edit)).toEqual(expected as never);
});

describe("a cap", () => {
  test.each([
    ["of a token without any", null, "token", CAP, CAP],
    ["taken away leaves nothing", CAP, "token", null, null],
    ["leaves those by model", { models: { a: { requestsPerDay: 1 } } }, "token", CAP, { ...CAP, models: { a: { requestsPerDay: 1 } } }],
    [
      "of the group leaves the token's own",
      CAP,
      "group",
      { ...CAP, requestsPerMinute: 9 },
      { ...CAP, group: { ...CAP, requestsPerMinute: 9 } },
    ],
    ["of the token leaves the group's", { group: CAP }, "token", CAP, { ...CAP, group: CAP }],
    [
      "of the group taken away leaves the group's by model",
      { group: { ...CAP, models: { a: CAP } } },
      "group",
      null,
      { group: { models: { a: CAP } } },
    ],
    ["replaces what is not understood", "nonsense", "token", CAP, CAP],
  ] as const)("%s", (_name, caps, whose, cap, expected) => {
    expect(withCap(caps, whose, cap)).toEqual(expected);
  });
});
