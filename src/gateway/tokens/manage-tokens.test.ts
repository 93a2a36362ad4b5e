// Token management: caps that forms do not show, and the fix action of each cooldown.

import { describe, expect, test } from "bun:test";
import { fixActionOf, HEALTH_REASONS, type HealthReason } from "../pool/health/reasons.ts";
import { withCap } from "./manage-tokens.ts";

const CAP = { requestsPerMinute: 5, requestsPerDay: null, imagesPerMinute: null, usdPerDay: null };

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

describe("the way out", () => {
  test("advice to replace the secret comes with the form that does", () => {
    const reported = Object.entries(HEALTH_REASONS).filter(([, { advice }]) => /replace the (session )?secret/i.test(advice));
    expect(reported.map(([reason]) => [reason, fixActionOf(reason as HealthReason)])).toEqual(
      reported.map(([reason]) => [reason, "secret"]),
    );
    expect(reported.length).toBe(4);
  });
  test.each([
    ["operator", "enable"],
    ["proxy", "proxy"],
    ["location", "proxy"],
    ["per_day", "clear"],
    ["policy_input", "none"],
    [null, "none"],
  ] as const)("of %s is %s", (reason, remedy) => {
    expect(fixActionOf(reason)).toBe(remedy);
  });
});
