// Every refusal seen of Flow, and what it leads to.
import { describe, expect, test } from "bun:test";
import { classifyRefusal, type Operation, wordsOf } from "./errors.ts";
import REFUSALS from "./fixtures/refusals.json" with { type: "json" };

const NOW = Date.UTC(2026, 10, 23, 12);

describe("a refusal is classified by status, error.status and reasons", () => {
  for (const refusal of REFUSALS) {
    test(refusal.name, () => {
      const error = classifyRefusal(refusal.operation as Operation, refusal, NOW);
      const { kind, detail, charged, retryAfterMs } = error;
      const reported = retryAfterMs === undefined ? {} : { retryAfterMs };
      expect({ kind, scope: detail?.scope, reason: detail?.reason, charged, ...reported } as unknown).toEqual(refusal.expect);
      expect(error.upstreamStatus).toBe(refusal.status);
      expect(detail?.until).toBe(retryAfterMs === undefined ? undefined : NOW + retryAfterMs);
    });
  }

  test("the same response with another message is the same refusal", () => {
    for (const refusal of REFUSALS) {
      const body = structuredClone(refusal.body) as { error?: { message?: string } } | null;
      if (body?.error) body.error.message = "id 403-429-quota-reCAPTCHA-PUBLIC_ERROR_SEXUAL";
      const error = classifyRefusal(refusal.operation as Operation, { ...refusal, body }, NOW);
      expect(error.kind as string).toBe(refusal.expect.kind);
    }
  });

  test("no message of the upstream reaches ours", () => {
    for (const refusal of REFUSALS) {
      const theirs = (refusal.body as { error?: { message?: string } } | null)?.error?.message;
      const ours = classifyRefusal(refusal.operation as Operation, refusal, NOW).message;
      if (theirs) expect(ours).not.toContain(theirs);
    }
  });
});

test("the verification message says what happened, what is parked and that nothing is solved", () => {
  const refusal = REFUSALS.find((one) => one.expect.kind === "upstream_verification")!;
  const { message } = classifyRefusal("generate", refusal, NOW);
  for (const words of ["asked a person to verify", "neither solves nor imitates", "parked"]) expect(message).toContain(words);
});

test("a policy refusal names Flow's reason", () => {
  const refusal = REFUSALS.find((one) => one.name === "unsafe generation as 400")!;
  expect(classifyRefusal("generate", refusal, NOW).message).toContain("PUBLIC_ERROR_UNSAFE_GENERATION");
});

test("only machine words count", () => {
  const details = [{ reason: "PUBLIC_ERROR_SEXUAL" }, { reason: "some text" }, { reason: 7 }, null, "x", {}];
  expect(wordsOf({ error: { status: "NOT_FOUND", details } })).toEqual({ status: "NOT_FOUND", reasons: ["PUBLIC_ERROR_SEXUAL"] });
  expect(wordsOf({ error: { status: "an echo" } })).toEqual({ status: undefined, reasons: [] });
  expect(wordsOf("<html>")).toEqual({ status: undefined, reasons: [] });
});
