// Token management: the fix action of each cooldown.

import { describe, expect, test } from "bun:test";
import { fixActionOf, HEALTH_REASONS, type HealthReason } from "../pool/health/reasons.ts";

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
