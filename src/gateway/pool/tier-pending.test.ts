// Unknown tier: a request that needs one waits for the token's first check.
import { describe, expect, test } from "bun:test";
import { failure, type TestPool, testPool, tokenRow } from "../../../test/pool.ts";
import type { AppError } from "../../errors.ts";
import { settled } from "../../testing.ts";

const NEEDS = { minTier: { alpha: 2 } } as const;

/** What came of a request: a token's id, or the kind of its refusal. */
function ask(test: TestPool, waitMs = 30_000) {
  const state: { came: unknown; reason?: string } = { came: null };
  test.lease(NEEDS, { waitMs }).then(
    (lease) => (state.came = lease.tokenId),
    (error: AppError) => {
      Object.assign(state, { came: error.kind, reason: error.reason });
    },
  );
  return state;
}

describe("while checks are to come", () => {
  test("the request waits, and is served as soon as the check finds a tier that suffices", async () => {
    const test = testPool([tokenRow(1)], { awaitsCheck: true });
    const asked = ask(test);
    await test.clock.advance(5_500);
    expect(asked.came).toBeNull();
    test.pool.updateFacts(1, { tier: 2 });
    await settled();
    expect(asked.came).toBe(1);
  });

  test.each([{ tier: 1 as const }, { credits: 5 }])("it is refused as soon as the check finds %p", async (facts) => {
    const test = testPool([tokenRow(1)], { awaitsCheck: true });
    const asked = ask(test);
    await test.clock.advance(500);
    test.pool.updateFacts(1, facts);
    await settled();
    expect(asked).toEqual({ came: "no_token", reason: "model_not_served" });
  });

  test("a check that does not end is reported as such, as late as the request waits and with a time to retry", async () => {
    const test = testPool([tokenRow(1)], { awaitsCheck: true });
    const [asked, impatient] = [ask(test), ask(test, 0)];
    await settled();
    expect(impatient).toEqual({ came: "unavailable", reason: "plan_unknown" });
    await test.clock.advance(28_000);
    expect(asked.came).toBeNull();
    await test.clock.advance(2_000);
    expect(asked).toEqual({ came: "unavailable", reason: "plan_unknown" });
    expect(test.clock.nextTimer()).toBeNull();
  });

  test("a token that suffices serves at once, and a dead session is the operator's", async () => {
    const test = testPool([tokenRow(1), tokenRow(2, { tier: 2 })], { awaitsCheck: true });
    const asked = ask(test);
    await settled();
    expect(asked.came).toBe(2);
    const alone = testPool([tokenRow(1)], { awaitsCheck: true });
    const refused = ask(alone);
    alone.pool.reportOutcome(1, failure("upstream_unauthorized", { scope: "token", reason: "session_dead" }));
    await settled();
    expect(refused).toEqual({ came: "no_token", reason: "needs_operator" });
  });
});

test("without background checks an unknown tier counts as the lowest", async () => {
  const test = testPool([tokenRow(1)]);
  const asked = ask(test);
  await settled();
  expect(asked.came).toBe("no_token");
});
